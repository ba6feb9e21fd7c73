"""Which of a date's numbers is the day: what a column's dates have shown of their order.

``03/04/2011`` may be the third of April or the fourth of March. Only a day over 12 somewhere proves
the order; where nothing does, the user is asked.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from custseg.transactions.dates import PACKED, DateShape, read_shape

LAST_MONTH = 12

PARTS = r"^\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](?:\d{4}|(\d{2}))(?:\D|$)"
"""The numbers in doubt of a date: day and month, and the year where it has two digits."""

LIMITS = {"dmy": (31, 12, 99), "mdy": (12, 31, 99), "ymd": (99, 12, 31)}
"""Largest numbers a date may have, for each order of day, month and year."""

ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "two-digit year first"}
"""The orders in words."""

_PACKED = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d")
_PACKED_ENOUGH = 5
"""Different numbers of ten digits that all name a minute: as many seconds since 1970 hardly ever all do."""


def packed(files: Sequence[Iterable[str | None]]) -> list[bool]:
    """Tell in which of several files' cells a number of ten digits names a minute, and no seconds since 1970.

    One file with enough of them shows it, or all files together; it holds for each whose own name one, but
    for a slip in a hundred.
    """
    cells = [{(cell or "").strip() for cell in one} for one in files]
    numbers = [{text for text in texts if len(text) == 10 and text.isdigit()} for texts in cells]
    fit = [sum(map(bool, map(_PACKED.fullmatch, some))) * 100 >= 99 * len(some) for some in numbers]
    known = [some for some, fits in zip(numbers, fit, strict=True) if fits]
    together = [set().union(*known)] if all(fit) else []
    enough = any(len(some) >= _PACKED_ENOUGH for some in (*known, *together))
    return [enough and fits and bool(some) for some, fits in zip(numbers, fit, strict=True)]


@dataclass(slots=True)
class DateEvidence:
    """What the cells of a date column have shown so far.

    Attributes
    ----------
    against
        For each order of day, month and year how many dates cannot have it, and one of them.
    example
        A date in doubt.
    unknown
        A cell whose way of writing is not known.
    """

    against: dict[str, tuple[int, str]] = field(default_factory=lambda: dict.fromkeys(LIMITS, (0, "")))
    example: str = ""
    unknown: str = ""

    def add(self, cells: Iterable[str | None], *, packed: bool = False) -> dict[DateShape, int]:
        """Take cells in, ten digits of which name a minute if `packed`; return their shapes and how often."""
        seen: dict[DateShape, int] = {}
        for cell in dict.fromkeys(cells):
            text = (cell or "").strip()
            is_minute = packed and len(text) == 10 and text.isdigit()
            shape = PACKED if is_minute else read_shape(text) if text else None
            if shape is None:
                self.unknown = self.unknown or text
                continue
            seen[shape] = seen.get(shape, 0) + 1
            if not shape.is_certain and (parts := re.match(PARTS, text)):
                if not self.example or in_words(self.example, "dmy") == in_words(self.example, "mdy"):
                    # 01/01 is the same day either way round: a question needs a date that is not.
                    self.example = text
                for order in refuted(parts.groups()):
                    self.take(order, 1, text)
        return seen

    def take(self, order: str, count: int, example: str) -> None:
        """Take in how many further dates cannot have an order, and one of them."""
        known, first = self.against[order]
        self.against[order] = known + count, first or example

    @property
    def order(self) -> str:
        """The order that is proved; empty when there is none, or more than one.

        One date in a hundred may contradict it: that is a slip, and its line will be invalid.
        """
        best, other = sorted(self.against, key=lambda order: self.against[order][0])[:2]
        least, next_ = self.against[best][0], self.against[other][0]
        return best if least < next_ and least * 100 <= next_ else ""

    @property
    def possible(self) -> tuple[str, ...]:
        """Orders that all dates may have; the proved one, if there is one."""
        if self.order:
            return (self.order,)
        return tuple(order for order, (count, _) in self.against.items() if count == 0)


def refuted(parts: Sequence[str | None]) -> list[str]:
    """Return the orders that a date with these three numbers (see `PARTS`), as written, cannot have."""
    return [order for order in LIMITS if not _allows(order, parts)]


def speaks_against(text: str, order: str) -> bool:
    """Tell whether a date is in doubt and cannot have an order; without any order, whether it is in doubt."""
    shape, parts = read_shape(text), re.match(PARTS, text.strip())
    if shape is None or shape.is_certain or not parts:
        return False
    return not order or order in refuted(parts.groups())


def _allows(order: str, parts: Sequence[str | None]) -> bool:
    # A year has two digits at least.
    if order == "ymd" and (parts[2] is None or len(parts[0] or "") < 2):
        return False
    return all(part is None or int(part) <= limit for part, limit in zip(parts, LIMITS[order], strict=True))


def refutation(cell: pl.Expr) -> dict[str, pl.Expr]:
    """Return, for each order, whether the dates in doubt in a column cannot have it; null for all others."""
    parts = cell.str.extract_groups(PARTS).struct
    numbers = [parts[i].cast(pl.Int64, strict=False) for i in range(3)]
    tests: dict[str, pl.Expr] = {}
    for order, limits in LIMITS.items():
        too_large = [number.gt(limit).fill_null(False) for number, limit in zip(numbers, limits, strict=True)]
        if order == "ymd":
            too_large += [numbers[2].is_null(), parts[0].str.len_bytes() < 2]
        tests[order] = pl.when(numbers[0].is_not_null()).then(pl.any_horizontal(too_large))
    return tests


def order_of(strptime: str) -> str:
    """Return the order a format has; empty where it is none of those, as with a year of four digits first."""
    parts = {"d": ("%d",), "m": ("%m", "%b", "%B"), "y": ("%Y", "%y")}
    places = {part: max(strptime.find(word) for word in words) for part, words in parts.items()}
    order = "".join(sorted(places, key=places.__getitem__))
    if order == "ymd" and "%y" not in strptime:
        return ""
    return order if order in LIMITS and min(places.values()) >= 0 else ""


def in_words(text: str, order: str) -> str:
    """Return the day that a date in doubt names in one of its orders, in words."""
    parts = re.match(r"\s*(\d+)\D(\d+)\D(\d+)", text)
    if not parts:
        return text
    numbers = dict(zip(order, (int(part) for part in parts.groups()), strict=True))
    year = numbers["y"] + (2000 if numbers["y"] < 69 else 1900) * (numbers["y"] < 100)
    month = calendar.month_name[numbers["m"]] if numbers["m"] <= LAST_MONTH else f"month {numbers['m']}"
    return f"{numbers['d']} {month} {year}"

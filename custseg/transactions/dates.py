"""How dates are written: the order of day and month is proved from the data, never guessed.

``03/04/2011`` may be the third of April or the fourth of March. Only a day over 12 somewhere proves
the order; where nothing does, the user is asked. All else can be seen from a single cell.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import polars as pl

EARLIEST_YEAR, LATEST_YEAR = 1970, 2100
LAST_MONTH = 12
EXCEL_EPOCH = -25569 * 86_400_000_000
"""Excel's day 0, 30 December 1899, in microseconds since 1970."""

UNITS = {"excel": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds in the unit of a number that stands for a date."""

PARTS = r"^\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](?:\d{4}|(\d{2}))(?:\D|$)"
"""The numbers in doubt of a date: day and month, and the year where it has two digits."""

LIMITS = {"dmy": (31, 12, 99), "mdy": (12, 31, 99), "ymd": (99, 12, 31)}
"""Largest numbers a date may have, for each order of day, month and year."""

ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "two-digit year first"}
"""The orders in words."""

_ZONE = re.compile(r" ?(?:Z|UTC|GMT|(?:UTC|GMT)?[+-]9{1,2}:?(?:99)?)$")
ZONE = r"\s?(?:Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}:?(?:\d\d)?)$"
_YEAR_FIRST = re.compile(r"9999([-/. ])9{1,2}\1(9{1,2})")
_YEAR_LAST = re.compile(r"9{1,2}([-/. ])9{1,2}\1(9999|99)")
_NAMED = re.compile(r"(9{1,2})([-/. ]?)(A{3,9})\.?\2(9999|99)")
_NAME_FIRST = re.compile(r"(A{3,9})\.?([-/. ])9{1,2}(,?)([-/. ])(9999|99)")
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_EPOCHS = {9: "s", 10: "s", 13: "ms", 16: "us", 19: "ns"}
_PACKED = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d")
_PACKED_ENOUGH = 5
"""Different numbers of ten digits that all name a minute: as many seconds since 1970 hardly ever all do."""

_CLOCK = re.compile(r"(,? |T)9{1,2}:99(:99)?(\.9+)?([ \xa0\u202f]?[AP]M)?")
_MASK = str.maketrans("0123456789", "9" * 10)


class DateForm(NamedTuple):
    """One way of writing dates.

    Attributes
    ----------
    strptime
        The format in strptime's language; empty for numbers.
    unit
        What a number counts: ``excel`` (days), ``s``, ``ms``, ``us`` or ``ns`` since 1970.
    zone
        Whether an offset or zone follows; the clock is read as written.
    """

    strptime: str = ""
    unit: str = ""
    zone: bool = False

    def read(self, cells: pl.Expr) -> pl.Expr:
        """Read stripped texts as datetimes in microseconds; null where they are written otherwise."""
        if self.unit:
            number = cells.cast(pl.Float64, strict=False)
            since = (number * UNITS[self.unit]).round().cast(pl.Int64, strict=False)
            moment = (since + (EXCEL_EPOCH if self.unit == "excel" else 0)).cast(pl.Datetime("us"))
            # Excel counts days as doubles: half a microsecond is noise, a thousandth of a second is not.
            moment = moment.dt.round("1ms") if self.unit == "excel" else moment
            return pl.when(cells.str.contains(_number_pattern(self.unit))).then(moment)
        if self.zone:
            cells = pl.when(cells.str.contains(ZONE)).then(cells.str.replace(ZONE, ""))
        return cells.str.to_datetime(self.strptime, strict=False, time_unit="us")


def _number_pattern(unit: str) -> str:
    if unit == "excel":
        return r"^\d{5}(\.\d+)?$"
    lengths = [str(length) for length, known in _EPOCHS.items() if known == unit]
    return r"^\d{" + ",".join((lengths[0], lengths[-1])) + r"}(\.\d+)?$"


@dataclass(frozen=True, slots=True)
class DateShape:
    """How a date is written, but for the order of day, month and year where that is in doubt.

    Attributes
    ----------
    forms
        Each possible order and how to read it; the order is empty where there is no doubt.
    """

    forms: tuple[tuple[str, DateForm], ...]

    @property
    def is_certain(self) -> bool:
        """Whether a single date tells how to read it."""
        return len(self.forms) == 1

    def ordered(self, order: str) -> DateForm | None:
        """Return how to read it, given the order; None when it cannot have that order."""
        return self.forms[0][1] if self.is_certain else dict(self.forms).get(order)


def read_shape(text: str) -> DateShape | None:
    """Return how a date is written; None when custseg does not know."""
    mask = text.strip().translate(_MASK)
    return _read_mask(mask) if len(mask) <= 40 else None


@lru_cache(maxsize=4096)
def _read_mask(mask: str) -> DateShape | None:
    if re.fullmatch(r"9+(\.9+)?", mask):
        return _number_shape(mask)
    mask = re.sub(r"[A-Za-z]+", _letters, mask)
    zone = _ZONE.search(mask) if ":" in mask else None
    mask = mask[: zone.start()] if zone else mask
    for pattern in (_YEAR_FIRST, _YEAR_LAST, _NAMED, _NAME_FIRST):
        day = pattern.match(mask)
        clock = _clock(mask[day.end() :]) if day else None
        if day and clock is not None:
            days = _days(pattern, day)
            return DateShape(tuple((o, DateForm(d + clock, zone=zone is not None)) for o, d in days.items()))
    return None


def _letters(match: re.Match[str]) -> str:
    """Keep the letters that mean something; all others are a name."""
    word = match[0].upper()
    return word if word in ("T", "Z", "AM", "PM", "UTC", "GMT") else "A" * len(word)


def _number_shape(mask: str) -> DateShape | None:
    whole = len(mask.partition(".")[0])
    if whole == 5:
        form = DateForm(unit="excel")
    elif whole in _EPOCHS:
        form = DateForm(unit=_EPOCHS[whole])
    elif mask.isdigit() and whole in _COMPACT:
        form = DateForm(_COMPACT[whole])
    else:
        return None
    return DateShape((("", form),))


def _days(pattern: re.Pattern[str], day: re.Match[str]) -> dict[str, str]:
    """Return the format of a day for each order it may have."""
    if pattern is _YEAR_FIRST:
        return {"": day[1].join(("%Y", "%m", "%d"))}
    if pattern is _YEAR_LAST:
        orders = {"d": "%d", "m": "%m", "y": "%Y" if len(day[2]) == 4 else "%y"}
        possible = ("dmy", "mdy") if len(day[2]) == 4 else ("dmy", "mdy", "ymd")
        return {order: day[1].join(orders[part] for part in order) for order in possible}
    if pattern is _NAMED:
        name, year = "%b" if len(day[3]) == 3 else "%B", "%Y" if len(day[4]) == 4 else "%y"
        return {"": day[2].join(("%d", name, year))}
    name, year = "%b" if len(day[1]) == 3 else "%B", "%Y" if len(day[5]) == 4 else "%y"
    return {"": f"{name}{day[2]}%d{day[3]}{day[4]}{year}"}


def _clock(mask: str) -> str | None:
    if not mask:
        return ""
    match = _CLOCK.fullmatch(mask)
    if not match:
        return None
    joint, seconds, fraction, half = match.groups()
    if fraction and not seconds:
        return None
    hour = "%I" if half else "%H"
    blank = half[:-2] if half else ""
    return (
        f"{joint}{hour}:%M{':%S' if seconds else ''}{'%.f' if fraction else ''}{blank}{'%p' if half else ''}"
    )


PACKED = DateShape((("", DateForm("%y%m%d%H%M")),))
"""Two digits each of year, month, day, hour and minute, as some tills write them."""


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

    def add(self, cells: Iterable[str | None]) -> dict[DateShape, int]:
        """Take cells in; return the shapes seen among them and how often."""
        seen: dict[DateShape, int] = {}
        cells = dict.fromkeys(cells)
        seconds = {text for cell in cells if len(text := (cell or "").strip()) == 10 and text.isdigit()}
        is_packed = len(seconds) >= _PACKED_ENOUGH and all(map(_PACKED.fullmatch, seconds))
        for cell in cells:
            text = (cell or "").strip()
            shape = read_shape(text) if text else None
            if is_packed and text in seconds:
                shape = PACKED
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
    """Return the order a format has."""
    parts = {"d": ("%d",), "m": ("%m", "%b", "%B"), "y": ("%Y", "%y")}
    places = {part: max(strptime.find(word) for word in words) for part, words in parts.items()}
    order = "".join(sorted(places, key=places.__getitem__))
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

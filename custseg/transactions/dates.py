"""How dates are written: the format is proved from the data over all files, never guessed.

``03/04/2011`` may be the third of April or the fourth of March. Only a day over 12 somewhere proves
the order; where nothing does, the user is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from custseg.errors import InputError, cut

YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:([ T])(.+))?$")
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:([ T])(.+))?$")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
CLOCKS = (
    (re.compile(r"\d{1,2}:\d{2}$"), "%H:%M"),
    (re.compile(r"\d{1,2}:\d{2}:\d{2}$"), "%H:%M:%S"),
    (re.compile(r"\d{1,2}:\d{2}:\d{2}\.\d+$"), "%H:%M:%S%.f"),
    (re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)? ?[AaPp][Mm]$"), None),
)
LAST_MONTH = 12
PARTS_IN_DOUBT = (r"^\s*(\d{1,2})[-/.]", r"^\s*\d{1,2}[-/.](\d{1,2})[-/.]")
"""The first and the second number of a date whose year comes last."""


@dataclass(frozen=True, slots=True)
class DateShape:
    """One way of writing dates that was seen: everything but the order of day and month."""

    year_first: bool
    separator: str
    joint: str
    clock: str

    def strptime(self, day_first: bool) -> str:
        """Return the format in strptime's language."""
        if self.year_first:
            day = f"%Y{self.separator}%m{self.separator}%d"
        else:
            parts = ("%d", "%m", "%Y") if day_first else ("%m", "%d", "%Y")
            day = self.separator.join(parts)
        return day + self.joint + self.clock


def read_shape(text: str) -> tuple[DateShape, int, int] | None:
    """Return the shape of a date and its two numbers in doubt (0, 0 when the year comes first)."""
    text = text.strip()
    if COMPACT.match(text):
        return DateShape(True, "", "", ""), 0, 0
    for year_first, pattern in ((True, YEAR_FIRST), (False, YEAR_LAST)):
        match = pattern.match(text)
        if not match:
            continue
        clock = _clock(match[6]) if match[6] else ""
        if clock is None:
            return None
        shape = DateShape(year_first, match[2], match[5] or "", clock)
        return (shape, 0, 0) if year_first else (shape, int(match[1]), int(match[3]))
    return None


def _clock(text: str) -> str | None:
    for pattern, form in CLOCKS:
        if pattern.match(text):
            if form:
                return form
            seconds = ":%S" if text.count(":") > 1 else ""
            return f"%I:%M{seconds}{' ' if ' ' in text else ''}%p"
    return None


@dataclass(slots=True)
class DateEvidence:
    """What the values of a date column have shown so far, over all files."""

    first: int = 0
    second: int = 0
    example: str = ""

    def add(self, values: Iterable[str | None]) -> tuple[DateShape, ...]:
        """Take values in; return the shapes seen among them, most common first."""
        seen: dict[DateShape, int] = {}
        for value in values:
            read = read_shape(value) if value else None
            if read is None:
                continue
            shape, first, second = read
            seen[shape] = seen.get(shape, 0) + 1
            self.first, self.second = max(self.first, first), max(self.second, second)
            if first and not self.example:
                self.example = str(value)
        return tuple(sorted(seen, key=lambda shape: -seen[shape]))

    @property
    def day_first(self) -> bool | None:
        """Whether the day comes before the month; None when nothing proves it."""
        if self.first > LAST_MONTH:
            return True
        return False if self.second > LAST_MONTH else None

    def require_order(self, path: str) -> bool:
        """Return `day_first`, or raise the error that asks for ``--date-format``."""
        if self.day_first is None and self.example:
            raise InputError(
                "date-order",
                f"Nothing proves whether '{cut(self.example)}' has the day or the month first.",
                where=path,
                now="Say which: --date-format '%d/%m/%Y' or --date-format '%m/%d/%Y' (with the time if any).",
            )
        return bool(self.day_first)


def formats(shapes: Sequence[DateShape], day_first: bool) -> tuple[str, ...]:
    """Return the strptime formats of the shapes, given the order of day and month."""
    return tuple(dict.fromkeys(shape.strptime(day_first) for shape in shapes))

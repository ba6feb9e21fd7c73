"""How dates are written: all that a single cell shows, which is everything but the order of its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import polars as pl

EARLIEST_YEAR, LATEST_YEAR = 1970, 2100
EXCEL_EPOCH = -25569 * 86_400_000_000
"""Excel's day 0, 30 December 1899, in microseconds since 1970."""

UNITS = {"excel": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds in the unit of a number that stands for a date."""

_ZONE = re.compile(r" ?(?:Z|UTC|GMT|(?:UTC|GMT)?[+-]9{1,2}:?(?:99)?)$| A{3,4}$")
ZONE = r"\s?(?:Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}:?(?:\d\d)?)$|\s[A-Za-z]{3,4}$"

_YEAR_FIRST = re.compile(r"9999([-/. ])9{1,2}\1(9{1,2})")
_YEAR_LAST = re.compile(r"9{1,2}([-/. ])9{1,2}\1(9999|99)")
_NAMED = re.compile(r"9{1,2}(\.? |[-/.]?)(A{3,9})(\.?,? |[-/.]?)(9999|99)")
_NAME_FIRST = re.compile(r"(A{3,9})(\.? |[-/.])9{1,2}(,? |[-/.])(9999|99)")
_WEEKDAY = re.compile(r"(A{3,9})(,? )(?=A|9{1,2}[-/. ]+A)")
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_EPOCHS = {9: "s", 10: "s", 13: "ms", 16: "us", 19: "ns"}
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
        if "%B" in self.strptime:
            # The British have shortened September to four letters, which no library reads.
            cells = cells.str.replace(r"(?i)\bSept\b", "September")
        return cells.str.to_datetime(self.strptime, strict=False, time_unit="us")

    def is_rival(self, known: Sequence[DateForm]) -> bool:
        """Tell whether it reads ten digits, seconds or a minute, which a known form reads as the other."""
        return self in TEN_DIGITS and any(form in TEN_DIGITS for form in known if form != self)


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
    named = _WEEKDAY.match(mask)
    weekday = _name(named[1], "aA") + named[2] if named else ""
    mask = mask[named.end() :] if named else mask
    for pattern in (_YEAR_FIRST, _YEAR_LAST, _NAMED, _NAME_FIRST):
        day = pattern.match(mask)
        clock = _clock(mask[day.end() :]) if day else None
        if day and clock is not None:
            days = _days(pattern, day)
            return DateShape(
                tuple((o, DateForm(weekday + d + clock, zone=zone is not None)) for o, d in days.items())
            )
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
    year = "%Y" if day[4] == "9999" else "%y"
    if pattern is _NAMED:
        return {"": f"%d{day[1]}{_name(day[2], 'bB')}{day[3]}{year}"}
    return {"": f"{_name(day[1], 'bB')}{day[2]}%d{day[3]}{year}"}


def _name(mask: str, directives: str) -> str:
    """Return the directive for a month or day of the week: three letters are a short one."""
    return f"%{directives[len(mask) > 3]}"


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

TEN_DIGITS = (DateForm(unit="s"), PACKED.forms[0][1])
"""What ten digits may be: a file has one of the two."""

"""Numbers, money, shares and dates as people write them: 1.2 M, £3,400, 48 %, 10 December 2011."""

from __future__ import annotations

import datetime as dt
import math
import re

from custseg import errors
from custseg.columns import FEATURES, Kind

SPACE = "\u202f"
"""Narrow space that does not break, between a number and its unit."""

NONE = "–"
"""What stands where there is no number."""

SYMBOLS = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "C$",
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "NGN": "₦",
    "NZD": "NZ$",
    "PHP": "₱",
    "TRY": "₺",
    "UAH": "₴",
    "USD": "$",
    "VND": "₫",
}
"""Signs that stand before the amount; any other currency is written as its code."""

# What an HTML or SVG parser may not see, and marks that turn the direction of the text after them.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

Number = float | int | None


def printable(text: object) -> str:
    """Text from data or settings without control characters, as one line."""
    return UNPRINTABLE.sub("\ufffd", " ".join(str(text).split()))


def number(value: Number) -> str:
    """Three figures or so: 0.052, 3.14, 42.5, 3,400, 1.2 M, 3.4 bn."""
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value)
    for least, unit in ((999.5e6, "bn"), (999_500, "M")):
        if size >= least:
            scaled = value / (1e9 if unit == "bn" else 1e6)
            return f"{scaled:,.0f}{SPACE}{unit}" if abs(scaled) >= 99.95 else f"{scaled:.1f}{SPACE}{unit}"
    if size >= 99.95 or value == int(value):
        return f"{value:,.0f}"
    if size >= 9.995:
        return _trimmed(f"{value:.1f}")
    return _trimmed(f"{value:.2f}") if size >= 0.0995 else f"{value:.2g}"


def _trimmed(text: str) -> str:
    """Return a number without the noughts that end its decimals."""
    return text.rstrip("0").rstrip(".")


def count(value: Number) -> str:
    """Every figure of a whole number: 1,067,371."""
    return NONE if value is None or not math.isfinite(value) else f"{round(value):,}"


def money(value: Number, currency: str | None = None) -> str:
    """Return an amount, with the sign or code of its currency if that is known."""
    if value is None or not math.isfinite(value):
        return NONE
    amount = number(abs(value)) if abs(value) >= 99.95 or value == 0 else f"{abs(value):.2f}"
    minus = "−" if value < 0 else ""
    if not currency:
        return minus + amount
    sign = SYMBOLS.get(currency.upper())
    return f"{minus}{sign}{amount}" if sign else f"{minus}{printable(currency)}{SPACE}{amount}"


def share(value: Number) -> str:
    """Return a share as a percentage: 48 %, 0.4 %, 99.7 %, −3 %; never a rounded 0 % or 100 %."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 0:
        return f"−{share(-value)}"
    percent = value * 100
    if 0 < percent < 0.1:
        return f"<{SPACE}0.1{SPACE}%"
    if 0 < percent < 0.95 or 99 < percent < 100:
        return f"{min(percent, 99.9):.1f}{SPACE}%"
    return f"{percent:.0f}{SPACE}%"


def times(value: Number) -> str:
    """Return a ratio: × 0.3, × 2.4, × 31."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"×{SPACE}{factor(value)}"


def factor(value: float) -> str:
    """Return a ratio to two figures or to the unit: 0.3, 2.4, 31."""
    return f"{value:.2g}" if value < 9.95 else f"{value:,.0f}"


def days(value: Number) -> str:
    """Return a number of days with its unit."""
    if value is None or not math.isfinite(value):
        return NONE
    text = number(value)
    return f"{text} day{'' if text == '1' else 's'}"


def plural(value: int, noun: str) -> str:
    """Return a count with its noun: 1 customer, 3,400 customers."""
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def date(value: str | None) -> str:
    """Return an ISO date or time as 10 December 2011."""
    if not value:
        return NONE
    day = dt.date.fromisoformat(value[:10])
    return f"{day.day} {day:%B %Y}"


def month(value: str) -> str:
    """Return 2010-12 as Dec 2010."""
    return f"{dt.date.fromisoformat(value[:7] + '-01'):%b %Y}"


def size(value: Number) -> str:
    """Bytes with a decimal unit: 94 MB."""
    return NONE if value is None else errors.size(value).replace(" ", SPACE)


def seconds(value: Number) -> str:
    """Return a duration: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if value is None:
        return NONE
    if 0 < value < 0.05:
        return f"<{SPACE}0.1{SPACE}s"
    if value < 10:
        return f"{value:.1f}{SPACE}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}{SPACE}s"
    if whole < 3600:
        return f"{whole // 60}{SPACE}min {whole % 60}{SPACE}s"
    return f"{whole // 3600}{SPACE}h {whole % 3600 // 60}{SPACE}min"


def of_kind(kind: Kind, value: Number, currency: str | None = None) -> str:
    """Return a value of a feature in its own unit."""
    if kind == "money":
        return money(value, currency)
    if kind == "share":
        return share(value)
    return days(value) if kind == "days" else number(value)


def feature(name: str, value: Number, currency: str | None = None) -> str:
    """Return a value of the feature called `name`."""
    return of_kind(FEATURES[name].kind, value, currency)

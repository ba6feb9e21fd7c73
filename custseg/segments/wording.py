"""Numbers as the sentences of run.json say them."""

from __future__ import annotations

import math

DIGITS = 3
"""Significant digits of numbers in sentences."""


def digits(value: float) -> str:
    """Write a number to three digits or to the unit: ``3,412``, ``12.5``, ``0.04``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))
    text = f"{round(value, decimals):,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: float) -> str:
    """Write a share as the report's tables do: ``37 %``, finer near none and all: ``0.4 %``, ``99.7 %``."""
    value *= 100
    if 0 < value < 0.1:
        return "under 0.1 %"
    return f"{min(value, 99.9):.1f} %" if 0 < value < 0.95 or 99 < value < 100 else f"{value:.0f} %"


def percent(share: float, under: float = math.inf) -> str:
    """Write a share that is compared with another: ``37 %``, ``1.4 %``, ``under 0.1 %``.

    One that lies under a limit has the digits it takes to be read as that: ``1.96 %`` where it is 2 %.
    """
    value, limit = 100 * share, 100 * under
    if 0 < value < 0.05 and limit >= 0.1:
        return "under 0.1 %"
    fewest = 0 if value >= 10 else 1
    decimals = next((d for d in range(fewest, 9) if value == 0 or 0 < round(value, d) < limit), fewest)
    text = f"{value:.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if decimals else text} %"


def least(share: float) -> str:
    """Write a least share as it was set: ``2 %``, ``12.5 %``."""
    return f"{100 * share:.9g} %"

"""Numbers: one column of many lines, in as few bytes as hold it.

Quantities are whole and prices have two decimals nearly everywhere: counted in units of 10,000 and of 100
ten-thousandths they fit one byte or two, which every pass over them, the disk and the memory of a bucket
gain by (docs/decisions/0006, 0009).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from custseg.columns import SCALE

WIDTHS = (np.int8, np.int16, np.int32)
UNITS = (SCALE, 100)
"""What numbers in ten-thousandths often all are multiples of: whole quantities, prices in pence."""

FEW = 1000
"""Numbers that are looked at first: a few nearly always tell that a unit is none."""

LARGEST_SUM = 9e18
"""Just below 2⁶³: sums of ten-thousandths must stay under it."""


class Numbers(NamedTuple):
    """A column of lines.

    Attributes
    ----------
    values
        Shape (n_lines,): whole numbers.
    unit
        How many ten-thousandths one of them stands for; 1 for hashes.
    """

    values: NDArray[Any]
    unit: int = 1

    def at(self, places: NDArray[np.int64]) -> Numbers:
        """Return those at some places."""
        # Twice as fast as by index, and four times without looking at bounds: the places are ours.
        return Numbers(self.values.take(places, mode="clip"), self.unit)

    def where(self, marks: NDArray[np.bool_]) -> Numbers:
        """Return those that are marked."""
        return Numbers(self.values[marks], self.unit)

    def whole(self) -> NDArray[np.int64]:
        """Return them in ten-thousandths."""
        whole: NDArray[np.int64] = np.multiply(self.values, self.unit, dtype=np.int64)
        return whole

    def largest(self) -> int:
        """Return the largest absolute value in ten-thousandths, 0 of none."""
        if not len(self.values):
            return 0
        return max(abs(int(self.values.min())), abs(int(self.values.max()))) * self.unit

    def total(self) -> int:
        """Add them up in ten-thousandths, whatever the size of the sum."""
        if self.largest() * len(self.values) < LARGEST_SUM:
            return int(self.values.sum(dtype=np.int64)) * self.unit
        return int(sum(self.values.tolist())) * self.unit


def narrow(values: NDArray[np.int64]) -> Numbers:
    """Count in the largest unit that all ten-thousandths share, and use as few bytes as hold that."""
    unit = 1
    numbers = _narrowest(values, WIDTHS[-1:])
    for shared in UNITS:
        if (numbers[:FEW] % shared).any():
            continue
        parts = numbers // numbers.dtype.type(shared)
        if np.array_equal(parts * parts.dtype.type(shared), numbers):
            numbers, unit = parts, shared
            break
    return Numbers(_narrowest(numbers, WIDTHS), unit)


def _narrowest(values: NDArray[Any], widths: Sequence[type[np.signedinteger[Any]]]) -> NDArray[Any]:
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    fits = (width for width in widths if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
    return values.astype(next(fits, values.dtype), copy=False)

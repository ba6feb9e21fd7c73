"""Numbers: one column of many lines, in as few bytes as hold it.

Quantities are whole and prices have two decimals nearly everywhere: counted in units of 10,000 and of 100
ten-thousandths they fit one byte or two, which every pass over them, the disk and the memory of a bucket
gain by (docs/decisions/0006, 0009).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import SCALE

WIDTHS = (np.int8, np.int16, np.int32, np.int64)
UNITS = (SCALE, 100)
"""What numbers in ten-thousandths often all are multiples of: whole quantities, prices in pence."""

BLOCK = 1 << 16
"""Numbers counted at once: what they take fits a processor's cache."""

FEW = 1000
"""Numbers that are looked at first: a few nearly always tell that a unit is none."""

CLOSE, CLOSE_SHARE = 1e-6, 1e-12
"""How far from a whole number of ten-thousandths what comes of multiplying doubles may be: in all, and by its
size."""

EXACT = 2**53
"""Whole numbers below it are exact in doubles."""

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

    def fill(self, start: int, part: Numbers) -> None:
        """Put a part at a place of this column, whose unit divides the part's."""
        target = self.values[start : start + len(part.values)]
        if part.unit == self.unit:
            target[:] = part.values
        else:
            np.multiply(part.values, part.unit // self.unit, out=target, dtype=target.dtype)

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

    def bound(self) -> int:
        """Return what no absolute value is above: told by the type if that is narrow, without a look."""
        if self.values.dtype.itemsize > 4:
            return self.largest()
        return -int(np.iinfo(self.values.dtype).min) * self.unit

    def sum_fits(self) -> bool:
        """Tell whether the sum, in ten-thousandths, surely fits 64 bits."""
        lines = len(self.values)
        if self.bound() * lines < LARGEST_SUM or self.largest() * lines < LARGEST_SUM:
            return True
        # One large number among many small ones; a sum of doubles is near enough to what is allowed.
        return float(np.abs(self.values.astype(np.float64)).sum()) * self.unit < LARGEST_SUM

    def total(self) -> int:
        """Add them up in ten-thousandths, whatever the size of the sum."""
        if self.sum_fits():
            return int(self.values.sum(dtype=np.int64)) * self.unit
        return int(sum(self.values.tolist())) * self.unit


def count(column: pl.Series) -> tuple[Numbers, NDArray[np.int64]]:
    """Count in ten-thousandths, so that sums are exact: in the largest unit all share, in few bytes.

    Parameters
    ----------
    column
        Whole numbers of at most 32 bits, or float64 and at most `columns.LINE_LIMIT`, so that a double holds
        every ten-thousandth; null counts as 0.

    Returns
    -------
    numbers
        Rounded half to even.
    rounded
        Places of those that had more decimals.
    """
    counted = [_count(block) for block in _blocks(column.fill_null(0))]
    numbers = join([part for part, _ in counted])
    if len({part.unit for part, _ in counted}) > 1:
        numbers = Numbers(_narrowest(numbers.values), numbers.unit)
    starts = np.cumsum([0, *(len(part.values) for part, _ in counted)])
    rounded = [start + places for start, (_, places) in zip(starts, counted, strict=False)]
    return numbers, np.concatenate(rounded)


def _blocks(column: pl.Series) -> Iterator[NDArray[Any]]:
    """Yield the numbers of a column, a block at a time, where they stand."""
    for chunk in column.get_chunks():
        values = chunk.to_numpy()
        for start in range(0, max(1, len(values)), BLOCK):
            yield values[start : start + BLOCK]


def _count(values: NDArray[Any]) -> tuple[Numbers, NDArray[np.int64]]:
    none = np.zeros(0, np.int64)
    if values.dtype != np.float64:
        return Numbers(_narrowest(values), SCALE), none
    for unit in UNITS:
        multiples = _multiples(values, unit)
        if multiples is not None:
            return Numbers(_narrowest(multiples), unit), none
    exact = values * SCALE
    whole = np.rint(exact)
    off = np.abs(exact - whole)
    rounded = np.flatnonzero(off > CLOSE)
    # A product of doubles is off by a bit, and the larger it is the more that is.
    rounded = rounded[off[rounded] > CLOSE + np.abs(exact[rounded]) * CLOSE_SHARE]
    return _in_units(whole.astype(np.int64)), rounded


def _multiples(values: NDArray[np.float64], unit: int) -> NDArray[np.float64] | None:
    """Return how many units each number has, None where one is not surely a multiple: three passes."""
    factor = SCALE // unit
    close = CLOSE / 10 / unit

    def whole(some: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
        exact = some * factor
        multiples = np.rint(exact)
        exact -= multiples
        return multiples, not len(some) or bool(exact.max() <= close and exact.min() >= -close)

    if not whole(values[:FEW])[1]:
        return None
    multiples, surely = whole(values)
    return multiples if surely else None


def _in_units(values: NDArray[np.int64]) -> Numbers:
    """Count ten-thousandths in the largest unit that all share."""
    for unit in UNITS:
        if not (values[:FEW] % unit).any() and not (values % unit).any():
            return Numbers(_narrowest(values // unit), unit)
    return Numbers(_narrowest(values))


def _narrowest(values: NDArray[Any]) -> NDArray[Any]:
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    fits = (width for width in WIDTHS if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
    return values.astype(next(fits, np.int64), copy=False)


def multiply(quantity: Numbers, price: Numbers) -> Numbers:
    """Multiply by line.

    Exact below 2⁵³ in units of 10⁻⁸; beyond, in doubles, the same wherever the steps are the same.
    """
    unit, rest = divmod(quantity.unit * price.unit, SCALE)
    if not rest and (
        quantity.bound() * price.bound() < EXACT or quantity.largest() * price.largest() < EXACT
    ):
        return Numbers(np.multiply(quantity.values, price.values, dtype=np.int64), unit)
    product = np.multiply(quantity.whole(), price.whole(), dtype=np.float64)
    product /= SCALE
    np.rint(product, out=product)
    # No line that is kept has as much, and the others count nothing then.
    product[np.abs(product) > LARGEST_SUM] = 0.0
    return Numbers(product.astype(np.int64))


def join(parts: Sequence[Numbers]) -> Numbers:
    """Put columns one after the other."""
    numbers = room([(part.values.dtype, part.unit) for part in parts], sum(len(p.values) for p in parts))
    filled = 0
    for part in parts:
        numbers.fill(filled, part)
        filled += len(part.values)
    return numbers


def room(kinds: Sequence[tuple[np.dtype[Any], int]], lines: int) -> Numbers:
    """Return room for lines of these types and units: mostly all are of one."""
    unit = min(unit for _, unit in kinds)
    alike = all(one == unit for _, one in kinds)
    dtype = np.result_type(*(dtype for dtype, _ in kinds)) if alike else np.dtype(np.int64)
    return Numbers(np.empty(lines, dtype), unit)

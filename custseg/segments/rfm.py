"""RFM scores: recency, frequency and spend from 1 to 5, beside the segments.

The trade has scored customers by fifths since Hughes, *Strategic Database Marketing* (1994). A score of 5
says that at least four fifths of the customers are worse, 4 that three fifths are, and so on. Customers are
compared by value alone, so equal customers have equal scores whatever their order; where many are alike, as
those who bought once are, a score stays empty rather than being handed out by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import SCORES
from custseg.segments.nearest import Floats

FIFTHS = 5

DIGIT = 16
"""Bits of a double looked at in one pass over the customers; four passes see all of it."""

Blocks = Callable[[], Iterator[Floats]]
"""Goes through all customers' values once more, in blocks of shape (n_rows, n_features)."""

Edges = dict[str, tuple[float, ...]]
"""By score the four values that a customer must be better than, the easiest first."""


def score_edges(
    read: Callable[[Sequence[str]], Iterator[pl.DataFrame]], *, total: int, columns: Sequence[str]
) -> Edges:
    """Find the values that divide the customers into fifths.

    Parameters
    ----------
    read
        Goes through the named columns of all customers in blocks.
    total
        How many there are, at least one.
    columns
        The features there are; a score whose feature is missing is left out.

    Returns
    -------
    dict of str to tuple of float
        By score four values in original units: the score is 1, and one more for each value that the customer
        is better than. They come from the least good of the customers, so they fall for recency.

    Notes
    -----
    Exact, in four passes; memory does not depend on the number of customers.
    """
    scores = [score for score in SCORES.values() if score.feature in columns]
    features = [score.feature for score in scores]
    signs = np.array([-1.0 if score.low_is_good else 1.0 for score in scores])

    def values() -> Iterator[Floats]:
        for block in read(features):
            yield block.select(pl.col(features).cast(pl.Float64)).to_numpy() * signs

    if not scores:
        return {}
    ranks = [-(-total * fifth // FIFTHS) for fifth in range(1, FIFTHS)]
    found = order_statistics(values, len(scores), ranks)
    # Adding zero makes −0 into 0.
    return {
        score.name: tuple((edges * sign + 0.0).tolist())
        for score, sign, edges in zip(scores, signs, found, strict=True)
    }


def add_scores(customers: pl.DataFrame, edges: Mapping[str, Sequence[float]]) -> pl.DataFrame:
    """Add each score as a column of UInt8, 1 to 5."""
    made = []
    for name, limits in edges.items():
        score = SCORES[name]
        value = pl.col(score.feature).cast(pl.Float64)
        better = [value < limit if score.low_is_good else value > limit for limit in limits]
        made.append((1 + pl.sum_horizontal(better)).cast(pl.UInt8).alias(name))
    return customers.with_columns(made)


def scored_rows(
    block: int, *, rows: Callable[[int], pl.DataFrame], edges: Mapping[str, Sequence[float]]
) -> pl.DataFrame:
    """Return the customers of a block with their scores."""
    return add_scores(rows(block), edges)


def to_record(edges: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Return the ``rfm_scores`` part of run.json."""
    return [
        {"name": name, "feature": SCORES[name].feature, "edges": list(limits)}
        for name, limits in edges.items()
    ]


def order_statistics(blocks: Blocks, width: int, ranks: Sequence[int]) -> Floats:
    """Return the values of given ranks, counted from 1 for the smallest.

    Parameters
    ----------
    blocks
        Goes through all values; called four times.
    width
        Columns of a block.
    ranks
        From 1 to the number of rows.

    Returns
    -------
    ndarray of shape (width, len(ranks))
        Exact.

    Notes
    -----
    A radix selection: each pass counts the next digit of the values that begin like the one sought.
    """
    begins = np.zeros((width, len(ranks)), np.uint64)
    left = np.tile(np.array(ranks, np.int64), (width, 1))
    for shift in range(64 - DIGIT, -1, -DIGIT):
        counts = _count_digits(blocks, begins, shift)
        for column in range(width):
            for place in range(len(ranks)):
                below = np.cumsum(counts[column, int(begins[column, place])])
                digit = int(np.searchsorted(below, left[column, place]))
                left[column, place] -= below[digit - 1] if digit else 0
                begins[column, place] = (begins[column, place] << np.uint64(DIGIT)) | np.uint64(digit)
    return _values(begins)


def _count_digits(
    blocks: Blocks, begins: NDArray[np.uint64], shift: int
) -> dict[tuple[int, int], NDArray[np.int64]]:
    """Count the digit at `shift` by column and by what stands before it, for the beginnings sought."""
    counts = {
        (column, int(begin)): np.zeros(1 << DIGIT, np.int64)
        for column, row in enumerate(begins)
        for begin in row
    }
    for block in blocks():
        for column in range(len(begins)):
            keys = _keys(block[:, column])
            digits = ((keys >> np.uint64(shift)) & np.uint64((1 << DIGIT) - 1)).astype(np.intp)
            # Two shifts, since a shift by all 64 bits is undefined.
            before = keys >> np.uint64(shift) >> np.uint64(DIGIT)
            for own, begin in counts:
                if own == column:
                    picked = digits[before == np.uint64(begin)]
                    counts[own, begin] += np.bincount(picked, minlength=1 << DIGIT)
    return counts


def _keys(values: Floats) -> NDArray[np.uint64]:
    """Return whole numbers in the order of the values: the bits of a double, negative ones turned around."""
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)
    top = np.uint64(1 << 63)
    return np.where(bits & top, ~bits, bits | top)


def _values(keys: NDArray[np.uint64]) -> Floats:
    """Undo `_keys`."""
    top = np.uint64(1 << 63)
    found: Floats = np.where(keys & top, keys & ~top, ~keys).view(np.float64)
    return found

"""Duplicates: lines that repeat an earlier one in every column, stretches that repeat an invoice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

MONTH_SEED = 2
"""Of the hash of months: another than those of customers and invoices."""

Gather = Callable[[NDArray[np.int64]], pl.DataFrame]
"""Given places, returns all columns in which things must be equal, one row each.

Rows of a frame by index take a third of the time of ``gather`` in a query, which waits for Polars' threads.
"""

WINDOWS = 0, 21, 42, 10
"""How far from the top of a hash the bits are that are looked at, round after round: what is alone in one is
out."""


def find_repeats(hashes: NDArray[np.uint64], gather: Gather) -> NDArray[np.bool_]:
    """Mark what repeats an earlier one, exactly, when little does.

    Only what shares its hash with something else, and a few that nearly do, is compared.

    Parameters
    ----------
    hashes
        Equal things have equal hashes, shape (n,).
    gather
        Returns what stands at some places.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    suspects = _crowded(hashes, WINDOWS[0])
    for window in WINDOWS[1:]:
        suspects = suspects.take(_crowded(hashes.take(suspects), window))
    # Stable, so that of equal things the first in the input stays the first.
    shared = hashes.take(suspects)
    order = np.argsort(shared, kind="stable")
    suspects, shared = suspects.take(order), shared.take(order)
    alike = np.flatnonzero(shared[1:] == shared[:-1])
    repeats = np.zeros(len(hashes), np.bool_)
    if _equal(gather(suspects[alike]), gather(suspects[alike + 1])):
        repeats[suspects[alike + 1]] = True
    else:
        # Different things share a hash: one chance in billions, or somebody's doing.
        repeats[suspects] = ~gather(suspects).to_struct().is_first_distinct().to_numpy()
    return repeats


def _equal(some: pl.DataFrame, others: pl.DataFrame) -> bool:
    return all(one.eq_missing(other).all() for one, other in zip(some, others, strict=True))


def _crowded(hashes: NDArray[np.uint64], window: int) -> NDArray[np.int64]:
    """Return the places of hashes whose bits from `window` on another one has too: a quarter by chance.

    Counting in a table that fits a processor's cache takes a seventh of the time of sorting
    (docs/decisions/0009).
    """
    width = len(hashes).bit_length() + 1
    bits = ((hashes << np.uint64(window) if window else hashes) >> np.uint64(64 - width)).view(np.int64)
    counts: NDArray[Any] = np.zeros(1 << width, np.uint8)
    np.add.at(counts, bits, np.uint8(1))
    if counts.sum(dtype=np.int64) != len(hashes):
        # Something is there more than 255 times.
        counts = np.bincount(bits)
    # Twice as fast as by index; see `Numbers.at`.
    return np.flatnonzero(counts.take(bits, mode="clip") > 1)


def find_duplicates(heads: pl.DataFrame, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Mark the lines that repeat an earlier one.

    Two lines are one when customer, invoice, date, all kept numbers and the 64-bit hash of the whole line
    are equal.

    Parameters
    ----------
    heads
        One row a stretch of lines, with its number of lines in ``n``.
    columns
        One array a column of the lines; ``line`` is the hash.

    Returns
    -------
    ndarray of bool, shape (n_lines,)
    """
    # Of all lines: places of suspects come in any order, and a search for each takes twice as long.
    head = np.repeat(np.arange(heads.height, dtype=np.int32), heads["n"].to_numpy())
    shared = heads.drop("n")

    def gather(lines: NDArray[np.int64]) -> pl.DataFrame:
        own = [pl.Series(name, values[lines]) for name, values in columns.items()]
        return shared[head[lines]].hstack(own)

    return find_repeats(columns["line"].astype(np.uint64, copy=False), gather)


def find_first_invoices(
    invoices: pl.DataFrame, month: NDArray[np.int16] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the stretches that are the first of their customer and invoice, and those first in their month.

    Parameters
    ----------
    invoices
        ``customer_id`` and what tells their invoices apart, one row a stretch of lines.
    month
        Of each stretch; where there are none, all is one month.

    Returns
    -------
    first, in_month
        Shape (n_stretches,).
    """
    hashes = reduce(xor, (column.hash(seed) for seed, column in enumerate(invoices.get_columns()))).to_numpy()
    if month is None:
        first = ~find_repeats(hashes, lambda places: invoices[places])
        return first, first
    monthly = invoices.hstack([pl.Series("month", month)])
    in_month = ~find_repeats(
        hashes ^ monthly["month"].hash(MONTH_SEED).to_numpy(),
        lambda places: monthly[places],
    )
    # Few invoices, if any, have stretches in two months: next to nothing is found among what is left.
    left = np.flatnonzero(in_month)
    first = in_month.copy()
    first[left] = ~find_repeats(hashes.take(left), lambda places: invoices[left.take(places)])
    return first, in_month

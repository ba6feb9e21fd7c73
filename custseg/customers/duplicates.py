"""Duplicates: lines that repeat an earlier one in every column, stretches that repeat an invoice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Gather = Callable[[NDArray[np.int64]], pl.DataFrame]
"""Given places, returns all columns in which things must be equal, one row each."""


def find_repeats(hashes: NDArray[np.uint64], gather: Gather) -> NDArray[np.bool_]:
    """Mark what repeats an earlier one, exactly, when almost nothing does.

    The hashes are sorted, which is cheap, and only what shares a hash with something else is compared.

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
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    repeats = np.zeros(len(hashes), np.bool_)
    if not len(twice):
        return repeats
    # A small table of marks by the low bits rules nearly everything out before any exact look-up.
    bits = np.uint64((1 << max(10, len(twice).bit_length() + 4)) - 1)
    marks = np.zeros(int(bits) + 1, bool)
    marks[(twice & bits).view(np.int64)] = True
    suspects = np.flatnonzero(marks[(hashes & bits).view(np.int64)])
    at = np.searchsorted(twice, hashes[suspects])
    suspects = suspects[twice[np.minimum(at, len(twice) - 1)] == hashes[suspects]]
    repeats[suspects] = ~gather(suspects).to_struct().is_first_distinct().to_numpy()
    return repeats


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
    ends = np.cumsum(heads["n"].to_numpy())

    def gather(lines: NDArray[np.int64]) -> pl.DataFrame:
        head = np.searchsorted(ends, lines, side="right")
        found = heads.drop("n").select(pl.all().gather(head))
        return found.with_columns(pl.Series(name, values[lines]) for name, values in columns.items())

    return find_repeats(columns["line"].astype(np.uint64, copy=False), gather)


def find_repeated_invoices(invoices: pl.DataFrame) -> NDArray[np.bool_]:
    """Mark the stretches whose customer and invoice an earlier one has.

    Parameters
    ----------
    invoices
        ``customer_id`` and what tells their invoices apart, one row a stretch of lines.

    Returns
    -------
    ndarray of bool, shape (n_stretches,)
    """
    hashes = reduce(xor, (column.hash(seed) for seed, column in enumerate(invoices.get_columns())))
    return find_repeats(hashes.to_numpy(), lambda places: invoices.select(pl.all().gather(places)))

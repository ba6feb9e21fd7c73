"""Lines given their fate, counted, and put in the order of buckets for the exchange."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import FATES
from custseg.customers.features import Recipe
from custseg.customers.keys import key
from custseg.transactions.cleaning import FATE_CODES, KEPT, Ledger
from custseg.transactions.lines import Lines
from custseg.transactions.numbers import Numbers

HEAD_SEEDS = {"customer_id": 1_000_001, "invoice": 1_000_002, "invoice_date": 1_000_003}

BOUGHT, RETURNED = 1, 2
"""Why a line is carried; 0 is not at all."""

RETURN_FATES = FATE_CODES["cancelled"], FATE_CODES["non_positive"]
"""Fates a return may have."""


class Arranged(NamedTuple):
    """Lines and heads in the order of buckets, and where each bucket begins in them.

    Attributes
    ----------
    columns
        The recipe's line columns, shape (n_lines,).
    line_edges, head_edges
        Shape (n_buckets + 1,).
    heads
        One row a stretch of lines: the recipe's head columns and ``n``, its number of lines.
    """

    columns: dict[str, Numbers]
    line_edges: NDArray[np.int64]
    heads: pl.DataFrame
    head_edges: NDArray[np.int64]


def arrange(read: Lines, recipe: Recipe, bits: int) -> tuple[Arranged, Ledger]:
    """Enter all lines in a ledger and order by bucket those that are carried.

    Parameters
    ----------
    bits
        There are ``2 ** bits`` buckets.

    Returns
    -------
    arranged
        The kept lines and, where features need them, the returned ones.
    ledger
        All lines; the money of kept ones is added up later, by the reduce.
    """
    stretches = _Stretches(read)
    numbers = {name: numbers for name, numbers in read.numbers.items() if name in recipe.line_columns}
    lost, fate = stretches.lost()
    ledger = _count(len(stretches.fate), lost, fate, numbers, recipe)
    ledger.rounded = read.rounded
    role = np.where(stretches.fate == KEPT, np.uint8(BOUGHT), np.uint8(0))
    if recipe.returns:
        role[_returned(lost, fate, numbers, recipe)] = RETURNED
    carried = stretches.carried(role, returns=recipe.returns)
    shift = np.uint64(63 - bits)
    # Two shifts, since a shift by all 64 bits is undefined.
    buckets = (key(read.heads["customer_id"]).to_numpy() >> shift >> np.uint64(1)).astype(np.uint16)
    bucket = buckets[carried.stretch]
    order = np.argsort(bucket, kind="stable")
    carried = carried.ordered(order)
    counts = [pl.Series("n", carried.lines.astype(np.int32)), pl.Series("returned", carried.returned)]
    heads = read.heads.drop("fate")[carried.stretch].hstack(counts)
    places = stretches.lines(carried, role)
    hashes_of = {"line": read.line, "product": read.product}
    every = numbers | {name: Numbers(hashes) for name, hashes in hashes_of.items() if hashes is not None}
    columns = {name: every[name].at(places) for name in recipe.line_columns}
    if recipe.drop_duplicates:
        hashes = columns["line"].values
        hashes ^= np.repeat(_head_hash(heads, recipe), carried.lines)
    head_edges = np.searchsorted(bucket[order], np.arange((1 << bits) + 1))
    line_edges = np.concatenate([[0], np.cumsum(carried.lines)])[head_edges]
    return Arranged(columns, line_edges, heads.select(*recipe.head_columns, "n"), head_edges), ledger


def _runs(begins: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the lines of stretches that begin here and are this long, one after the other."""
    ends = np.cumsum(lengths)
    places = np.arange(ends[-1] if len(ends) else 0)
    places += np.repeat(begins - (ends - lengths), lengths)
    return places


class _Carried(NamedTuple):
    """Stretches that lines are carried of, once for those bought and once for those returned.

    Attributes
    ----------
    stretch, lines, returned
        Which stretch, how many of its lines, and whether those are returned ones; shape (n,).
    """

    stretch: NDArray[np.int64]
    lines: NDArray[np.int64]
    returned: NDArray[np.bool_]

    def ordered(self, order: NDArray[np.int64]) -> _Carried:
        """Return them in another order."""
        return _Carried(self.stretch[order], self.lines[order], self.returned[order])


class _Stretches:
    """Lines and their heads. Most stretches are carried whole or not at all, and cost no step by line."""

    def __init__(self, read: Lines) -> None:
        self.heads, self.starts = read.heads, read.starts
        self.lengths = np.diff(read.starts, append=len(read.fate))
        self.fate = read.fate
        self.head_fate: NDArray[np.uint8] = read.heads["fate"].to_numpy()

    def lost(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return the lines that are not kept, in their order, and their fates."""
        bad = np.flatnonzero(self.head_fate != KEPT)
        with_head = _runs(self.starts[bad], self.lengths[bad])
        fate = np.minimum(np.repeat(self.head_fate[bad], self.lengths[bad]), self.fate[with_head])
        alone = np.flatnonzero(self.fate != KEPT)
        alone = alone[self.head_fate[self._head_of(alone)] == KEPT]
        return np.concatenate([with_head, alone]), np.concatenate([fate, self.fate[alone]])

    def carried(self, role: NDArray[np.uint8], *, returns: bool) -> _Carried:
        """Return the stretches of carried lines, in their order."""
        bad = self._head_of(np.flatnonzero(role != BOUGHT))
        bought = self.lengths - np.bincount(bad, minlength=len(self.lengths))
        bought[self.head_fate != KEPT] = 0
        counts = [bought]
        if returns:
            back = self._head_of(np.flatnonzero(role == RETURNED))
            counts.append(np.bincount(back, minlength=len(self.lengths)))
        stretches = [np.flatnonzero(count) for count in counts]
        return _Carried(
            np.concatenate(stretches),
            np.concatenate([count[stretch] for count, stretch in zip(counts, stretches, strict=True)]),
            np.repeat([False, True][: len(stretches)], [len(stretch) for stretch in stretches]),
        )

    def lines(self, carried: _Carried, role: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the carried lines of these stretches, one stretch after the other."""
        lengths = self.lengths[carried.stretch]
        places = _runs(self.starts[carried.stretch], lengths)
        if carried.lines.sum() == len(places):
            return places
        wanted = np.repeat(np.where(carried.returned, np.uint8(RETURNED), np.uint8(BOUGHT)), lengths)
        chosen: NDArray[np.int64] = places[role.take(places, mode="clip") == wanted]
        return chosen

    def _head_of(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        heads: NDArray[np.int64] = np.searchsorted(self.starts, lines, side="right") - 1
        return heads


def _count(
    lines: int,
    lost: NDArray[np.int64],
    fate: NDArray[np.uint8],
    numbers: dict[str, Numbers],
    recipe: Recipe,
) -> Ledger:
    ledger = Ledger()
    ledger.lines["kept"] = lines - len(lost)
    columns = {name: every.at(lost) for name, every in numbers.items()}
    amount = recipe.amount(columns or {"line": Numbers(lost)})
    for code in np.flatnonzero(np.bincount(fate)):
        here = fate == code
        ledger.lines[FATES[code]] += int(np.count_nonzero(here))
        ledger.money[FATES[code]] += amount.where(here).total()
    return ledger


def _returned(
    lost: NDArray[np.int64], fate: NDArray[np.uint8], numbers: dict[str, Numbers], recipe: Recipe
) -> NDArray[np.int64]:
    """Return the lines that take goods or money back: cancelled or not positive, and negative."""
    back = lost[np.isin(fate, RETURN_FATES)]
    if not numbers:
        return back[:0]
    columns = {name: every.at(back) for name, every in numbers.items()}
    negative = recipe.amount(columns).values < 0
    if "quantity" in columns:
        negative |= columns["quantity"].values < 0
    returned: NDArray[np.int64] = back[negative]
    return returned


def _head_hash(heads: pl.DataFrame, recipe: Recipe) -> NDArray[np.uint64]:
    names = [name for name in HEAD_SEEDS if name in recipe.head_columns]
    combined: NDArray[np.uint64] = np.bitwise_xor.reduce(
        [heads[name].hash(HEAD_SEEDS[name]).to_numpy() for name in names]
    )
    return combined

"""Values of given ranks, such as medians and deciles, exact and in memory that does not grow with the values.

A radix selection: the bits of a double, read as a whole number, rise with it. Each pass counts values by the
next bits of those that begin like one sought, until what begins so is one value, or so few are left that all
of them can be counted. Counts are whole numbers, so they add up to the same in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.running.compute import HERE, Compute
from custseg.running.compute.base import Item
from custseg.segments.nearest import Floats

Group = TypeVar("Group")
Keys = NDArray[np.int64]

BITS = 64
DIGIT = 12
"""Bits looked at in one pass: the first sees sign and exponent, and what begins like one value sought has no
more than 4,096 counts."""

FEW = 1 << 18
"""Values, or counts of them, that are held at once: 10 MB."""

COUNTS = pl.Schema(
    {"group": pl.Int64, "begin": pl.Int64, "count": pl.Int64, "least": pl.Int64, "most": pl.Int64}
)
"""How many values of a group begin with some bits, and the least and the most of them."""


@dataclass(frozen=True)
class Ranked:
    """The values of the ranks of one group.

    Attributes
    ----------
    values
        In the order of the ranks.
    below, equal
        How many values of the group are less than each, and how many are the same.
    """

    values: Floats
    below: NDArray[np.int64]
    equal: NDArray[np.int64]


@dataclass
class _Search:
    """What is known of the values of one group's ranks after some passes."""

    begins: Keys
    below: NDArray[np.int64]
    equal: NDArray[np.int64]
    open: NDArray[np.bool_]
    left: int


def find_ranks(
    read: Callable[[Item, Collection[Group]], Iterable[tuple[Group, Floats]]],
    items: Sequence[Item],
    ranks: Mapping[Group, Sequence[int]],
    sizes: Mapping[Group, int],
    compute: Compute = HERE,
) -> dict[Group, Ranked]:
    """Find the values of given ranks in several groups of values at once.

    Parameters
    ----------
    read
        Returns the values of one item that are in some groups; called in tasks, once a pass.
    items
        Between them they hold all values.
    ranks
        By group, counted from 1 for the smallest value.
    sizes
        How many values each group has.
    compute
        Where the work is done.

    Returns
    -------
    dict of Group to Ranked
        Exact, −0 as 0.

    Notes
    -----
    One pass where all groups together have few values; else three or four in practice, six at most.
    """
    groups = list(ranks)
    searches = [
        _Search(
            begins=np.zeros(n, np.int64),
            below=np.zeros(n, np.int64),
            equal=np.zeros(n, np.int64),
            open=np.ones(n, np.bool_),
            left=sizes[group],
        )
        for group, n in zip(groups, map(len, ranks.values()), strict=True)
    ]
    known = 0
    while open_searches := {i: search for i, search in enumerate(searches) if search.open.any()}:
        few = sum(search.left for search in open_searches.values()) <= FEW
        step = BITS - known if few else min(DIGIT, BITS - known)
        begins = {groups[i]: (i, np.unique(s.begins[s.open])) for i, s in open_searches.items()}
        task = partial(_count, read=read, begins=begins, known=known, step=step)
        counts = _add_up(counts for _, counts in compute.run(task, items))
        for (number,), own in counts.partition_by("group", as_dict=True).items():
            _narrow(open_searches[int(number)], ranks[groups[int(number)]], own, step if known else None)
        known += step
    return {
        group: Ranked(_values(search.begins), search.below, search.equal)
        for group, search in zip(groups, searches, strict=True)
    }


def _count(
    item: Item,
    *,
    read: Callable[[Item, Collection[Group]], Iterable[tuple[Group, Floats]]],
    begins: Mapping[Group, tuple[int, Keys]],
    known: int,
    step: int,
) -> pl.DataFrame:
    """Count an item's values by their first `known` + `step` bits, of those whose `known` bits are sought."""
    rest = BITS - known - step
    columns: list[tuple[Keys, ...]] = []
    for group, values in read(item, list(begins)):
        number, sought = begins[group]
        keys = _keys(values)
        keys.sort()
        if known:
            least = sought << (BITS - known)
            most = least | ((1 << (BITS - known)) - 1)
            bounds = zip(np.searchsorted(keys, least), np.searchsorted(keys, most, "right"), strict=True)
            keys = np.concatenate([keys[start:end] for start, end in bounds])
        if len(keys):
            digits = keys >> rest
            starts = np.append(0, np.flatnonzero(digits[1:] != digits[:-1]) + 1)
            ends = np.append(starts[1:], len(keys))
            of_group = np.full(len(starts), number)
            columns.append((of_group, digits[starts], ends - starts, keys[starts], keys[ends - 1]))
    if not columns:
        return COUNTS.to_frame()
    return pl.DataFrame([np.concatenate(parts) for parts in zip(*columns, strict=True)], schema=COUNTS)


def _add_up(counts: Iterator[pl.DataFrame]) -> pl.DataFrame:
    """Add up the counts of all items as they come, so that few are held."""
    total = COUNTS.to_frame()
    waiting: list[pl.DataFrame] = []

    def together() -> pl.DataFrame:
        sums = pl.col("count").sum(), pl.col("least").min(), pl.col("most").max()
        return pl.concat([total, *waiting]).group_by("group", "begin").agg(*sums)

    for one in counts:
        waiting.append(one)
        if sum(map(len, waiting)) > FEW:
            total, waiting = together(), []
    return together().sort("group", "begin")


def _narrow(search: _Search, ranks: Sequence[int], counts: pl.DataFrame, step: int | None) -> None:
    """Find in which of the counts, in the order of their beginnings, each value sought is.

    `step` is how many bits the beginnings have more than before; None where they had none.
    """
    begins, least, most = (counts[name].to_numpy() for name in ("begin", "least", "most"))
    older = np.zeros_like(begins) if step is None else begins >> step
    held = counts["count"].to_numpy()
    before = np.append(0, held.cumsum())
    counted = set()
    for place in np.flatnonzero(search.open).tolist():
        first = int(np.searchsorted(older, search.begins[place]))
        rank = ranks[place] - search.below[place]
        at = int(np.searchsorted(before, before[first] + rank)) - 1
        search.below[place] += before[at] - before[first]
        search.equal[place] = held[at]
        search.open[place] = least[at] != most[at]
        # One value is known to its last bit.
        search.begins[place] = begins[at] if search.open[place] else least[at]
        if search.open[place]:
            counted.add(at)
    search.left = int(held[list(counted)].sum())


def _keys(values: Floats) -> Keys:
    """Return whole numbers in the order of the values: the bits of a double, negative ones turned around."""
    # Adding zero makes −0 into 0.
    return _turned((values + 0.0).view(np.int64))


def _values(keys: Keys) -> Floats:
    """Undo `_keys`."""
    found: Floats = _turned(keys.copy()).view(np.float64)
    return found


def _turned(bits: Keys) -> Keys:
    """Turn around what is negative, but for its sign."""
    bits ^= (bits >> 63) & np.iinfo(np.int64).max
    return bits

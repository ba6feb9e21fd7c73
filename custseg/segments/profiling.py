"""Portraits of the segments, and a summary of each feature, from the written customers.

Tasks read the parts, one in memory at a time, and what comes back is small: sums, and counts of values
(`segments.ranks`). Both are exact: a mean is rounded once, from the whole sum, and so are the moments, whose
terms are each of one customer alone. So nothing depends on the order of the parts, nor on how they are cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import astuple
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from custseg.columns import FEATURES
from custseg.customers.matrix import Scaling
from custseg.running import places
from custseg.running.compute import HERE, Compute
from custseg.running.places import AnyPath
from custseg.segments.nearest import Floats
from custseg.segments.profile import FeatureSummary, Profile, SegmentProfile
from custseg.segments.ranks import Ranked, find_ranks
from custseg.segments.sums import exact_sum

EVERYONE, SCALED = 0, -1
"""Stand where the number of a segment does, which is 1 or more: all customers, and all of them scaled."""

QUANTILES = {"p05": 1, "p25": 5, "p75": 15, "p95": 19}
"""Quantiles of a segment beside its median, in twentieths."""

Group = tuple[str, int]
"""A feature, and whose."""

Read = Callable[[AnyPath, Collection[Group]], Iterator[tuple[Group, Floats]]]
Sums = dict[Group, tuple[Fraction, Fraction]]


def profile_segments(
    parts: Sequence[AnyPath],
    *,
    numbers: Sequence[int],
    clustered: Sequence[str],
    scaling: Scaling,
    compute: Compute = HERE,
) -> Profile:
    """Describe the segments and features of a labelled customer table.

    Parameters
    ----------
    parts
        The customers' Parquet files: one row a customer, with ``segment_id``.
    numbers
        Of the segments.
    clustered
        Features that were clustered on, in the order of the scaling.
    scaling
        How they were scaled.
    compute
        Where the work is done.

    Returns
    -------
    Profile
        Segments in the order of their numbers, features in that of `columns.FEATURES`; dates are left out,
        recency and tenure say the same.

    Notes
    -----
    Reads the parts three times where the customers are few, else five or six times.
    """
    columns = places.scan_parquet(parts[:1]).collect_schema().names()
    names = [name for name, feature in FEATURES.items() if feature.clusterable and name in columns]
    read = partial(_read, clustered=clustered, scaling=scaling)
    scaled = [(name, SCALED) for name in names if name in clustered]
    own = [(name, number) for name in names for number in numbers]
    totals = _add_up(partial(_totals, read=read, groups=own + scaled), parts, compute)
    for name in names:
        counts, sums = zip(*(totals[name, number] for number in numbers), strict=True)
        totals[name, EVERYONE] = sum(counts), sum(sums)
    sizes = {group: int(count) for group, (count, _) in totals.items()}
    means = {group: float(total / count) for group, (count, total) in totals.items() if count}
    whole = {group: mean for group, mean in means.items() if group not in own}
    moments = _add_up(partial(_moments, read=read, means=whole), parts, compute)
    skews = {group: _skew(*terms, sizes[group]) for group, terms in moments.items()}
    wanted = {group: _ranks(group, sizes[group]) for group in means if group[1] != SCALED}
    ranked = find_ranks(read, parts, wanted, sizes, compute)
    features = tuple(
        FeatureSummary(
            name=name,
            clustered=name in clustered,
            mean=means[name, EVERYONE],
            skew=skews[name, EVERYONE],
            skew_scaled=skews.get((name, SCALED)),
            **_spread(ranked[name, EVERYONE], sizes[name, EVERYONE]),
        )
        for name in names
    )
    return Profile(_segments(names, numbers, totals, means, ranked), features)


def _read(
    part: AnyPath, groups: Collection[Group], *, clustered: Sequence[str], scaling: Scaling
) -> Iterator[tuple[Group, Floats]]:
    """Go through the values of some groups that are in a part."""
    names = dict.fromkeys(name for name, _ in groups)
    table = places.scan_parquet([part]).select(*map(pl.col, names), "segment_id").collect()
    if any(whose > EVERYONE for _, whose in groups):
        table = table.sort("segment_id")
    owner = table["segment_id"].to_numpy()
    columns = {name: table[name].cast(pl.Float64).to_numpy() for name in names}
    for name, whose in groups:
        values = columns[name]
        if whose == SCALED:
            values = _scaled(values, scaling, list(clustered).index(name))
        elif whose != EVERYONE:
            values = values[slice(*(np.searchsorted(owner, whose, side) for side in ("left", "right")))]
        yield (name, whose), values


def _scaled(values: Floats, scaling: Scaling, place: int) -> Floats:
    """Scale the values of one feature, the one that is at a place of the scaling."""
    one = Scaling(scaling.mode, (scaling.means[place],), (scaling.deviations[place],))
    return one.apply(values[:, None])[:, 0].astype(np.float64)


def _totals(part: AnyPath, *, read: Read, groups: Collection[Group]) -> Sums:
    """Count and add up the values of a part."""
    return {group: (Fraction(len(values)), exact_sum(values)) for group, values in read(part, groups)}


def _moments(part: AnyPath, *, read: Read, means: Mapping[Group, float]) -> Sums:
    """Add up the squares and cubes of a part's values about their means."""
    found = {}
    for group, values in read(part, list(means)):
        centred = values - means[group]
        squares = centred * centred
        found[group] = exact_sum(squares), exact_sum(squares * centred)
    return found


def _add_up(task: Callable[[AnyPath], Sums], parts: Sequence[AnyPath], compute: Compute) -> Sums:
    """Add up what a task makes of each part."""
    total: Sums = {}
    for _, found in compute.run(task, parts):
        for group, sums in found.items():
            before = total.get(group, (Fraction(0), Fraction(0)))
            total[group] = before[0] + sums[0], before[1] + sums[1]
    return total


def _skew(squares: Fraction, cubes: Fraction, size: int) -> float | None:
    """Return the third standardised moment, None when nothing varies."""
    spread = float(squares / size) ** 1.5
    return float(cubes / size) / spread if spread else None


def _ranks(group: Group, size: int) -> list[int]:
    """Return which values, in ascending order and counted from 1, are needed."""
    middle = [(size + 1) // 2, size // 2 + 1]
    if group[1] != EVERYONE:
        below = [twentieths * (size - 1) // 20 + 1 for twentieths in QUANTILES.values()]
        return [*middle, *below, *(min(rank + 1, size) for rank in below)]
    return [*middle, 1, size, *(1 - (-tenth * (size - 1) // 10) for tenth in range(1, 10))]


def _middle(ranked: Ranked) -> float:
    """Return the median."""
    low, high = ranked.values[:2].tolist()
    return float(low) if low == high else float((low + high) / 2)


def _quantiles(ranked: Ranked, size: int) -> dict[str, float]:
    """Return the quantiles of a segment."""
    below, above = ranked.values[2:].reshape(2, -1).tolist()
    parts = (twentieths * (size - 1) % 20 / 20 for twentieths in QUANTILES.values())
    return {
        name: float(low + (high - low) * part)
        for name, low, high, part in zip(QUANTILES, below, above, parts, strict=True)
    }


def _spread(ranked: Ranked, size: int) -> dict[str, Any]:
    """Return how a feature is spread over all customers."""
    _, _, minimum, maximum = ranked.values[:4].tolist()
    tenths = {float(v): (b, b + e) for v, b, e in zip(*(part[4:] for part in astuple(ranked)), strict=True)}
    counts = {value: int(below) for value, (below, _) in tenths.items()}
    for value, (below, reached) in tenths.items():
        if 10 * (reached - below) >= size:
            # What is above a value that a tenth of all have would be in its bin, and a rise go unseen.
            counts.setdefault(math.nextafter(value, math.inf), int(reached))
    edges = sorted(counts)
    bounds = np.array([0, *map(counts.__getitem__, edges), size])
    return {
        "minimum": minimum,
        "median": _middle(ranked),
        "maximum": maximum,
        "edges": tuple(edges),
        "shares": tuple((np.diff(bounds) / size).tolist()),
    }


def _segments(
    names: Sequence[str],
    numbers: Sequence[int],
    totals: Sums,
    means: Mapping[Group, float],
    ranked: Mapping[Group, Ranked],
) -> tuple[SegmentProfile, ...]:
    """Put together what is known of each segment."""
    sizes = [int(totals[names[0], number][0]) for number in numbers]
    spend = [totals["spend", number][1] for number in numbers] if "spend" in names else None
    whole = sum(spend) if spend else 0
    return tuple(
        SegmentProfile(
            segment_id=number,
            customers=sizes[place],
            share=sizes[place] / sum(sizes),
            spend=float(spend[place]) if spend else None,
            spend_share=float(spend[place] / whole) if spend and whole > 0 else None,
            medians={name: _middle(ranked[name, number]) if sizes[place] else None for name in names},
            means={name: means.get((name, number)) for name in names},
            quantiles={
                name: _quantiles(ranked[name, number], sizes[place]) if sizes[place] else None
                for name in names
            },
        )
        for place, number in enumerate(numbers)
    )

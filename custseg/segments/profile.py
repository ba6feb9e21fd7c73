"""Portraits of the segments, and a summary of each feature, from the written customers.

One feature is in memory at a time, as numbers and segment numbers (17 bytes a customer while it is sorted).
Values are put in order before they are added up, so the sums are the same in whatever order the customers
come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import FEATURES
from custseg.customers.matrix import Scaling
from custseg.segments.nearest import Floats


@dataclass(frozen=True)
class FeatureSummary:
    """How one feature is spread over all customers.

    Attributes
    ----------
    name
        Of the feature.
    clustered
        Whether the segments were made from it.
    minimum, median, mean, maximum
        In original units.
    skew
        Third standardised moment (population); None when all values are equal.
    skew_scaled
        The same after scaling; None for a feature that was not clustered on.
    edges
        The different deciles between minimum and maximum, ascending: at most 9.
    shares
        Share of customers below the first edge, from each edge on, and from the last on; by these a later
        month can be compared with this one.
    """

    name: str
    clustered: bool
    minimum: float
    median: float
    mean: float
    maximum: float
    skew: float | None
    skew_scaled: float | None
    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def to_record(self) -> dict[str, Any]:
        """Return plain values for run.json."""
        return {
            "name": self.name,
            "label": FEATURES[self.name].label,
            "clustered": self.clustered,
            "min": self.minimum,
            "median": self.median,
            "mean": self.mean,
            "max": self.maximum,
            "skew": self.skew,
            "skew_scaled": self.skew_scaled,
        }


@dataclass(frozen=True)
class SegmentProfile:
    """What one segment is made of.

    Attributes
    ----------
    segment_id
        From 1.
    customers
        How many.
    share
        Of all customers.
    spend
        Sum of their spend, None without money.
    spend_share
        Its share of all spend, None without money or when all spend is 0.
    medians, means
        Of each numeric feature, in original units; None where there is no customer.
    """

    segment_id: int
    customers: int
    share: float
    spend: float | None
    spend_share: float | None
    medians: dict[str, float | None]
    means: dict[str, float | None]


@dataclass(frozen=True)
class Profile:
    """All segments and all numeric features."""

    segments: tuple[SegmentProfile, ...]
    features: tuple[FeatureSummary, ...]


def profile_segments(
    customers: pl.LazyFrame, *, numbers: Sequence[int], clustered: Sequence[str], scaling: Scaling
) -> Profile:
    """Describe the segments and features of a labelled customer table.

    Parameters
    ----------
    customers
        One row a customer, with ``segment_id``.
    numbers
        Of the segments.
    clustered
        Features that were clustered on, in the order of the scaling.
    scaling
        How they were scaled.

    Returns
    -------
    Profile
        Segments in the order of their numbers, features in that of `columns.FEATURES`; dates are left out,
        recency and tenure say the same.
    """
    columns = customers.collect_schema().names()
    names = [name for name, feature in FEATURES.items() if feature.clusterable and name in columns]
    sizes = _sizes(customers, numbers)
    summaries, medians, means = [], [], []
    spend: list[float] | None = None
    for name in names:
        ordered, owner = _ordered(customers, name)
        by_segment = [ordered[owner == number] for number in numbers]
        sums = [float(values.sum()) for values in by_segment]
        medians.append([_middle(values) if len(values) else None for values in by_segment])
        means.append([total / size if size else None for total, size in zip(sums, sizes, strict=True)])
        place = list(clustered).index(name) if name in clustered else None
        summaries.append(_summary(name, ordered, scaling, place))
        if name == "spend":
            spend = sums
    total_spend = sum(spend) if spend else 0.0
    profiles = tuple(
        SegmentProfile(
            segment_id=number,
            customers=sizes[segment],
            share=sizes[segment] / sum(sizes),
            spend=spend[segment] if spend else None,
            spend_share=spend[segment] / total_spend if spend and total_spend > 0 else None,
            medians={name: values[segment] for name, values in zip(names, medians, strict=True)},
            means={name: values[segment] for name, values in zip(names, means, strict=True)},
        )
        for segment, number in enumerate(numbers)
    )
    return Profile(profiles, tuple(summaries))


def _sizes(customers: pl.LazyFrame, numbers: Sequence[int]) -> list[int]:
    """Count the customers of each segment."""
    counts = customers.group_by("segment_id").len().collect(engine="streaming")
    by_id = dict(counts.iter_rows())
    return [int(by_id.get(number, 0)) for number in numbers]


def _ordered(customers: pl.LazyFrame, name: str) -> tuple[Floats, NDArray[np.uint8]]:
    """Return a feature's values in ascending order, and the segment each belongs to."""
    table = customers.select(pl.col(name).cast(pl.Float64), "segment_id").sort(name).collect()
    return table[name].to_numpy(), table["segment_id"].to_numpy()


def _middle(ordered: Floats) -> float:
    """Return the median of ordered values."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[half])
    return float((ordered[half - 1] + ordered[half]) / 2)


def _summary(name: str, ordered: Floats, scaling: Scaling, place: int | None) -> FeatureSummary:
    """Summarise one feature; `place` is its column in the scaling, None when it was not clustered on."""
    skew_scaled = None
    if place is not None:
        skew_scaled = _skew(_scaled(ordered, scaling, place))
    edges = np.unique(np.quantile(ordered, np.arange(1, 10) / 10, method="higher"))
    bounds = np.r_[0, np.searchsorted(ordered, edges), len(ordered)]
    return FeatureSummary(
        name=name,
        clustered=place is not None,
        minimum=float(ordered[0]),
        median=_middle(ordered),
        mean=float(ordered.mean()),
        maximum=float(ordered[-1]),
        skew=_skew(ordered),
        skew_scaled=skew_scaled,
        edges=tuple(edges.tolist()),
        shares=tuple((np.diff(bounds) / len(ordered)).tolist()),
    )


def _scaled(values: Floats, scaling: Scaling, place: int) -> Floats:
    """Scale the values of one feature."""
    one = Scaling(scaling.mode, (scaling.means[place],), (scaling.deviations[place],))
    return one.apply(values[:, None])[:, 0].astype(np.float64)


def _skew(values: Floats) -> float | None:
    """Return the third standardised moment, None when nothing varies."""
    centred = values - values.mean()
    squares = centred * centred
    variance = float(squares.mean())
    if variance == 0 or values[0] == values[-1]:
        return None
    return float((squares * centred).mean() / variance**1.5)

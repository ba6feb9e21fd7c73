"""What is known of the segments, and of the features over all customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from custseg.columns import FEATURES


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
    quantiles
        Of each numeric feature: what 5, 25, 75 and 95 % of the segment's customers do not exceed, between two
        customers in proportion (as NumPy does, Hyndman and Fan's type 7). None where there is no customer.
    """

    segment_id: int
    customers: int
    share: float
    spend: float | None
    spend_share: float | None
    medians: dict[str, float | None]
    means: dict[str, float | None]
    quantiles: dict[str, dict[str, float] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Profile:
    """All segments and all numeric features."""

    segments: tuple[SegmentProfile, ...]
    features: tuple[FeatureSummary, ...]

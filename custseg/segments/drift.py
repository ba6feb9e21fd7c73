"""Whether customers are still like those a model was made from.

*Drift* is measured feature by feature with the population stability index, and by counting who lies outside
the range seen. Amounts in another currency or unit are no drift: they make every label wrong, and are
refused.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from custseg.columns import FEATURES
from custseg.errors import InputError
from custseg.running.compute import HERE, Compute
from custseg.segments.model import Model, SeenFeature
from custseg.segments.nearest import Floats
from custseg.segments.ranks import find_ranks
from custseg.segments.wording import digits

if TYPE_CHECKING:
    from custseg.customers.table import CustomerTable

SHIFTED = 0.25
"""Population stability index from which customers are held to have changed (Siddiqi, *Credit Risk
Scorecards*, 2006); with few customers only what is beyond chance counts."""

LEAST_SHARE = 1e-4
"""Stands for the share of an empty bin, whose logarithm would be infinite; half a customer where that is
more."""

CHANCE = 0.99
"""Share of draws of as many customers whose index stays under what counts as chance."""

PRICES = ("mean_unit_price", "mean_basket", "spend")
"""What amounts are compared by: the first of these that both have. Prices move little from month to month,
while spend grows with the months of an input."""

FACTOR = 5.0
"""Least factor between the median prices of another currency or unit."""

BEYOND = 0.8
"""Share of customers whose price lies beyond all but a tenth of those seen, when the unit is another."""

FEWEST = 20
"""Customers whose prices say something about a unit."""


@dataclass(frozen=True)
class Drift:
    """How one feature has moved since a model was made.

    Attributes
    ----------
    name
        Of the feature.
    psi
        Population stability index over the deciles of the model: 0 is unchanged, from 0.25 the customers have
        changed.
    below, above
        Customers outside the range the model saw.
    expected
        What the index stays under by chance in 99 of 100 draws of as many customers.
    """

    name: str
    psi: float
    below: int
    above: int
    expected: float

    @property
    def shifted(self) -> bool:
        """Whether the customers have changed in this feature."""
        return self.psi >= max(SHIFTED, self.expected)


@dataclass(frozen=True)
class Drifts:
    """The drift of all clustered features, and the customers outside the range seen in any of them."""

    features: tuple[Drift, ...]
    outside: int

    @property
    def shifted_in(self) -> str:
        """The features in which the customers have changed, with the index of each; empty when in none."""
        shifted = [drift for drift in self.features if drift.shifted]
        return ", ".join(f"{FEATURES[drift.name].label.lower()} ({drift.psi:.2f})" for drift in shifted)

    def to_record(self) -> dict[str, Any]:
        """Return plain values for run.json."""
        rows = [asdict(drift) for drift in self.features]
        for row in rows:
            del row["expected"]
        return {"drift": rows, "outside": self.outside}

    def sentences(self, customers: int) -> list[str]:
        """Say what a user should know; nothing when all is as it was."""
        told = []
        if self.shifted_in:
            told.append(
                f"The customers differ from those the segments were made from in {self.shifted_in}: a "
                f"population stability index of {SHIFTED} or more. Segments may no longer describe them "
                "well; consider a new run."
            )
        if self.outside:
            told.append(
                f"{self.outside:,} of {customers:,} customers {'lies' if self.outside == 1 else 'lie'} "
                "outside the range that the segments were made from."
            )
        return told


def measure_drift(customers: pl.LazyFrame, model: Model, features: Sequence[str] | None = None) -> Drifts:
    """Compare customers with those a model was made from, in the features it clusters on.

    Parameters
    ----------
    customers
        One row a customer, at least one.
    model
        With the range and deciles it saw.
    features
        Which to compare; those the model clusters on when None.

    Notes
    -----
    One streaming pass. The index is Σ (p − q) ln(p / q) over the bins between the model's deciles; its chance
    level is that of Yurdakul, *Statistical Properties of Population Stability Index* (2018).
    """
    features = model.features if features is None else features
    asked: dict[str, pl.Expr] = {"total": pl.len()}
    outside = pl.lit(False)
    for name in features:
        seen, value = model.seen[name], pl.col(name).cast(pl.Float64)
        below, above = value < seen.minimum, value > seen.maximum
        outside = outside | below | above
        asked |= {f"below {name}": below.sum(), f"above {name}": above.sum()}
        asked |= {f"{place} {name}": (value < edge).sum() for place, edge in enumerate(seen.edges)}
    counts = customers.select(outside=outside.sum(), **asked).collect(engine="streaming").row(0, named=True)
    total = counts["total"]
    drifts = []
    for name in features:
        seen = model.seen[name]
        shares = _shares([counts[f"{place} {name}"] for place in range(len(seen.edges))], total)
        drifts.append(
            Drift(
                name=name,
                psi=stability_index(seen.shares, shares, least=max(LEAST_SHARE, 0.5 / total)),
                below=counts[f"below {name}"],
                above=counts[f"above {name}"],
                expected=_by_chance(seen, model.customers, total),
            )
        )
    return Drifts(tuple(drifts), counts["outside"])


def stability_index(before: Sequence[float], now: Sequence[float], *, least: float = LEAST_SHARE) -> float:
    """Return the population stability index of two distributions over the same bins."""
    pairs = [(max(p, least), max(q, least)) for p, q in zip(before, now, strict=True)]
    return math.fsum((q - p) * math.log(q / p) for p, q in pairs)


def _is_of_money(model: Model) -> bool:
    return any(FEATURES[name].kind == "money" for name in model.features)


def refuse_other_currency(model: Model, currency: str | None) -> None:
    """Refuse amounts in another currency than those that segments were made from.

    Raises
    ------
    InputError
        Both currencies were named and differ.
    """
    if _is_of_money(model) and currency and model.currency and currency != model.currency:
        raise InputError(
            "other-currency",
            f"The amounts are in {currency}, the segments were made from amounts in {model.currency}.",
            now="Convert the amounts, or make segments of their own with 'custseg batch'.",
        )


def refuse_other_money(
    customers: CustomerTable, model: Model, *, currency: str | None, compute: Compute = HERE
) -> None:
    """Refuse customers whose amounts are in another currency or unit than the model's.

    Raises
    ------
    InputError
        Both currencies were named and differ, or nearly all prices lie far beyond those seen.
    """
    if not _is_of_money(model):
        return
    refuse_other_currency(model, currency)
    name = next((name for name in PRICES if name in customers.columns and name in model.seen), None)
    if name is None:
        return
    seen, total = model.seen[name], len(customers)
    if not seen.edges or seen.median <= 0:
        return
    count = partial(_beyond, customers=customers, name=name, low=seen.edges[0], high=seen.edges[-1])
    under, over = np.sum(compute.map(count, range(customers.blocks)), axis=0).tolist()
    if total < FEWEST or max(under, over) < BEYOND * total:
        return
    read = partial(_values, customers=customers)
    middle = [(total + 1) // 2, total // 2 + 1]
    found = find_ranks(read, range(customers.blocks), {name: middle}, {name: total}, compute)
    median = float(found[name].values.mean())
    ratio = median / seen.median
    if (ratio >= FACTOR and over >= BEYOND * total) or (ratio <= 1 / FACTOR and under >= BEYOND * total):
        factor = f"{digits(ratio)} times" if ratio > 1 else f"one {digits(1 / ratio)}th of"
        raise InputError(
            "other-scale",
            f"The amounts are not on the scale of those the segments were made from: the median of "
            f"{FEATURES[name].label.lower()} is {factor} what it was.",
            where=f"{name}: median {digits(median)}, was {digits(seen.median)}",
            now="Give the amounts in the same currency and unit (pounds, not pence), say which column is the "
            "price (--column unit_price=HEADER), or make segments of their own with 'custseg batch'.",
        )


def _values(block: int, names: Collection[str], *, customers: CustomerTable) -> Iterator[tuple[str, Floats]]:
    """Go through some features of a block's customers."""
    for values in customers.some(block, list(names)):
        yield values.name, values.cast(pl.Float64).to_numpy()


def _beyond(block: int, *, customers: CustomerTable, name: str, low: float, high: float) -> tuple[int, int]:
    """Count how many of a block's customers are below and above two values."""
    [(_, values)] = _values(block, [name], customers=customers)
    return int((values < low).sum()), int((values > high).sum())


def _shares(below: Sequence[int], total: int) -> list[float]:
    """Turn the counts under each edge into the shares between the edges."""
    ends = [0, *below, total]
    return [(end - start) / total for start, end in pairwise(ends)]


def _by_chance(seen: SeenFeature, before: int, now: int) -> float:
    from scipy.stats import chi2

    bins = len(seen.shares)
    return float(chi2.ppf(CHANCE, bins - 1)) * (1 / before + 1 / now) if bins > 1 else 0.0

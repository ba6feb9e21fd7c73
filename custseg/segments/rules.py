"""If-then rules in original units: a shallow tree that tells the segments apart in words.

The segments themselves are made by distances, which nobody can recite. The rules say nearly the same with a
few thresholds. Thresholds are rounded first and customers counted afterwards, over all of them, so each rule
is true as printed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import FEATURES
from custseg.segments.wording import DIGITS

SAMPLE = 20_000
"""Customers the tree is grown on. They come in the order of a hash, so the first ones are a random sample."""

DEPTH = 4
"""Thresholds on the way to a rule; one more than are needed to part the segments, where that is more."""

LEAF_SHARE = 0.005
"""Least share of the sample in a leaf: a rule for fewer is no rule."""

MOVED = 0.01
"""Share of the customers on the smaller side of a limit that its rounding may put on the other."""

EXACT = 17
"""Digits that tell any two numbers apart."""

EVERYONE = pl.col("segment_id").is_not_null()

Bounds = dict[str, tuple[float | None, float | None]]
"""By feature the least value (inclusive) and the limit (exclusive); None where there is none."""

Alternatives = tuple[Bounds, ...]
"""A rule: it holds where any of these does; none at all where there is no rule."""


@dataclass(frozen=True)
class SegmentRule:
    """What one segment's customers have in common, as far as few thresholds can say it.

    Attributes
    ----------
    segment_id
        The segment the rule stands for.
    text
        Such as ``purchases at least 5 and total quantity 1,230 or more``; alternatives joined by ``or``.
        Empty when the tree found no rule for the segment.
    bounds
        The alternatives as numbers.
    covered
        Customers the rule holds for.
    right
        Those of them who are in the segment.
    customers
        Customers in the segment.
    """

    segment_id: int
    text: str
    bounds: Alternatives
    covered: int
    right: int
    customers: int

    def to_record(self) -> dict[str, Any]:
        """Return plain values for run.json."""
        return {
            "id": self.segment_id,
            "text": self.text,
            "covered": self.covered,
            "right": self.right,
            "customers": self.customers,
        }

    def sentence(self) -> str:
        """Say the rule and how far it goes."""
        if not self.text:
            return "no simple rule"
        return (
            f"if {self.text} ({self.right:,} of the {self.covered:,} customers this holds for "
            f"are in the segment, which has {self.customers:,})"
        )


def find_rules(
    customers: pl.LazyFrame, *, features: Sequence[str], numbers: Sequence[int]
) -> tuple[Alternatives, ...]:
    """Find if-then rules for the segments of a labelled customer table.

    Parameters
    ----------
    customers
        One row a customer, in the order of customers, with ``segment_id``.
    features
        What rules may speak of: the features clustered on.
    numbers
        Of the segments.

    Returns
    -------
    tuple of Alternatives
        One a segment. No customer is covered by two; with a rule for every segment each is covered by one.
    """
    sample = (
        customers.select(*(pl.col(name).cast(pl.Float64) for name in features), "segment_id")
        .head(SAMPLE)
        .collect()
    )
    leaves = _leaves(sample.select(features).to_numpy(), sample["segment_id"].to_numpy(), features)
    return tuple(tuple(bounds for segment, bounds in leaves if segment == number) for number in numbers)


def count_rules(
    customers: pl.LazyFrame, rules: Sequence[Alternatives], *, numbers: Sequence[int]
) -> tuple[SegmentRule, ...]:
    """Count for how many customers each rule holds, and is right.

    Parameters
    ----------
    customers
        One row a customer, with ``segment_id``.
    rules, numbers
        Of the segments.

    Returns
    -------
    tuple of SegmentRule
        One a segment.
    """
    holds = [_holds(alternatives) for alternatives in rules]
    own = [pl.col("segment_id") == number for number in numbers]
    counts = (
        customers.select(
            *(condition.sum().alias(f"covered_{i}") for i, condition in enumerate(holds)),
            *(
                (condition & mine).sum().alias(f"right_{i}")
                for i, (condition, mine) in enumerate(zip(holds, own, strict=True))
            ),
            *(mine.sum().alias(f"customers_{i}") for i, mine in enumerate(own)),
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    return tuple(
        SegmentRule(
            segment_id=number,
            text=", or ".join(_words(bounds) for bounds in alternatives),
            bounds=alternatives,
            covered=int(counts[f"covered_{i}"]),
            right=int(counts[f"right_{i}"]),
            customers=int(counts[f"customers_{i}"]),
        )
        for i, (number, alternatives) in enumerate(zip(numbers, rules, strict=True))
    )


def _leaves(
    values: NDArray[np.float64], segments: NDArray[np.uint8], features: Sequence[str]
) -> list[tuple[int, Bounds]]:
    """Grow a tree and return its leaves: the segment and the bounds that lead there."""
    from sklearn.tree import DecisionTreeClassifier

    present = len(np.unique(segments))
    classifier = DecisionTreeClassifier(
        max_depth=max(DEPTH, math.ceil(math.log2(present)) + 1),
        max_leaf_nodes=max(2, 2 * present),
        min_samples_leaf=max(1, math.ceil(LEAF_SHARE * len(values))),
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of many segments beside the customers
        model = classifier.fit(values, segments)
    tree, classes = model.tree_, model.classes_

    def below(node: int, bounds: Bounds, rows: NDArray[np.float64]) -> list[tuple[int, Bounds]]:
        on_left, on_right = int(tree.children_left[node]), int(tree.children_right[node])
        if on_left < 0:
            return [(int(classes[tree.value[node][0].argmax()]), bounds)]
        name, threshold = features[tree.feature[node]], float(tree.threshold[node])
        column = rows[:, tree.feature[node]]
        if (column <= threshold).all() or (column > threshold).all():
            # Bounds above were rounded past all of one side; the other takes the whole branch.
            return below(on_left if (column <= threshold).all() else on_right, bounds, rows)
        limit = _rounded(threshold, column, name)
        low, high = bounds.get(name, (None, None))
        left = below(on_left, {**bounds, name: (low, limit)}, rows[column < limit])
        right = below(on_right, {**bounds, name: (limit, high)}, rows[column >= limit])
        if {segment for segment, _ in left + right} == {left[0][0]}:
            # Both sides say the same: the split says nothing.
            return [(left[0][0], bounds)]
        return left + right

    return below(0, {}, values)


def _rounded(threshold: float, values: NDArray[np.float64], name: str) -> float:
    """Round a threshold ("at most this goes left") to what is printed: the least value that goes right.

    It has three digits, or as many more as it takes for nearly all values to stay on their side.
    """
    if FEATURES[name].kind in ("count", "days"):
        return float(math.floor(threshold) + 1)
    left = values <= threshold
    allowed = MOVED * min(left.sum(), (~left).sum())
    size = math.floor(math.log10(abs(threshold))) if threshold else 0
    for figures in range(DIGITS, EXACT):
        limit = round(threshold, figures - 1 - size)
        if ((values < limit) != left).sum() <= allowed:
            return limit
    return float(values[~left].min())


def _holds(alternatives: Sequence[Bounds]) -> pl.Expr:
    """Return whether any of the alternatives holds."""
    return reduce(or_, (_all_hold(bounds) for bounds in alternatives), ~EVERYONE)


def _all_hold(bounds: Bounds) -> pl.Expr:
    conditions = [EVERYONE]
    for name, (low, high) in bounds.items():
        if low is not None:
            conditions.append(pl.col(name) >= low)
        if high is not None:
            conditions.append(pl.col(name) < high)
    return reduce(and_, conditions)


def _words(bounds: Bounds) -> str:
    """Say bounds in words."""
    return " and ".join(_range(name, low, high) for name, (low, high) in bounds.items()) or "any customer"


def _range(name: str, low: float | None, high: float | None) -> str:
    """Say the range of one feature."""
    label = FEATURES[name].label.lower()
    if FEATURES[name].kind in ("count", "days"):
        if high is None:
            return f"{label} at least {low:,.0f}"
        if low is None:
            return f"{label} at most {high - 1:,.0f}"
        return f"{label} {low:,.0f}" if low == high - 1 else f"{label} {low:,.0f} to {high - 1:,.0f}"
    if low is None or high is None:
        return f"{label} under {_said(high)}" if high is not None else f"{label} {_said(low or 0.0)} or more"
    return f"{label} {_said(low)} to under {_said(high)}"


def _said(limit: float) -> str:
    """Write a limit with all the digits it has: ``1,230``, ``1,002.9``, ``0.04``."""
    return f"{Decimal(repr(limit)):,f}".removesuffix(".0")

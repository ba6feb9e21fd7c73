"""RFM scores: recency, frequency and spend from 1 to 5, beside the segments.

The trade has scored customers by fifths since Hughes, *Strategic Database Marketing* (1994). A score of 5
says that at least four fifths of the customers are worse, 4 that three fifths are, and so on. Customers are
compared by value alone, so equal customers have equal scores whatever their order; where many are alike, as
those who bought once are, a score stays empty rather than being handed out by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from custseg.columns import SCORES
from custseg.running.compute import HERE, Compute
from custseg.segments.nearest import Floats
from custseg.segments.ranks import find_ranks

if TYPE_CHECKING:
    from custseg.customers.table import CustomerTable

FIFTHS = 5

Edges = dict[str, tuple[float, ...]]
"""By score the four values that a customer must be better than, the easiest first."""


def score_edges(customers: CustomerTable, compute: Compute = HERE) -> Edges:
    """Find the values that divide the customers into fifths.

    Parameters
    ----------
    customers
        All of them, at least one; a score whose feature they do not have is left out.
    compute
        Where the work is done.

    Returns
    -------
    dict of str to tuple of float
        By score four values in original units: the score is 1, and one more for each value that the customer
        is better than. They come from the least good of the customers, so they fall for recency.

    Notes
    -----
    Exact; memory does not depend on the number of customers.
    """
    total = len(customers)
    names = [name for name, score in SCORES.items() if score.feature in customers.columns]
    ranks = [-(-total * fifth // FIFTHS) for fifth in range(1, FIFTHS)]
    found = find_ranks(
        partial(_goodness, customers=customers),
        range(customers.blocks),
        dict.fromkeys(names, ranks),
        dict.fromkeys(names, total),
        compute,
    )
    # Adding zero makes −0 into 0.
    return {name: tuple((_sign(name) * found[name].values + 0.0).tolist()) for name in names}


def edges_of(edges: Edges, columns: Collection[str]) -> Edges:
    """Return the edges of those scores whose features are there."""
    return {name: limits for name, limits in edges.items() if SCORES[name].feature in columns}


def _goodness(
    block: int, names: Collection[str], *, customers: CustomerTable
) -> Iterator[tuple[str, Floats]]:
    """Go through what some scores of a block's customers are made from, the better the more."""
    table = customers.some(block, [SCORES[name].feature for name in names])
    for name in names:
        yield name, _sign(name) * table[SCORES[name].feature].cast(pl.Float64).to_numpy()


def _sign(name: str) -> float:
    return -1.0 if SCORES[name].low_is_good else 1.0


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

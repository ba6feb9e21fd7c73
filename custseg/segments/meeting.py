"""Who of an earlier run is in which cluster of this one: counts and money by pair, added up by blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import SCALE
from custseg.running.compute import HERE, Compute
from custseg.segments.earlier import Previous
from custseg.segments.model import Model
from custseg.segments.nearest import Floats, label_block

if TYPE_CHECKING:
    from custseg.customers.matrix import Matrix, Rows

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Meeting:
    """What became of the customers of an earlier run in the clusters of this one.

    Money is in ten-thousandths, so that it adds up whatever the order.

    Attributes
    ----------
    customers, spend, spend_before
        Customers in both runs by earlier segment (rows) and cluster (columns), and their spend now and then.
    today
        The same customers by the earlier segment that its centres would put them in today; None where the
        earlier centres cannot be applied.
    new, new_spend
        Customers of this run only, by cluster.
    """

    customers: Counts
    spend: Counts
    spend_before: Counts
    today: Counts | None
    new: Counts
    new_spend: Counts


def meet(matrix: Matrix, centres: Floats, rows: Rows, previous: Previous, compute: Compute = HERE) -> Meeting:
    """Count who came from which earlier segment into which cluster.

    Parameters
    ----------
    matrix
        The customers as points.
    centres
        Of the clusters.
    rows
        Their features and what `EarlierCustomers.beside` added.
    compute
        Where the work is done.
    """
    task = partial(_meet_block, matrix=matrix, centres=centres, rows=rows, model=previous.model)
    blocks = compute.map(task, range(len(matrix.blocks)))
    both, spend, before, new, new_spend = (
        np.sum([getattr(block, name) for block in blocks], axis=0)
        for name in ("customers", "spend", "spend_before", "new", "new_spend")
    )
    today = [block.today for block in blocks if block.today is not None]
    return Meeting(both, spend, before, np.sum(today, axis=0) if today else None, new, new_spend)


def _meet_block(number: int, *, matrix: Matrix, centres: Floats, rows: Rows, model: Model) -> Meeting:
    """Count the customers of one block."""
    table = rows(number)
    cluster = label_block(matrix.block(number), centres).cluster
    known = table["previous_segment_id"].is_not_null().to_numpy()
    place = np.zeros(256, np.intp)
    place[list(model.numbers)] = np.arange(len(model.numbers))
    was = place[table["previous_segment_id"].fill_null(0).to_numpy()]
    now_money, old_money = _money(table, "spend"), _money(table, "previous_spend")

    def add(at: tuple[NDArray[Any], ...], amounts: Counts | int) -> Counts:
        shape = (len(model.numbers), len(centres))[-len(at) :]
        total = np.zeros(shape, np.int64)
        np.add.at(total, at, amounts)
        return total

    pair = was[known], cluster[known]
    today = None
    if set(model.features) <= set(table.columns):
        values = table.select(pl.col(model.features).cast(pl.Float64)).to_numpy()
        put = label_block(model.scaling.apply(values), model.centres).cluster
        today = add((put[known], cluster[known]), 1)
    return Meeting(
        customers=add(pair, 1),
        spend=add(pair, now_money[known]),
        spend_before=add(pair, old_money[known]),
        today=today,
        new=add((cluster[~known],), 1),
        new_spend=add((cluster[~known],), now_money[~known]),
    )


def _money(table: pl.DataFrame, name: str) -> Counts:
    """Return amounts in ten-thousandths; 0 where there is none."""
    if name not in table.columns:
        return np.zeros(table.height, np.int64)
    values = table[name].fill_null(0.0).to_numpy()
    whole: Counts = np.rint(values * SCALE).astype(np.int64)
    return whole

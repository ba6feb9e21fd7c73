"""From one run to the next: the same segments under the same numbers and names, and who moved between them.

Segments are matched one to one on the customers of both runs, by where the earlier centres would put them
today: that tells a segment that has moved from customers who have. Where the earlier centres say nothing
about today's features, by where the customers were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import SCALE
from custseg.running.compute import HERE, Compute
from custseg.segments.choice import NEAR, percent
from custseg.segments.drift import Drifts
from custseg.segments.earlier import Previous
from custseg.segments.model import Model
from custseg.segments.nearest import Floats, label_block
from custseg.segments.selection import KSelection
from custseg.segments.structure import adjusted_rand

if TYPE_CHECKING:
    from custseg.customers.matrix import Matrix, Rows

LOOSE = 1.05
"""Sum of squares with carried-over centres, over that with new ones, from which new ones are advised."""

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


def match(meeting: Meeting, places: Sequence[int] | None) -> dict[int, int]:
    """Match the clusters with the earlier segments, one to one.

    Parameters
    ----------
    places
        Which earlier segment each cluster went on from; None when they did not.

    Returns
    -------
    dict of int to int
        By cluster the place of its earlier segment. A cluster that shares no customer with any segment left
        is new, and missing; one that started from a segment that has no customer left is still that one.

    Notes
    -----
    Kuhn, *The Hungarian method for the assignment problem* (1955), on the customers in both runs.
    """
    from scipy.optimize import linear_sum_assignment

    weights = (meeting.customers if meeting.today is None else meeting.today).astype(np.float64)
    if places is not None:
        # Decides only where no customer does.
        weights[list(places), range(len(places))] += 0.5 / len(weights)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {column: row for row, column in pairs if weights[row, column] > 0}


def carry_numbers(matched: dict[int, int], order: Sequence[int], numbers: Sequence[int]) -> dict[int, int]:
    """Return the cluster of each segment by its number, ascending.

    Parameters
    ----------
    matched
        By cluster the place of its earlier segment.
    order
        The clusters by falling worth.
    numbers
        Of the earlier segments.

    Returns
    -------
    dict of int to int
        A matched cluster has its earlier segment's number; the others get the least numbers that the earlier
        run did not use, the most valuable first.
    """
    free = (number for number in count(1) if number not in numbers)
    given = {(numbers[matched[cluster]] if cluster in matched else next(free)): cluster for cluster in order}
    return dict(sorted(given.items()))


def describe(
    previous: Previous, meeting: Meeting, clusters: dict[int, int], *, money: bool
) -> dict[str, Any]:
    """Return the ``previous`` part of run.json, as far as it is about who moved.

    Parameters
    ----------
    clusters
        By the number of each segment the cluster that it is.
    money
        Whether both runs have it.
    """
    numbers = previous.model.numbers
    before = {segment["id"]: segment for segment in previous.record["segments"]}
    stayed = sum(
        int(meeting.customers[place, clusters[number]])
        for place, number in enumerate(numbers)
        if number in clusters
    )
    in_both = int(meeting.customers.sum())
    return {
        "folder": str(previous.folder),
        **{name: previous.record.get(name) for name in ("created", "as_of", "customers")},
        "segments": [
            {name: segment[name] for name in ("id", "name", "customers", "share", "spend", "spend_share")}
            for segment in previous.record["segments"]
        ],
        "migration": list(_migration(meeting, clusters, numbers, before, money=money)),
        "in_both": in_both,
        "new": int(meeting.new.sum()),
        "gone": previous.record["customers"] - in_both,
        "stayed": stayed,
        "stayed_share": stayed / in_both if in_both else None,
        "adjusted_rand": adjusted_rand(meeting.customers) if in_both else None,
    }


def advise(previous: Previous, selection: KSelection, drifts: Drifts, *, min_share: float) -> dict[str, Any]:
    """Say whether k had better be chosen anew, when the earlier one was carried over."""
    reasons = []
    by_k = {candidate.k: candidate for candidate in selection.candidates}
    chosen, auto = by_k[selection.k], by_k[selection.auto.k]
    if not chosen.eligible:
        share = percent(chosen.smallest_share)
        reasons.append(f"a segment holds only {share} of customers, under {percent(min_share)}")
    better = (auto.silhouette or -1.0) - (chosen.silhouette or -1.0)
    if better > NEAR:
        reasons.append(
            f"k = {auto.k} scores a silhouette of {auto.silhouette or 0:.3f}, k = {chosen.k} only "
            f"{chosen.silhouette or 0:.3f}"
        )
    shifted = [drift for drift in drifts.features if drift.shifted]
    if shifted:
        names = ", ".join(f"{drift.name} ({drift.psi:.2f})" for drift in shifted)
        reasons.append(f"customers have shifted in {names}")
    if selection.looseness is not None and selection.looseness >= LOOSE:
        reasons.append(
            f"centres found anew lie closer: the carried ones leave {percent(selection.looseness - 1)} more "
            "of a sum of squares"
        )
    if reasons:
        advice = f"A fresh choice of k is advised (--k auto): {'; '.join(reasons)}."
    else:
        advice = (
            f"No fresh choice of k is needed: the {len(previous.model.numbers)} segments still fit the "
            "customers."
        )
    return {"choose_again": bool(reasons), "advice": advice, "looseness": selection.looseness}


def _migration(
    meeting: Meeting,
    clusters: dict[int, int],
    numbers: Sequence[int],
    before: dict[int, Any],
    *,
    money: bool,
) -> list[dict[str, Any]]:
    """Return an entry for every pair of segments with customers: those in both, the new, the gone."""

    def entry(from_id: int | None, to_id: int | None, customers: int, now: Any, then: Any) -> dict[str, Any]:
        return {
            "from_id": from_id,
            "to_id": to_id,
            "customers": int(customers),
            "spend": int(now) / SCALE if money and now is not None else None,
            "spend_before": int(then) / SCALE if money and then is not None else None,
        }

    rows = []
    for place, number in enumerate(numbers):
        for to_id, cluster in clusters.items():
            pair = place, cluster
            rows.append(
                entry(
                    number,
                    to_id,
                    meeting.customers[pair],
                    meeting.spend[pair],
                    meeting.spend_before[pair],
                )
            )
        was = before[number]
        left = round((was["spend"] or 0) * SCALE) - int(meeting.spend_before[place].sum())
        rows.append(entry(number, None, was["customers"] - int(meeting.customers[place].sum()), None, left))
    for to_id, cluster in clusters.items():
        rows.append(entry(None, to_id, meeting.new[cluster], meeting.new_spend[cluster], None))
    return [row for row in rows if row["customers"]]


def _money(table: pl.DataFrame, name: str) -> Counts:
    """Return amounts in ten-thousandths; 0 where there is none."""
    if name not in table.columns:
        return np.zeros(table.height, np.int64)
    values = table[name].fill_null(0.0).to_numpy()
    whole: Counts = np.rint(values * SCALE).astype(np.int64)
    return whole

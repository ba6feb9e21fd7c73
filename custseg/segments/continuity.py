"""From one run to the next: the same segments under the same numbers and names, and who moved between them.

Segments are matched one to one on the customers of both runs, by where the earlier centres would put them
today: that tells a segment that has moved from customers who have. Where the earlier centres say nothing
about today's features, by where the customers were.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from custseg.columns import SCALE
from custseg.segments.choice import NEAR
from custseg.segments.drift import Drifts
from custseg.segments.earlier import Previous
from custseg.segments.meeting import Meeting
from custseg.segments.selection import KSelection
from custseg.segments.structure import adjusted_rand
from custseg.segments.wording import least, percent

LOOSE = 1.05
"""Sum of squares with carried-over centres, over that with new ones, from which new ones are advised."""

MOST = 255
"""Highest number of a segment: segment_id is a uint8."""


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


def carry_numbers(
    matched: dict[int, int], order: Sequence[int], numbers: Sequence[int], last: int
) -> dict[int, int]:
    """Return the cluster of each segment by its number, ascending.

    Parameters
    ----------
    matched
        By cluster the place of its earlier segment.
    order
        The clusters by falling worth.
    numbers
        Of the earlier segments.
    last
        The highest number that the earlier run, or one before it, used.

    Returns
    -------
    dict of int to int
        A matched cluster has its earlier segment's number; the others get those after the highest that was
        ever used, the most valuable first. Only where none are left are those of segments gone used again.
    """
    gone = (number for number in range(1, last + 1) if number not in numbers)
    free = chain(range(last + 1, MOST + 1), gone)
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
        share = percent(chosen.smallest_share, min_share)
        reasons.append(f"a segment holds only {share} of customers, under {least(min_share)}")
    better = (auto.silhouette or -1.0) - (chosen.silhouette or -1.0)
    if better > NEAR:
        reasons.append(
            f"k = {auto.k} scores a silhouette of {auto.silhouette or 0:.3f}, k = {chosen.k} only "
            f"{chosen.silhouette or 0:.3f}"
        )
    if drifts.shifted_in:
        reasons.append(f"customers have shifted in {drifts.shifted_in}")
    if selection.looseness is not None and selection.looseness >= LOOSE:
        reasons.append(
            "centres found anew lie closer to the customers: with the carried ones the sum of squares is "
            f"{percent(selection.looseness - 1)} larger"
        )
    if reasons:
        advice = f"A fresh choice of k is advised (--k auto): {'; '.join(reasons)}."
    else:
        advice = f"No fresh choice of k is needed: the {selection.k} segments still fit the customers."
    assert selection.places is not None, "advice is on centres that were carried over"
    labels = [f"{n} {name}" for n, name in zip(previous.model.numbers, previous.model.names, strict=True)]
    gone = [label for place, label in enumerate(labels) if place not in selection.places]
    if gone:
        advice += f" Nobody is left in {', '.join(gone)}: {'it is' if len(gone) == 1 else 'they are'} gone."
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

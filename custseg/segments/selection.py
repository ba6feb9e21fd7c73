"""The result of the choice of k, and its part of run.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from custseg.segments.choice import Candidate, Choice
from custseg.segments.nearest import Floats
from custseg.segments.scores import Silhouettes
from custseg.segments.structure import BoxReference, Stability, Verdict

PERCENTILES = np.linspace(0, 1, 101)


@dataclass(frozen=True, kw_only=True)
class KSelection:
    """The chosen k, its centres, and everything that led there.

    Attributes
    ----------
    candidates
        Every k that was fitted, ascending.
    sse_k1
        Sum of squares around the mean of all customers.
    auto
        What is chosen from 2-10 when nobody asks for a k.
    chosen
        What is chosen from the k that were asked for; `auto` when none were.
    votes
        Whose votes are recorded: `auto`'s where one k was asked for, which leaves nothing to vote on.
    reason
        Why, one sentence.
    verdict
        Whether the chosen segments stand for ``clear`` or ``weak`` structure or ``none``.
    reference
        What the verdict's first part rests on.
    stability
        Of the chosen k; None when there are too few customers.
    centres
        Of the chosen k, ``(k, n_features)`` in the scaled space.
    silhouettes
        Of all candidates.
    places
        With carried-over centres: which of them the clusters go on from.
    looseness
        With them: their sum of squares over that of centres found anew; None when that is 0 or unknown.
    """

    candidates: tuple[Candidate, ...]
    sse_k1: float
    auto: Choice
    chosen: Choice
    votes: Choice
    reason: str
    verdict: Verdict
    reference: BoxReference
    stability: Stability | None
    centres: Floats
    silhouettes: Silhouettes
    places: tuple[int, ...] | None = None
    looseness: float | None = None

    @property
    def k(self) -> int:
        """The chosen number of segments."""
        return self.chosen.k

    def to_record(self, clusters: Mapping[int, int]) -> dict[str, Any]:
        """Return the ``k_selection`` part of run.json.

        Parameters
        ----------
        clusters
            By the number of each segment the cluster that it is.
        """
        return {
            "candidates": [candidate.to_record() for candidate in self.candidates],
            "sse_k1": self.sse_k1,
            "elbow": self.votes.elbow,
            "auto": self.auto.k,
            "chosen": self.k,
            "reason": self.reason,
            "verdict": self.verdict,
            "votes": {
                "silhouette": self.votes.best_silhouette,
                "elbow": self.votes.elbow,
                "min_share": list(self.votes.eligible),
            },
            "structure_z": self.reference.largest_z,
            "structure_z_of_boxes": self.reference.boxes_largest_z,
            "silhouette_sampled": len(self.silhouettes.values),
            "silhouette_exact": self.silhouettes.exact,
            "silhouette_by_segment": [
                _quantiles(segment, self.silhouettes.of_cluster(self.k, cluster))
                for segment, cluster in clusters.items()
            ],
            "jaccard_by_segment": [
                {"id": segment, "jaccard": self.stability.jaccard[cluster] if self.stability else None}
                for segment, cluster in clusters.items()
            ],
        }


def _quantiles(segment: int, values: Floats) -> dict[str, Any]:
    """Summarise the silhouettes of one segment; no numbers when the sample holds none of it."""
    present = len(values) > 0
    return {
        "id": segment,
        "customers": len(values),
        "mean": float(values.mean()) if present else None,
        "below_zero": float((values < 0).mean()) if present else None,
        "quantiles": np.quantile(values, PERCENTILES).tolist() if present else [],
    }


def below_zero(segment: Mapping[str, Any]) -> float:
    """Return the share of a segment's silhouettes below zero.

    Where the record was made before it held them, on the line between the quantiles on either side of zero.
    """
    if "below_zero" in segment:
        return float(segment["below_zero"])
    quantiles: list[float] = segment["quantiles"]
    below = sum(q < 0 for q in quantiles)
    if not 0 < below < len(quantiles):
        return float(below > 0)
    last, first = quantiles[below - 1 : below + 1]
    return (below - 1 - last / (first - last)) / (len(quantiles) - 1)

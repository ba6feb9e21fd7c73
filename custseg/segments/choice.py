"""The choice among fitted candidates: who is eligible, who wins, and why in one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from custseg.segments.wording import least, percent

NEAR = 0.05
"""Silhouette that a finer division may cost."""

REASONABLE_SILHOUETTE = 0.5
"""Kaufman and Rousseeuw, *Finding Groups in Data* (1990), call 0.26-0.50 weak, above it reasonable."""

RETURNING_JACCARD = 0.9
"""Every segment of a finer division must come back this well: Hennig (2007) calls 0.85 highly stable; a blob
that k-means cuts in two without need stays far below."""

WORTHY_SHARE = 0.02
"""Least share of customers in a segment of a finer division, whatever the user allows: a handful of giants
split off from another handful is no better division."""

PairedError = Callable[[int, int], float]
"""Standard error of the difference between the silhouettes of two k."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One k and what speaks for it.

    Attributes
    ----------
    k
        Number of segments, from 2.
    sse
        Sum of squared distances to the nearest centre over all customers.
    silhouette
        Mean silhouette; None when the sample missed all segments but one.
    silhouette_se
        Its standard error; 0 when all customers were scored.
    sizes
        Customers in each segment, the largest first.
    stability
        Mean adjusted Rand index over bootstrap samples; None when there are too few customers.
    weakest_jaccard
        The least Jaccard index of a segment over bootstrap samples; None likewise.
    eligible
        Whether the smallest segment holds the least share of customers asked for.
    """

    k: int
    sse: float
    silhouette: float | None
    silhouette_se: float | None
    sizes: tuple[int, ...]
    stability: float | None
    weakest_jaccard: float | None
    eligible: bool

    @property
    def smallest_share(self) -> float:
        """Share of customers in the smallest segment."""
        return self.sizes[-1] / sum(self.sizes)

    def to_record(self) -> dict[str, Any]:
        """Return plain values for run.json."""
        return {
            "k": self.k,
            "sse": self.sse,
            "silhouette": self.silhouette,
            "silhouette_se": self.silhouette_se,
            "smallest_share": self.smallest_share,
            "stability": self.stability,
            "weakest_jaccard": self.weakest_jaccard,
            "eligible": self.eligible,
            "sizes": list(self.sizes),
        }


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The k chosen from some candidates.

    Attributes
    ----------
    k
        The choice.
    elbow
        Elbow of the curve of sums of squares from k = 1, None when there is none.
    best_silhouette
        The k with the best silhouette, eligible or not.
    eligible
        Every k whose smallest segment holds the least share of customers asked for.
    reason
        Why, without a full stop.
    """

    k: int
    elbow: int | None
    best_silhouette: int | None
    eligible: tuple[int, ...]
    reason: str


def choose(
    candidates: Sequence[Candidate],
    *,
    sse_k1: float,
    min_share: float,
    paired_error: PairedError,
    asked: tuple[int, int] | None = None,
) -> Choice:
    """Choose k: the best silhouette among the eligible; ties go to the elbow, then to the smaller k.

    Two k tie when their silhouettes differ by no more than one standard error of the difference. Where there
    is clear structure one step follows: a silhouette looks at the nearest other segment only, so it pays to
    merge two clusters that lie close, however distinct. A finer division is taken when it costs little
    silhouette and every segment of it comes back in bootstrap samples.

    Parameters
    ----------
    candidates
        At least one, by ascending k.
    sse_k1
        Sum of squares around the mean of all customers.
    min_share
        Least share of customers in a segment, for the reason.
    paired_error
        Standard error of the difference between two silhouettes.
    asked
        The least and the largest k asked for, for the reason.

    Returns
    -------
    Choice
        With its reason.
    """
    elbow = find_elbow([1, *(c.k for c in candidates)], [sse_k1, *(c.sse for c in candidates)])
    scored = [c for c in candidates if c.silhouette is not None]
    highest = max(scored, key=_silhouette, default=None)
    eligible = [c for c in scored if c.eligible]
    if eligible:
        best = max(eligible, key=_silhouette)
        ties = {
            c.k
            for c in eligible
            if _silhouette(best) - _silhouette(c) <= paired_error(best.k, c.k) and c is not best
        } | {best.k}
        k = elbow if elbow in ties else min(ties)
        reason = _winning(k, best, len(eligible) < len(candidates), elbow, min_share)
        finer = [c for c in eligible if c.k > k and _divides_well(c, best)]
        if finer:
            k = finer[-1].k
            reason = (
                _winning(k, best, len(eligible) < len(candidates), elbow, min_share)
                if k == best.k
                else f"k = {k} scores {_silhouette(finer[-1]):.3f}, hardly less than the best silhouette "
                f"(k = {best.k}, {_silhouette(best):.3f})"
            )
            reason += ", and each of its segments comes back in bootstrap samples"
        if highest is not None and not highest.eligible and _silhouette(highest) > _silhouette(best):
            reason += (
                f"; k = {highest.k} scores higher ({_silhouette(highest):.3f}) but leaves a segment of "
                f"{percent(highest.smallest_share, min_share)} of customers"
            )
    else:
        widest = max(candidates, key=lambda c: (c.eligible, c.smallest_share, -c.k))
        k = widest.k
        reason = _fallback(widest, min_share, f" of {asked[0]}-{asked[1]}" if asked else "")
    return Choice(
        k=k,
        elbow=elbow,
        best_silhouette=highest.k if highest else None,
        eligible=tuple(c.k for c in candidates if c.eligible),
        reason=reason,
    )


def find_elbow(ks: Sequence[int], sums: Sequence[float]) -> int | None:
    """Return the elbow of a falling curve, None when there is none.

    The rule is Satopää, Albrecht, Irwin and Raghavan, *Finding a "kneedle" in a haystack* (2011), with its
    sensitivity 1. It depends on where the curve starts, hence always from k = 1.
    """
    from kneed import KneeLocator

    if len(ks) < 3 or max(sums) <= min(sums):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of its versions warn where they find none
        knee = KneeLocator(ks, sums, curve="convex", direction="decreasing", S=1.0).knee
    return int(knee) if knee is not None and knee > 1 else None


def _divides_well(candidate: Candidate, best: Candidate) -> bool:
    """Say whether a finer division stands on its own."""
    return (
        _silhouette(candidate) >= max(REASONABLE_SILHOUETTE, _silhouette(best) - NEAR)
        and (candidate.weakest_jaccard or 0.0) >= RETURNING_JACCARD
        and candidate.smallest_share >= WORTHY_SHARE
    )


def _winning(k: int, best: Candidate, others: bool, elbow: int | None, min_share: float) -> str:
    """Say why an eligible k was chosen."""
    among = f" of those that leave every segment {least(min_share)} of customers" if others else ""
    if k == best.k:
        return f"k = {k} has the best silhouette ({_silhouette(best):.3f}){among}"
    why = "is the elbow of the sums of squares" if k == elbow else "is the smallest such k"
    return (
        f"k = {k} is within one standard error of the best silhouette{among} "
        f"(k = {best.k}, {_silhouette(best):.3f}) and {why}"
    )


def _fallback(widest: Candidate, min_share: float, among: str) -> str:
    """Say why a k was chosen that no silhouette speaks for."""
    if widest.eligible:
        return (
            "The sample held one segment only at every k; "
            f"k = {widest.k} has the largest smallest segment, {percent(widest.smallest_share)} of customers"
        )
    return (
        f"No k{among} leaves every segment {least(min_share)} of customers; "
        f"k = {widest.k} comes nearest with {percent(widest.smallest_share, min_share)}"
    )


def _silhouette(candidate: Candidate) -> float:
    return candidate.silhouette if candidate.silhouette is not None else -1.0

"""The choice of k: every candidate fitted, scored and judged.

No single criterion knows how many segments there are: the silhouette likes few, the elbow moves with the
range, and both name a k where there is nothing to divide. So each casts its vote, one rule decides (see
`choice`), and a verdict says whether there is any structure at all (see `structure`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from custseg.errors import InputError
from custseg.running.compute import HERE, Compute
from custseg.segments.carrying import Carried, fit_carried
from custseg.segments.choice import Candidate, Choice, choose
from custseg.segments.kmeans import START_SAMPLE, Fit, fit_clusters, starting_centres
from custseg.segments.nearest import Floats, count_distinct, label_block, mean_point, measure_spread
from custseg.segments.scores import EXACT_UP_TO, Silhouettes, silhouettes
from custseg.segments.selection import KSelection
from custseg.segments.structure import SAMPLE, Stability, compare_with_boxes, judge, measure_stability
from custseg.settings import AUTO_K

if TYPE_CHECKING:
    from custseg.customers.matrix import Matrix


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What the choice of k may use, none of which changes its answer.

    Attributes
    ----------
    memory
        Bytes it may use; when the matrix takes less than half of it, it is read once and kept.
    compute
        Where the work is done.
    advance
        Called with the steps just done, `count_steps` in all.
    """

    memory: int
    compute: Compute = HERE
    advance: Callable[[int], None] = lambda _: None


def count_steps(asked: tuple[int, int] | None) -> int:
    """Return how many steps `choose_k` takes, for a progress bar."""
    return 2 * len(_wanted(asked)) + 3


def choose_k(
    matrix: Matrix,
    *,
    asked: tuple[int, int] | None,
    min_share: float,
    seed: int,
    effort: Effort,
    carried: Carried | None = None,
) -> KSelection:
    """Fit the customers into every number of segments in question and choose one.

    Parameters
    ----------
    matrix
        The customers.
    asked
        The least and the largest k the user asked for, None for the usual 2-10. What is chosen from 2-10
        stands in the answer either way.
    min_share
        Least share of customers in a segment, from 0 to 1; one k asked for is taken whatever its shares.
    seed
        Seed of all draws.
    effort
        What may be used.
    carried
        Centres of an earlier run, in the scaling of the matrix, to go on from; nothing is asked for then.

    Returns
    -------
    KSelection
        The same to the last bit whatever the effort.

    Raises
    ------
    InputError
        There are fewer customers, or fewer different ones, than segments.
    """
    compute = effort.compute
    ks, limit = _possible(matrix, asked)
    sample = matrix.sample(START_SAMPLE, seed, compute).points
    starts = starting_centres(sample, ks, seed=seed, compute=compute, advance=effort.advance)
    fits = fit_clusters(
        matrix,
        starts,
        variance=sample.var(axis=0),
        memory=effort.memory,
        settled=len(sample) == len(matrix),
        compute=compute,
        advance=effort.advance,
    )
    _refuse_unfitted(asked, fits)
    places = looseness = None
    if carried is not None:
        fit, places = fit_carried(matrix, carried, variance=sample.var(axis=0), compute=compute)
        _refuse_single(fit)
        looseness = fit.sse / fits[fit.k].sse if fit.k in fits and fits[fit.k].sse else None
        fits = dict(sorted({**fits, fit.k: fit}.items()))
        asked = fit.k, fit.k
    sse_k1 = measure_spread(matrix, {1: mean_point(matrix, compute)}, compute=compute)[1].sse
    effort.advance(1)
    scored = _score(matrix, fits, seed=seed, compute=compute)
    effort.advance(1)
    points = matrix.sample(SAMPLE, seed, compute).points
    labels = _labels(points, fits)
    stability = measure_stability(points, labels, seed=seed)
    usual = {k: labels[k] for k in labels if AUTO_K[0] <= k <= AUTO_K[1]}
    reference = compare_with_boxes(points, usual or labels, seed=seed)
    effort.advance(1)

    candidates = tuple(_candidate(fit, scored, stability, min_share) for fit in fits.values())
    auto, chosen = _choices(candidates, asked, sse_k1, min_share, scored)
    left_out = sorted(set(ks) - set(fits))
    return KSelection(
        candidates=candidates,
        sse_k1=sse_k1,
        auto=auto,
        chosen=chosen,
        votes=auto if asked and asked[0] == asked[1] else chosen,
        reason=_sentence(auto, chosen, asked, limit, left_out, carried=carried is not None),
        verdict=judge(reference, scored.score(chosen.k), stability.get(chosen.k)),
        reference=reference,
        stability=stability.get(chosen.k),
        centres=fits[chosen.k].centres,
        silhouettes=scored,
        places=places,
        looseness=looseness,
    )


def _refuse_single(fit: Fit) -> None:
    """Stop when all customers are in one of the earlier segments."""
    if fit.k < 2:
        raise InputError(
            "too-few-customers",
            "All customers fall into one segment of the previous run.",
            now="Have the segments chosen anew: --k auto.",
        )


def _wanted(asked: tuple[int, int] | None) -> list[int]:
    """Return the k of the usual range and of the one asked for, ascending."""
    usual = range(AUTO_K[0], AUTO_K[1] + 1)
    return sorted({*usual, *(range(asked[0], asked[1] + 1) if asked else ())})


def _possible(matrix: Matrix, asked: tuple[int, int] | None) -> tuple[list[int], str]:
    """Return the k that the customers allow, and what limits them if something does."""
    wanted = _wanted(asked)
    distinct = count_distinct(matrix, wanted[-1] + 1)
    customers = len(matrix)
    alike = distinct < customers and distinct <= wanted[-1]
    if alike:
        limit = f"only {distinct} of {customers:,} customers differ"
    else:
        limit = f"there are {customers:,} customers" if customers > 1 else "there is 1 customer"
    # With as many segments as customers every silhouette is 0 and nothing is said about anyone.
    # Only who asks for that gets it.
    ks = [k for k in wanted if k <= distinct and (k < customers or (asked and asked[0] <= k <= asked[1]))]
    if asked and asked[1] > distinct:
        raise InputError(
            "too-few-customers",
            f"{asked[1]} segments need {asked[1]} different customers, but {limit}.",
            where=f"--k {asked[0]}" if asked[0] == asked[1] else f"--k {asked[0]}-{asked[1]}",
            now="Ask for fewer segments, give more transactions, or cluster on other features.",
        )
    if not ks:
        raise InputError(
            "too-few-customers",
            f"The customers cannot be divided: {limit}.",
            now="Give more transactions, or cluster on other features (--features).",
        )
    return ks, "" if ks == wanted else f"k goes to {ks[-1]} at most, because {limit}"


def _refuse_unfitted(asked: tuple[int, int] | None, fits: dict[int, Fit]) -> None:
    """Stop when none of the k asked for could be fitted."""
    if not any(asked is None or asked[0] <= k <= asked[1] for k in fits):
        raise InputError(
            "too-few-customers",
            "The customers could not be divided without leaving a segment empty: nearly all are alike.",
            now="Ask for fewer segments, or cluster on other features (--features).",
        )


def _labels(points: Floats, fits: dict[int, Fit]) -> dict[int, NDArray[np.uint8]]:
    """Label points by every fit."""
    return {k: label_block(points, fit.centres).cluster for k, fit in fits.items()}


def _score(matrix: Matrix, fits: dict[int, Fit], *, seed: int, compute: Compute) -> Silhouettes:
    """Score all fits on the same customers."""
    sample = matrix.sample(EXACT_UP_TO, seed, compute)
    return silhouettes(
        sample.points,
        _labels(sample.points, fits),
        keys=sample.keys,
        population=len(matrix),
        compute=compute,
    )


def _candidate(fit: Fit, scored: Silhouettes, stability: dict[int, Stability], min_share: float) -> Candidate:
    """Gather what is known of one k."""
    score = scored.score(fit.k)
    defined = not math.isnan(score)
    # A share like 0.02 is not exact in binary: 1 of 50 customers must pass it.
    eligible = min(fit.sizes) >= min_share * sum(fit.sizes) * (1 - 1e-12)
    return Candidate(
        k=fit.k,
        sse=fit.sse,
        silhouette=score if defined else None,
        silhouette_se=scored.error(fit.k) if defined else None,
        sizes=tuple(sorted(fit.sizes, reverse=True)),
        stability=stability[fit.k].rand if fit.k in stability else None,
        weakest_jaccard=min(stability[fit.k].jaccard) if fit.k in stability else None,
        eligible=eligible,
    )


def _choices(
    candidates: tuple[Candidate, ...],
    asked: tuple[int, int] | None,
    sse_k1: float,
    min_share: float,
    scored: Silhouettes,
) -> tuple[Choice, Choice]:
    """Choose from the usual k and from those asked for."""

    def among(low: int, high: int, asked: tuple[int, int] | None = None) -> Choice:
        some = [c for c in candidates if low <= c.k <= high]
        # Two customers asked for as two segments leave nothing of the usual range.
        return choose(
            some or candidates,
            sse_k1=sse_k1,
            min_share=min_share,
            paired_error=scored.paired_error,
            asked=asked,
        )

    auto = among(*AUTO_K)
    return auto, among(*asked, asked) if asked else auto


def _sentence(
    auto: Choice,
    chosen: Choice,
    asked: tuple[int, int] | None,
    limit: str,
    left_out: list[int],
    *,
    carried: bool,
) -> str:
    """Put the whole reason in one sentence."""
    parts = [chosen.reason]
    if asked and asked[0] == asked[1]:
        why = "is carried over with its centres from the previous run" if carried else "was asked for"
        taken = "the same" if auto.k == chosen.k else f"k = {auto.k}"
        which = auto.reason.removeprefix(f"k = {auto.k} ")
        reason = f": {auto.reason}" if which == auto.reason else f", which {which}"
        parts = [f"k = {chosen.k} {why}", f"left to itself custseg takes {taken}{reason}"]
    elif asked:
        parts.append(f"{asked[0]}-{asked[1]} was asked for, left to itself custseg takes k = {auto.k}")
    if limit:
        parts.append(limit)
    if left_out:
        which = ", ".join(map(str, left_out))
        parts.append(f"k = {which} could not be fitted without an empty segment")
    return "; ".join(parts) + "."

"""Whether there is any structure to find, and whether it would be found again.

Two questions that neither elbow nor silhouette answers. *Structure*: is the silhouette higher than that of
customers spread evenly over a box of the same shape? *Stability*: do the segments come back when some
customers are left out? Both on a sample of some thousand customers, so that the cost does not grow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from custseg.segments.choice import REASONABLE_SILHOUETTE
from custseg.segments.nearest import Floats
from custseg.segments.scores import silhouettes

Verdict = Literal["clear", "weak", "none"]

SAMPLE = 1_500
"""Customers both questions are asked of."""

REPLICATES = 19
"""Boxes, and bootstrap samples. The silhouette of customers without structure beats all of 19 boxes once in
twenty times."""

STARTS = 3
"""Starts of each fit to a bootstrap sample."""

BOX_STARTS = 2
"""Starts of each fit to a box, which needs no good optimum: its silhouette hardly depends on it."""

NOTABLE = 6.0
"""Standard deviations of the boxes' silhouettes that structure must lie above their mean. Customers without
structure were seen to reach 4, clusters that overlap as much as can still be told apart 40 and more."""

STABLE_JACCARD = 0.75
"""Hennig (2007) calls a cluster stable from here on."""


@dataclass(frozen=True)
class Stability:
    """How much of a clustering comes back in bootstrap samples.

    Attributes
    ----------
    rand
        Mean adjusted Rand index between the clustering and that of a bootstrap sample; 1 is the same.
    jaccard
        For each cluster the mean Jaccard index with the most similar cluster of a bootstrap sample.
    """

    rand: float
    jaccard: tuple[float, ...]


@dataclass(frozen=True)
class BoxReference:
    """How silhouettes stand against those of evenly spread customers.

    Attributes
    ----------
    largest_z
        The largest over k of (silhouette − mean of the boxes') / (standard deviation of the boxes').
    boxes_largest_z
        The same for the box that reaches highest.
    """

    largest_z: float
    boxes_largest_z: float

    @property
    def beaten(self) -> bool:
        """Whether there is more structure than in evenly spread customers."""
        return self.largest_z > max(self.boxes_largest_z, NOTABLE)


def judge(reference: BoxReference, silhouette: float, stability: Stability | None) -> Verdict:
    """Say whether a clustering shows clear structure, weak structure or none."""
    if not reference.beaten:
        return "none"
    stable = stability is not None and min(stability.jaccard) >= STABLE_JACCARD
    return "clear" if silhouette >= REASONABLE_SILHOUETTE and stable else "weak"


def compare_with_boxes(points: Floats, labels: Mapping[int, NDArray[np.uint8]], *, seed: int) -> BoxReference:
    """Compare silhouettes with those of uniform boxes on the principal axes of the customers.

    Parameters
    ----------
    points
        A sample of customers, ``(n, n_features)``.
    labels
        Their clusters, by k.
    seed
        Seed of the boxes.

    Returns
    -------
    BoxReference
        Over all k together, so that trying many k does not make structure out of chance.

    Notes
    -----
    Variant b of the reference in Tibshirani, Walther and Hastie, *Estimating the number of clusters in a
    data set via the gap statistic* (2001). Shuffled columns, the other common reference, call one correlated
    blob structured and miss clusters whose features are independent.
    """
    rng = np.random.default_rng(seed)
    centred = points - points.mean(axis=0)
    with threadpool_limits(1):
        axes = np.linalg.svd(centred, full_matrices=False)[2]
        turned = centred @ axes.T
        found = _scores(points, labels, labels)
        boxes = []
        for _ in range(REPLICATES):
            box = rng.uniform(turned.min(axis=0), turned.max(axis=0), turned.shape)
            boxes.append(
                _scores(
                    box,
                    _quick_clusters(box, labels, init="random", n_init=BOX_STARTS, random_state=seed),
                    labels,
                )
            )
    null = np.array(boxes)
    mean, deviation = null.mean(axis=0), np.maximum(null.std(axis=0, ddof=1), 1e-9)
    return BoxReference(
        largest_z=float(((found - mean) / deviation).max()),
        boxes_largest_z=float(((null - mean) / deviation).max()),
    )


def measure_stability(
    points: Floats, labels: Mapping[int, NDArray[np.uint8]], *, seed: int
) -> dict[int, Stability]:
    """Cluster bootstrap samples and see how much of each clustering comes back.

    Parameters
    ----------
    points
        A sample of customers, ``(n, n_features)``.
    labels
        Their clusters, by k.
    seed
        Seed of the bootstrap.

    Returns
    -------
    dict of int to Stability
        By k; a k is missing when no bootstrap sample had as many different customers.

    Notes
    -----
    Hennig, *Cluster-wise assessment of cluster stability*, Comput. Stat. Data Anal. 52 (2007) 258-271;
    customers drawn more than once count once, as in its program ``clusterboot``.
    """
    rng = np.random.default_rng(seed)
    rands: dict[int, list[float]] = {k: [] for k in labels}
    jaccards: dict[int, list[Floats]] = {k: [] for k in labels}
    with threadpool_limits(1):
        for _ in range(REPLICATES):
            drawn = np.unique(rng.integers(0, len(points), len(points)))
            fits = _quick_clusters(points[drawn], labels, n_init=STARTS, random_state=seed)
            for k, again in fits.items():
                table = _contingency(labels[k][drawn], again, k)
                rands[k].append(adjusted_rand(table))
                jaccards[k].append(best_jaccards(table))
    return {
        k: Stability(rand=float(np.mean(rands[k])), jaccard=_mean_where_present(jaccards[k]))
        for k in labels
        if rands[k]
    }


def adjusted_rand(table: NDArray[np.int64]) -> float:
    """Return the adjusted Rand index of a contingency table (Hubert and Arabie 1985)."""
    together = _pairs(table).sum()
    rows, columns = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    expected = rows * columns / max(_pairs(table.sum()), 1)
    most = (rows + columns) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def best_jaccards(table: NDArray[np.int64]) -> Floats:
    """Return for each row the largest Jaccard index with a column, NaN where the row is empty."""
    rows, columns = table.sum(axis=1, keepdims=True), table.sum(axis=0, keepdims=True)
    best = (table / np.maximum(rows + columns - table, 1)).max(axis=1)
    found: Floats = np.where(rows[:, 0] > 0, best, np.nan)
    return found


def _mean_where_present(jaccards: list[Floats]) -> tuple[float, ...]:
    """Average each cluster over the bootstrap samples that hold it; 0 when none does."""
    values = np.array(jaccards)
    present = np.isfinite(values)
    means = np.where(present, values, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return tuple(means.tolist())


def _scores(points: Floats, labels: Mapping[int, NDArray[np.uint8]], ks: Iterable[int]) -> Floats:
    """Return the mean silhouette for each k; −1 where it is not defined, or there is no clustering."""
    if not labels:
        return np.array([-1.0 for _ in ks])
    found = silhouettes(points, labels, keys=np.zeros(len(points), np.uint64), population=len(points))
    scores = {k: found.score(k) for k in found.ks}
    return np.array([-1.0 if math.isnan(score := scores.get(k, math.nan)) else score for k in ks])


def _quick_clusters(
    points: Floats, ks: Iterable[int], *, n_init: int, random_state: int, init: str = "k-means++"
) -> dict[int, NDArray[np.uint8]]:
    """Cluster a small sample; leave out any k it has too few different points for."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(points, axis=0))
    return {
        k: KMeans(k, init=init, n_init=n_init, random_state=random_state).fit(points).labels_.astype(np.uint8)
        for k in ks
        if k <= distinct
    }


def _contingency(first: NDArray[np.uint8], second: NDArray[np.uint8], k: int) -> NDArray[np.int64]:
    """Count the customers by their cluster in both clusterings, ``(k, k)``."""
    both = np.bincount(first.astype(np.int64) * k + second, minlength=k * k)
    return both.astype(np.int64).reshape(k, k)


def _pairs(counts: NDArray[np.int64] | np.int64) -> Floats:
    """Return the number of pairs within each count."""
    return np.asarray(counts * (counts - 1) / 2, np.float64)

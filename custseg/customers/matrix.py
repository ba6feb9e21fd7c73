"""The matrix: customers' features scaled, in blocks of a fixed number of rows.

Customers come in the order of a hash of their id and blocks have a fixed size, so that every sum over
blocks is added up in the same order whatever cut the work into chunks and buckets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.running import outputs

if TYPE_CHECKING:
    import dask.array as da

BLOCK_ROWS = 1 << 18
"""Rows of a block. Part of the answer (it fixes the order of additions), so no setting."""

Mode = Literal["log-standard", "standard", "none"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """How features become columns of the matrix.

    ``log-standard``: sign(x)·log1p(|x|), minus the mean, over the population standard deviation (0 counts
    as 1). ``standard``: the same without the logarithm. ``none``: as they are.
    """

    mode: Mode
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Scale raw features, shape (n, n_features)."""
        if self.mode == "none":
            return values.astype(np.float32)
        scaled = (bend(values, self.mode) - np.array(self.means)) / np.array(self.deviations)
        points: NDArray[np.float32] = scaled.astype(np.float32)
        return points

    def invert(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scaled points in original units, shape (n, n_features)."""
        values: NDArray[np.float64] = points * np.array(self.deviations) + np.array(self.means)
        if self.mode == "log-standard":
            values = np.sign(values) * np.expm1(np.abs(values))
        return values

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"mode": self.mode, "means": list(self.means), "deviations": list(self.deviations)}


class Sample(NamedTuple):
    """Some customers: their points, float64 of shape (m, n_features), and their mixed hashes, (m,)."""

    points: NDArray[np.float64]
    keys: NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All customers as points, on disk.

    Attributes
    ----------
    blocks
        Files of float32 arrays, shape (rows, n_features); all have `BLOCK_ROWS` rows but the last.
    keys
        Files of uint64 arrays, shape (rows,): the hash of each customer's id.
    rows
        Rows of each block.
    """

    blocks: tuple[Path, ...]
    keys: tuple[Path, ...]
    rows: tuple[int, ...]
    features: tuple[str, ...]
    scaling: Scaling

    def __len__(self) -> int:
        return sum(self.rows)

    def block(self, number: int) -> NDArray[np.float32]:
        """Read a block."""
        points: NDArray[np.float32] = np.load(self.blocks[number], allow_pickle=False)
        return points

    def dask_array(self) -> da.Array:
        """Return the matrix as a Dask array, float32, a chunk a block, sizes known."""
        import dask
        import dask.array as da

        width = len(self.features)
        load = dask.delayed(np.load, pure=True)
        return da.concatenate(
            [
                da.from_delayed(load(str(path)), (rows, width), np.float32)
                for path, rows in zip(self.blocks, self.rows, strict=True)
            ]
        )

    def sample(self, size: int, seed: int) -> Sample:
        """Draw customers by hash and seed: the same whatever their order; all when there are no more.

        Parameters
        ----------
        size
            Customers to draw.

        Returns
        -------
        Sample
            In the matrix' order. The keys are pseudo-random: ``keys % 20`` puts customers in random groups.
        """
        mixed = [mix(np.load(path, allow_pickle=False), seed) for path in self.keys]
        if size < len(self):
            every = np.concatenate(mixed)
            limit = np.partition(every, size - 1)[size - 1]
            picked = [np.flatnonzero(keys <= limit) for keys in mixed]
        else:
            picked = [np.arange(len(keys)) for keys in mixed]
        points = [self.block(i)[rows].astype(np.float64) for i, rows in enumerate(picked) if len(rows)]
        keys = [keys[rows] for keys, rows in zip(mixed, picked, strict=True)]
        return Sample(np.concatenate(points)[:size], np.concatenate(keys)[:size])


def bend(values: NDArray[np.float64], mode: str) -> NDArray[np.float64]:
    """Take the logarithm of both signs where the mode asks for it."""
    return np.sign(values) * np.log1p(np.abs(values)) if mode == "log-standard" else values


def mix(keys: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Mix hashes with a seed (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        x = keys + np.uint64(0x9E3779B97F4A7C15) * np.uint64(seed + 1)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def build_matrix(
    features: pl.LazyFrame,
    customers: int,
    names: Sequence[str],
    scale: Mode | Scaling,
    folder: Path,
) -> Matrix:
    """Scale the features of all customers and write the blocks.

    Parameters
    ----------
    features
        Columns `names` and ``key``, in the order of customers.
    customers
        Rows of `features`.
    scale
        How to scale, fitted to these customers; or the scaling of an earlier run, as it is.
    folder
        Where the blocks go.

    Returns
    -------
    Matrix
        Two passes over the features: one for means and deviations where they are fitted, one to write.
    """
    count = range(-(-customers // BLOCK_ROWS))

    def raw(number: int) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
        rows = features.slice(number * BLOCK_ROWS, BLOCK_ROWS).collect(engine="streaming")
        return rows.select(pl.col(names).cast(pl.Float64)).to_numpy(order="c"), rows["key"].to_numpy()

    if isinstance(scale, Scaling):
        scaling = scale
    else:
        scaling = _fit_scaling((raw(number)[0] for number in count), customers, len(names), scale)
    blocks, keys, rows = [], [], []
    for number in count:
        values, hashes = raw(number)
        blocks.append(folder / f"block-{number:05d}.npy")
        keys.append(folder / f"keys-{number:05d}.npy")
        rows.append(len(values))
        _save(blocks[-1], scaling.apply(values))
        _save(keys[-1], hashes)
    return Matrix(tuple(blocks), tuple(keys), tuple(rows), tuple(names), scaling)


def _save(path: Path, array: NDArray[Any]) -> None:
    with outputs.whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _fit_scaling(
    blocks: Iterator[NDArray[np.float64]],
    customers: int,
    width: int,
    mode: Mode,
) -> Scaling:
    """Find means and population standard deviations, block sums combined exactly."""
    if mode == "none":
        return Scaling(mode, (0.0,) * width, (1.0,) * width)
    # Sums about a value near the middle: squares of raw sums would cancel.
    pivot = np.zeros(width)
    sums, squares = [], []
    for number, block in enumerate(blocks):
        values = bend(block, mode)
        if number == 0:
            pivot = values.mean(axis=0)
        values = values - pivot
        sums.append(values.sum(axis=0))
        squares.append((values * values).sum(axis=0))
    shift = [math.fsum(column) / customers for column in zip(*sums, strict=True)]
    spread = [math.fsum(column) / customers for column in zip(*squares, strict=True)]
    variances = [max(0.0, square - mean * mean) for mean, square in zip(shift, spread, strict=True)]
    means = tuple(float(p) + mean for p, mean in zip(pivot, shift, strict=True))
    # What is left of a constant by rounding counts as nothing.
    tiny = [1e-12 * max(1.0, abs(mean)) for mean in means]
    deviations = tuple(
        math.sqrt(v) if math.sqrt(v) > t else 1.0 for v, t in zip(variances, tiny, strict=True)
    )
    return Scaling(mode, means, deviations)

"""The matrix: customers' features scaled, in blocks of a fixed number of rows.

Customers come in the order of a hash of their id and blocks have a fixed size, so that every sum over
blocks is added up in the same order whatever cut the work into chunks and buckets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.running import outputs, places
from custseg.running.compute import HERE, Compute
from custseg.running.places import AnyPath, any_path

if TYPE_CHECKING:
    import dask.array as da

BLOCK_ROWS = 1 << 18
"""Rows of a block. Part of the answer (it fixes the order of additions), so no setting."""

Mode = Literal["log-standard", "standard", "none"]

Rows = Callable[[int], pl.DataFrame]
"""Returns the customers of one block, ids, keys and features, in the block's order."""


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
        scaled = (_bent(values, self.mode) - np.array(self.means)) / np.array(self.deviations)
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

    blocks: tuple[AnyPath, ...]
    keys: tuple[AnyPath, ...]
    rows: tuple[int, ...]
    features: tuple[str, ...]
    scaling: Scaling

    def __len__(self) -> int:
        return sum(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return len(self) * len(self.features) * np.dtype(np.float32).itemsize

    def block(self, number: int) -> NDArray[np.float32]:
        """Read a block."""
        points: NDArray[np.float32] = _load(self.blocks[number])
        return points

    def dask_array(self) -> da.Array:
        """Return the matrix as a Dask array, float32, a chunk a block, sizes known."""
        import dask
        import dask.array as da

        width = len(self.features)
        load = dask.delayed(_load, pure=True)
        return da.concatenate(
            [
                da.from_delayed(load(str(path)), (rows, width), np.float32)
                for path, rows in zip(self.blocks, self.rows, strict=True)
            ]
        )

    def sample(self, size: int, seed: int, compute: Compute = HERE) -> Sample:
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
        size = min(size, len(self))
        # Mixed keys are evenly spread, so nearly as many lie below this limit, and never fewer in practice.
        share = (size + 10 * math.sqrt(size)) / len(self)
        while True:
            limit = np.uint64(min(share, 1.0) * float(2**64 - 2**11))
            limit = limit if share < 1 else np.uint64(2**64 - 1)
            parts = compute.map(partial(self._below, limit=limit, seed=seed), range(len(self.blocks)))
            keys = np.concatenate([part.keys for part in parts])
            if len(keys) >= size:
                break
            share *= 2
        picked = np.flatnonzero(keys <= np.partition(keys, size - 1)[size - 1])[:size]
        return Sample(np.concatenate([part.points for part in parts])[picked], keys[picked])

    def _below(self, number: int, *, limit: np.uint64, seed: int) -> Sample:
        """Return the customers of a block whose mixed key is at most `limit`."""
        keys = mix(_load(self.keys[number]), seed)
        rows = np.flatnonzero(keys <= limit)
        return Sample(self.block(number)[rows].astype(np.float64), keys[rows])


def bend(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sign(x)·log1p(|x|): a logarithm for values of both signs."""
    bent: NDArray[np.float64] = np.sign(values) * np.log1p(np.abs(values))
    return bent


def _bent(values: NDArray[np.float64], mode: Mode) -> NDArray[np.float64]:
    """Bend values where the mode asks for it."""
    return bend(values) if mode == "log-standard" else values


def mix(keys: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Mix hashes with a seed (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        x = keys + np.uint64(0x9E3779B97F4A7C15) * np.uint64(seed + 1)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def block_numbers(customers: int) -> range:
    """Return the numbers of the blocks that so many customers fill."""
    return range(-(-customers // BLOCK_ROWS))


def build_matrix(
    rows: Rows,
    customers: int,
    names: Sequence[str],
    scale: Mode | Scaling,
    folder: AnyPath,
    compute: Compute = HERE,
) -> Matrix:
    """Scale the features of all customers and write the blocks.

    Parameters
    ----------
    rows
        Reads columns `names` and ``key`` of a block's customers.
    customers
        How many there are.
    scale
        How to scale, fitted to these customers; or the scaling of an earlier run, as it is.
    folder
        Where the blocks go.
    compute
        Where the work is done.

    Returns
    -------
    Matrix
        Two passes over the features: one for means and deviations where they are fitted, one to write.
    """
    numbers = block_numbers(customers)
    scaling = scale if isinstance(scale, Scaling) else _fit_scaling(rows, customers, names, scale, compute)
    lengths = compute.map(
        partial(_write_block, rows=rows, names=names, scaling=scaling, folder=folder), numbers
    )
    return Matrix(
        tuple(_points_path(folder, number) for number in numbers),
        tuple(_keys_path(folder, number) for number in numbers),
        tuple(lengths),
        tuple(names),
        scaling,
    )


def _write_block(number: int, *, rows: Rows, names: Sequence[str], scaling: Scaling, folder: AnyPath) -> int:
    """Write the points and keys of one block; return its rows."""
    table = rows(number)
    _save(_points_path(folder, number), scaling.apply(_raw(table, names)))
    _save(_keys_path(folder, number), table["key"].to_numpy())
    return table.height


def _points_path(folder: AnyPath, block: int) -> AnyPath:
    return folder / f"block-{block:05d}.npy"


def _keys_path(folder: AnyPath, block: int) -> AnyPath:
    return folder / f"keys-{block:05d}.npy"


def _raw(table: pl.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    return table.select(pl.col(names).cast(pl.Float64)).to_numpy(order="c")


def _load(path: AnyPath | str) -> NDArray[Any]:
    """Read an array; Dask hands the path over as text."""
    with places.open_binary(any_path(path)) as file:
        array: NDArray[Any] = np.load(file, allow_pickle=False)
    return array


def _save(path: AnyPath, array: NDArray[Any]) -> None:
    with outputs.whole(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _fit_scaling(rows: Rows, customers: int, names: Sequence[str], mode: Mode, compute: Compute) -> Scaling:
    """Find means and population standard deviations, block sums combined exactly."""
    if mode == "none":
        return Scaling(mode, (0.0,) * len(names), (1.0,) * len(names))

    def middle(number: int) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = _bent(_raw(rows(number), names), mode).mean(axis=0)
        return mean

    # Sums about a value near the middle: squares of raw sums would cancel.
    (pivot,) = compute.map(middle, [0])

    def add(number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values = _bent(_raw(rows(number), names), mode) - pivot
        return values.sum(axis=0), (values * values).sum(axis=0)

    sums, squares = zip(*compute.map(add, block_numbers(customers)), strict=True)
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

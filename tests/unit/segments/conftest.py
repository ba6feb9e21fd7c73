"""Made customers, and a matrix of them without the rooms that come before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from custseg.customers.matrix import Matrix, Scaling


class CountingMatrix(Matrix):
    """A matrix that notes which blocks were read."""

    def block(self, number: int) -> np.ndarray:
        reads.append(number)
        return super().block(number)


reads: list[int] = []
MakeMatrix = Callable[..., CountingMatrix]


@pytest.fixture
def make_matrix(tmp_path: Path) -> MakeMatrix:
    """Return a function that makes a matrix of scaled points, in blocks of `block_rows`."""

    def make(
        points: np.ndarray, *, block_rows: int = 1000, features: Any = None, scaling: Any = None
    ) -> CountingMatrix:
        folder = tmp_path / f"matrix-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        points = np.asarray(points, np.float32)
        keys = np.sort(np.random.default_rng(5).integers(0, 2**64, len(points), np.uint64))
        blocks, key_files, rows = [], [], []
        for start in range(0, len(points), block_rows):
            part = points[start : start + block_rows]
            blocks.append(folder / f"block-{start}.npy")
            key_files.append(folder / f"keys-{start}.npy")
            np.save(blocks[-1], part)
            np.save(key_files[-1], keys[start : start + block_rows])
            rows.append(len(part))
        width = points.shape[1]
        names = features or tuple(f"feature_{column}" for column in range(width))
        scaling = scaling or Scaling("none", (0.0,) * width, (1.0,) * width)
        return CountingMatrix(tuple(blocks), tuple(key_files), tuple(rows), tuple(names), scaling)

    return make


@pytest.fixture(autouse=True)
def _one_thread_each():
    """Keep scikit-learn's own threads from waiting on each other where tests run side by side."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def block_reads() -> list[int]:
    """Return the numbers of the blocks read so far, which matrices of `make_matrix` add to."""
    reads.clear()
    return reads


@pytest.fixture(scope="session")
def three_blobs() -> np.ndarray:
    """3,000 points in three dimensions around three centres, 60, 30 and 10 % of them, shuffled."""
    rng = np.random.default_rng(11)
    centres = np.array([[0, 0, 0], [9, 0, 2], [0, 8, -6]])
    which = rng.permutation(np.repeat([0, 1, 2], [1800, 900, 300]))
    return centres[which] + rng.normal(size=(3000, 3))

"""Scaling against scikit-learn, samples that depend on customers and seed alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from custseg.customers import matrix
from custseg.customers.matrix import build_matrix


def make_features(count: int) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "key": rng.integers(0, 2**63, count).astype(np.uint64),
            "spend": rng.lognormal(4, 2, count) - 20,
            "purchases": rng.integers(1, 90, count),
        }
    )


def build(folder: Path, table: pl.DataFrame, mode: str = "log-standard") -> matrix.Matrix:
    folder.mkdir(exist_ok=True)

    def rows(block: int) -> pl.DataFrame:
        return table.slice(block * matrix.BLOCK_ROWS, matrix.BLOCK_ROWS)

    return build_matrix(rows, table.height, ["spend", "purchases"], mode, folder)  # type: ignore[arg-type]


def everything(points: matrix.Matrix) -> NDArray[np.float32]:
    return np.concatenate([points.block(number) for number in range(len(points.blocks))])


@pytest.mark.parametrize("mode", ["log-standard", "standard", "none"])
def test_scaling_is_scikit_learns(tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "BLOCK_ROWS", 100)
    table = make_features(1050)
    points = build(tmp_path, table, mode)
    raw = table.select("spend", "purchases").cast(pl.Float64).to_numpy()
    bent = np.sign(raw) * np.log1p(np.abs(raw)) if mode == "log-standard" else raw
    expected = raw if mode == "none" else StandardScaler().fit_transform(bent)
    assert points.rows == (100,) * 10 + (50,)
    np.testing.assert_allclose(everything(points), expected.astype(np.float32), rtol=1e-6, atol=1e-6)
    back = points.scaling.invert(everything(points).astype(np.float64))
    np.testing.assert_allclose(back, raw, rtol=1e-4, atol=1e-3)
    assert points.dask_array().chunks == ((100,) * 10 + (50,), (2,))
    np.testing.assert_array_equal(points.dask_array().compute(scheduler="synchronous"), everything(points))


def test_a_constant_feature_becomes_zero(tmp_path: Path) -> None:
    table = make_features(300).with_columns(spend=pl.lit(0.1))
    points = everything(build(tmp_path, table))
    assert np.all(np.abs(points[:, 0]) < 1e-6)
    assert points[:, 1].std() == pytest.approx(1, abs=1e-5)


def test_samples_depend_on_customers_and_seed_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = make_features(2000)
    one = build(tmp_path / "one", table).sample(300, seed=3)
    monkeypatch.setattr(matrix, "BLOCK_ROWS", 64)
    many = build(tmp_path / "many", table)
    other = many.sample(300, seed=3)
    np.testing.assert_array_equal(one.keys, other.keys)
    assert len(one.points) == 300
    assert len(np.intersect1d(many.sample(300, seed=4).keys, one.keys)) == 0
    assert len(many.sample(5000, seed=3).points) == 2000


def test_groups_by_key_are_even(tmp_path: Path) -> None:
    sample = build(tmp_path, make_features(40_000)).sample(40_000, seed=0)
    counts = np.bincount((sample.keys % np.uint64(20)).astype(int))
    # Binomial: 2,000 a group with a standard deviation of 44.
    assert counts.min() > 1_780 and counts.max() < 2_220

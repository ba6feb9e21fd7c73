"""One input in many shapes gives one answer: every column of customers/ is the same to the last bit."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from command import run_custseg
from polars.testing import assert_frame_equal

import custseg
from custseg.transactions.sample import write_sample

pytestmark = pytest.mark.xdist_group("same answer")

TEXTS = {"Invoice": str, "InvoiceNo": str, "StockCode": str, "Description": str}


@pytest.fixture(scope="module", params=["sample", "online retail"])
def days(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Many CSV files, with repeats across them: a made-up shop's, and Online Retail I day by day."""
    if request.param == "sample":
        folder = tmp_path_factory.mktemp("days")
        return list(write_sample(folder, rows=60_000, customers=900, seed=5).files)
    real_data: Path = request.getfixturevalue("real_data")
    return sorted((real_data / "online_retail_by_day").glob("*.csv"))


@pytest.fixture(scope="module")
def batch(quick: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pl.DataFrame]:
    def run(*inputs: Path, **chosen: object) -> pl.DataFrame:
        output = tmp_path_factory.mktemp("same") / "segments"
        return custseg.segment(inputs, settings=custseg.Settings(**chosen), output=output).customers.collect()

    return run


@pytest.fixture(scope="module")
def expected(days: list[Path], batch: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    return batch(*days)


@pytest.fixture(scope="module")
def whole(days: list[Path]) -> pd.DataFrame:
    frames = [pd.read_csv(day, dtype=TEXTS, keep_default_na=False, na_values={}) for day in days]
    return pd.concat(frames, ignore_index=True)


def test_files_in_reverse_order(
    days: list[Path], batch: Callable[..., pl.DataFrame], expected: pl.DataFrame
) -> None:
    assert_frame_equal(batch(*reversed(days)), expected, check_exact=True)


def test_a_folder(days: list[Path], batch: Callable[..., pl.DataFrame], expected: pl.DataFrame) -> None:
    assert_frame_equal(batch(days[0].parent), expected, check_exact=True)


def test_one_csv(
    days: list[Path],
    batch: Callable[..., pl.DataFrame],
    expected: pl.DataFrame,
    tmp_path: Path,
) -> None:
    path = tmp_path / "whole.csv"
    with path.open("wb") as file:
        for number, day in enumerate(days):
            data = day.read_bytes()
            file.write(data if number == 0 else data[data.index(b"\n") + 1 :])
    assert_frame_equal(batch(path), expected, check_exact=True)
    assert_frame_equal(batch(path, chunk_size=path.stat().st_size // 50), expected)


def test_one_typed_parquet(
    whole: pd.DataFrame, batch: Callable[..., pl.DataFrame], expected: pl.DataFrame, tmp_path: Path
) -> None:
    customer = next(name for name in whole if name.startswith("Customer"))
    typed = whole.assign(InvoiceDate=pd.to_datetime(whole["InvoiceDate"]))
    typed[customer] = pd.to_numeric(typed[customer])
    path = tmp_path / "whole.parquet"
    typed.to_parquet(path)
    assert pl.read_parquet_schema(path)["Quantity"].is_integer()
    assert pl.read_parquet_schema(path)[customer] == pl.Float64
    assert_frame_equal(batch(path), expected, check_exact=True)
    assert_frame_equal(batch(path, chunk_size=path.stat().st_size // 50), expected, check_exact=True)


def test_lines_in_another_order(
    whole: pd.DataFrame, batch: Callable[..., pl.DataFrame], expected: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "shuffled.csv"
    whole.sample(frac=1, random_state=1).to_csv(path, index=False)
    assert_frame_equal(batch(path), expected, check_exact=True)


@pytest.mark.parametrize("chunk_size", ["10GB", "50KB"])
def test_one_chunk_or_many(
    days: list[Path], batch: Callable[..., pl.DataFrame], expected: pl.DataFrame, chunk_size: str
) -> None:
    if chunk_size == "50KB":
        chunk_size = f"{sum(day.stat().st_size for day in days) // 50}"
    assert_frame_equal(batch(*days, chunk_size=chunk_size), expected, check_exact=True)


@pytest.mark.parametrize("limit", ["1GB", "2GB", "8GB"])
def test_little_memory_or_much(
    days: list[Path], batch: Callable[..., pl.DataFrame], expected: pl.DataFrame, limit: str
) -> None:
    assert_frame_equal(batch(*days, memory_limit=limit), expected, check_exact=True)


def test_csv_and_parquet_mixed(
    days: list[Path], batch: Callable[..., pl.DataFrame], expected: pl.DataFrame, tmp_path: Path
) -> None:
    mixed = list(days)
    for number in range(0, len(days), 3):
        frame = pd.read_csv(days[number], dtype=TEXTS, keep_default_na=False)
        customer = next(name for name in frame if name.startswith("Customer"))
        frame[customer] = pd.to_numeric(frame[customer])
        frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"])
        mixed[number] = tmp_path / f"{days[number].stem}.parquet"
        frame.to_parquet(mixed[number])
    assert_frame_equal(batch(*mixed), expected, check_exact=True)


@pytest.mark.slow
def test_one_thread_or_more(tmp_path: Path) -> None:
    write_sample(tmp_path / "shop", rows=60_000, customers=900, seed=5)
    customers = []
    for threads in ("1", "2", "4"):
        env = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), threads)
        done = run_custseg("batch", tmp_path / "shop", "-o", tmp_path / threads, "-q", env=env)
        assert done.code == 0, done.err
        customers.append(pl.read_parquet(tmp_path / threads / "customers" / "*.parquet"))
    for others in customers[1:]:
        assert_frame_equal(others, customers[0], check_exact=True)

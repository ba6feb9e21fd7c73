"""The same lines in files of different kinds are duplicates of each other, whatever types the kinds have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from summed import sum_up

ROWS: list[dict[str, Any]] = [
    {
        "customer_id": f"c{number % 7}",
        "invoice": str(1000 + number),
        "product": 85_000 + number % 3,
        "quantity": 1 + number % 4,
        "price": 2.5,
        "discount": float(number % 5) if number % 6 else number / 4,
        "points": number % 4 if number % 3 else None,
        "fee": Decimal(number % 5) / 4,
        "gift": number % 2 == 0,
        "due": dt.date(2024, 1, 1 + number % 20),
        "packed": dt.datetime(2024, 1, 1 + number % 20, number % 2, 0, 0, 250_000 * (number % 3)),
        "parcel": 12_345_678_901_234_567 + number,
    }
    for number in range(60)
]


def by_polars(folder: Path) -> None:
    pl.DataFrame(ROWS).write_csv(folder / "a.csv")


def by_pandas(folder: Path) -> None:
    """Whole numbers with gaps as decimals, truth with a capital, moments with a space."""
    pd.DataFrame(ROWS).to_csv(folder / "a.csv", index=False)


def by_hand(folder: Path) -> None:
    """Numbers as short as can be, and moments with a zone."""
    texts = [
        row
        | {
            "discount": f"{row['discount']:g}",
            "fee": f"{row['fee']:.2f}",
            "gift": str(row["gift"]).upper(),
            "packed": f"{row['packed'].isoformat()}Z",
            "due": f"{row['due']} 00:00",
        }
        for row in ROWS
    ]
    pl.DataFrame(texts).write_csv(folder / "a.csv")


@pytest.mark.parametrize(
    "types",
    [
        {},
        {"points": pl.Float64, "product": pl.Float64, "discount": pl.Float32, "fee": pl.Decimal(10, 4)},
        {"due": pl.Datetime("ms"), "packed": pl.Datetime("ns")},
    ],
)
@pytest.mark.parametrize("write", [by_polars, by_pandas, by_hand])
def test_a_parquet_file_repeats_a_csv_file(
    write: Callable[[Path], None], types: dict[str, Any], tmp_path: Path
) -> None:
    write(tmp_path)
    frame = pl.DataFrame(ROWS)
    frame.cast(types).write_parquet(tmp_path / "b.parquet")
    ledger = sum_up(tmp_path).ledger["ledger"]
    assert (ledger["kept"], ledger["duplicate"]) == (60, 60)


@pytest.mark.parametrize("column", ["discount", "points", "fee", "gift", "due", "packed", "parcel"])
def test_what_differs_in_one_column_is_no_repeat(column: str, tmp_path: Path) -> None:
    by_pandas(tmp_path)
    if column == "gift":
        changed = ~pl.col("gift")
    elif column in ("due", "packed"):
        changed = pl.col(column) + pl.duration(days=1)
    else:
        changed = pl.col(column).fill_null(76) + 1
    pl.DataFrame(ROWS).with_columns(changed).write_parquet(tmp_path / "b.parquet")
    ledger = sum_up(tmp_path).ledger["ledger"]
    assert (ledger["kept"], ledger["duplicate"]) == (120, 0)


@pytest.mark.parametrize(
    "dtype", [pl.String, pl.Int64, pl.Float64, pl.Decimal(10, 2), pl.Decimal(20, 0)], ids=str
)
def test_an_invoice_is_one_whatever_its_type(dtype: Any, tmp_path: Path) -> None:
    by_polars(tmp_path)
    frame = pl.DataFrame(ROWS).with_columns(pl.col("invoice").cast(pl.Int64).cast(dtype))
    frame.write_parquet(tmp_path / "b.parquet")
    assert sum_up(tmp_path).ledger["ledger"]["duplicate"] == 60
    pl.read_csv(tmp_path / "a.csv").with_columns(pl.col("invoice").cast(pl.String) + ".00").write_csv(
        tmp_path / "a.csv"
    )
    assert sum_up(tmp_path, duplicates="keep").customers["purchases"].sum() == 60


def test_an_invoice_that_is_not_a_number_is_none(tmp_path: Path) -> None:
    numbers = [float("nan") if row["invoice"] == "1007" else float(row["invoice"]) for row in ROWS]
    pl.DataFrame(ROWS).with_columns(invoice=pl.Series(numbers)).write_parquet(tmp_path / "a.parquet")
    ledger = sum_up(tmp_path, max_invalid=1).ledger["ledger"]
    assert (ledger["kept"], ledger["invalid"]) == (59, 1)

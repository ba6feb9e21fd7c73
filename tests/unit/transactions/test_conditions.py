"""Conditions on columns that custseg does not use: in their own type, an empty cell as none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from summed import sum_up

Row = dict[str, Any]
ROWS: list[Row] = [
    {
        "customer_id": f"c{number % 7}",
        "invoice": str(number),
        "quantity": 1 + number % 4,
        "price": 2.5,
        "coupon": "X" if number % 3 == 0 else None,
        "status": "refunded  " if number % 4 == 0 else None if number % 4 == 1 else " paid",
        "shipped": dt.date(2024, 1, 1 + number % 20),
        "at": dt.datetime(2024, 1, 1 + number % 20, 10),
        "gift": number % 2 == 0,
        "store": 1 + number % 9,
        "rate": 0.1 * (number % 5) if number % 7 else None,
        "fee": Decimal(number % 5) / 4,
    }
    for number in range(60)
]
TYPES = {"fee": pl.Decimal(10, 2)}


def kept(path: Path, where: str) -> int:
    found = sum_up(path, where=where).ledger["ledger"]
    assert found["kept"] + found["excluded"] == len(ROWS)
    return int(found["kept"])


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("coupon is null", lambda row: row["coupon"] is None),
        ("coupon is not null", lambda row: row["coupon"] is not None),
        ("coupon = ''", lambda row: row["coupon"] is None),
        ("coupon <> 'X'", lambda row: row["coupon"] is None),
        ("status not in ('refunded')", lambda row: row["status"] != "refunded  "),
        ("status = 'paid' and coupon is null", lambda row: (row["status"], row["coupon"]) == (" paid", None)),
        ("status is null or status like 'ref%'", lambda row: row["status"] != " paid"),
        ("rate is null", lambda row: row["rate"] is None),
        ("rate < 0.25", lambda row: row["rate"] is not None and row["rate"] < 0.25),
        ("shipped >= '2024-01-10'", lambda row: row["shipped"].day >= 10),
        ("store = '7' or store = '8'", lambda row: row["store"] in (7, 8)),
        ("store in (7, 8)", lambda row: row["store"] in (7, 8)),
        ("gift = 'true'", lambda row: row["gift"]),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_condition_means_the_same_in_files_of_every_kind(
    ending: str, where: str, holds: Callable[[Row], bool], tmp_path: Path
) -> None:
    frame = pl.DataFrame(ROWS, schema_overrides=TYPES)
    if ending == "csv":
        frame.write_csv(tmp_path / "a.csv")
    else:
        frame.write_parquet(tmp_path / "a.parquet")
    assert kept(tmp_path, where) == sum(map(holds, ROWS))


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("shipped >= date('2024-01-10')", lambda row: row["shipped"].day >= 10),
        ("at >= date('2024-01-10')", lambda row: row["at"].day >= 10),
        ("gift", lambda row: row["gift"]),
        ("not gift and store > 3", lambda row: not row["gift"] and row["store"] > 3),
        ("gift = 0", lambda row: not row["gift"]),
        ("rate * 2 > 0.5", lambda row: row["rate"] is not None and row["rate"] * 2 > 0.5),
        ("rate = 0.1", lambda row: row["rate"] is not None and abs(row["rate"] - 0.1) < 1e-9),
        ("store / 2 > 1.25", lambda row: row["store"] > 2),
        (
            "fee + rate >= 0.5",
            lambda row: float(row["fee"]) + (row["rate"] if row["rate"] is not None else -9) >= 0.5,
        ),
        ("fee in (0.25, 0.5)", lambda row: row["fee"] in (Decimal("0.25"), Decimal("0.5"))),
    ],
)
@pytest.mark.parametrize(
    "types", [{}, {"rate": pl.Float32, "store": pl.UInt8, "at": pl.Datetime("ns", "CET")}]
)
def test_columns_of_parquet_are_compared_in_their_own_type(
    types: Row, where: str, holds: Callable[[Row], bool], tmp_path: Path
) -> None:
    frame = pl.DataFrame(ROWS, schema_overrides=TYPES).with_columns(pl.col("rate").round(1))
    zone = types.get("at")
    frame = frame.with_columns(pl.col("at").dt.replace_time_zone("CET")) if zone else frame
    frame.cast(types).write_parquet(tmp_path / "a.parquet")
    assert kept(tmp_path, where) == sum(map(holds, ROWS))


@pytest.mark.parametrize(
    ("where", "of_all", "of_those_without"),
    [
        ("status not in ('refunded')", 5, 10),
        ("status = 'paid'", 5, 0),
        ("status is null", 0, 10),
        ("shipped >= date('2024-01-01')", 10, 0),
    ],
)
def test_a_column_that_a_file_lacks_is_empty(where, of_all, of_those_without, tmp_path):
    lines = pl.DataFrame(
        {"customer_id": [f"c{n}" for n in range(10)], "quantity": [2] * 10, "price": [1.5] * 10}
    )
    also = {"status": ["paid", "refunded"] * 5, "shipped": [dt.date(2024, 1, 2)] * 10}
    lines.with_columns(pl.Series(name, cells) for name, cells in also.items()).with_columns(
        invoice=pl.format("a{}", "customer_id")
    ).write_parquet(tmp_path / "a.parquet")
    lines.with_columns(invoice=pl.format("b{}", "customer_id")).write_parquet(tmp_path / "b.parquet")
    assert sum_up(tmp_path, where=where).ledger["ledger"]["kept"] == of_all + of_those_without

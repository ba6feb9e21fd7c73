"""The fate of a line: where a period ends, and which of several comes first."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from summed import sum_up

HEADER = "customer_id,invoice,product,quantity,price,date"


def fates(folder: Path, *rows: str, **settings: object) -> dict[str, int]:
    """Return how many lines met each fate, those that none met left out."""
    path = folder / "lines.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    ledger = sum_up(path, max_invalid=1, **settings).ledger["ledger"]
    return {fate: lines for fate, lines in ledger.items() if lines and fate != "rows_read"}


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, 6),
        ({"since": dt.date(2011, 1, 13)}, 5),
        ({"since": dt.date(2011, 1, 14)}, 3),
        ({"until": dt.date(2011, 1, 14)}, 5),
        ({"until": dt.date(2011, 1, 13)}, 3),
        ({"since": dt.date(2011, 1, 13), "until": dt.date(2011, 1, 14)}, 4),
    ],
)
def test_a_period_holds_its_first_and_its_last_day(
    settings: dict[str, object], kept: int, tmp_path: Path
) -> None:
    moments = [
        "2011-01-12 23:59:59",
        "2011-01-13 00:00:00",
        "2011-01-13 23:59:59",
        "2011-01-14 00:00:00",
        "2011-01-14 23:59:59",
        "2011-01-15 00:00:00",
    ]
    rows = [f"c,{number},P,1,2.50,{moment}" for number, moment in enumerate(moments)]
    found = fates(tmp_path, *rows, **settings)
    assert found == {name: n for name, n in {"kept": kept, "excluded": 6 - kept}.items() if n}


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        (",C1,POST,x,2.50,2011-01-13", "missing_customer"),
        ("c,C1,POST,x,2.50,2010-01-13", "excluded"),
        ("c,C1,POST,x,2.50,2011-01-13", "excluded"),
        ("c,C1,P,x,2.50,2010-01-13", "excluded"),
        ("c,,P,1,2.50,2010-01-13", "excluded"),
        ("c,C1,P,x,2.50,2011-01-13", "invalid"),
        ("c,C1,P,1,2.50,soon", "invalid"),
        ("c,C1,P,1,2.50,2011-01-13,POST", "invalid"),
        ("c,C1,POST,1,2.50,2011-01-13,P", "invalid"),
        ("c,C1,POST,-1,2.50,2011-01-13", "excluded"),
        ("c,C1,P,-1,2.50,2010-01-13", "excluded"),
        ("c,C1,P,-1,2.50,2011-01-13", "cancelled"),
        ("c,1,P,0,2.50,2011-01-13", "non_positive"),
        ("c,1,P,1,0,2011-01-13", "non_positive"),
        ("c,2,P,1,2.50,2011-01-13", "duplicate"),
        ("c,3,P,1,2.50,2011-01-13", "kept"),
    ],
)
def test_of_several_fates_the_first_is_met(row: str, fate: str, tmp_path: Path) -> None:
    kept = "c,2,P,1,2.50,2011-01-13"
    found = fates(tmp_path, kept, row, since=dt.date(2011, 1, 1), exclude_product=["^POST"])
    expected = {"kept": 1}
    expected[fate] = expected.get(fate, 0) + 1
    assert found == expected


@pytest.mark.parametrize(
    ("where", "excluded"),
    [
        ("product = 'sale'", [1, 2]),
        ("quantity > 1", [5]),
        ("date >= date('2011-01-02')", [0, 3]),
        ("quantity > 1 and product = 'sale'", [1, 2, 5]),
        ("product = 'sale' or price > 9", [2]),
    ],
)
def test_what_a_condition_leaves_out_is_not_invalid(where: str, excluded: list[int], tmp_path: Path) -> None:
    """Unless the unreadable cell is the one to tell by, or there are more cells than headers."""
    rows = {
        "c,0,sale,2,2.50,2011-01-01": "kept",
        "c,1,payment,,,2011-01-03": "invalid",
        "c,2,total,2,2.50,never": "invalid",
        "c,3,sale,x,2.50,2011-01-01": "invalid",
        "c,4,none,2,2.50,2011-01-03,more": "invalid",
        "c,5,sale,1,2.50,2011-01-03": "kept",
        "c,6,sale,2,2.50,2011-01-03": "kept",
    }
    expected = ["excluded" if number in excluded else fate for number, fate in enumerate(rows.values())]
    assert fates(tmp_path, *rows, where=where) == {fate: expected.count(fate) for fate in {*expected}}
    named = sum_up(tmp_path / "lines.csv", max_invalid=1, where=where).unreadable
    assert [cell.line - 2 for cell in named] == [n for n, fate in enumerate(expected) if fate == "invalid"]


def test_without_duplicates_to_drop_all_are_kept(tmp_path: Path) -> None:
    rows = ["c,2,P,1,2.50,2011-01-13"] * 3
    assert fates(tmp_path, *rows, duplicates="keep") == {"kept": 3}


@pytest.mark.parametrize(
    ("told", "header"),
    [
        ({"invoice": "-"}, "Customer,Invoice,Product,Quantity,Price"),
        ({"product": "Description"}, "Customer,Product,Description,Quantity,Price"),
        ({"quantity": "Packs"}, "Customer,Quantity,Product,Packs,Price"),
        ({"amount": "-"}, "Customer,Amount,Product,Quantity,Price"),
    ],
)
def test_a_column_that_is_not_ours_still_tells_lines_apart(
    told: dict[str, str], header: str, tmp_path: Path
) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("\n".join([header, *(f"c,{number},P,1,2.50" for number in (1, 2, 3, 3))]) + "\n")
    ledger = sum_up(path, column=told).ledger["ledger"]
    assert (ledger["kept"], ledger["duplicate"]) == (3, 1)


@pytest.mark.parametrize("dtype", [pl.Int32, pl.UInt32, pl.Int64, pl.Float64])
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("quantity * 1000000 > 3000000000", {"kept": 1, "excluded": 2, "invalid": 1}),
        ("quantity / 2 > 1.25", {"kept": 2, "excluded": 1, "invalid": 1}),
        (None, {"kept": 3, "invalid": 1}),
    ],
)
def test_whole_numbers_of_any_size_are_reckoned_with_as_decimals_are(
    tmp_path: Path, dtype: type[pl.DataType], where: str | None, expected: dict[str, int]
) -> None:
    """The last line's total is beyond what 32 bits hold, and beyond the limit of a line."""
    path = tmp_path / "lines.parquet"
    lines = pl.DataFrame({"quantity": [2, 3, 4000, 2_000_000_000], "price": [1, 1, 1, 1000]})
    shared = lines.cast(dtype).with_columns(customer_id=pl.lit("7"), invoice=pl.lit("1"))
    shared.write_parquet(path)
    ledger = sum_up(path, max_invalid=1, where=where).ledger["ledger"]
    assert {fate: lines for fate, lines in ledger.items() if lines and fate != "rows_read"} == expected

"""An amount that is there counts to the last digit, whatever other files lack."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from summed import sum_up

ROWS = [
    {
        "invoice": str(number),
        "customer": f"c{number % 7}",
        "quantity": str(1 + number % 3),
        "price": f"{number % 11}.{number % 89:04}",
        # Tax and discounts: not quantity × price.
        "amount": f"{10 + number % 5}.{number % 97:02}",
    }
    for number in range(1, 80)
]


def rounded(row: dict[str, str]) -> Fraction:
    return Fraction(round(Fraction(row["quantity"]) * Fraction(row["price"]) * 10_000), 10_000)


@pytest.mark.parametrize("size", [10_000_000, 500])
@pytest.mark.parametrize("without", ["nothing", "price"])
@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_amounts_count_beside_files_without(
    names: tuple[str, str], without: str, size: int, tmp_path: Path
) -> None:
    others = [row | {"invoice": f"b{row['invoice']}"} for row in ROWS]
    for name, rows, lacking in zip(names, (ROWS, others), (without, "amount"), strict=True):
        pl.DataFrame(rows).drop(lacking, strict=False).write_csv(tmp_path / name)
    spent = dict.fromkeys(sorted({row["customer"] for row in ROWS}), Fraction(0))
    for row in ROWS:
        spent[row["customer"]] += Fraction(row["amount"]) + rounded(row)
    found = sum_up(tmp_path, chunk_size=size)
    assert found.customers["spend"].to_list() == list(map(float, spent.values()))
    assert found.ledger["ledger_amount"]["kept"] == float(sum(spent.values()))
    assert found.table.derived[-1] == "amount = quantity × unit_price, in files without one"
    dear = sum(Fraction(row["amount"]) > 12 for row in ROWS) + sum(
        Fraction(row["quantity"]) * Fraction(row["price"]) > 12 for row in ROWS
    )
    assert sum_up(tmp_path, where="amount > 12").ledger["ledger"]["kept"] == dear


def test_where_no_file_has_an_amount_it_is_derived_for_all(tmp_path: Path) -> None:
    pl.DataFrame(ROWS).drop("amount").write_csv(tmp_path / "a.csv")
    assert sum_up(tmp_path).table.derived == ("amount = quantity × unit_price",)

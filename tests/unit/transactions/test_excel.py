"""Workbooks as people make them: numbers beside text, sheets and headers that are not as they should be."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

import custseg
from custseg.columns import SCALE
from custseg.settings import Settings
from custseg.transactions.cleaning import KEPT

HEADER = ["Customer ID", "Invoice", "InvoiceDate", "StockCode", "Quantity", "Price"]
MARCH = dt.datetime(2024, 3, 1)

Rows = list[list[Any]]


def line(number: int, quantity: object, price: object) -> list[Any]:
    return [12346 + number % 40, 500 + number // 2, MARCH + dt.timedelta(number % 28), "A1", quantity, price]


def lines(count: int = 120) -> Rows:
    return [line(number, 1 + number % 5, 2.5 + number % 7) for number in range(count)]


def book(path: Path, hidden: str = "", **sheets: Rows) -> Path:
    """Write a workbook: text as text, numbers as numbers, in each sheet the rows given."""
    with xlsxwriter.Workbook(path) as written:
        iso = written.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = written.add_worksheet(name)
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if isinstance(cell, dt.datetime):
                        sheet.write_datetime(row, column, cell, iso)
                    elif isinstance(cell, str):
                        sheet.write_string(row, column, cell)
                    elif cell is not None:
                        sheet.write_number(row, column, cell)
            if name == hidden:
                sheet.hide()
    return path


def total(path: Path, **told: Any) -> tuple[float, float]:
    """Quantity and spend of all lines that count."""
    found = custseg.check(path, settings=Settings(duplicates="keep", **told))
    assert found.ok, str(found)
    kept = [trial.read.filter(pl.col("fate") == KEPT) for trial in found.trials]
    spent = [(lines["quantity"] / SCALE * (lines["unit_price"] / SCALE)).sum() for lines in kept]
    return sum(lines["quantity"].sum() for lines in kept) / SCALE, sum(spent)


def german(number: float) -> str:
    return f"{number:.2f}".replace(".", ",")


@pytest.mark.parametrize("told", [{}, {"decimal_comma": True}])
@pytest.mark.parametrize("every", [1, 4])
def test_a_cell_that_is_a_number_is_one_beside_any_text(
    every: int, told: dict[str, bool], tmp_path: Path
) -> None:
    weights = [(1.125, 1.375, 2)[number % 3] for number in range(120)]
    prices = [0.25 + number % 9 for number in range(120)]
    rows = [
        line(n, weight, german(price) if n % every == 0 else price)
        for n, (weight, price) in enumerate(zip(weights, prices, strict=True))
    ]
    path = book(tmp_path / "a.xlsx", Sales=[HEADER, *rows])
    spend = sum(weight * price for weight, price in zip(weights, prices, strict=True))
    assert total(path, **told) == (sum(weights), pytest.approx(spend))


def test_numbers_of_three_decimals_are_in_no_doubt_where_they_are_numbers(tmp_path: Path) -> None:
    fuel = [line(number, 40 + number % 9, 1.749 - number % 7 / 1000) for number in range(120)]
    found = custseg.check(book(tmp_path / "a.xlsx", Sales=[HEADER, *fuel]))
    assert found.ok
    # Nor do they say anything of a text.
    fuel[7][5], fuel[8][5] = "1,749", 1.5
    found = custseg.check(book(tmp_path / "b.xlsx", Sales=[HEADER, *fuel]))
    assert [problem.error.code for problem in found.problems] == ["decimal-mark"]
    # A text far behind the samples speaks for itself.
    many = lines(9_000)
    many[5_000][5] = "2,50"
    many = [[*row[:4], row[4] + 0.125, row[5]] for row in many]
    path = book(tmp_path / "c.xlsx", Sales=[HEADER, *many])
    assert total(path)[0] == sum(row[4] for row in many)

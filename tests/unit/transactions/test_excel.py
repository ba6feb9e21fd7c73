"""Workbooks as people make them: numbers beside text, sheets and headers that are not as they should be."""

import datetime as dt
import shlex
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

import custseg
from custseg.columns import SCALE
from custseg.errors import InputError, in_shell
from custseg.settings import Settings
from custseg.transactions import sheet_parts
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
                    elif isinstance(cell, str) and cell.startswith("="):
                        sheet.write_formula(row, column, cell)
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


def test_a_number_that_a_condition_asks_for_is_one_beside_any_text(tmp_path: Path) -> None:
    rows = [[*line(n, 1, "2,50"), (0.125, 0.25, 1.5)[n % 3]] for n in range(120)]
    path = book(tmp_path / "a.xlsx", Sales=[[*HEADER, "Rebate"], *rows])
    assert total(path, where="Rebate < 1")[0] == 80


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


def problems(path: Path, **told: Any) -> dict[str, InputError]:
    return {p.error.code: p.error for p in custseg.check(path, settings=Settings(**told)).problems}


MONTHS = {
    name: [HEADER, *lines()[start : start + 30]] for name, start in (("Jan", 0), ("Feb", 30), ("Mar", 60))
}


@pytest.mark.parametrize(
    "header",
    [
        [],
        [["Custommer", *HEADER[1:]]],
        [["Sales of March"], []],
        [*[["Parameter", "all"] for _ in range(25)], HEADER],
    ],
)
def test_a_month_without_its_header_ends_the_run(header: Rows, tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", **{**MONTHS, "Mar": [*header, *MONTHS["Mar"][1:]]})
    error = problems(path)["sheet-left-out"]
    assert "'Mar'" in error.what
    assert "--sheet 'Jan' --sheet 'Feb'" in error.now
    assert "sheet-left-out" not in problems(path, sheet=("Jan", "Feb"))


def test_a_sheet_of_another_kind_is_left_out_with_a_note(tmp_path: Path) -> None:
    codes: Rows = [
        ["Code", "Name", "Colour", "Price", "Since"],
        *[[f"A{n}", "Mug", "red", 2.5, MARCH] for n in range(30)],
    ]
    top: Rows = [
        ["Best articles", None, None],
        ["StockCode", "Sold", "Quantity"],
        ["A1", 12, 300],
        ["A2", 7, 250],
    ]
    path = book(tmp_path / "a.xlsx", **MONTHS, Articles=codes, Top=top, About=[["Made by hand"]])
    found = custseg.check(path)
    assert found.ok
    assert [note.split("'")[1] for note in found.notes if "left out" in note] == ["Articles", "Top", "About"]


def test_a_header_of_two_rows_is_refused(tmp_path: Path) -> None:
    above = ["Customer", "Invoice", "Date", "Item", "Sales", None]
    path = book(tmp_path / "a.xlsx", Sales=[above, [None] * 4 + ["Quantity", "Price"], *lines()])
    assert "Quantity, Price" in problems(path)["two-header-rows"].what
    text = tmp_path / "a.csv"
    text.write_text("Customer,Invoice,Date,Sales,\n,,,Quantity,Price\nk1,1,2024-03-01,2,2.5\n" * 2, "utf-8")
    assert "two-header-rows" in problems(text)
    units = book(tmp_path / "b.xlsx", Sales=[HEADER, [None, None, None, None, "pcs", "EUR"], *lines(300)])
    assert custseg.check(units).estimate.lines["kept"] == 300


def test_what_a_report_was_made_with_is_no_header(tmp_path: Path) -> None:
    made_with = ["Customer", "All", "Period", "2024", "Date", "31.12.2024"]
    path = book(tmp_path / "a.xlsx", Sales=[made_with, [], HEADER, *lines()])
    assert total(path)[0] == sum(row[4] for row in lines())


def test_a_header_far_down_is_found_in_a_sheet_that_is_named(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", Sales=[*[["Parameter", n] for n in range(40)], HEADER, *lines()])
    assert "delete the rows above the header" in problems(path)["no-sheet"].now
    assert total(path, sheet=("Sales",))[0] == sum(row[4] for row in lines())


def test_each_workbook_gives_the_sheets_it_has_of_those_wanted(tmp_path: Path) -> None:
    top = [["Customer ID", "Quantity"], *[[n, 9] for n in range(10)]]
    for name in ("Jan", "Feb"):
        book(tmp_path / f"{name}.xlsx", **{name: MONTHS[name], "Top": top})
    assert "Say --sheet 'Feb' --sheet 'Jan' to" in problems(tmp_path)["sheets-differ"].now
    assert custseg.check(tmp_path, settings=Settings(sheet=("Jan", "Feb"))).estimate.lines["kept"] == 60
    assert "Feb.xlsx" in problems(tmp_path, sheet=("Jan",))["no-such-sheet"].where
    assert (
        "No workbook has a sheet 'Mar'"
        in problems(tmp_path, sheet=("Jan", "Feb", "Mar"))["no-such-sheet"].what
    )


def test_a_sheet_that_cannot_be_read_as_it_is_says_why(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", hidden="Sales", About=[["Made by hand"]], Sales=[HEADER, *lines()])
    assert problems(path)["no-sheet"].now.startswith("--sheet 'Sales'")
    pasted = [[";".join(map(str, row))] for row in [HEADER, *lines()]]
    assert "never cut" in problems(book(tmp_path / "b.xlsx", Sales=pasted))["one-column"].what


def test_options_can_be_pasted_whatever_a_name_has_in_it(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx", **{"O'Brien": [HEADER, *lines()], "Top": [["Customer", "Total"], [1, 2]]}
    )
    assert '--sheet "O\'Brien"' in problems(path)["sheets-differ"].now
    told = ["quantity=Nombre d'articles", "invoice=N\" d'$5"]
    assert [shlex.split(in_shell(text)) for text in told] == [[text] for text in told]


@pytest.mark.parametrize("ending", [".xls", ".xlsb", ".ods", ".xlsx"])
def test_a_workbook_is_read_by_what_is_in_it(ending: str, tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", Sales=[HEADER, *lines()])
    assert total(path.rename(tmp_path / f"b{ending}"))[0] == sum(row[4] for row in lines())


def test_a_cell_far_to_the_right_of_a_long_sheet_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_parts, "MANY_CELLS", 1_000_000)
    rows = [HEADER, *lines(70)]
    rows[4] = [*rows[4], *[None] * (16_384 - len(HEADER) - 1), "x"]
    path = book(tmp_path / "a.xlsx", Other=[["Made by hand"]], Sales=rows)
    error = problems(path)["too-many-columns"]
    assert "XFD5" in error.what
    assert "sheet 'Sales'" in error.where


def test_ids_with_zeros_in_front_and_without_are_asked_about(tmp_path: Path) -> None:
    numbers = [[row[0] - 12340, *row[1:]] for row in lines()]
    texts = [[f"{row[0]:08d}", *row[1:]] for row in numbers]
    book(tmp_path / "a.xlsx", Sales=[HEADER, *numbers])
    book(tmp_path / "b.xlsx", Sales=[HEADER, *texts])
    found = {suspect.code: suspect.what for suspect in custseg.check(tmp_path).suspects}
    assert found["without-zeros"].startswith("40 of the customers")
    assert "'00000006' and '6'" in found["without-zeros"]
    for name in ("a", "b"):
        alone = custseg.check(tmp_path / f"{name}.xlsx").suspects
        assert "without-zeros" not in [suspect.code for suspect in alone]


def test_formulas_whose_results_were_not_saved_are_told(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", Sales=[HEADER, *[[*row[:5], "=E2*2"] for row in lines()]])
    # As programs write them that do not compute.
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</f><v>0</v>", b"</f><v></v>"))
    error = problems(tmp_path / "b.xlsx")["unsaved-formulas"]
    assert "'Price'" in error.what
    empty = book(tmp_path / "c.xlsx", Sales=[HEADER, *[row[:5] for row in lines()]])
    assert "unsaved-formulas" not in problems(empty)

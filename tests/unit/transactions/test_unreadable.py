"""The first cells that could not be read: file, line as an editor shows it, column and value."""

from pathlib import Path

import polars as pl
import pytest
from summed import sum_up

HEADER = "customer_id,invoice,note,quantity,price,date"
GOOD = "1,10,fine,1,2.50,2011-04-01"


def found(*paths: Path, **settings: object) -> list[tuple[str, int, str, str]]:
    return [(Path(u.file).name, *u[1:]) for u in sum_up(*paths, max_invalid=1, **settings).unreadable]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    rows = [
        HEADER,
        GOOD,
        '1,10,"two\nlines",six,2.50,2011-04-01',
        "",
        '1,10,"and\n\nthree",1,,2011-04-01',
        "1,10,fine,1,2.50,2011-04-31",
        "1,,fine,1,2.50,2011-04-01",
        ",10,nobody,six,2.50,2011-04-01",
        "1,10,fine,1,2.50,2011-04-01,and more",
        GOOD,
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(rows) + "\n")
    expected = [
        ("a.csv", 3, "quantity", "six"),
        ("a.csv", 6, "price", ""),
        ("a.csv", 9, "date", "2011-04-31"),
        ("a.csv", 10, "invoice", ""),
        ("a.csv", 12, "beyond the last", "and more"),
    ]
    assert found(path) == expected
    for chunk_size in (1, 30, 50, 100):
        assert found(path, chunk_size=chunk_size) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-8-sig"])
@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
def test_in_any_encoding_and_with_any_line_ends(tmp_path: Path, encoding: str, eol: str) -> None:
    rows = [HEADER, *[GOOD.replace("fine", "Größe")] * 50, GOOD.replace(",1,", ",ß,"), GOOD]
    path = tmp_path / "a.csv"
    path.write_bytes((eol.join(rows) + eol).encode(encoding))
    assert found(path) == found(path, chunk_size=50) == [("a.csv", 52, "quantity", "ß")]


def test_twenty_of_all_files_in_their_order(tmp_path: Path) -> None:
    bad = GOOD.replace(",1,", ",six,")
    for name, rows in {"a": [GOOD, bad], "b": [bad] * 15, "c": [GOOD], "d": [bad] * 15}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    cells = found(tmp_path)
    places = [("a.csv", 3), *(("b.csv", n) for n in range(2, 17)), *(("d.csv", n) for n in range(2, 6))]
    assert [cell[:2] for cell in cells] == places
    assert cells == found(tmp_path, chunk_size=50)


def test_rows_of_parquet_and_excel(tmp_path: Path) -> None:
    import xlsxwriter

    columns = {"customer_id": ["1"] * 5, "quantity": ["1", "1", "six", "1", "1"]}
    pl.DataFrame(columns).write_parquet(tmp_path / "a.parquet")
    with xlsxwriter.Workbook(tmp_path / "b.xlsx") as book:
        sheet = book.add_worksheet("Lines")
        sheet.write(0, 0, "Title")
        sheet.write_row(2, 0, list(columns))
        for number, row in enumerate(zip(*columns.values(), strict=True), 3):
            sheet.write_row(number, 0, row)
    cells = found(tmp_path, features="total_quantity")
    assert cells == [("a.parquet", 3, "quantity", "six"), ("b.xlsx, sheet 'Lines'", 6, "quantity", "six")]


def test_what_is_too_large_is_invalid(tmp_path: Path) -> None:
    rows = ["nan", "inf", "-inf", "1e400", "1e12", "999999999999999999999999"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, GOOD, *(GOOD.replace(",1,", f",{row},") for row in rows)]) + "\n")
    assert [cell[3] for cell in found(path)] == rows
    path.write_text("\n".join([HEADER, GOOD, GOOD.replace(",1,2.50", ",1e9,1e9")]) + "\n")
    assert found(path) == [("a.csv", 3, "quantity and price", "1e9 and 1e9")]
    path.write_text("customer_id,quantity,amount\n1,1,1\n1,1e-9,1e9\n1,0,5\n")
    assert found(path, features="total_quantity") == [("a.csv", 3, "quantity and amount", "1e-9 and 1e9")]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([HEADER, GOOD, GOOD.replace(",1,", f",{'x' * 5_000},")]) + "\n")
    assert len(found(path)[0][3]) == 300

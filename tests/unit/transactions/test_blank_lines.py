"""Lines that hold nothing go, and only they: against Python's own csv reader."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from summed import sum_up

from custseg.transactions.csv_blocks import CsvFile
from custseg.transactions.dialects import Dialect
from custseg.transactions.marks import Marks
from custseg.transactions.quotes import without_blank_lines

RECORDS = (
    'a,"1,5"',
    'b,"x"',
    '"c",',
    '"d","two\n\nlines"',
    '"e","a ""word"""',
    "f,6",
)


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("blanks", [0, 1, 2])
def test_the_records_stay_and_the_blank_lines_go(eol: str, blanks: int) -> None:
    text = eol * blanks + "".join(record + eol * (1 + blanks) for record in RECORDS)
    mark = eol[-1]
    contents = CsvFile("x.csv", Dialect("utf-8", ",", '"', mark, ("a", "b"), 0, 0), len(text))

    found = without_blank_lines(text.encode(), contents.dialect.marks).decode()

    assert found == "".join(record + eol for record in RECORDS)
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    frame = contents.scan(found.encode()).collect()
    assert [[cell or "" for cell in row[:2]] for row in frame.rows()] == rows


CELLS = st.text('ab,"\n\r', max_size=6)


@given(
    rows=st.lists(st.tuples(st.lists(CELLS, min_size=2, max_size=3), st.integers(0, 2)), max_size=12),
    blanks=st.integers(0, 2),
    eol=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_inside_of_cells_stays(rows: list[tuple[list[str], int]], blanks: int, eol: str) -> None:
    with_blanks, without = io.StringIO(newline=""), io.StringIO(newline="")
    with_blanks.write(eol * blanks)
    for cells, behind in rows:
        for text in (with_blanks, without):
            csv.writer(text, lineterminator=eol).writerow(cells)
        with_blanks.write(eol * behind)
    found = without_blank_lines(with_blanks.getvalue().encode(), Marks(b",", b'"', b"\n"))
    assert found == without.getvalue().encode()


def test_rows_of_parquet_that_hold_nothing_are_counted(tmp_path: Path) -> None:
    """Every line read has a fate: nothing in a file of columns says that a row is none."""
    rows = pl.DataFrame(
        {"customer_id": ["a", "b"], "invoice": ["1", "2"], "quantity": [1, 2], "price": [1.5, 2]}
    )
    nothing = rows.clear(3)
    pl.concat([rows, nothing, rows.with_columns(invoice=pl.lit("3"))]).write_parquet(tmp_path / "a.parquet")
    ledger = sum_up(tmp_path / "a.parquet").ledger["ledger"]
    assert ledger["rows_read"] == 7
    assert ledger["missing_customer"] == 3

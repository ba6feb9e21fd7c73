"""Texts read once each, against reading every cell."""

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.transactions.distinct import read_each_once
from custseg.transactions.numerals import POINT, read_number

TEXTS = st.sampled_from(["$5.00", "(1,234.5)", "5.00-", "", " ", "six", "7", "1e3"]) | st.none()


def length(cell: pl.Expr) -> pl.Expr:
    return cell.str.len_chars()


@given(st.lists(TEXTS, max_size=30))
@example([None] * 5)
@example(["5"] * 3)
@example([])
def test_each_cell_is_read_as_it_is_alone(texts: list[str | None]) -> None:
    cells = pl.Series("cell", texts, pl.String)
    assert read_each_once(cells, length).to_list() == [None if t is None else len(t) for t in texts]
    number = read_number(pl.col("cell"), POINT, thorough=True)
    alone = [pl.DataFrame({"cell": [text]}, {"cell": pl.String}).select(number).item() for text in texts]
    assert cells.to_frame().select(number).to_series().to_list() == alone
    query = cells.to_frame().lazy().select(number)
    assert query.collect(engine="streaming").to_series().to_list() == alone


@pytest.mark.parametrize(("texts", "read"), [(["a", "b"] * 10, 2), (["a", "b", "c"], 3)])
def test_what_stands_often_is_read_once(texts: list[str], read: int) -> None:
    seen = []

    def look(cell: pl.Expr) -> pl.Expr:
        return cell.map_batches(lambda cells: seen.append(len(cells)) or cells, return_dtype=pl.String())

    read_each_once(pl.Series(texts), look)
    assert seen == [read]


def test_what_is_no_text_is_read_as_it_stands() -> None:
    cells = pl.Series([1.0, float("nan"), float("nan"), None, None, None])
    assert read_each_once(cells, lambda cell: cell.is_nan()).to_list() == [
        False,
        True,
        True,
        None,
        None,
        None,
    ]

"""Cells of any type to canonical values."""

import math

import polars as pl
import pytest

from custseg.columns import LINE_LIMIT
from custseg.transactions import values

CELL = pl.col("cell")


def read(cells, how):
    """Read a column of cells of one type."""
    table = cells.to_frame("cell")
    return table.select(how(CELL, table.schema["cell"])).to_series().to_list()


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (pl.Series(["a", " a", None]), ["a", " a", None]),
        (pl.Series([85123, None]), ["85123", None]),
        (pl.Series([85123.0, 1.5, None]), ["85123", "1.5", None]),
        (pl.Series([True, None]), ["true", None]),
        (pl.Series(["x"], dtype=pl.Categorical), ["x"]),
    ],
)
def test_any_plain_cell_is_the_text_people_know(cells, texts):
    assert read(cells, values.as_text) == texts


@pytest.mark.parametrize("cells", [pl.Series([[1], [2], [1]]), pl.Series([b"1", b"2", b"1"])])
def test_what_has_no_text_is_only_told_apart(cells):
    first, second, third = read(cells, values.as_text)
    assert first == third != second


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        (pl.Series([17850, None]), ["17850", None]),
        (
            pl.Series([17850.0, 17850.5, -3.0, math.nan, math.inf, None]),
            ["17850", "17850.5", "-3", *[None] * 3],
        ),
        (
            pl.Series(["17850.0", "00418683", '="0017"', " A-1 ", "n/a", ""]),
            ["17850", "00418683", "0017", "A-1"],
        ),
        (
            pl.Series(["#NV2", "#7", "#NV", "#BEZUG!", "#Valeur!", "#DIV/0!", "#N/D", "#NAME?", "#NOMBRE?"]),
            ["#NV2", "#7"],
        ),
    ],
)
def test_an_id_is_the_same_however_it_is_stored(cells, ids):
    found = read(cells, lambda cell, dtype: values.customer_id(cell, dtype, exponents=False))
    assert found == ids + [None] * (len(found) - len(ids))


def test_a_number_is_finite_and_within_the_limit():
    cells = pl.Series([1.5, -LINE_LIMIT, LINE_LIMIT * 1.01, math.nan, -math.inf])
    found = read(cells, lambda cell, dtype: values.number(cell, dtype, ".", thorough=False))
    assert found == [1.5, -LINE_LIMIT, None, None, None]
    whole = pl.Series([5, 10**18])
    assert read(whole, lambda cell, dtype: values.number(cell, dtype, ".", thorough=False)) == [5, None]


def test_a_number_of_32_bits_is_the_one_that_was_written():
    numbers = [1234.56, 0.1, 361.25, -2.55, 16_777_215.0, None]
    cells = pl.Series([*numbers, math.nan, math.inf], dtype=pl.Float32)
    found = read(cells, lambda cell, dtype: values.number(cell, dtype, ".", thorough=False))
    assert found == [*numbers, None, None]


def test_half_a_line_is_divided_as_python_divides():
    totals = pl.Series([1.0, 2.0, 7.0, 1e15 + 1])
    for by in (3, 7, 10_000):
        assert read(totals, lambda cell, _, by=by: values.divided(cell, by)) == [t / by for t in totals]


def test_products_are_told_apart_by_their_names_and_the_nameless_are_one():
    first, again, other, empty, blank = read(
        pl.Series(["85123A", " 85123A ", "22041", "", "  "]), lambda cell, _: values.product_key(cell)
    )
    assert first == again != other
    assert empty == blank == 0
    assert 0 not in (first, other)

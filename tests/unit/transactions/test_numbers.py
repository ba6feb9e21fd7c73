"""Columns in few bytes, held against whole numbers of any size."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.columns import LINE_LIMIT
from custseg.customers.features import Recipe
from custseg.transactions.numbers import BLOCK, Numbers, count, join

UNITS = st.sampled_from([1, 100, 10_000])


def multiples(of: int, largest: int) -> st.SearchStrategy[int]:
    return st.integers(-largest // of, largest // of).map(lambda value: value * of)


COLUMNS = UNITS.flatmap(lambda unit: st.lists(multiples(unit, 4 * 10**15), max_size=30))


def counted(ten_thousandths: list[int]) -> Numbers:
    """Count doubles, each the nearest to a decimal number with four places."""
    numbers, rounded = count(pl.Series([float(f"{value}e-4") for value in ten_thousandths], dtype=pl.Float64))
    assert rounded.tolist() == []
    return numbers


@given(COLUMNS, st.data())
@example([], None)
@example([-128 * 100, 127 * 100], None)
@example([128 * 100], None)
@example([2**31], None)
@example([4 * 10**15, 4 * 10**15 - 1, 1], None)
def test_numbers_are_counted_to_the_ten_thousandth(values: list[int], data: st.DataObject | None) -> None:
    numbers = counted(values)
    assert numbers.whole().tolist() == values
    assert numbers.largest() == max(map(abs, values), default=0)
    assert numbers.total() == sum(values)
    marks = np.array([value > 0 for value in values], np.bool_)
    assert numbers.where(marks).whole().tolist() == [value for value in values if value > 0]
    if values and data:
        places = data.draw(st.lists(st.integers(0, len(values) - 1)))
        assert numbers.at(np.array(places, np.int64)).whole().tolist() == [values[place] for place in places]


@pytest.mark.parametrize(
    ("values", "dtype", "unit"),
    [
        ([10_000, 1_270_000], np.int8, 10_000),
        ([10_000, 1_280_000], np.int16, 10_000),
        ([1_250, 99], np.int16, 1),
        ([1_250, 100], np.int16, 1),
        ([1_200, 12_700], np.int8, 100),
        ([10**14], np.int64, 10_000),
        # Too large for a quick look: a double next to it is further off than rounding is told by.
        ([2_147_483_647 * 100, 100], np.int32, 100),
        # What only some blocks share is no unit of all.
        ([10_000] * BLOCK + [100], np.int8, 100),
        ([100] * BLOCK + [40_000_001], np.int32, 1),
    ],
)
def test_the_largest_unit_and_the_fewest_bytes(values: list[int], dtype: type, unit: int) -> None:
    numbers = counted(values)
    assert numbers.unit == unit
    assert numbers.values.dtype == dtype
    assert numbers.whole().tolist() == values


@given(st.lists(st.floats(-LINE_LIMIT, LINE_LIMIT) | st.floats(-1e-3, 1e-3) | st.none(), max_size=20))
@example([0.5e-4, 1.5e-4, 1e-11, 3.0000000001, None])
@example([1.005, 123456.785, 0.1 + 0.2, 399999999999.99994])
def test_what_is_counted_is_what_decimals_would_be(values: list[float | None]) -> None:
    numbers, rounded = count(pl.Series(values, dtype=pl.Float64))
    exact = [Fraction(value or 0) * 10_000 for value in values]
    off = [abs(Fraction(found) - one) for found, one in zip(numbers.whole().tolist(), exact, strict=True)]
    # Multiplied in doubles: next to a half it may be the one or the other.
    assert all(error <= Fraction(1, 2) + abs(one) / 2**52 for error, one in zip(off, exact, strict=True))
    long = [error > Fraction(1, 10**6) + abs(one) / 10**12 for error, one in zip(off, exact, strict=True)]
    near = [
        abs(error - Fraction(1, 10**6) - abs(one) / 10**12) < abs(one) / 2**51 + Fraction(1, 10**20)
        for error, one in zip(off, exact, strict=True)
    ]
    for place, (is_long, is_near) in enumerate(zip(long, near, strict=True)):
        assert is_near or (place in rounded) == is_long


@given(st.integers(-(10**9), 10**9), st.sampled_from([0, 1, 4, -4, 3]))
def test_a_number_is_rounded_if_it_has_more_than_four_decimals(ten_thousandths: int, further: int) -> None:
    numbers, rounded = count(pl.Series([float(f"{ten_thousandths}{further and abs(further)}e-5")]))
    assert rounded.tolist() == [0] * (further != 0)
    assert numbers.whole().tolist() == [ten_thousandths]


@given(st.lists(COLUMNS, min_size=1, max_size=4))
def test_columns_of_any_units_are_joined(columns: list[list[int]]) -> None:
    joined = join([counted(values) for values in columns])
    assert joined.whole().tolist() == [value for values in columns for value in values]


def test_a_total_goes_beyond_64_bits() -> None:
    assert Numbers(np.full(10, 9 * 10**14), 10_000).total() == 9 * 10**19


def test_one_large_number_among_many_small_ones_fits() -> None:
    values = np.full(5_000_000, 150_000_000)
    values[0] = 4 * 10**12
    assert Numbers(values).sum_fits()
    assert not Numbers(np.full(5_000_000, 2 * 10**12)).sum_fits()
    assert not Numbers(np.array([-(5 * 10**18), 5 * 10**18])).sum_fits()


RECIPE = Recipe((), ("quantity", "unit_price"), drop_duplicates=False, returns=False, net=False, features=())


@given(UNITS.flatmap(lambda unit: multiples(unit, 10**7)), UNITS.flatmap(lambda unit: multiples(unit, 10**8)))
def test_amounts_are_rounded_as_fractions_are(quantity: int, price: int) -> None:
    """Half to even, whether in whole numbers or in doubles; all below 2⁵³ in units of 10⁻⁸."""
    columns = {"quantity": counted([quantity]), "unit_price": counted([price])}
    assert RECIPE.amount(columns).whole().tolist() == [round(Fraction(quantity * price, 10_000))]

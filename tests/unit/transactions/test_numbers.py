"""Columns in few bytes, held against whole numbers of any size."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.customers.features import Recipe
from custseg.transactions.numbers import Numbers, narrow

UNITS = st.sampled_from([1, 100, 10_000])


def multiples(of: int, largest: int) -> st.SearchStrategy[int]:
    return st.integers(-largest // of, largest // of).map(lambda value: value * of)


COLUMNS = UNITS.flatmap(lambda unit: st.lists(multiples(unit, 4 * 10**15), max_size=30))


@given(COLUMNS, st.data())
@example([], None)
@example([-128 * 100, 127 * 100], None)
@example([128 * 100], None)
@example([2**31], None)
def test_narrow_numbers_stand_for_what_they_were(values: list[int], data: st.DataObject | None) -> None:
    numbers = narrow(np.array(values, np.int64))
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
    ],
)
def test_the_largest_unit_and_the_fewest_bytes(values: list[int], dtype: type, unit: int) -> None:
    assert narrow(np.array(values)).unit == unit
    assert narrow(np.array(values)).values.dtype == dtype


def test_a_total_goes_beyond_64_bits() -> None:
    assert Numbers(np.full(10, 9 * 10**14), 10_000).total() == 9 * 10**19


RECIPE = Recipe((), ("quantity", "unit_price"), drop_duplicates=False, returns=False, net=False, features=())


@given(UNITS.flatmap(lambda unit: multiples(unit, 10**7)), UNITS.flatmap(lambda unit: multiples(unit, 10**8)))
def test_amounts_are_rounded_as_fractions_are(quantity: int, price: int) -> None:
    """Half to even, whether in whole numbers or in doubles; all below 2⁵³ in units of 10⁻⁸."""
    columns = {"quantity": narrow(np.array([quantity])), "unit_price": narrow(np.array([price]))}
    assert RECIPE.amount(columns).whole().tolist() == [round(Fraction(quantity * price, 10_000))]

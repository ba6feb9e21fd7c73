"""Exact sums against whole numbers of any size, and against `math.fsum`."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custseg.segments import sums
from custseg.segments.sums import exact_sum

numbers = st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, 5e-324, 1e16, -1e16, 1.0, 0.1])


@settings(deadline=None)
@given(st.lists(numbers, max_size=60), st.integers(1, 4))
def test_sums_are_exact_whatever_the_parts(values, cuts):
    expected = sum(map(Fraction, values), Fraction(0))
    parts = np.array_split(np.array(values[::-1], float), cuts)
    assert sum(map(exact_sum, parts)) == exact_sum(np.array(values, float)) == expected


def test_many_values(monkeypatch):
    rng = np.random.default_rng(0)
    values = rng.normal(size=100_000) * 10.0 ** rng.integers(-20, 20, 100_000)
    whole = exact_sum(values)
    assert float(whole) == math.fsum(values)
    assert exact_sum(rng.permutation(values)) == whole
    # As many of the largest as there may be at once still fit.
    monkeypatch.setattr(sums, "TILE", 1 << 10)
    assert exact_sum(values) == whole
    largest = np.full(sums.TILE, np.nextafter(1.0, 0.0))
    assert exact_sum(largest) == sums.TILE * Fraction(largest[0])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_has_no_sum(wrong):
    with pytest.raises((ValueError, OverflowError)):
        exact_sum(np.array([1.0, wrong]))

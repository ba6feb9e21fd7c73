import datetime as dt

import numpy as np
import polars as pl
import pytest
from customer_blocks import Blocks
from hypothesis import given, settings
from hypothesis import strategies as st

from custseg.segments.rfm import add_scores, score_edges, to_record


def by_definition(values, *, low_is_good=False):
    """One more than the fifths of customers that are worse, counted one by one."""
    worse = [sum((o > v) if low_is_good else (o < v) for o in values) for v in values]
    return [1 + (5 * w) // len(values) for w in worse]


def scored(table, block_rows=7):
    return add_scores(table, score_edges(Blocks(table, block_rows)))


money = (
    st.floats(-1e9, 1e9, allow_nan=False) | st.integers(-3, 3).map(float) | st.sampled_from([-0.0, 5e-324])
)
customers = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), money), min_size=1, max_size=40)


@settings(deadline=None)
@given(customers)
def test_scores_are_those_of_the_definition(rows):
    days, purchases, spend = (list(column) for column in zip(*rows, strict=True))
    table = pl.DataFrame({"recency_days": days, "purchases": purchases, "spend": spend}, strict=False)
    found = scored(table)
    assert found["recency_score"].to_list() == by_definition(days, low_is_good=True)
    assert found["frequency_score"].to_list() == by_definition(purchases)
    assert found["spend_score"].to_list() == by_definition(spend)
    assert found.schema["spend_score"] == pl.UInt8


def test_distinct_customers_fall_into_even_fifths():
    rng = np.random.default_rng(3)
    spend = rng.permutation(1000) * 1.5
    found = scored(pl.DataFrame({"spend": spend, "purchases": [1] * 1000}), block_rows=64)
    assert found["spend_score"].value_counts().sort("spend_score").rows() == [(s, 200) for s in range(1, 6)]
    assert found["frequency_score"].unique().to_list() == [1]
    # pandas' fifths of distinct values are the same.
    import pandas as pd

    assert found["spend_score"].to_list() == (pd.qcut(spend, 5, labels=False) + 1).tolist()


def test_the_order_and_the_blocks_do_not_matter():
    rng = np.random.default_rng(4)
    table = pl.DataFrame(
        {"id": range(500), "recency_days": rng.integers(1, 40, 500), "spend": rng.lognormal(3, 1, 500)}
    )
    expected = scored(table).sort("id")
    for seed, rows in ((1, 500), (2, 33), (3, 1)):
        assert scored(table.sample(fraction=1, shuffle=True, seed=seed), rows).sort("id").equals(expected)


def test_a_score_whose_feature_is_missing_is_left_out():
    table = pl.DataFrame({"purchases": [3, 1], "first_purchase": [dt.datetime(2011, 1, 1)] * 2})
    assert scored(table).columns == [*table.columns, "frequency_score"]
    assert score_edges(Blocks(table.select("first_purchase"))) == {}
    assert to_record({"spend_score": (1.0, 2.0, 3.0, 4.0)}) == [
        {"name": "spend_score", "feature": "spend", "edges": [1.0, 2.0, 3.0, 4.0]}
    ]


@pytest.mark.parametrize("n", [1, 4, 5, 6])
def test_few_customers(n):
    assert scored(pl.DataFrame({"spend": range(n)}))["spend_score"].to_list() == by_definition(range(n))

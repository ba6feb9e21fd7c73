import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custseg.report.strips import QUANTILES, strips


def test_strips_are_numpy_percentiles(run):
    record, customers = run
    table = strips(record, customers.lazy())
    assert set(table["segment"]) == {f"{s['id']} {s['name']}" for s in record["segments"]}
    for row in table.iter_rows(named=True):
        number = int(row["segment"].split()[0])
        values = customers.filter(pl.col("segment_id") == number)[row["name"]].to_numpy()
        assert row["customers"] == len(values)
        wanted = np.quantile(values, list(QUANTILES.values())).tolist()
        assert [row[p] for p in QUANTILES] == pytest.approx(wanted, rel=1e-3)
        assert row["p50"] == wanted[2]


def test_strips_hide_what_stands_for_few(three):
    record, customers = three
    some = pl.concat([customers.filter(segment_id=1)[:150], customers.filter(segment_id=2)[:9]])
    table = strips(record, some.lazy())
    assert table["segment"].unique().to_list() == ["1 Champions"]
    assert table["p05"].is_null().all()
    assert table["p25"].is_not_null().all()
    assert strips(record, some.lazy(), small_cells=True)["segment"].n_unique() == 2


MONEY = st.floats(-1e9, 1e9).map(lambda value: round(value, 2))


@given(st.lists(MONEY | st.integers(0, 12).map(float) | st.just(0.0), min_size=1, max_size=60))
def test_quantiles_of_anything_are_within_a_thousandth(values):
    record = {
        "segments": [{"id": 1, "name": "A", "customers": len(values)}],
        "features": [{"name": "spend", "clustered": True}],
    }
    customers = pl.DataFrame({"segment_id": pl.Series([1] * len(values), dtype=pl.UInt8), "spend": values})
    row = strips(record, customers.lazy(), small_cells=True).row(0, named=True)
    assert row["customers"] == len(values)
    assert [row[p] for p in QUANTILES] == sorted(row[p] for p in QUANTILES)
    ordered = np.sort(values)
    for key, quantile in QUANTILES.items():
        # Between the same two ranks, each at most a thousandth off.
        rank = quantile * (len(values) - 1)
        pair = ordered[int(np.floor(rank))], ordered[int(np.ceil(rank))]
        slack = 1e-3 * max(map(abs, pair)) + 1e-5
        assert row[key] == pytest.approx(np.quantile(values, quantile), abs=slack)


def test_few_different_values_are_exact():
    values = np.random.default_rng(1).integers(0, 400, 5_000)
    record = {
        "segments": [{"id": 1, "name": "A", "customers": 5_000}],
        "features": [{"name": "purchases", "clustered": True}],
    }
    customers = pl.DataFrame({"segment_id": pl.Series([1] * 5_000, dtype=pl.UInt8), "purchases": values})
    row = strips(record, customers.lazy()).row(0, named=True)
    for key, quantile in QUANTILES.items():
        assert row[key] == pytest.approx(np.quantile(values, quantile), abs=1e-9)

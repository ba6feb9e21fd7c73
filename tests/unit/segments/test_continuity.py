import itertools
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import adjusted_rand_score

from custseg.customers.keys import key
from custseg.customers.matrix import Scaling
from custseg.errors import InputError
from custseg.segments.continuity import carry_numbers, describe, match
from custseg.segments.earlier import EarlierCustomers, Previous, read_previous
from custseg.segments.meeting import Meeting, meet
from custseg.segments.model import Model, SeenFeature, write_model

NUMBERS = (1, 3, 4)
CENTRES = np.array([[9.0, 0, 2], [0, 0, 0], [0, 8, -6]])
FEATURES = ("total_quantity", "purchases", "spend")


def model(customers):
    seen = SeenFeature(minimum=-9, median=0, maximum=99, edges=[], shares=[1.0])
    return Model(
        features=FEATURES,
        scaling=Scaling("none", (0.0,) * 3, (1.0,) * 3),
        centres=CENTRES,
        numbers=NUMBERS,
        last_number=NUMBERS[-1],
        names=("Champions", "New", "At risk"),
        rules=((), (), ()),
        scores={},
        customers=customers,
        seen=dict.fromkeys(FEATURES, seen),
        derived=(),
        currency=None,
        settings={},
        versions={},
    )


def table_of(points, first):
    ids = pl.Series("customer_id", [f"c{first + i}" for i in range(len(points))])
    table = pl.DataFrame(points, schema=dict.fromkeys(FEATURES, pl.Float64), orient="row")
    table = table.with_columns((pl.all() * 100).round() / 100)
    return table.with_columns(ids, key(ids).alias("key")).sort("key")


@pytest.fixture
def runs(tmp_path, three_blobs, make_matrix):
    """An earlier run of customers 0-1999, and one of customers 500-2499 today, some of them moved."""
    before, now = table_of(three_blobs[:2000], 0), table_of(three_blobs[500:2500] + 0.3, 500)
    labels = np.array(NUMBERS)[
        np.linalg.norm(before.select(FEATURES).to_numpy()[:, None] - CENTRES, axis=2).argmin(1)
    ]
    before = before.with_columns(
        segment_id=pl.Series(labels, dtype=pl.UInt8), segment=pl.Series([f"s{i}" for i in labels])
    )
    folder = tmp_path / "previous"
    (folder / "customers").mkdir(parents=True)
    for part in range(3):
        rows = before.drop("key").slice(part * 700, 700)
        rows.write_parquet(folder / "customers" / f"part-{part:05d}.parquet")
    write_model(folder / "model.json", model(before.height))
    sizes = before.group_by("segment_id").agg(pl.len(), pl.col("spend").sum()).sort("segment_id")
    segments = [
        {"id": i, "name": f"s{i}", "customers": n, "share": n / 2000, "spend": s, "spend_share": None}
        for i, n, s in sizes.rows()
    ]
    record = {"created": "then", "as_of": None, "customers": before.height, "segments": segments}
    (folder / "run.json").write_text(json.dumps(record), "utf-8")
    previous = read_previous(folder)
    work = tmp_path / "work"
    work.mkdir()
    earlier = EarlierCustomers(previous, work)
    matrix = make_matrix(now.select(FEATURES).to_numpy(), block_rows=333)
    return previous, before, now, matrix, lambda block: earlier.beside(now.slice(block * 333, 333))


def test_each_customer_gets_the_earlier_segment(runs):
    _, before, now, matrix, rows = runs
    found = pl.concat([rows(block) for block in range(len(matrix.blocks))])
    assert found["customer_id"].to_list() == now["customer_id"].to_list()
    expected = now.to_pandas().merge(
        before.select("customer_id", "segment_id", "segment").to_pandas(), on="customer_id", how="left"
    )
    was = found["previous_segment_id"].to_pandas().to_numpy(dtype=float, na_value=np.nan)
    np.testing.assert_array_equal(was, expected["segment_id"].to_numpy(float))
    assert found["previous_segment"].null_count() == 500


def test_who_moved_is_what_pandas_counts(runs):
    previous, before, now, matrix, rows = runs
    centres = CENTRES[[2, 0, 1]] + 0.5
    meeting = meet(matrix, centres, rows, previous)
    clusters = carry_numbers(match(meeting, None), (0, 1, 2), NUMBERS, 4)
    assert clusters == {1: 1, 3: 2, 4: 0}
    told = describe(previous, meeting, clusters, money=True)
    cluster = np.linalg.norm(now.select(FEATURES).to_numpy()[:, None] - centres, axis=2).argmin(1)
    numbers = {c: number for number, c in clusters.items()}
    both = pd.merge(
        now.to_pandas().assign(to_id=[numbers[c] for c in cluster])[["customer_id", "spend", "to_id"]],
        before.to_pandas()[["customer_id", "spend", "segment_id"]].rename(columns={"segment_id": "from_id"}),
        on="customer_id",
        how="outer",
        suffixes=("", "_before"),
    )
    expected = both.groupby(["from_id", "to_id"], dropna=False)
    found = {(row["from_id"], row["to_id"]): row for row in told["migration"]}
    assert len(found) == expected.ngroups
    for (was, now_id), group in expected:
        row = found[None if np.isnan(was) else was, None if np.isnan(now_id) else now_id]
        assert row["customers"] == len(group)
        for name in ("spend", "spend_before"):
            total = None if group[name].isna().all() else pytest.approx(group[name].sum(), abs=1e-6)
            assert row[name] == total
    known = both.dropna()
    assert (told["in_both"], told["new"], told["gone"]) == (len(known), 500, 500)
    assert told["stayed"] == (known["from_id"] == known["to_id"]).sum()
    assert told["adjusted_rand"] == pytest.approx(adjusted_rand_score(known["from_id"], known["to_id"]))


def meeting_of(today, customers=None):
    shape = np.shape(today)
    zero = np.zeros(shape, np.int64)
    both = np.array(today if customers is None else customers, np.int64)
    return Meeting(both, zero, zero, np.array(today, np.int64), zero[0], zero[0])


@given(arrays(np.int64, (3, 3), elements=st.integers(0, 50)))
def test_the_matching_keeps_as_many_customers_as_any(today):
    found = match(meeting_of(today), None)
    kept = sum(today[row, cluster] for cluster, row in found.items())
    best = max(sum(today[row, c] for c, row in enumerate(p)) for p in itertools.permutations(range(3)))
    assert kept == best
    assert all(today[row, cluster] > 0 for cluster, row in found.items())


def test_customers_who_move_do_not_take_their_segments_name_along():
    """All of the new customers fell asleep: what they were in is still the segment of new customers."""
    today, customers = [[10, 0], [0, 900]], [[0, 600], [10, 300]]
    assert match(meeting_of(today, customers), None) == {0: 0, 1: 1}


def test_where_no_customer_decides_a_segment_goes_on_where_it_started():
    assert match(meeting_of(np.zeros((3, 2))), (0, 2)) == {0: 0, 1: 2}
    assert match(meeting_of(np.zeros((3, 2))), None) == {}


def test_numbers_go_on_and_new_segments_get_free_ones():
    assert carry_numbers({0: 2, 2: 0}, (1, 0, 2), (1, 2, 5), 5) == {1: 2, 5: 0, 6: 1}
    assert carry_numbers({}, (1, 0), (1, 2), 2) == {3: 1, 4: 0}
    assert carry_numbers({}, (1, 0), (1, 2), 4) == {5: 1, 6: 0}
    assert carry_numbers({2: 0}, (1, 0, 2), (1, 3), 254) == {1: 2, 2: 0, 255: 1}


@pytest.mark.parametrize("damage", ["run.json", "part", "record", "text"])
def test_a_run_that_is_not_whole_is_refused(runs, damage):
    folder = runs[0].folder
    if damage == "run.json":
        (folder / "run.json").unlink()
    elif damage == "part":
        (folder / "customers" / "part-00001.parquet").unlink()
    elif damage == "record":
        (folder / "run.json").write_text('{"customers": 2000, "segments": [{"id": 1}]}', "utf-8")
    else:
        (folder / "run.json").write_text("[", "utf-8")
    with pytest.raises(InputError) as caught:
        read_previous(folder)
    assert caught.value.code == "bad-previous"
    assert isinstance(runs[0], Previous)

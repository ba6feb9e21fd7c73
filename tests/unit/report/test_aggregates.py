from bisect import bisect_left

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custseg.report import aggregates
from custseg.report.aggregates import Grid
from custseg.report.tables import strips


def test_the_map_counts_customers_where_they_are(run):
    record, customers = run
    table = aggregates.customer_map(record, customers.lazy(), strips(record))
    across, up = aggregates.map_features(record)
    assert 0 < len(table) <= aggregates.MOST_MARKS
    assert table["customers"].min() >= 10
    assert table["customers"].sum() >= 0.9 * len(customers)
    for row in table.sample(20, seed=1, with_replacement=True).iter_rows(named=True):
        inside = customers.filter(
            pl.col("segment_id") == row["segment_id"],
            pl.col(across) >= row["x0"],
            (pl.col(across) < row["x1"]) | pl.lit(row["x_open"]),
            pl.col(up) >= row["y0"],
            (pl.col(up) < row["y1"]) | pl.lit(row["y_open"]),
        )
        assert len(inside) == row["customers"]
        if "spend" in table.columns:
            assert inside["spend"].sum() == pytest.approx(row["spend"])
    leaders = table.filter("leads")
    assert not leaders.select("x0", "y0").is_duplicated().any()


def test_tiles_of_the_map_are_small_where_customers_are_many_and_do_not_overlap():
    # A crowd in one corner, the best customers far apart: equal tiles would lose most of those.
    crowd = [(x, y, 1, 40) for x in range(8) for y in range(8)]
    best = [(x, y, 2, 3) for x in range(16, 32, 2) for y in range(16, 32, 2)]
    schema = {"x": pl.Int32, "y": pl.Int32, "segment_id": pl.UInt8, "customers": pl.Int64}
    tiles = pl.DataFrame(crowd + best, schema=schema, orient="row")
    sized = aggregates._sized(tiles, 1, 10)
    assert sized.filter(pl.col("segment_id") == 1)["size"].unique().to_list() == [1]
    assert sized.filter(pl.col("segment_id") == 2)["size"].unique().to_list() == [4]
    assert aggregates._sized(tiles, 2, 10)["size"].min() == 2
    assert aggregates._sized(tiles, 1, 0)["size"].unique().to_list() == [1]


def test_the_map_shows_those_who_spend_most(three):
    record, customers = three
    table = aggregates.customer_map(record, customers.lazy(), strips(record))
    for segment in record["segments"]:
        own = table.filter(pl.col("segment_id") == segment["id"])
        assert own["customers"].sum() >= 0.8 * segment["customers"]
    tiles = table.select("x0", "x1", "y0", "y1").unique().rows()
    for i, (x0, x1, y0, y1) in enumerate(tiles):
        for left, right, low, high in tiles[:i]:
            assert right <= x0 or x1 <= left or high <= y0 or y1 <= low


def test_the_map_holds_everyone_if_small_cells_are_wanted(three):
    record, customers = three
    table = aggregates.customer_map(record, customers.lazy(), strips(record), small_cells=True)
    assert table["customers"].sum() == len(customers)


def test_no_map_of_one_feature(three):
    record, customers = three
    only = [dict(f, clustered=f["name"] == "purchases") for f in record["features"]]
    record = dict(record, features=only)
    assert aggregates.map_features(record) is None
    assert aggregates.customer_map(record, customers.lazy(), strips(record)).is_empty()


def test_recency_and_frequency_cells(three):
    record, customers = three
    table = aggregates.recency_frequency(record, customers.lazy())
    assert table["customers"].sum() == len(customers)
    assert table["spend"].sum() == pytest.approx(customers["spend"].sum())
    counted: dict[tuple[int, int], list[int]] = {}
    for recency, purchases, segment in customers.select(
        "recency_days", "purchases", "segment_id"
    ).iter_rows():
        cell = (
            bisect_left(aggregates.RECENCY_EDGES, recency),
            bisect_left(aggregates.PURCHASES_EDGES, purchases),
        )
        counted.setdefault(cell, []).append(segment)
    for row in table.iter_rows(named=True):
        inside = counted[row["recency_step"], row["purchases_step"]]
        assert row["customers"] == len(inside)
        assert inside.count(int(row["segment"].split()[0])) == max(map(inside.count, inside))


def test_nothing_about_recency_without_dates():
    from made_run import made_run

    record, customers = made_run(3, dates=False)
    assert aggregates.recency_frequency(record, customers.lazy()).is_empty()


def test_names_of_steps():
    assert aggregates.steps((1, 2, 5)) == ["1", "2", "3–5", "6+"]


def test_no_id_and_no_large_table(run):
    record, customers = run
    for table in (
        strips(record),
        aggregates.customer_map(record, customers.lazy(), strips(record)),
        aggregates.recency_frequency(record, customers.lazy()),
    ):
        assert len(table) <= 5_000
        assert "secret" not in table.write_csv()


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(["purchases", "spend", "recency_days", "mean_unit_price"]),
    low=st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
    reach=st.floats(0, 1e9).map(lambda value: round(value, 3)),
    tiles=st.integers(2, 32),
    data=st.data(),
)
def test_every_value_has_one_tile_and_lies_in_it(name, low, reach, tiles, data):
    if name in ("purchases", "recency_days"):
        low, reach = float(abs(int(low))), float(int(reach))
    grid = Grid(name, low, low + reach)
    edges = grid.edges(tiles)
    assert edges == sorted(set(edges))
    assert 2 <= len(edges) <= tiles + 1
    assert edges[0] <= low
    values = data.draw(st.lists(st.floats(low, low + reach), min_size=1, max_size=20))
    indices = pl.DataFrame({name: values}).select(i=grid.index(edges))["i"].to_list()
    for value, index in zip(values, indices, strict=True):
        assert edges[index] <= value
        assert value < edges[index + 1] or index == len(edges) - 2

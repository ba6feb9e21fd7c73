import numpy as np
import polars as pl
import pytest

from custseg.columns import FATES
from custseg.report import page, tables, theme
from custseg.report.figures import Source, people
from custseg.segments.selection import below_zero


def with_segment(record, number, **changes):
    """Return a copy of the record with one segment changed."""
    segments = [dict(s, **changes) if s["id"] == number else s for s in record["segments"]]
    return dict(record, segments=segments)


def test_sizes_are_those_of_the_record(run):
    record, _ = run
    table = tables.sizes(record)
    assert table["customers"].to_list() == [s["customers"] for s in record["segments"]]
    assert table["spend"].to_list() == [s["spend"] for s in record["segments"]]
    assert table["segment"].to_list() == [f"{s['id']} {s['name']}" for s in record["segments"]]


def test_profiles_are_medians_against_the_median_of_all(run):
    record, customers = run
    table = tables.profiles(record)
    assert not table.is_empty()
    for row in table.iter_rows(named=True):
        number = int(row["segment"].split()[0])
        own = customers.filter(pl.col("segment_id") == number)[row["name"]].median()
        everyone = customers[row["name"]].median()
        assert row["median"] == own
        assert row["ratio"] == pytest.approx(own / everyone)


def test_a_segment_of_few_has_no_medians_unless_asked(three):
    record = with_segment(three[0], 2, customers=9)
    seen = tables.profiles(record)["segment"].unique()
    assert len(seen) == 2
    assert "2 Promising" not in seen
    assert tables.profiles(record, small_cells=True)["segment"].n_unique() == 3


def test_strips_are_those_of_the_record(run):
    record, _ = run
    table = tables.strips(record)
    assert list(dict.fromkeys(table["name"])) == tables.shown_features(record)
    for row in table.iter_rows(named=True):
        segment = next(s for s in record["segments"] if s["id"] == int(row["segment"].split()[0]))
        marks = segment["quantiles"][row["name"]] | {"p50": segment["medians"][row["name"]]}
        assert row == {"segment": row["segment"], "name": row["name"]} | marks | {
            "customers": segment["customers"]
        }


@pytest.mark.parametrize(("customers", "inner", "outer"), [(200, 1, 1), (199, 1, 0), (10, 1, 0), (9, 0, 0)])
def test_strips_hide_what_stands_for_few(three, customers, inner, outer):
    record = with_segment(three[0], 2, customers=customers)
    table = tables.strips(record).filter(pl.col("segment") == "2 Promising")
    shown = len(tables.shown_features(record))
    assert table["p25"].is_not_null().sum() == table["p75"].is_not_null().sum() == inner * shown
    assert table["p05"].is_not_null().sum() == table["p95"].is_not_null().sum() == outer * shown
    everything = tables.strips(record, small_cells=True).filter(pl.col("segment") == "2 Promising")
    assert everything.null_count().sum_horizontal().item() == 0


def test_a_median_of_zero_has_no_ratio(three):
    record = dict(three[0], features=[dict(f, median=0.0) for f in three[0]["features"]])
    assert tables.profiles(record)["ratio"].is_null().all()


def test_candidates_start_at_one_and_mark_the_choice(run):
    record, _ = run
    choice = record["k_selection"]
    table = tables.candidates(record)
    assert table["k"].to_list() == [1, *(c["k"] for c in choice["candidates"])]
    assert table["sse"][0] == choice["sse_k1"]
    assert table.filter("chosen")["k"].to_list() == [choice["chosen"]]
    for candidate in choice["candidates"]:
        row = table.row(by_predicate=pl.col("k") == candidate["k"], named=True)
        half = 1.96 * candidate["silhouette_se"]
        assert (row["low"], row["high"]) == pytest.approx(
            (candidate["silhouette"] - half, candidate["silhouette"] + half)
        )


def test_blades_fill_the_height_in_proportion(run):
    record, _ = run
    table = tables.silhouettes(record)
    parts = record["k_selection"]["silhouette_by_segment"]
    heights = table.group_by("segment", maintain_order=True).agg(
        height=pl.col("bottom").first() - pl.col("top").first(), n=pl.col("customers").first()
    )
    assert heights["n"].to_list() == [part["customers"] for part in parts]
    total = heights["height"].sum()
    for height, n in heights.select("height", "n").iter_rows():
        assert height / total == pytest.approx(n / heights["n"].sum())
    assert table["place"].min() == pytest.approx(0, abs=1e-9)
    assert table["place"].max() == pytest.approx(1)


def test_the_ledger_takes_every_fate_from_the_lines_read(run):
    record, _ = run
    table = tables.ledger(record)
    assert table["lines"].to_list() == [record["ledger"][fate] for fate in FATES]
    assert table["before"][0] == record["ledger"]["rows_read"]
    assert table["before"][-1] == record["ledger"]["kept"]
    steps = table[:-1]
    assert (steps["before"] - steps["lines"] == steps["after"]).all()
    assert (steps["after"][:-1] == steps["before"][1:]).all()


def test_months_of_few_customers_are_left_out(three):
    record, _ = three
    everything = tables.monthly(record, small_cells=True)
    assert everything.height == len(record["monthly"])
    assert everything["spend"].sum() == pytest.approx(sum(m["spend"] for m in record["monthly"]))
    few = dict(record, monthly=[dict(m, customers=9) for m in record["monthly"][:1]] + record["monthly"][1:])
    assert tables.monthly(few).height == everything.height - 1
    assert tables.monthly(few)["customers"].min() >= 10


def test_of_too_many_months_the_last_are_shown(three):
    record = three[0]
    segments = [dict(record["segments"][0], id=i, name=f"S{i}") for i in range(1, 51)]
    rows = [
        {"month": f"{year}-{month:02d}", "segment_id": i, "spend": 1.0, "purchases": 20, "customers": 20}
        for year in range(1999, 2025)
        for month in range(1, 13)
        for i in range(1, 51)
    ]
    table = tables.monthly(dict(record, segments=segments, monthly=rows))
    assert len(table) == tables.MOST_ROWS
    assert len(tables.months(table)) == 100
    assert tables.months(table)[-1] == "2024-12"
    source = Source(dict(record, segments=segments, monthly=rows), pl.LazyFrame(), None, small_cells=False)
    figure = people.monthly(source)
    assert len(figure.data) == tables.MOST_ROWS
    assert figure.read.endswith("Only the last 100 months are shown.")
    quarters, years = figure.coarser
    assert (len(quarters), len(years)) == (50 * 34, 50 * 9)
    assert years["value"].sum() == quarters["value"].sum() == 5_000


def test_a_picture_of_too_many_months_is_binned_more_coarsely(three):
    segments = [dict(three[0]["segments"][0], id=i, name=f"S{i}") for i in range(1, 11)]
    rows = [
        {"month": f"{year}-{month:02d}", "segment_id": i, "spend": 1.0, "purchases": 20, "customers": 20}
        for year in range(2005, 2025)
        for month in range(1, 13)
        for i in range(1, 11)
    ]
    record = dict(three[0], segments=segments, monthly=rows)
    figure = people.monthly(Source(record, pl.LazyFrame(), None, small_cells=False))
    look = theme.Look(tables.segment_labels(record))
    drawn = page.draw(figure, look).pictured(look)
    assert 10_000 < len(drawn.picture.encode()) <= page.PICTURE
    assert "Spend a month" not in drawn.picture
    assert len(drawn.rows) == len(rows)


def test_months_without_anybody_are_gaps(three):
    record = three[0]
    rows = [
        {"month": month, "segment_id": i, "spend": 2.0, "purchases": 20, "customers": customers}
        for month, i, customers in (
            ("2020-01", 1, 20),
            ("2020-01", 2, 9),
            ("2020-04", 1, 20),
            ("2020-04", 2, 30),
        )
    ]
    figure = people.monthly(Source(dict(record, monthly=rows), pl.LazyFrame(), None, small_cells=False))
    values = figure.data.sort("segment_id", "month")["value"].to_list()
    assert values == [2.0, None, None, 2.0, None, None, None, 2.0]
    assert len(figure.table) == 3
    assert "A gap is a month" in figure.read
    one = Source(dict(record, monthly=rows[:2]), pl.LazyFrame(), None, small_cells=False)
    assert people.monthly(one) is None


@pytest.mark.parametrize(
    ("first", "last", "partial"),
    [
        ("2010-12-01T08:26:00", "2011-12-09T12:50:00", ["2011-12"]),
        ("2010-12-15T08:26:00", "2011-11-30T12:50:00", ["2010-12"]),
        (None, None, []),
    ],
)
def test_months_the_data_cover_in_part(first, last, partial):
    assert tables.partial_months({"inputs": {"first_date": first, "last_date": last}}) == partial


def test_migration_adds_up_and_hides_the_few(three):
    record, _ = three
    moves = record["previous"]["migration"]
    table = tables.migration(record)
    assert table["customers"].sum() == sum(m["customers"] for m in moves)
    assert table["before"].to_list()[-1] == "Not there"
    few = dict(record, previous=dict(record["previous"], migration=[dict(moves[0], customers=3)]))
    assert tables.migration(few).row(0, named=True)["customers"] is None
    assert tables.migration(few).row(0, named=True)["spend"] is None
    assert tables.migration(few, small_cells=True)["customers"].to_list() == [3]


def test_no_table_for_what_the_record_lacks(three):
    record = {key: value for key, value in three[0].items() if key not in ("monthly", "previous")}
    assert tables.monthly(record).is_empty()
    assert tables.migration(record).is_empty()
    record["k_selection"] = dict(record["k_selection"], silhouette_by_segment=None)
    assert tables.silhouettes(record).is_empty()


def test_a_long_name_is_cut(three):
    labels = tables.segment_labels(with_segment(three[0], 1, name="x" * 500))
    assert len(labels[1]) == 60


def test_the_share_below_zero_is_that_of_the_customers():
    values = np.sort(np.random.default_rng(3).normal(0.4, 0.25, 1203))
    # A record of an earlier version holds the quantiles alone.
    quantiles = np.percentile(values, range(101)).tolist()
    assert below_zero({"quantiles": quantiles}) == pytest.approx((values < 0).mean(), abs=0.002)
    assert below_zero({"quantiles": [0.0, 0.5, 1.0]}) == 0
    assert below_zero({"quantiles": [-1.0, -0.5, -0.1]}) == 1
    assert below_zero({"quantiles": quantiles, "below_zero": 0.05}) == 0.05

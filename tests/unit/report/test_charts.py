import html
import json
import math
import re

import polars as pl
import pytest
import vl_convert
from altair.utils.schemapi import debug_mode

from custseg.report import formats, theme
from custseg.report.charts import value
from custseg.report.figures import MAKERS, Source, make_figures, people
from custseg.report.page import chart_rows
from custseg.report.tables import segment_labels
from custseg.running.publishing import CHARTS

ALWAYS = {"sizes", "profiles", "strips", "customers", "choice_of_k", "silhouettes", "ledger"}


def figures_of(run, **given):
    record, customers = run
    source = Source(record, customers.lazy(), given.get("currency"), given.get("small_cells", False))
    return make_figures(source, lambda figure: figure)


def look_of(run, *, narrow=False):
    return theme.Look(segment_labels(run[0]), "GBP", narrow)


def fields(spec):
    """Return every field a specification reads, but those it makes itself."""
    text = json.dumps(spec)
    read = set(re.findall(r'"field": "(\w+)"', text)) | set(re.findall(r"datum\.(\w+)", text))
    return read - set(re.findall(r'"as": "(\w+)"', text)) - {"value", "label"}


def test_there_is_a_figure_for_all_the_run_knows(run):
    record, _ = run
    names = {figure.name for figure in figures_of(run)}
    assert names >= ALWAYS
    assert ("recency_frequency" in names) == ("monthly" in names) == (record["as_of"] is not None)
    assert ("migration" in names) == ("previous" in record)
    assert names <= set(CHARTS)
    assert len(names) <= len(MAKERS)


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_every_chart_is_valid_and_reads_what_is_there(run, narrow):
    look = look_of(run, narrow=narrow)
    for figure in figures_of(run):
        spec = figure.chart(look)
        with debug_mode(False):  # Else each part is checked by itself as well, and all takes minutes.
            kind = type(figure.draw(figure.data, look))
        kind.validate(spec)
        assert fields(spec) <= set(figure.data.columns), figure.name
        assert {column.name for column in figure.columns} <= set(figure.table.columns)
        assert 0 < len(figure.data) <= 5_000
        assert figure.read.endswith(".")
        assert figure.shows.endswith(".")


def test_every_chart_compiles_without_a_warning(run, capfd):
    for narrow in (False, True):
        look = look_of(run, narrow=narrow)
        for figure in figures_of(run):
            whole = figure.chart(look) | {
                "datasets": {figure.name: chart_rows(figure.data)},
                "config": theme.config("light"),
            }
            vega = vl_convert.vegalite_to_vega(whole)
            assert vega["marks"]
    heard = capfd.readouterr()
    assert "WARN" not in heard.out + heard.err


def test_a_picture_is_as_wide_as_the_page_or_the_phone(three):
    for narrow, limit in ((False, theme.WIDE), (True, theme.NARROW)):
        for figure in figures_of(three):
            spec = figure.chart(look_of(three, narrow=narrow)) | {
                "datasets": {figure.name: chart_rows(figure.data)},
                "config": theme.config(None),
            }
            width = int(re.search(r'width="(\d+)"', vl_convert.vegalite_to_svg(spec))[1])
            assert width <= limit * 1.1, figure.name


def test_charts_name_no_segment_in_an_expression(three):
    """A name is data: in an expression it could run."""
    record, customers = three
    names = ['"]||alert(1)||["', "'+alert(1)+'", "x"]
    record = dict(record, segments=[dict(s, name=n) for s, n in zip(record["segments"], names, strict=True)])
    for figure in figures_of((record, customers)):
        spec = figure.chart(theme.Look(segment_labels(record)))
        spec["description"] = ""
        expressions = re.findall(
            r'"(?:filter|expr|test|labelExpr|signal)": ("(?:[^"\\]|\\.)*")', json.dumps(spec)
        )
        assert not any("alert" in text for text in expressions), figure.name


def test_tables_of_the_figures_hold_the_record(run):
    record, _ = run
    found = {figure.name: figure for figure in figures_of(run)}
    sizes = found["sizes"].table
    assert sizes["customers"].sum() == record["customers"]
    assert found["ledger"].table["lines"].sum() == record["ledger"]["rows_read"]
    by_k = {row["k"]: row for row in found["choice_of_k"].table.iter_rows(named=True)}
    for candidate in record["k_selection"]["candidates"]:
        for key in ("sse", "silhouette", "smallest_share", "stability", "eligible"):
            assert by_k[candidate["k"]][key] == candidate[key]
    blades = found["silhouettes"].table
    assert blades["mean"].to_list() == [
        part["mean"] for part in record["k_selection"]["silhouette_by_segment"]
    ]


def test_no_id_and_no_few_in_any_figure(run):
    for figure in figures_of(run):
        text = figure.data.write_json() + figure.table.write_json()
        assert "secret" not in text, figure.name
        if figure.name in ("customers", "recency_frequency", "strips", "monthly"):
            assert figure.table["customers"].min() >= 10


def test_a_tile_of_whole_numbers_names_the_last_it_holds():
    source = Source({}, None, "GBP", False)
    purchases, spend = (people._range(name, source) for name in ("purchases", "spend"))
    tile = {"low": 3.0, "high": 5.0, "last": False}
    assert purchases(tile) == "3 to 4"
    assert purchases(tile | {"high": 4.0}) == "3"
    assert purchases(tile | {"last": True}) == "3 or more"
    assert spend(tile) == "£3.00 to £5.00"


def test_the_map_names_its_features_without_their_scale_in_tooltip_and_table(three):
    figure = next(f for f in figures_of(three) if f.name == "customers")
    assert any(title.endswith(", log scale") for title in figure.data.select("x_title", "y_title").row(0))
    tooltip = figure.chart(look_of(three))["vconcat"][0]["layer"][0]["encoding"]["tooltip"]
    assert not any("log scale" in tip["title"] for tip in tooltip)
    labels = [column.label for column in figure.columns]
    assert [label.rpartition(", ")[2] for label in labels[1:5]] == ["from", "below"] * 2


def test_a_tile_is_paler_where_as_many_customers_take_more_room(three):
    data = next(f for f in figures_of(three) if f.name == "customers").data
    larger = data.group_by("customers").agg(
        ((pl.col("x1") / pl.col("x0")).log() * (pl.col("y1") / pl.col("y0")).log()).alias("area"), "density"
    )
    for row in larger.filter(pl.col("area").list.len() > 1).iter_rows(named=True):
        by_area = sorted(zip(row["area"], row["density"], strict=True))
        assert [d for _, d in by_area] == sorted(row["density"], reverse=True)


QUANTILES = ("p05", "p25", "p50", "p75", "p95")


def strip_of(name, **quantiles):
    row = {"segment": "1 A", "name": name, "text": "", "box": "", "whisker": ""} | dict.fromkeys(QUANTILES)
    table = pl.DataFrame([row | quantiles], schema_overrides=dict.fromkeys(QUANTILES, pl.Float64))
    return value.strips(table, theme.Look({1: "1 A"})).to_dict(validate=False)["concat"][0]


def scale_of(panel):
    return panel["layer"][0]["encoding"]["x"]["scale"]


def test_money_has_a_log_axis_where_it_can_and_a_plain_one_where_nothing_would_stand_on_it():
    assert scale_of(strip_of("spend", p25=210.0, p50=300.0, p75=800.0))["type"] == "log"
    assert scale_of(strip_of("spend", p25=-5.0, p50=300.0, p75=800.0))["type"] == "symlog"
    assert scale_of(strip_of("spend", p25=210.0, p50=220.0, p75=240.0)) == {"zero": True}
    assert scale_of(strip_of("total_quantity", p25=10.0, p50=20.0, p75=100.0)) == {"zero": True}


def test_counts_have_whole_ticks_and_no_line_is_drawn_that_nobody_has():
    panel = strip_of("purchases", p25=1.0, p50=2.0, p75=3.0)
    assert panel["layer"][0]["encoding"]["x"]["axis"]["tickMinStep"] == 1
    assert "p05" not in json.dumps(panel)
    assert "p05" in json.dumps(strip_of("purchases", p05=1.0, p25=1.0, p50=2.0, p75=3.0, p95=9.0))


def test_the_strips_say_who_has_no_line(three):
    record, customers = three
    say = {}
    for n in (200, 199):
        segments = [record["segments"][0] | {"customers": n}, *record["segments"][1:]]
        figures = figures_of((record | {"segments": segments}, customers))
        say[n] = next(f for f in figures if f.name == "strips").read
    assert say[200].endswith("customers, the line nine in ten.")
    assert "segments of fewer than 200 have no line" in say[199]


def test_a_run_of_a_custseg_that_knew_no_quantiles_is_drawn_without_strips(three):
    record, customers = three
    segments = [{k: v for k, v in s.items() if k != "quantiles"} for s in record["segments"]]
    names = [f.name for f in figures_of((record | {"segments": segments}, customers))]
    assert "strips" not in names
    assert "customers" in names


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_zero_is_a_tick_of_the_silhouettes(run, narrow):
    figure = next(f for f in figures_of(run) if f.name == "silhouettes")
    spec = figure.chart(look_of(run, narrow=narrow))
    ticks = spec["layer"][0]["encoding"]["x"]["axis"]["values"]
    assert 0 in ticks
    assert min(0, figure.data["silhouette"].min()) <= min(ticks)
    assert max(ticks) <= figure.data["silhouette"].max()


@pytest.mark.parametrize(("sse", "foot"), [(900.0, True), (50.0, False)])
def test_the_word_chosen_stands_where_the_curve_is_not(three, sse, foot):
    figure = next(f for f in figures_of(three) if f.name == "choice_of_k")
    chosen = pl.when("chosen").then(sse).when(pl.col("k") == 1).then(1000.0).otherwise(200.0)
    spec = figure.draw(figure.data.with_columns(sse=chosen), look_of(three)).to_dict(validate=False)
    panel = spec["vconcat"][0]
    word = next(n for n in panel["layer"] if n["encoding"].get("text") == {"value": "chosen"})
    assert word["encoding"]["y"] == {"value": panel["height"] if foot else 0}


def test_a_share_on_a_chart_is_never_a_rounded_nothing():
    drawn = {}
    for share in (0, 0.0002, 0.004, 0.48, -0.03):
        spec = {"data": {"values": [{}]}, "mark": "text", "encoding": {"text": {"field": "t"}}}
        spec["transform"] = [{"calculate": theme.percent(f"({share})"), "as": "t"}]
        drawn[share] = re.search(r">([^<>]+ ?%)</text>", vl_convert.vegalite_to_svg(spec))[1]
    assert {share: html.unescape(text) for share, text in drawn.items()} == {
        share: formats.share(share) for share in drawn
    }


def test_what_a_missing_mark_means_is_said(three):
    for small, words in ((False, "No mark: fewer than 10."), (True, "No mark: nobody.")):
        found = {f.name: f.read for f in figures_of(three, small_cells=small)}
        assert found["recency_frequency"].endswith(words)


def test_a_name_on_the_map_does_not_stand_beyond_its_sides():
    sides = {"x0": [1.0, 10.0], "x1": [10.0, 1e5], "y0": [1.0, 1.0], "y1": [9.0, 9.0]}
    spots = {"x": [3.0, 1e3], "y": [3.0, 3.0], "segment": ["6 About to sleep", "2 B"], "customers": [25, 900]}
    tiles = pl.DataFrame({**sides, **spots, "leads": [True, True]})
    placed = people._labelled(tiles, [True, True])
    assert placed["label"].all()
    half = people.LETTER * len("6 About to sleep") / 2
    assert placed["shift"].to_list() == pytest.approx([half - math.log(3) / math.log(1e5), 0])

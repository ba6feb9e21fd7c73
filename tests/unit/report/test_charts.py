import json
import re

import polars as pl
import pytest
import vl_convert
from altair.utils.schemapi import debug_mode

from custseg.report import theme
from custseg.report.figures import MAKERS, Source, make_figures, people
from custseg.report.page import chart_rows
from custseg.report.tables import segment_labels

ALWAYS = {"sizes", "profiles", "strips", "customers", "choice_of_k", "silhouettes", "ledger"}


def figures_of(run, **given):
    record, customers = run
    source = Source(record, customers.lazy(), given.get("currency"), given.get("small_cells", False))
    return make_figures(source)


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


def test_a_tile_is_paler_where_as_many_customers_take_more_room(three):
    data = next(f for f in figures_of(three) if f.name == "customers").data
    larger = data.group_by("customers").agg(
        ((pl.col("x1") / pl.col("x0")).log() * (pl.col("y1") / pl.col("y0")).log()).alias("area"), "density"
    )
    for row in larger.filter(pl.col("area").list.len() > 1).iter_rows(named=True):
        by_area = sorted(zip(row["area"], row["density"], strict=True))
        assert [d for _, d in by_area] == sorted(row["density"], reverse=True)

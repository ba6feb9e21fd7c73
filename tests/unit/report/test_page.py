import base64
import csv
import hashlib
import io
import json
import re
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree

import polars as pl
import pytest
import vl_convert
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from made_run import made_run

from custseg.report import page, summary, tables, theme
from custseg.report.cells import Column, csv_link
from custseg.report.figures import Source, make_figures
from custseg.report.formats import SPACE
from custseg.report.page import chart_rows, draw, make_table, render, script_json, slim
from custseg.report.tables import segment_labels

HOSTILE = [
    "</script><script>alert(1)</script>",
    "</noscript><img src=x onerror=alert(1)>",
    "<!--<script>",
    "\"'><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "a\u2028b\u2029c\x00d\ud800e\u202ef",
    "=HYPERLINK(1)",
    "]]>&amp;&#0;",
]


class Shape(HTMLParser):
    """Collects the tags of a page with the names of their attributes, and the content of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.attributes, self.inside = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = ""
        self.tags.append((f"/{tag}", ()))

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data


def page_of(record, customers, currency=None):
    """Return the whole page without pictures and with a stand-in for the bundle."""
    source = Source(record, customers.lazy(), currency, small_cells=False)
    look = theme.Look(segment_labels(record), currency)
    return render(
        make_figures(source, lambda figure: draw(figure, look)),
        "/* bundle */",
        look,
        title="Customer segments",
        heading="Customer segments",
        headline="A headline.",
        facts=summary.facts(record),
        segments=summary.cards(record, currency, small_cells=False),
        summary=make_table(*summary.segment_table(record, small_cells=False), currency),
        small_print=summary.small_print(record, small_cells=False),
        footer="Made by custseg.",
    )


def tainted(record, text):
    """Return the record with `text` wherever data and settings can say something."""
    choice = record["k_selection"]
    return record | {
        "segments": [dict(s, name=f"{text}{s['id']}", rule=f"r{text}") for s in record["segments"]],
        "k_selection": choice | {"reason": f"k{text}"},
        "settings": {
            "where": {"value": f"w{text}", "source": "flag"},
            "column": {"value": {"invoice": text, text: "x"}, "source": text},
            "previous": {"value": f"/{text}", "source": "flag"},
        },
        "inputs": record["inputs"]
        | {
            "paths": [f"/p{text}/{text}.csv"],
            "columns": {"invoice": [f"c{text}"], "product": [text]},
            "derived": [f"d{text}"],
            "notes": [f"n{text}"],
        },
        "previous": record["previous"]
        | {
            "folder": f"/{text}",
            "changed_settings": [f"s{text}"],
            "choose_again": True,
            "advice": f"a{text}",
            "segments": [dict(s, name=f"o{text}") for s in record["previous"]["segments"]],
        },
        "versions": {"python": f"v{text}"},
    }


@cache
def harmless_shape():
    record, customers = made_run(3, previous=True)
    return Shape(page_of(tainted(record, "x"), customers, "GBP"))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=40))
@example(text=HOSTILE[0])
@example(text=HOSTILE[1])
@example(text=HOSTILE[2])
@example(text=HOSTILE[3])
@example(text=HOSTILE[4])
@example(text=HOSTILE[5])
@example(text=HOSTILE[6])
@example(text=HOSTILE[7])
def test_hostile_texts_change_nothing_but_texts(three, text):
    record, customers = three
    harmless = harmless_shape()
    drawn = page_of(tainted(record, text), customers, "GBP")
    drawn.encode()
    hostile = Shape(drawn)
    assert hostile.tags == harmless.tags
    assert len(hostile.scripts) == 3
    assert hostile.scripts[1:] == harmless.scripts[1:]
    charts = json.loads(hostile.scripts[0])
    assert charts["figures"].keys() == json.loads(harmless.scripts[0])["figures"].keys()
    assert not [a for a in hostile.attributes if a[1].startswith("on") or a[1] in ("src", "style")]


@pytest.mark.parametrize("currency", ["</script>", '"><b>', "\x00"])
def test_a_hostile_currency_is_a_text(three, currency):
    record, customers = three
    assert Shape(page_of(record, customers, currency)).tags == Shape(page_of(record, customers, "GBP")).tags


@pytest.mark.parametrize("text", HOSTILE)
def test_pictures_of_hostile_names_are_well_formed(three, text):
    record, customers = three
    record = tainted(record, text)
    look = theme.Look(segment_labels(record))
    source = Source(record, customers.lazy(), None, small_cells=False)
    for figure in make_figures(source, lambda figure: figure)[:3]:
        spec = figure.chart(look) | {
            "datasets": {figure.name: chart_rows(figure.data)},
            "config": theme.config(None),
        }
        picture = slim(vl_convert.vegalite_to_svg(spec))
        tags = {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(picture).iter()}
        assert tags <= {"svg", "g", "path", "text", "line", "rect", "defs", "clipPath", "tspan"}
        assert "</noscript" not in picture


def test_the_policy_allows_the_pages_two_scripts_and_nothing_else(three):
    shape = Shape(page_of(*three))
    policy = next(value for tag, name, value in shape.attributes if tag == "meta" and "default-src" in value)
    assert policy.startswith("default-src 'none'; ")
    script = re.search(r"script-src ([^;]*);", policy)[1]
    wanted = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in shape.scripts[1:]
    ]
    assert script.split() == wanted
    assert "http" not in policy
    assert "connect-src" not in policy


def test_headings_are_in_order_and_every_figure_is_described(run):
    text = page_of(*run)
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for attribute in ("aria-labelledby", "aria-describedby"):
        for value in re.findall(rf'{attribute}="([^"]+)"', text):
            assert set(value.split()) <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_no_id_no_resource_from_elsewhere(run):
    text = page_of(*run)
    assert "secret" not in text
    shape = Shape(text)
    links = [v for _, name, v in shape.attributes if name in ("href", "src")]
    assert all(link.startswith(("#", "data:text/csv")) for link in links)


def test_every_table_can_be_downloaded_as_it_stands_in_the_record(run):
    record, _ = run
    shape = Shape(page_of(*run))
    links = [value for tag, name, value in shape.attributes if tag == "a" and name == "href"]
    texts = [unquote(link.partition(",")[2]) for link in links if link.startswith("data:")]
    assert len(texts) == len([tag for tag, _ in shape.tags if tag == "details"])
    rows = [list(csv.DictReader(io.StringIO(text))) for text in texts]
    assert [int(row["customers"]) for row in rows[0]] == [s["customers"] for s in record["segments"]]
    for name in ("purchases", "total_quantity"):
        medians = [float(row[f"median_{name}"]) for row in rows[0]]
        assert medians == [s["medians"][name] for s in record["segments"]]


def test_a_spreadsheet_runs_no_cell():
    table = pl.DataFrame({"name": ["=1+1", "@x", " -2", "a=b", None], "n": [-1, 2, 3, 4, 5]})
    link = csv_link(table, [Column("name", "Name"), Column("n", "N", "count")])
    assert unquote(link.partition(",")[2]) == "name,n\n'=1+1,-1\n'@x,2\n' -2,3\na=b,4\n,5\n"


def test_script_json_ends_no_script_and_is_the_same_value():
    value = {"a": HOSTILE, "b": [1.5, None, True]}
    text = script_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_chart_numbers_are_short_and_finite():
    rows = chart_rows(pl.DataFrame({"x": [1 / 3, float("nan"), None], "n": [1, 2, 3], "s": ["a", "b", "c"]}))
    assert rows[0] == {"x": 0.333333, "n": 1, "s": "a"}
    assert rows[1]["x"] is rows[2]["x"] is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 3), st.none() | st.floats(0, 1)),
        min_size=1,
    )
)
def test_packed_rows_are_the_same_rows(values):
    rows = [dict(zip(("name", "n", "x"), row, strict=True)) for row in values]
    table = page.packed(rows)
    columns = {
        name: column if isinstance(column, list) else [column["of"][place] for place in column["at"]]
        for name, column in table.items()
    }
    assert [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] == rows


def test_slimming_a_picture_leaves_texts_alone():
    text = 'aria-x="1" opacity="1" 1.23456'
    svg = f'<svg class="a" viewBox="0 0 1 1"><path d=""/><text font-size="12.345px">{text}</text></svg>'
    assert slim(svg) == f'<svg viewBox="0 0 1 1"><text font-size="12.3px">{text}</text></svg>'


def test_cards_hide_medians_of_few(three):
    record = dict(three[0], segments=[dict(s, customers=9) for s in three[0]["segments"]])
    assert all(card["medians"] == [] for card in summary.cards(record, None, small_cells=False))
    assert all(card["medians"] for card in summary.cards(record, None, small_cells=True))
    table, columns = summary.segment_table(record, small_cells=False)
    assert not [column for column in columns if column.name.startswith("median_")]
    assert table["customers"].to_list() == [9, 9, 9]
    assert not {"spend", "spend_share", "if_then"} & {column.name for column in columns}
    rules = {s["rule"] for s in three[0]["segments"]}
    assert not rules & {card["rule"] for card in summary.cards(record, None, small_cells=False)}
    assert tables.sizes(record)["spend"].null_count() == 3
    assert tables.sizes(record, small_cells=True)["spend"].null_count() == 0


def test_cards_say_what_changed(three):
    record = three[0]
    cards = summary.cards(record, None, small_cells=False)
    assert cards[0]["change"].startswith(f"Previous run: 381 customers (33{SPACE}%), 10")
    previous = dict(record["previous"], segments=record["previous"]["segments"][:2])
    cards = summary.cards(dict(record, previous=previous), None, small_cells=False)
    assert cards[2]["change"] == "New since the previous run."


def test_small_print_tells_settings_versions_and_time(run):
    record, _ = run
    groups = {g["heading"]: dict(g["rows"]) for g in summary.small_print(record, small_cells=False)}
    assert groups["Settings"]["exclude_product"] == '["^POST$", "^M$"] (job file)'
    assert groups["Versions"]["polars"] == "2.1.0"
    assert groups["Method"]["Silhouette"] == "measured on a sample of 1,000"
    assert "fewer than 10" in groups["Method"]["Small groups"]
    assert ("Recency counted to" in groups["Input"]) == (record["as_of"] is not None)


def test_assets_are_there():
    assert page._asset("page.js").startswith("(() => {")

"""The report in a real browser: drawn, quiet, usable by mouse, keyboard and screen reader, in print."""

from __future__ import annotations

import csv
import importlib
import os
import re
from pathlib import Path

import pytest
from looks import CUT, LEFT_OUT, OVERLAPS
from made_run import made_run

from custseg.report import write_report

CHARTS = {"2": 9, "3": 10, "10": 10}


@pytest.mark.parametrize(("name", "width"), [("2", 1280), ("3", 360), ("3", 768), ("10", 360), ("10", 1280)])
def test_every_chart_is_drawn_with_no_request_and_no_complaint(visit, reports, name, width):
    guest = visit(width=width)
    page = guest.open(reports[name] / "report.html")
    assert page.locator(".chart svg").count() == CHARTS[name]
    assert page.locator(".chart svg g.mark-group").count() >= CHARTS[name]
    own_words = page.locator('.chart[data-name="ledger"] text, .chart[data-name="profiles"] text')
    assert not [text for text in own_words.all_text_contents() if text.endswith("…")]
    assert guest.requests == [(reports[name] / "report.html").as_uri()]
    assert guest.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(CUT) == []


def test_few_customers_are_drawn_without_a_complaint(visit, tmp_path):
    record, customers = made_run(3)
    few = [segment | {"customers": 80} for segment in record["segments"]]
    write_report(record | {"segments": few}, customers[:240].lazy(), tmp_path)
    guest = visit()
    page = guest.open(tmp_path / "report.html")
    assert "segments of fewer than 200 have no line" in page.locator("#r-strips").inner_text()
    assert guest.complaints == []
    assert page.evaluate(OVERLAPS) == []


def test_each_chart_by_itself(visit, reports):
    for path in sorted((reports["3"] / "charts").glob("*.html")):
        still = visit(script=False).open(path, script=False)
        assert still.locator("noscript svg").is_visible()
        guest = visit()
        page = guest.open(path)
        assert page.locator(".chart svg").count() == 1
        assert guest.requests == [path.as_uri()]
        assert guest.complaints == []


@pytest.mark.parametrize("width", [360, 1280])
def test_without_javascript_pictures_stand_in(visit, reports, width):
    guest = visit(width=width, script=False)
    page = guest.open(reports["10"] / "report.html", script=False)
    assert not page.locator(".hint").first.is_visible()
    pictures = page.locator("noscript svg")
    assert pictures.count() == CHARTS["10"]
    assert all(pictures.nth(i).is_visible() for i in range(pictures.count()))
    text = page.locator("noscript svg text", has_text="1 Champions").first.bounding_box()
    assert text is not None
    assert text["height"] > 9  # As large as on a screen: on a phone it is scrolled, not shrunk.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(LEFT_OUT) == []
    assert not page.locator(".filter").is_visible()
    page.locator("summary").first.click()
    assert page.locator("table").first.is_visible()
    assert guest.requests == [(reports["10"] / "report.html").as_uri()]


def test_hostile_names_are_texts(visit, reports):
    guest = visit()
    page = guest.open(reports["hostile"] / "report.html")
    assert page.title() == "Customer segments"
    assert guest.complaints == []
    assert page.locator("script").count() == 3
    assert "document.title" in page.locator("article h3").first.inner_text()
    page.locator('.chart[data-name="sizes"] .mark-rect path').first.hover()
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert "</script>" in tip.inner_text()
    assert page.title() == "Customer segments"


def test_a_tooltip_says_the_figures(visit, reports):
    record, _ = made_run(3, previous=True)
    page = visit().open(reports["3"] / "report.html")
    page.locator('.chart[data-name="sizes"] .mark-rect path').first.hover()
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert "1 Champions" in tip.inner_text()
    assert f"{record['segments'][0]['customers']:,} customers" in tip.inner_text()


def opacities(page, name):
    """Return the opacity of every bar of a chart by its height on the page."""
    return page.eval_on_selector_all(
        f'.chart[data-name="{name}"] .mark-rect path', "all => all.map((one) => one.getAttribute('opacity'))"
    )


def test_the_filter_fades_a_segment_in_every_chart(visit, reports):
    page = visit().open(reports["3"] / "report.html")
    assert set(opacities(page, "sizes")) <= {"1", None}
    page.get_by_label("2 Promising").uncheck()
    page.wait_for_function(
        """() => [...document.querySelectorAll('.chart[data-name="sizes"] .mark-rect path')]
        .filter((one) => one.getAttribute('opacity') === '0.12').length === 2"""
    )
    faint = page.evaluate(
        """() => [...document.querySelectorAll('.chart')]
        .filter((chart) => chart.querySelector('[opacity="0.12"]')).map((chart) => chart.dataset.name)"""
    )
    wanted = {"sizes", "recency_frequency", "profiles", "strips", "customers", "monthly", "silhouettes"}
    assert wanted <= set(faint)
    page.get_by_label("2 Promising").check()
    page.wait_for_function("""() => !document.querySelector('.chart [opacity="0.12"]')""")


def test_a_click_on_the_legend_leaves_one_segment(visit, reports):
    page = visit().open(reports["3"] / "report.html")
    page.locator('.chart[data-name="monthly"] .role-legend text', has_text="1 Champions").click()
    page.wait_for_selector('.chart[data-name="monthly"] [opacity="0.12"]')


def test_a_brush_on_the_map_counts_who_is_inside(visit, reports):
    page = visit().open(reports["3"] / "report.html")
    chart = page.locator('.chart[data-name="customers"] svg')
    chart.scroll_into_view_if_needed()
    whole = inside(chart)
    background = chart.bounding_box()
    assert background is not None
    left, top = background["x"] + background["width"] / 2, background["y"] + 60
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 200, top + 150, steps=8)
    page.mouse.up()
    page.wait_for_function(
        """before => document.querySelector('.chart[data-name="customers"] svg').textContent !== before""",
        arg=whole[1],
    )
    part = inside(chart)
    assert 0 < part[0] < whole[0]
    assert "Inside the box" in part[1]


def test_the_other_charts_follow_the_box_on_the_map(visit, reports):
    guest = visit()
    page = guest.open(reports["10"] / "report.html")
    chart = page.locator('.chart[data-name="customers"] svg')
    chart.scroll_into_view_if_needed()
    box = chart.locator(".concat_0_layer_0_marks").bounding_box()
    assert box is not None
    left, foot = box["x"] + 10, box["y"] + box["height"] - 10
    page.mouse.move(left, foot)
    page.mouse.down()
    page.mouse.move(left + box["width"] * 0.4, foot - box["height"] * 0.4, steps=6)
    page.mouse.up()
    page.wait_for_selector('.chart[data-name="sizes"] [opacity="0.12"]')
    note = page.locator(".boxed").inner_text()
    found = int(re.search(r"^(\d+) of 10 segments (?:is|are) inside the box", note)[1])
    assert 0 < found < 10
    for name in ("sizes", "strips", "monthly", "silhouettes"):
        assert page.locator(f'.chart[data-name="{name}"] [opacity="0.12"]').count() > 0
    bars = [one for one in opacities(page, "sizes") if one != "0.12"]
    assert len(bars) == 2 * found
    assert "0.12" not in opacities(page, "customers")
    page.mouse.dblclick(left + 20, foot - 20)
    page.wait_for_function("""() => !document.querySelector('.chart [opacity="0.12"]')""")
    assert page.locator(".boxed").inner_text() == ""
    assert guest.complaints == []


def inside(chart):
    """Return how many customers the bars under the map count, and all its text."""
    texts = " ".join(chart.locator("text").all_text_contents())
    figures = [
        int(count.replace(",", "")) for count in re.findall(r"([\d,]+) customers, [\d.]+\u202f% of", texts)
    ]
    return sum(figures), chart.evaluate("one => one.textContent")


def test_tables_are_those_of_the_record(visit, reports, tmp_path):
    record, _ = made_run(3, previous=True)
    page = visit(accept_downloads=True).open(reports["3"] / "report.html")
    page.locator("#table-sizes summary").click()
    cells = page.locator("#table-sizes tbody tr").all_inner_texts()
    for segment, row in zip(record["segments"], cells, strict=True):
        assert f"{segment['customers']:,}" in row
        assert segment["name"] in row
    with page.expect_download() as waiting:
        page.locator("#sizes").get_by_role("link", name="Download as CSV").click()
    waiting.value.save_as(tmp_path / "sizes.csv")
    assert waiting.value.suggested_filename == "sizes.csv"
    rows = list(csv.DictReader((tmp_path / "sizes.csv").read_text("utf-8").splitlines()))
    assert [int(row["customers"]) for row in rows] == [s["customers"] for s in record["segments"]]
    assert [float(row["spend"]) for row in rows] == [s["spend"] for s in record["segments"]]


def test_the_keyboard_reaches_everything(visit, reports):
    page = visit().open(reports["3"] / "report.html")
    wanted = page.locator("a, summary, input").count()
    reached = set()
    for _ in range(3 * wanted):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => { const all = [...document.querySelectorAll('a, summary, input')];
            return all.indexOf(document.activeElement); }"""
        )
        if place in reached:
            break
        if place >= 0:
            reached.add(place)
    assert len(reached) == wanted
    page.locator("#table-ledger summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#table-ledger table").is_visible()
    page.get_by_label("3 Hibernating").focus()
    page.keyboard.press("Space")
    page.wait_for_selector('.chart[data-name="sizes"] [opacity="0.12"]')


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("name", "width"), [("3", 1280), ("10", 360)])
def test_axe_finds_nothing_against_wcag_21_aa(visit, reports, name, width, dark):
    name_of_axe = "axe_playwright_python.sync_playwright"
    required = os.environ.get("CUSTSEG_REQUIRE_BROWSER") == "1"
    axe = (importlib.import_module if required else pytest.importorskip)(name_of_axe).Axe()
    page = visit(dark=dark, width=width, bypass_csp=True).open(reports[name] / "report.html")
    assert page.locator(".chart svg").count() == CHARTS[name]
    page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
    found = axe.run(page, options=rules)
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found.response["violations"]] == []


def test_dark_and_light_differ_without_drawing_again(visit, reports):
    page = visit().open(reports["3"] / "report.html")
    text = page.locator('.chart[data-name="ledger"] text').first
    colour = "one => getComputedStyle(one).fill"
    light = text.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert text.evaluate(colour) != light
    page.emulate_media(color_scheme="dark", media="print")
    assert text.evaluate(colour) == light


def test_a_narrow_window_draws_the_phone_s_charts(visit, reports):
    page = visit().open(reports["3"] / "report.html")
    wide = page.locator('.chart[data-name="profiles"] svg').get_attribute("width")
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function(
        "wide => document.querySelector('.chart[data-name=\"profiles\"] svg')?.getAttribute('width') !== wide"
        " && document.documentElement.dataset.drawn === 'yes'",
        arg=wide,
    )
    assert page.locator(".chart svg").count() == CHARTS["3"]


@pytest.mark.parametrize("name", ["2", "10"])
def test_no_chart_is_cut_on_a4(visit, reports, name, tmp_path):
    page = visit().open(reports[name] / "report.html")
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert (tmp_path / "report.pdf").stat().st_size > 20_000
    # What a sheet holds: 210 by 297 mm less margins of 14, at 96 pixels an inch.
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1016})
    page.wait_for_timeout(300)
    for card in page.locator("figure.card").all():
        box = card.bounding_box()
        assert box is not None
        assert box["height"] <= 1016
        assert box["width"] <= 688
    assert not page.locator(".filter").is_visible()
    assert not page.locator(".hint").first.is_visible()


def test_the_files_themselves_are_small(reports):
    for folder in reports.values():
        assert Path(folder / "report.html").stat().st_size < 2_000_000

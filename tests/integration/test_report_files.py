"""The report and the charts as files: they load nothing from elsewhere and name no customer."""

import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from command import run_custseg
from made import write_transactions

pytestmark = pytest.mark.xdist_group("report files")

LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "manifest", "xlink:href"}


class Loads(HTMLParser):
    """Collects what a page would load, from its tags and its styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for name, value in attrs:
            loads = name in LOADING or (name == "href" and tag != "a")
            if loads and value and not value.startswith(("data:", "#")):
                self.found.append(f"<{tag} {name}={value[:80]}>")
            if name == "style":
                self.look_at_style(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "style":
            self.look_at_style(data)

    def look_at_style(self, text: str) -> None:
        self.found += re.findall(r"@import[^;]{0,80}", text)
        self.found += [
            url
            for url in re.findall(r"url\(([^)]{0,80})", text)
            if not url.strip("'\"").startswith(("data:", "#"))
        ]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    path = write_transactions(folder / "sales.csv", customers=60)
    done = run_custseg("batch", path, "-o", folder / "segments", "-q", "--k", "3")
    assert done.code == 0, done.err
    return folder / "segments"


@pytest.fixture(scope="module")
def pages(output: Path) -> dict[str, str]:
    files = [output / "report.html", *sorted((output / "charts").glob("*.html"))]
    assert len(files) >= 7
    return {file.name: file.read_text("utf-8") for file in files}


def test_no_page_loads_anything(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        page = Loads()
        page.feed(text)
        assert page.found == [], name
        assert not re.search(r"\bfetch\(\s*[\"']http|XMLHttpRequest\(\)\.open|import\([\"']http", text), name


def test_no_file_but_the_customers_names_a_customer(output: Path) -> None:
    ids = pl.read_parquet(output / "customers" / "*.parquet")["customer_id"]
    assert ids.str.starts_with("KUNDE-").all()
    rest = [file for file in output.rglob("*") if file.is_file() and file.parent.name != "customers"]
    assert len(rest) > 12
    for file in rest:
        assert "KUNDE" not in file.read_text("utf-8"), file.name


def test_every_page_says_how_to_read_its_chart(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert re.search(r"<p[ >]", text), name
        assert re.search(r"<html[^>]* lang=", text), name
        assert "<title>" in text, name

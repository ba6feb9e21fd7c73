"""The report and the charts as files: they load nothing from elsewhere and name no customer."""

import re
from html.parser import HTMLParser

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
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("report")
    path = write_transactions(folder / "sales.csv", customers=60)
    done = run_custseg("batch", path, "-o", folder / "segments", "-q", "--k", "3")
    assert done.code == 0, done.err
    files = [folder / "segments" / "report.html", *sorted((folder / "segments" / "charts").glob("*.html"))]
    assert len(files) >= 7
    return {file.name: file.read_text("utf-8") for file in files}


def test_no_page_loads_anything(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        page = Loads()
        page.feed(text)
        assert page.found == [], name
        assert not re.search(r"\bfetch\(\s*[\"']http|XMLHttpRequest\(\)\.open|import\([\"']http", text), name


def test_no_page_names_a_customer(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert "KUNDE" not in text, name
        assert not re.search(r"KUNDE|\\u00c4\\u00d6|ÄÖ", text), name


def test_every_page_says_how_to_read_its_chart(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert re.search(r"<p[ >]", text), name
        assert re.search(r"<html[^>]* lang=", text), name
        assert "<title>" in text, name

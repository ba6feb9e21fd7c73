"""Chromium for the tests of the page: Debian's package, driven by playwright, with no network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_run import made_run
from playwright.sync_api import Browser, Page, sync_playwright

from custseg.report import write_report

REQUIRED = "CUSTSEG_REQUIRE_BROWSER"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "</script><script>document.title='taken'</script>"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests here, and run them in one process: they share a browser and the reports."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Chromium, or skip where it is not installed and not required."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        message = "chromium is not installed (apt-get install chromium)"
        assert os.environ.get(REQUIRED) != "1", message
        pytest.skip(message)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders of reports: of 2, 3 and 10 segments, and of one with hostile names."""
    folder = tmp_path_factory.mktemp("reports")
    for name, (k, previous) in {"2": (2, False), "3": (3, True), "10": (10, True)}.items():
        record, customers = made_run(k, previous=previous)
        write_report(record, customers.lazy(), folder / name, currency="GBP")
    record, customers = made_run(3, previous=True)
    segments = [dict(s, name=f"{HOSTILE}{s['id']}", rule=HOSTILE) for s in record["segments"]]
    write_report(dict(record, segments=segments), customers.lazy(), folder / "hostile", currency=HOSTILE[:8])
    return {path.name: path for path in folder.iterdir()}


class Visit:
    """A page in the browser and what it asked of the network and said on the console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: Path, *, script: bool = True) -> Page:
        """Open a file and wait until all charts are drawn."""
        self.page.goto(path.as_uri())
        if script:
            self.page.wait_for_selector("html[data-drawn=yes]", timeout=60_000)
        return self.page


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Return a function that makes a visit: width, dark, script."""
    contexts = []

    def make(*, width: int = 1280, dark: bool = False, script: bool = True, **more: Any) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            offline=True,
            **more,
        )
        contexts.append(context)
        return Visit(context.new_page())

    yield make
    for context in contexts:
        context.close()

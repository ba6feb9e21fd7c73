"""Draw the pictures of the documentation from a finished run, in Debian's Chromium.

    python docs/draw_pictures.py SEGMENTS

SEGMENTS is the folder of a run; the pictures go to docs/pictures/.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parent / "pictures"
WIDTH, HEIGHT = 1000, 1330
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main() -> None:
    """Open the report and take a picture of its beginning."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("segments", type=Path)
    report = arguments.parse_args().segments.resolve() / "report.html"
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(report.as_uri())
        page.wait_for_selector("svg, canvas")
        page.wait_for_function("document.querySelectorAll('.vega-embed svg, .vega-embed canvas').length > 1")
        page.screenshot(path=PICTURES / "report.png")
        browser.close()


if __name__ == "__main__":
    main()

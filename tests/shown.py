"""What a reader sees on the page of a report, and reads from it: tables, downloads, sentences, figures."""

from __future__ import annotations

import base64
import html
import io
import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

UNITS = {"": 1.0, "%": 0.01, "M": 1e6, "bn": 1e9}
FIGURE = re.compile(r"(−|-)?(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?:\s?(%|M\b|bn\b))?")


class Page:
    """A report as its reader has it, chart by chart."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text("utf-8")
        self.downloads = {
            name.removesuffix(".csv"): _download(address)
            for name, address in re.findall(r'download="([^"]+)" href="data:([^"]+)"', self.text)
        }
        self.tables = {
            name: [
                [plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
                for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)[1:]
            ]
            for name, table in re.findall(
                r'<details id="table-([^"]+)">.*?<table>(.*?)</table>', self.text, re.S
            )
        }
        self.sentences = {
            name: plain(text)
            for name, text in re.findall(r'class="shows" id="s-([^"]+)">(.*?)</p>', self.text, re.S)
        }
        self.cards = [plain(text) for text in re.findall(r"<article[^>]*>(.*?)</article>", self.text, re.S)]

    def line(self, kind: str) -> str:
        """The text of the one paragraph of a kind."""
        (text,) = re.findall(rf'<p class="{kind}">(.*?)</p>', self.text, re.S)
        return plain(text)


def figures(text: str) -> list[tuple[float, float]]:
    """Every number of a text in order, each with how far its rounding may have moved it."""
    found = []
    for sign, digits, unit in FIGURE.findall(text):
        scale = UNITS[unit]
        decimals = len(digits.partition(".")[2])
        value = float(digits.replace(",", "")) * scale
        found.append((-value if sign else value, 0.501 * scale * 10.0**-decimals))
    return found


def says(text: str, values: list[float]) -> bool:
    """Whether the numbers of a text are these, in order, each as far as it is written out."""
    found = figures(text)
    return len(found) == len(values) and all(
        abs(value - wanted) <= rounding for (value, rounding), wanted in zip(found, values, strict=True)
    )


def plain(markup: str) -> str:
    """A piece of the page as text."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def _download(address: str) -> pd.DataFrame:
    head, _, body = address.partition(",")
    text = base64.b64decode(body).decode("utf-8") if "base64" in head else unquote(body)
    text = html.unescape(text).removeprefix("\ufeff")
    # Steps of purchases are texts such as 4–5; elsewhere purchases are a number.
    types = {"purchases": object} if text.startswith("recency") else {}
    return pd.read_csv(io.StringIO(text), dtype=types)

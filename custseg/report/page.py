"""The page: figures, cards and small print put into the template, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from custseg._version import __version__
from custseg.report import theme
from custseg.report.cells import Column, csv_link
from custseg.report.figures import Figure

HERE = Path(__file__).parent

NEEDLESS = re.compile(
    r' (?:font-family|class|role|aria-[a-z]+|pointer-events|xmlns:xlink)="[^"]*"| (?:fill-)?opacity="1"'
)
"""Attributes of a picture that say nothing in the page."""


@dataclass(frozen=True)
class Table:
    """A table as the template shows it: columns, rows of texts, and the address of its CSV."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    csv: str


def make_table(table: pl.DataFrame, columns: Sequence[Column], currency: str | None) -> Table:
    """Return `table` as people read it and as spreadsheets do."""
    rows = [[column.write(row, currency) for column in columns] for row in table.iter_rows(named=True)]
    return Table(columns, rows, csv_link(table, columns))


def script_json(value: Any) -> Markup:
    """Return JSON that cannot end the script element it stands in, whatever its texts say."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def chart_rows(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Return a chart's data as JSON values, numbers to six figures: more cannot be seen."""
    return [{key: _plain(value) for key, value in row.items()} for row in table.iter_rows(named=True)]


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def slim(svg: str, name: str = "") -> Markup:
    """Return a picture without what the page says anyway: fonts, roles, decimals nobody sees.

    The ids of its clips, which vl-convert counts on from picture to picture, begin with `name`.
    """
    clips: dict[str, str] = {}

    def shorten(tag: re.Match[str]) -> str:
        short = NEEDLESS.sub("", tag[0])
        if ' d=""' in short and short.endswith("/>"):
            return ""
        short = re.sub(r"\bclip\d+", lambda m: clips.setdefault(m[0], f"{name}-clip{len(clips)}"), short)
        return re.sub(r"(\d+\.\d)\d+", r"\1", short)

    return Markup(re.sub(r"<[^>]+>", shorten, svg))


def render(
    figures: Sequence[Figure],
    pictures: Mapping[str, str],
    bundle: str,
    look: theme.Look,
    **texts: Any,
) -> str:
    """Return a page: the whole report or, with ``alone=True``, one chart.

    Parameters
    ----------
    figures
        The figures in order.
    pictures
        A pre-rendered SVG of each figure, by name, for readers without JavaScript; may lack some.
    bundle
        The JavaScript that draws.
    look
        Labels of the segments and currency.
    texts
        What else the template shows.
    """
    script = _asset("page.js")
    wide, narrow = (theme.Look(look.segments, look.currency, narrow) for narrow in (False, True))
    charts = {
        f.name: {"wide": f.chart(wide), "narrow": f.chart(narrow), "data": chart_rows(f.data)}
        for f in figures
    }
    shown = [
        {
            "name": f.name,
            "title": f.title,
            "read": f.read,
            "shows": f.shows,
            "svg": slim(pictures[f.name], f.name) if f.name in pictures else "",
            "table": make_table(f.table, f.columns, look.currency),
        }
        for f in figures
    ]
    return (
        _environment()
        .get_template("template.html")
        .render(
            figures=shown,
            charts=script_json({"figures": charts, "config": theme.config(None)}),
            bundle=Markup(bundle),
            script=Markup(script),
            style=Markup(_style(max(look.segments, default=0))),
            policy=_policy(bundle, script),
            version=__version__,
            **{"alone": False} | texts,
        )
    )


@cache
def _environment() -> Environment:
    """Return the template engine: all texts escaped, a forgotten one an error."""
    return Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )


@cache
def _asset(name: str) -> str:
    """Return a file that lies beside this one."""
    return (HERE / name).read_text("utf-8")


def _style(segments: int) -> str:
    """Return the style sheet with the colours of the theme, in print always the light ones."""
    light, dark = (
        "".join(f"--{name}:{color};" for name, color in theme.variables(mode).items())
        for mode in ("light", "dark")
    )
    tones = "".join(f".tone{i}{{--tone:var(--s{i})}}" for i in range(1, min(segments, 10) + 1))
    return (
        f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{tones}\n"
        f"{_asset('page.css')}"
    )


def _policy(*scripts: str) -> Markup:
    """Return the policy: no network, and no script but these, even if one were slipped into the page."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return Markup(
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _digest(script: str) -> str:
    """Return the hash of a script as a policy names it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

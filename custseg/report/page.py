"""The page: figures, cards and small print put into the template, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from custseg._version import __version__
from custseg.report import theme
from custseg.report.cells import Column, csv_link
from custseg.report.figures import Figure

HERE = Path(__file__).parent

PICTURE = 50_000
"""Bytes that the picture of a chart may take."""

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


def packed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a chart's data by column, repeated values once: a fifth of what the rows would take.

    A column is the list of its values, or ``of``, its different values, and ``at``, which of them each row
    has. The page's script makes rows of them again.
    """
    columns: dict[str, Any] = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        different = list(dict.fromkeys(values))
        if 2 * len(different) > len(values):
            columns[name] = values
        else:
            place = {value: number for number, value in enumerate(different)}
            columns[name] = {"of": different, "at": [place[value] for value in values]}
    return columns


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


@dataclass(frozen=True)
class Drawn:
    """A figure as Vega-Lite without its data, for screens and for phones, its data, and its picture."""

    figure: Figure
    wide: dict[str, Any]
    narrow: dict[str, Any]
    rows: list[dict[str, Any]]
    picture: Markup | None = None

    @property
    def name(self) -> str:
        """Name of the figure."""
        return self.figure.name

    def whole(self, mode: theme.Mode | None) -> dict[str, Any]:
        """Return the wide chart with its data and theme, as Vega-Lite that stands alone."""
        return self.wide | {"datasets": {self.name: self.rows}, "config": theme.config(mode)}

    def pictured(self, look: theme.Look) -> Drawn:
        """Return it with its picture for readers without JavaScript.

        Binned more coarsely, or left out, where it would take more than `PICTURE` bytes.
        """
        for data in (self.figure.data, *self.figure.coarser):
            chart = self.wide if data is self.figure.data else replace(self.figure, data=data).chart(look)
            whole = chart | {"datasets": {self.name: chart_rows(data)}, "config": theme.config(None)}
            picture = slim(vl_convert.vegalite_to_svg(whole), self.name)
            if len(picture.encode()) <= PICTURE:
                return replace(self, picture=picture)
        return self


def draw(figure: Figure, look: theme.Look) -> Drawn:
    """Return a figure as Vega-Lite."""
    wide, narrow = (figure.chart(replace(look, narrow=narrow)) for narrow in (False, True))
    return Drawn(figure, wide, narrow, chart_rows(figure.data))


def render(drawn: Sequence[Drawn], bundle: str, look: theme.Look, **texts: Any) -> str:
    """Return a page: the whole report or, with ``alone=True``, one chart.

    Parameters
    ----------
    drawn
        The figures in order; their pictures, if they have them, are for readers without JavaScript.
    bundle
        The JavaScript that draws.
    look
        Labels of the segments and currency.
    texts
        What else the template shows.
    """
    script = _asset("page.js")
    charts = {d.name: {"wide": d.wide, "narrow": d.narrow, "data": packed(d.rows)} for d in drawn}
    shown = [
        {
            "name": d.name,
            "title": d.figure.title,
            "read": d.figure.read,
            "hint": d.figure.hint,
            "shows": d.figure.shows,
            "svg": d.picture,
            "table": make_table(d.figure.table, d.figure.columns, look.currency),
        }
        for d in drawn
    ]
    given = {
        "alone": False,
        "figures": shown,
        "charts": script_json({"figures": charts, "config": theme.config(None)}),
        "bundle": Markup(bundle),
        "script": Markup(script),
        "style": Markup(_style(max(look.segments, default=0))),
        "policy": _policy(bundle, script),
        "version": __version__,
    }
    return _environment().get_template("template.html").render(given | texts)


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

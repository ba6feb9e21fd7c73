"""How every chart looks: one theme, in light and in dark, and the mark of each segment.

Colours: ten that people with red- or green-blind eyes can tell apart (OKLab distance at least 0.05 between
any two, seen with normal sight and with Machado, Oliveira and Fernandes' 2009 protan- and deuteranopia
matrices) and that stand out from the paper with a contrast of 3:1 or more. Never colour alone: segments
also have a number, a shape and a dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from custseg.report.formats import SPACE

Mode = Literal["light", "dark"]

SEGMENTS: dict[Mode, list[str]] = {
    "light": [
        *("#0072b2", "#d55e00", "#256d4c", "#793974", "#44a1b1"),
        *("#581d33", "#b97372", "#391b7b", "#505103", "#816020"),
    ],
    "dark": [
        *("#52a9fe", "#ba5702", "#a1c1a7", "#aa92af", "#8ee3fd"),
        *("#916b76", "#e97362", "#7173d7", "#e3e585", "#ddb227"),
    ],
}
"""Colour of segment 1, 2, …; from the eleventh on they begin again, and number and name tell."""

SHAPES = [
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "M-.5,-1L.5,-1L1,0L.5,1L-.5,1L-1,0Z",
    "triangle-left",
    "M0,-1L.3,-.3L1,0L.3,.3L0,1L-.3,.3L-1,0L-.3,-.3Z",
]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 3], [1, 3], [8, 2, 2, 2, 2, 2], [3, 1], [12, 4]]

INK: dict[Mode, dict[str, str]] = {
    "light": {
        "ink": "#1b1f24",
        "quiet": "#57606a",
        "line": "#d5dae0",
        "soft": "#b9c0c8",
        "paper": "#ffffff",
        "ground": "#f4f5f7",
        "ondeep": "#ffffff",
        "link": "#0a5d94",
    },
    "dark": {
        "ink": "#e8eaed",
        "quiet": "#a8b0b9",
        "line": "#363c44",
        "soft": "#59616b",
        "paper": "#1b1f24",
        "ground": "#121518",
        "ondeep": "#101316",
        "link": "#7cbcf5",
    },
}
"""Text, quiet text, lines, grey marks, card, page, text on deep colours, links."""

DIVERGING: dict[Mode, list[str]] = {
    "light": ["#a6500f", "#dd9d63", "#f3d9bf", "#f1f2f3", "#c3d9ec", "#7fb2da", "#1f669f"],
    "dark": ["#d9823b", "#96592b", "#543c2b", "#2b3037", "#27425a", "#2b6594", "#4d9fdc"],
}
HEAT: dict[Mode, list[str]] = {
    "light": ["#f1f5f9", "#cfe1f0", "#98c1e2", "#5b9bd0"],
    "dark": ["#22282f", "#24405a", "#275577", "#2f6c9c"],
}

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
WIDE, NARROW = 680, 318
"""Widths of a chart in pixels: what an A4 page holds between its margins, and a phone of 360."""

NUMBERS = 44
"""Width in pixels kept for the segments' numbers alone."""

NUMBER_LABEL = (
    "datum.value != 0 && abs(datum.value) < 1 ? format(datum.value, '~g')"
    " : replace(format(datum.value, '~s'), 'G', ' bn')"
)
"""Labels of a number axis: 0.5, 20, 10k, 3M, 2 bn."""


def percent(share: str) -> str:
    """Return the expression that writes the share an expression gives as the page does: 48 %, 99.7 %."""
    near_all = f"abs({share}) > 0.99 && abs({share}) < 1"
    fine = f"{share} && abs({share}) < 0.0095 || {near_all}"
    # Neither nearly none nor nearly all is rounded to none or all.
    clipped = f"{near_all} ? clamp(100 * {share}, -99.9, 99.9) : 100 * {share}"
    figure = f"format({clipped}, {fine} ? '.1f' : '.0f')"
    return f"({share} > 0 && {share} < 0.001 ? '<{SPACE}0.1' : {figure}) + '{SPACE}%'"


@dataclass(frozen=True)
class Look:
    """What a chart needs to know beside its table.

    Attributes
    ----------
    segments
        Label of each segment by its id: ``{1: "1 High-Value"}``.
    currency
        Code or sign of the currency, if told.
    narrow
        Whether it is drawn for a phone.
    """

    segments: dict[int, str]
    currency: str | None = None
    narrow: bool = False

    @property
    def width(self) -> int:
        """Width of the whole chart in pixels."""
        return NARROW if self.narrow else WIDE

    @property
    def labels(self) -> list[str]:
        """Labels of the segments in order."""
        return [self.segments[i] for i in sorted(self.segments)]

    @property
    def axis(self) -> int:
        """Width in pixels kept for the segments' names on the left."""
        longest = max((len(label) for label in self.labels), default=0)
        return min((6 if self.narrow else 7) * longest + 12, 136 if self.narrow else 190)

    def domain(self) -> list[str]:
        """Return labels of segments 1, 2, … without a gap, so that a colour belongs to an id for ever."""
        last = max(self.segments, default=0)
        return [self.segments.get(i, f"{i}") for i in range(1, last + 1)]

    def color(self, *, legend: bool = False) -> alt.Color:
        """Return the encoding of a segment as its colour."""
        scale = alt.Scale(domain=self.domain())
        return alt.Color("segment:N", scale=scale, legend=self._legend() if legend else None)

    def shape(self, *, legend: bool = False) -> alt.Shape:
        """Return the encoding of a segment as its shape."""
        scale = alt.Scale(domain=self.domain(), range=self._cycle(SHAPES))
        return alt.Shape("segment:N", scale=scale, legend=self._legend() if legend else None)

    def line(self) -> dict[str, Any]:
        """Return the encodings of a segment as the colour and the dash of its line.

        By id, not by label: legends of one field are merged, and the marks of the other would be dashed.
        """
        ids = list(range(1, len(self.domain()) + 1))
        colors = alt.Scale(domain=ids, range="category")
        dashes = alt.Scale(domain=ids, range=self._cycle(DASHES))
        return {
            "stroke": alt.Stroke("segment_id:N", scale=colors, legend=None),
            "strokeDash": alt.StrokeDash("segment_id:N", scale=dashes, legend=None),
        }

    def row(self, *, numbers: bool = False) -> alt.Y:
        """Return the encoding of a segment as a row with its name, or only its number, at the left."""
        room = NUMBERS if numbers else self.axis
        named = alt.Axis(title=None, minExtent=room, maxExtent=room, labelLimit=room - 8)
        if numbers:
            named.labelExpr = "split(datum.label, ' ')[0]"
        return alt.Y("segment:N", axis=named, sort=self.labels)

    def shown(self) -> alt.VariableParameter:
        """Return the page's filter: the labels of the segments that are shown in full strength."""
        return alt.VariableParameter(name="shown", value=self.labels)

    def _legend(self) -> alt.Legend:
        columns = 2 if self.narrow else min(5, max(2, 680 // (self.axis + 20)))
        return alt.Legend(
            title=None,
            orient="top",
            values=self.labels,
            columns=columns,
            labelLimit=130 if self.narrow else 180,
        )

    def _cycle(self, values: Sequence[Any]) -> list[Any]:
        return [values[i % len(values)] for i in range(len(self.domain()))]


def log_ticks(low: float, high: float) -> list[float]:
    """Return few round values for a log axis: powers of ten, and between them 2 and 5 if it is short."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    parts = (1, 2, 5) if math.log10(high / low) < 1.7 else (1, 3) if math.log10(high / low) < 3 else (1,)
    ticks = [part * 10.0**power for power in range(first, last + 1) for part in parts]
    return [tick for tick in ticks if low <= tick <= high]


def pick() -> alt.SelectionParameter:
    """Return the legend's filter: a click leaves one segment in full strength."""
    click = alt.PointSelectionConfig(type="point", fields=["segment"])
    return alt.SelectionParameter(name="pick", select=click, bind="legend")


def strength(*, picked: bool = False) -> dict[str, Any]:
    """Return the opacity of a mark: full for segments that are shown, faint for the others."""
    test: Any = "indexof(shown, datum.segment) >= 0"
    if picked:
        test = {"and": [{"param": "pick"}, test]}
    return {"condition": {"test": test, "value": 1.0}, "value": 0.12}


def tips(**fields: str) -> list[alt.Tooltip]:
    """Return a tooltip: the title of each field by its name."""
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in fields.items()]


def unit(mark: dict[str, Any], *tests: str, **encoding: Any) -> alt.UnitSpec:
    """Return one layer: a mark of the rows that pass all tests.

    Charts are put together from Altair's specification classes, not from `alt.Chart`, whose every method
    copies all it holds: eleven charts take 0.05 s this way and 1.2 s the other.
    """
    filters: Any = [{"filter": test} for test in tests] or alt.Undefined
    return alt.UnitSpec(mark=alt.MarkDef(**mark), encoding=alt.Encoding(**encoding), transform=filters)


def variables(mode: Mode) -> dict[str, str]:
    """Return every colour of a mode by the name of its CSS variable."""
    lists = {"s": SEGMENTS[mode], "d": DIVERGING[mode], "h": HEAT[mode]}
    numbered = {
        f"{letter}{i}": color for letter, colors in lists.items() for i, color in enumerate(colors, 1)
    }
    return INK[mode] | numbered


def config(mode: Mode | None) -> dict[str, Any]:
    """Return the Vega-Lite configuration of every chart.

    Without a mode the colours are CSS variables, so that one picture in a page serves light, dark and print.
    """
    names = variables(mode or "light")
    color = names if mode else {name: f"var(--{name})" for name in names}
    text = {"font": FONT, "fontSize": 12}
    bold = {**text, "fontWeight": 600}
    label = {"labelFont": FONT, "labelFontSize": 12, "labelColor": color["ink"]}
    title = {
        "titleFont": FONT,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleColor": color["quiet"],
    }
    return {
        "aria": False,  # The page describes each chart and holds its table; marks would only add noise.
        "background": "transparent",
        "font": FONT,
        "padding": 2,
        "view": {"stroke": None},
        "axis": {
            **label,
            **title,
            "domain": False,
            "ticks": False,
            "gridColor": color["line"],
            "labelPadding": 6,
            "titlePadding": 8,
        },
        "axisBand": {"grid": False},
        "legend": {
            **label,
            **title,
            "symbolSize": 90,
            "symbolStrokeWidth": 2,
            "columnPadding": 14,
            "offset": 10,
        },
        "header": {**label, **title, "labelFontWeight": 600},
        "title": {
            **bold,
            "fontSize": 13,
            "color": color["ink"],
            "anchor": "start",
            "frame": "group",
            "offset": 8,
            "subtitleFont": FONT,
            "subtitleFontSize": 12,
            "subtitleColor": color["quiet"],
            "subtitlePadding": 2,
        },
        "text": {**text, "color": color["ink"]},
        "rule": {"color": color["quiet"]},
        "tick": {"color": color["ink"], "thickness": 2},
        "line": {"strokeWidth": 2, "color": color["link"]},
        "point": {"filled": True, "opacity": 1, "size": 60, "color": color["link"]},
        "bar": {"color": color["soft"], "cornerRadiusEnd": 2},
        "range": {
            "category": [color[f"s{i}"] for i in range(1, 11)],
            "diverging": [color[f"d{i}"] for i in range(1, 8)],
            "heatmap": [color[f"h{i}"] for i in range(1, 5)],
        },
        "style": {
            "quiet": {**text, "color": color["quiet"]},
            "strong": {**bold, "color": color["ink"]},
            "ink": {**text, "color": color["ink"]},
            "halo": {**bold, "color": color["paper"], "stroke": color["paper"], "strokeWidth": 4},
            "ondeep": {**text, "color": color["ondeep"]},
            "ondeep-strong": {**bold, "color": color["ondeep"]},
            "cell": {"stroke": color["paper"]},
            "hole": {"color": color["paper"]},
            "band": {"color": color["soft"], "fillOpacity": 0.3},
            "rest": {"color": color["line"]},
            "loss": {"color": color["d1"]},
            "gain": {"color": color["link"]},
            "ink-rule": {"color": color["ink"]},
            "paper-rule": {"color": color["paper"]},
        },
    }

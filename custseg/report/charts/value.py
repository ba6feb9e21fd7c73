"""Charts of what the segments are worth and how they differ."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import polars as pl

from custseg.columns import FEATURES
from custseg.report.tables import feature_label
from custseg.report.theme import NUMBER_LABEL, Look, log_ticks, strength, tips, unit

RATIOS = (0.25, 0.5, 0.8, 1.25, 2, 4)
"""Where the profile's colour changes: about the same, more or less, twice, four times or more."""

STEPS = ["under ¼", "¼ to ½", "½ to 0.8", "about the same", "1.25 to 2", "2 to 4", "4 or more"]
"""What each colour of the profile means, times the median of all customers."""


def sizes(table: pl.DataFrame, look: Look) -> alt.TopLevelLayerSpec:
    """Return bars of each segment's share of customers and of spend, one above the other.

    `table` is long: segment, measure ("customers", "spend"), share, text, detail.
    """
    longest = max(table["share"].to_list()) or 1
    room = look.width - look.axis
    scale = alt.Scale(domain=[0, longest], range=[0, room - 112], nice=False)
    shared = {
        "y": look.row(),
        "yOffset": alt.YOffset(
            "measure:N", sort=["customers", "spend"], scale=alt.Scale(paddingInner=0.12, paddingOuter=0.25)
        ),
        "x": alt.X("share:Q", scale=scale, axis=None),
        "opacity": strength(),
        "tooltip": tips(segment="Segment", detail="Has"),
    }
    layers = [
        unit({"type": "bar"}, "datum.measure == 'customers'", **shared),
        unit({"type": "bar"}, "datum.measure == 'spend'", **shared, color=look.color()),
        unit({"type": "text", "align": "left", "dx": 6}, **shared, text=alt.Text("text:N")),
    ]
    step = 46 if table["measure"].n_unique() > 1 else 30
    return alt.TopLevelLayerSpec(
        data=alt.NamedData("sizes"),
        layer=layers,
        params=[look.shown()],
        width=room,
        height={"step": step, "for": "position"},
    )


def profiles(table: pl.DataFrame, look: Look) -> alt.TopLevelLayerSpec | alt.TopLevelFacetSpec:
    """Return a heat map of each segment's medians against the median of all customers.

    `table` holds segment, feature, text, all_text, times, step, deep (whether its colour is
    deep). On a phone the features stand below each other, one block a segment.
    """
    features = table["feature"].unique(maintain_order=True).to_list()
    if look.narrow:
        named = alt.Axis(title=None, minExtent=150, maxExtent=150, labelLimit=146, labelFontSize=11)
        row = {"y": alt.Y("feature:N", sort=features, axis=named)}
        layers = _profile_layers(row, look, side=(look.width - 150) / 4 - 4)
        return alt.TopLevelFacetSpec(
            data=alt.NamedData("profiles"),
            params=[look.shown()],
            spec=alt.LayerSpec(layer=layers, width=look.width - 150, height=alt.Step(26)),
            facet={
                "row": alt.Row(
                    "segment:N",
                    sort=look.labels,
                    header=alt.Header(title=None, labelAnchor="start", labelOrient="top"),
                )
            },
            spacing=8,
        )
    above = alt.Axis(title=None, orient="top", labelAngle=0, labelPadding=22, labelExpr=_broken(features))
    place: dict[str, Any] = {"y": look.row(), "x": alt.X("feature:N", sort=features, axis=above)}
    return alt.TopLevelLayerSpec(
        data=alt.NamedData("profiles"),
        params=[look.shown()],
        layer=_profile_layers(place, look),
        width=look.width - look.axis,
        height=alt.Step(46),
    )


def _profile_layers(place: dict[str, Any], look: Look, side: float = 0) -> list[alt.UnitSpec]:
    """Return the cells and their two texts, below each other or, given `side`, beside each other."""
    legend = alt.Legend(
        title="Times the overall median" if look.narrow else "Times the median of all customers",
        titleLimit=300,
        orient="top",
        columns=2 if look.narrow else 7,
        symbolType="square",
        symbolSize=120,
        labelFontSize=11,
        columnPadding=6,
    )
    scale = alt.Scale(domain=STEPS, range="diverging")
    shared = place | {
        "opacity": strength(),
        "tooltip": tips(segment="Segment", feature="Feature", text="Median", all_text="All customers"),
    }
    cell = {"type": "rect", "cornerRadius": 3, "strokeWidth": 3, "style": "cell"}
    layers = [unit(cell, **shared, color=alt.Color("step:N", scale=scale, legend=legend))]
    for test, first, second in (("!datum.deep", "strong", "ink"), ("datum.deep", "ondeep-strong", "ondeep")):
        median = {"type": "text", "style": first, "dx": -side, "dy": 0 if side else -8}
        ratio = {"type": "text", "style": second, "dx": side, "dy": 0 if side else 9, "fontSize": 11}
        layers.append(unit(median, test, **shared, text=alt.Text("text:N")))
        layers.append(unit(ratio, test, **shared, text=alt.Text("times:N")))
    return layers


def _broken(labels: list[str]) -> str:
    """Return the expression that breaks long labels, all of them our own words, into two lines."""
    lines = {}
    for label in labels:
        words = label.split()
        if len(label) > 14 and len(words) > 1:
            half = len(words) // 2
            lines[label] = [" ".join(words[:half]), " ".join(words[half:])]
    return f"{json.dumps(lines)}[datum.label] || datum.label"


def strips(table: pl.DataFrame, look: Look) -> alt.TopLevelConcatSpec:
    """Return quantile strips: for each feature a row a segment with whisker, box and median.

    `table` holds segment, name, p05, p25, p50, p75, p95, text, box, whisker.
    """
    names = table["name"].unique(maintain_order=True).to_list()
    columns = 1 if look.narrow else 2
    gap = 28
    width = (look.width - look.axis - (columns - 1) * gap) // columns - 54
    panels = []
    for number, name in enumerate(names):
        part = table.filter(pl.col("name") == name)
        panels.append(_strip(name, part, look, width=width, named=number % columns == 0))
    return alt.TopLevelConcatSpec(
        data=alt.NamedData("strips"),
        params=[look.shown()],
        concat=panels,
        columns=columns,
        spacing={"row": 26, "column": gap},
    )


def _strip(name: str, part: pl.DataFrame, look: Look, *, width: int, named: bool) -> alt.LayerSpec:
    """Return the panel of one feature."""
    low = part.select(pl.min_horizontal(pl.col("p05", "p25").min())).item()
    high = part.select(pl.max_horizontal(pl.col("p95", "p75").max())).item()
    axis = alt.Axis(title=None, labelExpr=NUMBER_LABEL, labelOverlap=True, labelSeparation=6, tickCount=5)
    kind = FEATURES[name].kind
    if kind == "count":
        axis.tickMinStep = 1
    if low > 0 and high > (3 if kind == "money" else 12) * low:
        scale, note = alt.Scale(type="log", nice=False), ", log scale"
        axis.values = log_ticks(low, high)
    elif kind == "money" and low <= 0 and high > 100:
        scale, note = alt.Scale(type="symlog"), ", log scale"
    else:
        scale, note = alt.Scale(zero=True), ""
    test = f"datum.name == '{name}'"
    shared = {
        "y": look.row() if named else alt.Y("segment:N", sort=look.labels, axis=None),
        "opacity": strength(),
        "tooltip": tips(segment="Segment", text="Median", box="Middle half", whisker="Nine in ten"),
    }

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=axis)

    bar = {"type": "bar", "height": 12, "cornerRadius": 2}
    figure = {"type": "text", "align": "left", "fontSize": 11}
    color = look.color()
    line = {"type": "rule", "strokeWidth": 2}
    layers = [unit(line, test, **shared, x=x("p05"), x2=alt.X2("p95"), color=color)]
    if part["p05"].is_null().all():  # Vega complains of a field that has no value at all.
        layers = []
    layers += [
        unit(bar, test, **shared, x=x("p25"), x2=alt.X2("p75"), color=color),
        unit({"type": "tick", "height": 18, "thickness": 3}, test, **shared, x=x("p50")),
        unit(figure, test, **shared, x=alt.value(width + 6), text=alt.Text("text:N")),
    ]
    title = feature_label(name, look.currency) + note
    # On a phone the title begins above the names, else it would be wider than the panel.
    heading = alt.TitleParams(title, frame="bounds" if look.narrow else "group")
    return alt.LayerSpec(layer=layers, width=width, height=alt.Step(26), title=heading)

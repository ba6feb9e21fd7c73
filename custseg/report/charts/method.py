"""Charts of how the segments were found: choice of k, silhouette, ledger."""

from __future__ import annotations

import math
from dataclasses import dataclass

import altair as alt
import polars as pl

from custseg.report.theme import NUMBER_LABEL, Look, percent, strength, tips, unit


@dataclass(frozen=True)
class Panel:
    """One measure of the choice of k: its column, what it is, height in pixels, axis from zero, labels."""

    field: str
    title: str
    meaning: str
    height: int
    zero: bool
    labels: str


PANELS = (
    Panel(
        "sse",
        "Sum of squares",
        "squared distances to the segment's centre, added up",
        150,
        True,
        NUMBER_LABEL,
    ),
    Panel(
        "silhouette",
        "Silhouette",
        "how much nearer one's own segment is than the next",
        150,
        False,
        "format(datum.value, '.2f')",
    ),
    Panel(
        "smallest_share",
        "Smallest segment",
        "its share of customers; dashed: the least allowed",
        90,
        True,
        percent("datum.value"),
    ),
    Panel(
        "stability",
        "Stability",
        "how alike the segments are when found again",
        90,
        True,
        "format(datum.value, '.1f')",
    ),
)


def choice_of_k(table: pl.DataFrame, look: Look) -> alt.TopLevelVConcatSpec:
    """Return panels above one axis of k: sum of squares, silhouette, smallest share, stability.

    `table` holds k, the four measures, low and high of the silhouette, eligible, chosen, elbow, min_share,
    and sse_text, silhouette_text, smallest_text, stability_text.
    """
    drawn = [panel for panel in PANELS if table[panel.field].is_not_null().any()]
    return alt.TopLevelVConcatSpec(
        data=alt.NamedData("choice_of_k"),
        vconcat=[_panel(table, look, panel, last=panel is drawn[-1]) for panel in drawn],
        spacing=18,
    )


def _panel(table: pl.DataFrame, look: Look, panel: Panel, *, last: bool) -> alt.LayerSpec:
    """Return one measure against k."""
    room = 44
    below = alt.Axis(title="Number of segments, k" if last else None, labels=last, labelAngle=0)
    x = alt.X("k:O", scale=alt.Scale(domain=table["k"].to_list()), axis=below)
    side = alt.Axis(title=None, labelExpr=panel.labels, tickCount=4, minExtent=room, maxExtent=room)
    scale = alt.Scale(zero=panel.zero, nice=True)
    y = alt.Y(f"{panel.field}:Q", axis=side, scale=scale)
    tooltip = tips(
        k="Segments",
        sse_text="Sum of squares",
        silhouette_text="Silhouette",
        smallest_text="Smallest segment",
        stability_text="Stability",
    )
    valid = f"isValid(datum.{panel.field})"
    band = {"type": "bar", "style": "band", "width": {"band": 1}}
    hollow = {"type": "point", "filled": False, "strokeWidth": 2}
    low, high = alt.Y("low:Q", axis=side, scale=scale), alt.Y2("high")
    least = alt.Y("max(min_share):Q", axis=side, scale=scale)
    layers = [
        unit(band, "datum.chosen", x=x, y=alt.value(0), y2=alt.value(panel.height)),
        unit({"type": "line", "strokeWidth": 1.5}, valid, x=x, y=y),
        unit({"type": "point"}, valid, "datum.eligible != false", x=x, y=y, tooltip=tooltip),
    ]
    if not table["eligible"].fill_null(value=True).all():
        layers.append(unit({"type": "point", "style": "hole"}, valid, "datum.eligible == false", x=x, y=y))
        layers.append(unit(hollow, valid, "datum.eligible == false", x=x, y=y, tooltip=tooltip))
    if panel.field == "silhouette":
        layers.insert(2, unit({"type": "rule", "strokeWidth": 1.5}, valid, x=x, y=low, y2=high))
    if panel.field == "smallest_share" and table["min_share"].is_not_null().any():
        layers.insert(1, unit({"type": "rule", "strokeDash": [4, 3]}, y=least))
    if panel.field == "sse" and table["elbow"].any():
        ring = {"type": "point", "filled": False, "size": 190, "strokeWidth": 1.5}
        layers.append(unit(ring, "datum.elbow", x=x, y=y))
        elbow = {"type": "text", "dy": -16, "align": "left", "dx": 4, "style": "quiet"}
        layers.append(unit(elbow, "datum.elbow", x=x, y=y, text=alt.value("elbow")))
    if panel is PANELS[0]:
        # Below the curve where it is high, else above it.
        most = pl.col("sse").max()
        foot = table.select(pl.col("sse").filter("chosen").max() > 0.35 * most).item()
        base = {"baseline": "bottom", "dy": -4} if foot else {"baseline": "top", "dy": 6}
        place = alt.value(panel.height if foot else 0)
        word = {"type": "text", "style": "strong", **base}
        layers.append(unit(word, "datum.chosen", x=x, y=place, text=alt.value("chosen")))
    title = alt.TitleParams(panel.title, subtitle=panel.meaning, frame="bounds")
    return alt.LayerSpec(layer=layers, width=look.width - room - 10, height=panel.height, title=title)


def silhouettes(table: pl.DataFrame, look: Look) -> alt.TopLevelLayerSpec:
    """Return a blade a segment: the customers' silhouettes, sorted, with the segment's mean dashed.

    `table` holds segment, place, silhouette, quantile, top, middle, bottom, mean, text, below_text.
    """
    height = max(260, 34 * table["segment"].n_unique())
    across = alt.Axis(title="Silhouette", format=".1f", values=_ticks(table["silhouette"].to_list(), look))
    down = alt.Scale(domain=[0, 1], reverse=True)
    # An axis without labels keeps the room for the names, whatever the width of their letters.
    left = alt.Axis(values=[], title=None, minExtent=look.axis, maxExtent=look.axis)
    once = "datum.quantile == 0.5"
    middle, top = alt.X("mean:Q", axis=across), alt.Y("top:Q", scale=down, axis=left)
    names = {"type": "text", "align": "right", "limit": look.axis - 4}
    under = {"type": "rule", "strokeWidth": 4, "style": "paper-rule"}  # Else dark blades would hide it.
    mean = {"type": "rule", "strokeWidth": 2, "strokeDash": [4, 3], "style": "ink-rule"}
    layers = [
        unit(
            {"type": "area", "orient": "horizontal"},
            x=alt.X("silhouette:Q", axis=across),
            x2=alt.datum(0),
            y=alt.Y("place:Q", scale=down, axis=left),
            color=look.color(),
            opacity=strength(),
            tooltip=tips(segment="Segment", text="Mean silhouette", below_text="Below zero"),
        ),
        unit({"type": "rule"}, once, x=alt.XDatum(0)),
        *(
            unit(mark, once, x=middle, y=top, y2=alt.Y2("bottom"), opacity=strength())
            for mark in (under, mean)
        ),
        unit(
            names,
            once,
            x=alt.value(-8),
            y=alt.Y("middle:Q", scale=down, axis=left),
            text=alt.Text("segment:N"),
            opacity=strength(),
        ),
    ]
    return alt.TopLevelLayerSpec(
        data=alt.NamedData("silhouettes"),
        params=[look.shown()],
        layer=layers,
        width=look.width - look.axis - 14,
        height=height,
    )


def _ticks(silhouettes: list[float], look: Look) -> list[float]:
    """Return the ticks of an axis of silhouettes, zero always among them."""
    low, high = min(0, *silhouettes), max(0, *silhouettes)
    step = 0.2 if look.narrow or high - low > 1 else 0.1
    return [round(i * step, 1) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def ledger(table: pl.DataFrame, look: Look) -> alt.TopLevelLayerSpec:
    """Return a funnel: what every fate took of the lines read, with lines and money in figures.

    `table` holds fate, meaning, before, after, lines_text, amount, amount_text.
    """
    has_money = table["amount"].is_not_null().any()
    name, lines, money = (126, 62, 72) if look.narrow else (150, 90, 90)
    money = money if has_money else 0
    plot = look.width - name - lines - money - 6
    fates = table["fate"].to_list()
    top = max(1, *table["before"].to_list())
    left = alt.Axis(title=None, minExtent=name, maxExtent=name, labelLimit=name - 6)
    left.labelFontSize = 11 if look.narrow else 12
    x = alt.X("after:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=None)
    row = {"y": alt.Y("fate:N", sort=fates, axis=left)}
    tooltip = tips(fate="Lines", meaning="Meaning", lines_text="How many", amount_text="Money")
    lost, kept = "datum.fate != 'Kept'", "datum.fate == 'Kept'"
    layers = [
        unit({"type": "bar", "style": "rest"}, lost, **row, x=x, x2=alt.datum(0)),
        unit({"type": "bar", "style": "loss"}, lost, **row, x=x, x2=alt.X2("before"), tooltip=tooltip),
        unit({"type": "bar", "style": "gain"}, kept, **row, x=x, x2=alt.X2("before"), tooltip=tooltip),
    ]
    columns = [("lines_text", "lines", plot + lines)]
    columns += [("amount_text", "money", plot + lines + money)] if has_money else []
    head = {"type": "text", "align": "right", "dy": -26, "style": "quiet"}
    for field, heading, place in columns:
        at = row | {"x": alt.value(place)}
        layers.append(unit({"type": "text", "align": "right"}, **at, text=alt.Text(f"{field}:N")))
        layers.append(unit(head, f"datum.fate == '{fates[0]}'", **at, text=alt.value(heading)))
    return alt.TopLevelLayerSpec(data=alt.NamedData("ledger"), layer=layers, width=plot, height=alt.Step(30))

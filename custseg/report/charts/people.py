"""Charts of where the customers are, when they buy, and where they went."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from custseg.report.aggregates import PURCHASES_EDGES, RECENCY_EDGES, steps
from custseg.report.formats import SPACE
from custseg.report.theme import NUMBER_LABEL, NUMBERS, Look, log_ticks, percent, pick, strength, tips, unit


def customer_map(table: pl.DataFrame, look: Look) -> alt.TopLevelVConcatSpec:
    """Return a map of two features in tiles, and bars of what is in the brushed region.

    `table` holds segment, segment_id, x0, x1, y0, y1, x, y (middle), customers, leads (largest of its
    tile), density (customers by area), label (whether the segment's name stands here), shift (how far it is
    moved along), spend_share (of all spend), texts, and, the same in each row, x_title, x_name, x_log and
    y_title, y_name, y_log.
    """
    first = table.row(0, named=True)
    x, y = _side(table, "x", alt.X), _side(table, "y", alt.Y)
    deep = alt.Scale(type="log", range=[0.25, 1], nice=False)
    tiles = unit(
        {"type": "rect", "style": "cell", "strokeWidth": 1},
        "datum.leads",
        x=x,
        x2=alt.X2("x1"),
        y=y,
        y2=alt.Y2("y1"),
        color=look.color(legend=True),
        opacity=strength(picked=True),
        fillOpacity=alt.FillOpacity("density:Q", scale=deep, legend=None),
        tooltip=tips(
            segment="Most are in",
            x_text=first["x_name"],
            y_text=first["y_name"],
            count_text="Customers of it",
        ),
    )
    tiles.params = [pick()]
    words = {
        "x": alt.X("x:Q"),
        "y": alt.Y("y:Q"),
        "text": alt.Text("segment_id:N" if look.narrow else "segment:N"),
        "opacity": strength(picked=True),
    }
    width = look.width - (62 if look.narrow else max(62, look.axis + 14))
    text = {"type": "text", "limit": 160}
    if not look.narrow:  # There the numbers alone need no more room than their tile.
        text["dx"] = alt.ExprRef(f"datum.shift * {width}")
    layers = [tiles]
    layers += [unit(text | {"style": style}, "datum.label", **words) for style in ("halo", "strong")]
    # Of this layer, as its marks stand in the middle of their tiles: a tile is inside if its middle is.
    layers[1].params = [
        alt.SelectionParameter(name="brush", select=alt.IntervalSelectionConfig(type="interval"))
    ]
    height = 300 if look.narrow else 400
    cells = alt.LayerSpec(layer=layers, width=width, height=height)
    return alt.TopLevelVConcatSpec(
        data=alt.NamedData("customers"),
        params=[look.shown()],
        vconcat=[cells, _inside(look, money=table["spend_share"].is_not_null().any())],
        spacing=24,
    )


def _side(table: pl.DataFrame, side: str, make: Any) -> Any:
    """Return one axis of the map, its range the edges of the tiles."""
    first = table.row(0, named=True)
    low, high = float(table[f"{side}0"].min()), float(table[f"{side}1"].max())  # type: ignore[arg-type]
    log = first[f"{side}_log"]
    scale = alt.Scale(type="log" if log else "linear", nice=False, domain=[low, high])
    few = {"values": log_ticks(low, high)} if log else {"tickCount": 5}
    axis = alt.Axis(title=first[f"{side}_title"], labelExpr=NUMBER_LABEL, labelOverlap=True, **few)
    return make(f"{side}0:Q", scale=scale, axis=axis)


def _inside(look: Look, *, money: bool) -> alt.LayerSpec:
    """Return bars of the customers inside the brushed region, all of them while there is none."""
    millions = f"format(datum.customers / 1e6, '.1f') + '{SPACE}M'"
    count = f"datum.customers < 999500 ? format(datum.customers, ',d') : {millions}"
    text = f"({count})" + ("" if look.narrow else " + ' customers'")
    if money:
        text += f" + ', ' + ({percent('datum.spend_share')}) + ' of spend'"
    # On a phone their numbers alone: the names stand in the legend, and the map gets the room.
    left = NUMBERS if look.narrow else look.axis
    room = (50 if look.narrow else 120) + (80 if money else 0)
    shared = {
        "y": look.row(numbers=look.narrow),
        "x": alt.X("customers:Q", axis=None, stack=None),
        "opacity": strength(),
        "tooltip": tips(segment="Segment", inside_text="Has here"),
    }
    figures = {"type": "text", "align": "left", "dx": 6}
    counted = ("customers", "spend_share")
    within = "!length(data('brush_store')) || vlSelectionTest('brush_store', datum)"
    title = "length(data('brush_store')) ? 'Inside the box' : 'On the map'"
    return alt.LayerSpec(
        transform=[
            # Not a filter: a segment outside the box keeps its row, with nothing in it.
            *({"calculate": f"{within} ? datum.{one} : 0", "as": f"own_{one}"} for one in counted),
            {
                "aggregate": [{"op": "sum", "field": f"own_{one}", "as": one} for one in counted],
                "groupby": ["segment"],
            },
            {"calculate": text, "as": "inside_text"},
        ],
        layer=[
            unit({"type": "bar"}, **shared, color=look.color(legend=True)),
            unit(figures, **shared, text=alt.Text("inside_text:N")),
        ],
        width=look.width - left - room,
        height=alt.Step(22),
        title=alt.TitleParams(alt.ExprRef(title), frame="bounds"),
    )


def recency_frequency(table: pl.DataFrame, look: Look) -> alt.TopLevelLayerSpec:
    """Return a grid of recency by purchases; each mark is as large as its cell has customers.

    `table` holds recency, purchases, segment, customers, count_text, spend_text.
    """
    days, times = steps(RECENCY_EDGES, least=0), steps(PURCHASES_EDGES)[::-1]
    recent = alt.Axis(
        title="Days since the last purchase",
        labelAngle=0,
        labelFontSize=10 if look.narrow else 12,
        labelPadding=12,  # Apart from the counts of the lowest row.
    )
    often = alt.Axis(title="Purchases")
    cell = {
        "x": alt.X("recency:N", scale=alt.Scale(domain=days), axis=recent),
        "y": alt.Y("purchases:N", scale=alt.Scale(domain=times), axis=often),
        "tooltip": tips(
            recency="Days since last purchase",
            purchases="Purchases",
            count_text="Customers",
            segment="Most are in",
            **({"spend_text": "Spend"} if table["spend_text"].is_not_null().any() else {}),
        ),
    }
    area = alt.Scale(range=[20, 620 if look.narrow else 1000], zero=True)
    marks = unit(
        {"type": "point", "yOffset": -6},
        **cell,
        size=alt.Size("customers:Q", scale=area, legend=None),
        color=look.color(legend=True),
        shape=look.shape(legend=True),
        opacity=strength(picked=True),
    )
    marks.params = [pick()]
    figures = {"type": "text", "dy": 18, "fontSize": 11}
    return alt.TopLevelLayerSpec(
        data=alt.NamedData("recency_frequency"),
        params=[look.shown()],
        layer=[marks, unit(figures, **cell, text=alt.Text("count_text:N"), opacity=strength(picked=True))],
        width=look.width - 66,
        height=alt.Step(48),
    )


def monthly(table: pl.DataFrame, look: Look) -> alt.TopLevelLayerSpec:
    """Return lines over the months, a segment each.

    `table` holds month (ISO day), segment, segment_id, value, text, partial (the data do not cover the
    month) and title (what value is).
    """
    title = table.row(0, named=True)["title"]
    months = alt.Axis(title=None, format="%b %Y", tickCount=4 if look.narrow else 8, grid=False)
    side = alt.Axis(title=title, labelExpr=NUMBER_LABEL, tickCount=5)
    shared = {
        "x": alt.X("month:T", axis=months),
        "y": alt.Y("value:Q", scale=alt.Scale(zero=True), axis=side),
        "opacity": strength(picked=True),
        "tooltip": tips(segment="Segment", month_text="Month", text=title, customers_text="Customers"),
    }
    marks = {"shape": look.shape(legend=True), "color": look.color(legend=True)}
    points = unit({"type": "point", "size": 45}, "!datum.partial", **shared, **marks)
    points.params = [pick()]
    hollow = {"type": "point", "size": 45, "filled": False, "strokeWidth": 1.5}
    layers = [
        unit({"type": "line"}, "!datum.partial", **shared, **look.line()),
        points,
        unit(hollow, "datum.partial", **shared, **marks),
    ]
    return alt.TopLevelLayerSpec(
        data=alt.NamedData("monthly"), params=[look.shown()], layer=layers, width=look.width - 66, height=260
    )


def migration(table: pl.DataFrame, look: Look) -> alt.TopLevelLayerSpec:
    """Return a matrix of where the customers were (rows) and are (columns), shaded by share of the row.

    `table` holds before, now, to_id, text, row_share, share_text.
    """
    rows = table["before"].unique(maintain_order=True).to_list()
    columns = table.sort("to_id")["now"].unique(maintain_order=True).to_list()
    room = max(look.axis, 112) + 10
    across = alt.Axis(title="Now", orient="top", labelAngle=0, labelLimit=130)
    if look.narrow:  # Their numbers alone: the names stand in the rows.
        across.labelExpr = "split(datum.label, ' ')[0]"
    elif len(columns) > 6:
        across.labelAngle = -40
    else:  # In two lines: the number and a word, then the rest.
        across.labelPadding = 22
        words = "split(datum.label, ' ')"
        across.labelExpr = f"[join(slice({words}, 0, 2), ' '), join(slice({words}, 2), ' ')]"
    down = alt.Axis(title="Before", minExtent=room - 20, labelLimit=room - 28)
    shared = {
        "x": alt.X("now:N", scale=alt.Scale(domain=columns), axis=across),
        "y": alt.Y("before:N", sort=rows, axis=down),
        "tooltip": tips(before="Before", now="Now", text="Customers", share_text="Of those before"),
    }
    heat = alt.Color(
        "row_share:Q",
        scale=alt.Scale(type="threshold", domain=[0.1, 0.25, 0.5], range="heatmap"),
        legend=None,
    )
    cell = {"type": "rect", "cornerRadius": 3, "strokeWidth": 3, "style": "cell"}
    figures = {"type": "text", "fontSize": 9 if look.narrow else 12}
    return alt.TopLevelLayerSpec(
        data=alt.NamedData("migration"),
        layer=[unit(cell, **shared, color=heat), unit(figures, **shared, text=alt.Text("text:N"))],
        width=look.width - room - 10,
        height=alt.Step(34),
    )

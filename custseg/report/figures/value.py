"""Figures of what the segments are worth and how they differ."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Mapping
from typing import Any

import polars as pl

from custseg.report import formats, sentences, tables
from custseg.report.cells import Column
from custseg.report.charts import value
from custseg.report.figures.figure import Figure, Source, written
from custseg.report.tables import OUTER, feature_label


def sizes(source: Source) -> Figure:
    """Size against value: share of customers and share of spend of each segment."""
    table = tables.sizes(source.record, small_cells=source.small_cells)
    money = bool(table["spend_share"].is_not_null().any())
    rows = []
    for row in table.iter_rows(named=True):
        texts = {
            "customers": (row["share"], "of customers", formats.plural(row["customers"], "customer")),
            "spend": (row["spend_share"], "of spend", f"a spend of {source.money(row['spend'])}"),
        }
        for measure, (share, noun, detail) in texts.items():
            if share is not None:
                text = f"{formats.share(share)} {noun}"
                rows.append((row["segment"], measure, max(0.0, share), text, detail))
    columns = [
        Column("segment", "Segment"),
        Column("customers", "Customers", "count"),
        Column("share", "Share of customers", "share"),
    ]
    if money:
        columns += [Column("spend", "Spend", "money"), Column("spend_share", "Share of spend", "share")]
    read = "Grey is a segment's share of all customers, the coloured bar its share of all spend."
    return Figure(
        name="sizes",
        title="Size against value" if money else "Size of the segments",
        read=read if money else "Each bar is a segment's share of all customers.",
        shows=sentences.sizes(source.record, small_cells=source.small_cells),
        data=pl.DataFrame(rows, schema=["segment", "measure", "share", "text", "detail"], orient="row"),
        table=table,
        columns=tuple(columns),
        draw=value.sizes,
    )


def profiles(source: Source) -> Figure | None:
    """How the segments differ: medians against those of all customers."""
    table = tables.profiles(source.record, small_cells=source.small_cells, currency=source.currency)
    if table.is_empty():
        return None
    overall = {
        row["name"]: formats.feature(row["name"], row["all_customers"], source.currency)
        for row in table.iter_rows(named=True)
    }
    data = table.select(
        "segment",
        "feature",
        "text",
        pl.col("name").replace_strict(overall, return_dtype=pl.String).alias("all_text"),
        *written(times=("ratio", formats.times)),
        pl.Series("step", map(_step, table.iter_rows(named=True)), pl.String),
    ).with_columns(deep=pl.col("step").is_in([value.STEPS[0], value.STEPS[-1]]))
    return Figure(
        name="profiles",
        title="How the segments differ",
        read="In each cell the segment's median and how many times the median of all customers that is: "
        "blue is above, brown below.",
        shows=sentences.profiles(table, source.currency),
        data=data,
        table=table,
        columns=(
            Column("segment", "Segment"),
            Column("feature", "Feature"),
            Column("median", "Median", "feature"),
            Column("all_customers", "Median of all customers", "feature"),
            Column("ratio", "Ratio", "times"),
            Column("mean", "Mean", "feature"),
        ),
        draw=value.profiles,
    )


def _step(row: Mapping[str, Any]) -> str:
    """Return the colour of a cell: by its ratio, or where there is none by which median is larger."""
    ratio, difference = row["ratio"], (row["median"] or 0) - (row["all_customers"] or 0)
    if ratio is None:
        ratio = 1 if difference == 0 else math.copysign(math.inf, difference)
    return value.STEPS[bisect(value.RATIOS, ratio)]


def strips(source: Source) -> Figure | None:
    """Spread within the segments: quantiles of every feature."""
    table = source.spread
    if table.is_empty():
        return None
    rows = []
    for row in table.iter_rows(named=True):
        p05, p25, p50, p75, p95 = (
            formats.feature(row["name"], row[p], source.currency) for p in ("p05", "p25", "p50", "p75", "p95")
        )
        whisker = f"{p05} to {p95}" if row["p05"] is not None else "too few customers to show"
        rows.append(row | {"text": p50, "box": f"{p25} to {p75}", "whisker": whisker})
    read = "The tick and the figure are the median, the bar holds the middle half of the segment's customers"
    known = table["p05"].is_not_null()
    read += ", the line nine in ten" if known.any() else ""
    read += f"; segments of fewer than {OUTER} have no line" if not known.all() else ""
    feature = pl.col("name").map_elements(feature_label, return_dtype=pl.String)
    return Figure(
        name="strips",
        title="Spread within the segments",
        read=f"{read}.",
        shows=sentences.strips(table, source.currency),
        data=pl.DataFrame(rows, schema_overrides={"p05": pl.Float64, "p95": pl.Float64}),
        table=table.with_columns(feature=feature),
        columns=(
            Column("feature", "Feature"),
            Column("segment", "Segment"),
            *(
                Column(p, text, "feature")
                for p, text in (
                    ("p05", "5 %"),
                    ("p25", "25 %"),
                    ("p50", "Median"),
                    ("p75", "75 %"),
                    ("p95", "95 %"),
                )
            ),
            Column("customers", "Customers", "count"),
        ),
        draw=value.strips,
    )

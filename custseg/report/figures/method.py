"""Figures of how the segments were found."""

from __future__ import annotations

import polars as pl

from custseg.report import formats, sentences, tables
from custseg.report.cells import Column
from custseg.report.charts import method
from custseg.report.figures.figure import Figure, Source, written


def choice_of_k(source: Source) -> Figure | None:
    """Why this number of segments: every candidate by every criterion."""
    table = tables.candidates(source.record)
    if table.is_empty():
        return None
    least = (source.record.get("settings", {}).get("min_share") or {}).get("value")
    data = table.with_columns(
        *written(
            sse_text=("sse", formats.number),
            silhouette_text=("silhouette", lambda s: formats.NONE if s is None else f"{s:.3f}"),
            smallest_text=("smallest_share", formats.share),
            stability_text=("stability", lambda s: formats.NONE if s is None else f"{s:.2f}"),
        ),
        min_share=pl.lit(least, pl.Float64),
    )
    read = [
        "Each panel judges k, the number of segments, in one way; the shaded k is the chosen one. The sum of "
        "squares is best at its bend, called the elbow; the others are better the higher they are."
    ]
    if (table["high"] > table["low"]).any():
        read.append("Bars are 95 % intervals.")
    if not table["eligible"].fill_null(value=True).all():
        read.append("Hollow points leave a segment too small.")
    optional = (
        Column("smallest_share", "Smallest segment", "share"),
        Column("stability", "Stability", "score"),
    )
    return Figure(
        name="choice_of_k",
        title=f"Why {source.record['k_selection']['chosen']} segments",
        read=" ".join(read),
        shows=sentences.choice(source.record),
        data=data,
        table=table,
        columns=(
            Column("k", "Segments", "count"),
            Column("sse", "Sum of squares", "number"),
            Column("silhouette", "Silhouette", "score"),
            Column("low", "95 % from", "score"),
            Column("high", "95 % to", "score"),
            *(column for column in optional if table[column.name].is_not_null().any()),
            Column("eligible", "Large enough", "yes"),
        ),
        draw=method.choice_of_k,
    )


def silhouettes(source: Source) -> Figure | None:
    """How well customers fit their segment: the silhouette, segment by segment."""
    table = tables.silhouettes(source.record, small_cells=source.small_cells)
    if table.is_empty():
        return None
    summary = table.group_by("segment", maintain_order=True).agg(
        pl.col("customers", "mean", "below_zero", "jaccard").first(),
        *(
            pl.col("silhouette").filter(pl.col("quantile") == q).first().alias(f"p{round(q * 100):02d}")
            for q in (0.1, 0.5, 0.9)
        ),
    )
    known = summary["jaccard"].is_not_null().any()
    jaccard = (Column("jaccard", "Stability (Jaccard)", "score"),) if known else ()
    data = table.with_columns(
        *written(text=("mean", lambda s: f"{s:.2f}"), below_text=("below_zero", formats.share))
    ).drop("below_zero", "customers", "jaccard")
    return Figure(
        name="silhouettes",
        title="How well customers fit their segment",
        read="Each blade is a segment, its customers sorted by silhouette: near 1 they sit firmly in it, "
        "near 0 on the border, below 0 nearer to another. The dashed line is the segment's mean.",
        shows=sentences.silhouettes(table, source.record),
        data=data,
        table=summary,
        columns=(
            Column("segment", "Segment"),
            Column("customers", "Customers measured", "count"),
            Column("mean", "Mean", "score"),
            Column("p10", "10 %", "score"),
            Column("p50", "Median", "score"),
            Column("p90", "90 %", "score"),
            Column("below_zero", "Below zero", "share"),
            *jaccard,
        ),
        draw=method.silhouettes,
        coarser=(data.filter((pl.col("quantile") * 10).round(6) % 1 == 0),),
    )


def ledger(source: Source) -> Figure:
    """Return the funnel from the lines read to the lines kept."""
    table = tables.ledger(source.record)
    money = table["amount"].is_not_null().any()
    return Figure(
        name="ledger",
        title="What became of every line",
        read="From the top, what each step took (brown) of the lines still there (grey); what is left at "
        "the end (blue) made the segments.",
        shows=sentences.ledger(source.record),
        data=table.with_columns(
            *written(lines_text=("lines", formats.count), amount_text=("amount", source.money))
        ),
        table=table,
        columns=(
            Column("fate", "Lines"),
            Column("meaning", "Meaning"),
            Column("lines", "How many", "count"),
            Column("share", "Share", "share"),
            *((Column("amount", "Money", "money"),) if money else ()),
        ),
        draw=method.ledger,
    )

"""The figures of the report, in order: each its chart, its table and two sentences."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import polars as pl
from altair.utils.schemapi import debug_mode

from custseg.columns import FEATURES
from custseg.report import aggregates, formats, sentences, tables
from custseg.report.cells import Column
from custseg.report.charts import method, people, value
from custseg.report.tables import Record, feature_label
from custseg.report.theme import Look

SCHEMA = alt.SCHEMA_URL

ENDS = (("0", "from"), ("1", "to"))

Drawing = Callable[[pl.DataFrame, Look], Any]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart with everything said about it.

    Attributes
    ----------
    name
        Name of its file and of its data in the charts.
    title
        What it is about.
    read, shows
        How to read it; what it shows here.
    data
        The rows the chart draws, raw values and ready texts.
    table, columns
        What people see beneath it and download.
    draw
        Function from the data and a look to the chart.
    """

    name: str
    title: str
    read: str
    shows: str
    data: pl.DataFrame
    table: pl.DataFrame
    columns: tuple[Column, ...]
    draw: Drawing

    def chart(self, look: Look) -> dict[str, Any]:
        """Return the chart as Vega-Lite without its data and theme."""
        with debug_mode(False):  # Tests check every chart against the schema; here it would cost seconds.
            spec: dict[str, Any] = self.draw(self.data, look).to_dict(validate=False)
        return {"$schema": SCHEMA, "description": f"{self.title}. {self.shows}", **spec}


@dataclass(frozen=True)
class Source:
    """What all figures are made from."""

    record: Record
    customers: pl.LazyFrame
    currency: str | None
    small_cells: bool

    @cached_property
    def spread(self) -> pl.DataFrame:
        """The quantiles of the features in each segment."""
        return aggregates.strips(self.record, self.customers, small_cells=self.small_cells)

    def money(self, amount: float | None) -> str:
        """Return an amount in the report's currency."""
        return formats.money(amount, self.currency)


def make_figures(source: Source) -> list[Figure]:
    """Return all figures that the record and the customers allow, from the answer to the evidence."""
    makers = (
        _sizes,
        _recency_frequency,
        _profiles,
        _strips,
        _customers,
        _monthly,
        _choice_of_k,
        _silhouettes,
        _ledger,
        _migration,
    )
    return [figure for maker in makers if (figure := maker(source)) is not None]


def _texts(**columns: tuple[str, Callable[[Any], str]]) -> list[pl.Expr]:
    """Return expressions that write columns as texts: ``new=(old, function)``."""
    return [
        pl.col(old).map_elements(write, return_dtype=pl.String, skip_nulls=False).alias(new)
        for new, (old, write) in columns.items()
    ]


def _sizes(source: Source) -> Figure:
    table = tables.sizes(source.record)
    long = []
    for row in table.iter_rows(named=True):
        who = formats.plural(row["customers"], "customer")
        text = f"{formats.share(row['share'])} of customers"
        long.append(
            {
                "segment": row["segment"],
                "measure": "customers",
                "share": row["share"],
                "text": text,
                "detail": who,
            }
        )
        if row["spend_share"] is not None:
            text = f"{formats.share(row['spend_share'])} of spend"
            detail = f"a spend of {source.money(row['spend'])}"
            share = max(0.0, row["spend_share"])
            long.append(
                {
                    "segment": row["segment"],
                    "measure": "spend",
                    "share": share,
                    "text": text,
                    "detail": detail,
                }
            )
    money = table["spend_share"].is_not_null().any()
    columns = (Column("segment", "Segment"), Column("customers", "Customers", "count"))
    columns += (Column("share", "Share of customers", "share"),)
    if money:
        columns += (Column("spend", "Spend", "money"), Column("spend_share", "Share of spend", "share"))
    read = "Grey is a segment's share of all customers, the coloured bar its share of all spend."
    return Figure(
        name="sizes",
        title="Size against value" if money else "Size of the segments",
        read=read if money else "Each bar is a segment's share of all customers.",
        shows=sentences.sizes(source.record),
        data=pl.DataFrame(long),
        table=table,
        columns=columns,
        draw=value.sizes,
    )


def _recency_frequency(source: Source) -> Figure | None:
    table = aggregates.recency_frequency(source.record, source.customers, small_cells=source.small_cells)
    if table.is_empty():
        return None
    money = "spend" in table.columns
    data = table.with_columns(
        *_texts(count_text=("customers", formats.number)),
        *(
            _texts(spend_text=("spend", source.money))
            if money
            else [pl.lit(None, pl.String).alias("spend_text")]
        ),
    )
    columns = (
        Column("recency", "Days since last purchase"),
        Column("purchases", "Purchases"),
        Column("customers", "Customers", "count"),
        Column("segment", "Most are in"),
    )
    return Figure(
        name="recency_frequency",
        title="Recency and frequency",
        read="Further left bought more recently, further up more often. A mark's area is the number of "
        "customers, its colour and shape the segment most of them are in.",
        shows=sentences.recency_frequency(table, source.record),
        data=data.drop("recency_step", "purchases_step", "spend", strict=False),
        table=table,
        columns=columns + ((Column("spend", "Spend", "money"),) if money else ()),
        draw=people.recency_frequency,
    )


def _profiles(source: Source) -> Figure | None:
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
        *_texts(times=("ratio", formats.times)),
        *_texts(step=("ratio", lambda ratio: value.STEPS[bisect(value.RATIOS, ratio or 1)])),
    ).with_columns(deep=pl.col("step").is_in([value.STEPS[0], value.STEPS[-1]]))
    return Figure(
        name="profiles",
        title="How the segments differ",
        read="In each cell the segment's median, and beneath it how many times the median of all customers "
        "that is: blue is above, brown below.",
        shows=sentences.profiles(table),
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


def _strips(source: Source) -> Figure | None:
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
    label = FEATURES[table["name"][0]].label
    feature = pl.col("name").map_elements(feature_label, return_dtype=pl.String)
    return Figure(
        name="strips",
        title="Spread within the segments",
        read="The tick and the figure are the median, the bar holds the middle half of the segment's customers, "
        "the line nine in ten.",
        shows=sentences.strips(table, label),
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


def _customers(source: Source) -> Figure | None:
    pair = aggregates.map_features(source.record)
    table = aggregates.customer_map(
        source.record, source.customers, source.spread, small_cells=source.small_cells
    )
    if table.is_empty() or pair is None:
        return None
    texts: list[pl.Expr] = _texts(count_text=("customers", formats.count))
    for side, name in zip("xy", pair, strict=True):
        log = aggregates.grid(source.record, name, source.spread).log
        low, high = pl.col(f"{side}0"), pl.col(f"{side}1")
        title = feature_label(name, source.currency) + (", log scale" if log else "")
        texts += [
            ((low * high).sqrt() if log else (low + high) / 2).alias(side),
            pl.struct(low=low, high=high, last=high == high.max())
            .map_elements(_range(name, source), return_dtype=pl.String)
            .alias(f"{side}_text"),
            pl.lit(log).alias(f"{side}_log"),
            pl.lit(title).alias(f"{side}_title"),
        ]
    data = table.with_columns(texts).with_columns(label=_middle())
    ends = {f"{side}{end}": (name, word) for side, name in zip("xy", pair, strict=True) for end, word in ENDS}
    columns = tuple(
        Column(f"{name}_{word}", f"{FEATURES[name].label}, {word}", f"as {name}")
        for name, word in ends.values()
    )
    money = (Column("spend", "Spend", "money"),) if "spend" in table.columns else ()
    return Figure(
        name="customers",
        title="The customers themselves",
        read="Each tile holds customers alike in both features; its colour is the segment most of them are in, "
        "deeper where they are more. Drag a box over the map to count who is inside it.",
        shows=sentences.customer_map(table, source.record),
        data=data.drop("spend", strict=False),
        table=table.rename({end: f"{name}_{word}" for end, (name, word) in ends.items()}),
        columns=(Column("segment", "Segment"), *columns, Column("customers", "Customers", "count"), *money),
        draw=people.customer_map,
    )


def _range(name: str, source: Source) -> Callable[[dict[str, Any]], str]:
    """Return the function that writes the edges of a tile."""

    def write(row: dict[str, Any]) -> str:
        low, high = (formats.feature(name, row[end], source.currency) for end in ("low", "high"))
        return f"over {low}" if row["last"] else f"{low} to {high}"

    return write


def _middle() -> pl.Expr:
    """Return whether a tile is the one nearest to the middle of the tiles its segment leads."""
    led = pl.when("leads").then(pl.col("customers"))
    away = pl.lit(0.0)
    for side in "xy":
        place = pl.col(side).rank("dense").cast(pl.Float64)
        centre = (place * led).sum().over("segment") / led.sum().over("segment")
        away += (place - centre) ** 2
    return pl.col("leads") & (pl.when("leads").then(away).rank("ordinal").over("segment") == 1).fill_null(
        value=False
    )


def _monthly(source: Source) -> Figure | None:
    table = tables.monthly(source.record, small_cells=source.small_cells)
    if table["month"].n_unique() < 2:
        return None
    measure = "spend" if table["spend"].is_not_null().any() else "purchases"
    write = source.money if measure == "spend" else formats.count
    sign = feature_label("spend", source.currency) if measure == "spend" else "Purchases"
    data = table.with_columns(
        *_texts(
            text=(measure, write),
            month_text=("month", formats.month),
            customers_text=("customers", formats.count),
        ),
        value=pl.col(measure),
        partial=pl.col("month").is_in(tables.partial_months(source.record)),
        title=pl.lit(f"{sign} a month"),
    ).with_columns(month=pl.col("month") + "-01T00:00:00")
    return Figure(
        name="monthly",
        title="Spend over time" if measure == "spend" else "Purchases over time",
        read=f"Each line is the {measure} of one segment's customers, month by month; hollow marks "
        "are months the data do not cover.",
        shows=sentences.monthly(table, measure, source.currency),
        data=data.select(
            "month",
            "segment",
            "segment_id",
            "value",
            "text",
            "partial",
            "month_text",
            "customers_text",
            "title",
        ),
        table=table,
        columns=(
            Column("month", "Month", "month"),
            Column("segment", "Segment"),
            *((Column("spend", "Spend", "money"),) if measure == "spend" else ()),
            Column("purchases", "Purchases", "count"),
            Column("customers", "Customers", "count"),
        ),
        draw=people.monthly,
    )


def _choice_of_k(source: Source) -> Figure | None:
    table = tables.candidates(source.record)
    if table.is_empty():
        return None
    least = (source.record.get("settings", {}).get("min_share") or {}).get("value")
    data = table.with_columns(
        *_texts(
            sse_text=("sse", formats.number),
            silhouette_text=("silhouette", lambda s: formats.NONE if s is None else f"{s:.3f}"),
            smallest_text=("smallest_share", formats.share),
            stability_text=("stability", lambda s: formats.NONE if s is None else f"{s:.2f}"),
        ),
        min_share=pl.lit(least, pl.Float64),
    )
    optional = (
        Column("smallest_share", "Smallest segment", "share"),
        Column("stability", "Stability", "score"),
    )
    return Figure(
        name="choice_of_k",
        title=f"Why {source.record['k_selection']['chosen']} segments",
        read="A good k has a high silhouette (at most 1; the bars are 95 % intervals) and lies where the sum of "
        "squares bends; the shaded k is the chosen one, hollow points leave a segment too small.",
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


def _silhouettes(source: Source) -> Figure | None:
    table = tables.silhouettes(source.record, small_cells=source.small_cells)
    if table.is_empty():
        return None
    summary = table.group_by("segment", maintain_order=True).agg(
        pl.col("customers", "mean", "below_zero").first(),
        *(
            pl.col("silhouette").filter(pl.col("quantile") == q).first().alias(f"p{round(q * 100):02d}")
            for q in (0.1, 0.5, 0.9)
        ),
    )
    data = table.with_columns(
        *_texts(text=("mean", lambda s: f"{s:.2f}"), below_text=("below_zero", formats.share))
    ).drop("below_zero", "customers")
    return Figure(
        name="silhouettes",
        title="How well customers fit their segment",
        read="Each blade is a segment, its customers sorted by silhouette: near 1 they sit firmly in it, near 0 on "
        "the border, below 0 nearer to another. The dashed line is the segment's mean.",
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
        ),
        draw=method.silhouettes,
    )


def _ledger(source: Source) -> Figure:
    table = tables.ledger(source.record)
    money = table["amount"].is_not_null().any()
    return Figure(
        name="ledger",
        title="What became of every line",
        read="From the top, what each step took (orange) of the lines still there (grey); what is left at the "
        "end (blue) made the segments.",
        shows=sentences.ledger(source.record),
        data=table.with_columns(
            *_texts(lines_text=("lines", formats.count), amount_text=("amount", source.money))
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


def _migration(source: Source) -> Figure | None:
    table = tables.migration(source.record, small_cells=source.small_cells)
    if table.is_empty():
        return None
    whole = pl.col("customers").sum().over("before")
    table = table.with_columns(row_share=pl.col("customers") / whole)
    money = (Column("spend", "Spend", "money"),) if table["spend"].is_not_null().any() else ()
    return Figure(
        name="migration",
        title="Who moved since the previous run",
        read="Rows are the segments of the previous run, columns those of this one; each cell counts the customers "
        "that went that way, darker where they are more of their row.",
        shows=sentences.migration(source.record),
        data=table.with_columns(_texts(share_text=("row_share", formats.share))).drop("customers", "spend"),
        table=table,
        columns=(
            Column("before", "Before"),
            Column("now", "Now"),
            Column("customers", "Customers", "few"),
            *money,
        ),
        draw=people.migration,
    )

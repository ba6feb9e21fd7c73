"""Figures of where the customers are, when they buy, and where they went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from custseg.columns import FEATURES
from custseg.report import aggregates, formats, sentences, tables
from custseg.report.cells import Column
from custseg.report.charts import people
from custseg.report.figures.figure import Figure, Source, written
from custseg.report.tables import FEWEST, feature_label

ENDS = (("0", "from"), ("1", "to"))
SAID = {"from": "from", "to": "below"}
"""Ends of a tile by the name of their column; the next tile begins where one ends."""

LETTER, LINE = 0.017, 0.05
"""Width of a letter and height of a line on the map, as shares of its sides."""

CUT = 0.17
"""Half of the width at which a name on the map is cut, as a share of it."""


def recency_frequency(source: Source) -> Figure | None:
    """Recency and frequency: where customers stand, and which segment that is."""
    cells = aggregates.recency_frequency(source.record, source.customers)
    if cells.is_empty():
        return None
    table = cells if source.small_cells else cells.filter(pl.col("customers") >= FEWEST)
    if table.is_empty():
        return None
    money = "spend" in table.columns
    data = table.with_columns(
        *written(count_text=("customers", formats.number)),
        *(
            written(spend_text=("spend", source.money))
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
        read="Further left bought more recently, further up more often. The larger a mark, the more "
        "customers; its colour and shape are those of the segment most of them are in. "
        + ("No mark: nobody." if source.small_cells else f"No mark: fewer than {FEWEST}."),
        shows=sentences.recency_frequency(cells, source.record, small_cells=source.small_cells),
        data=data.drop("recency_step", "purchases_step", "spend", strict=False),
        table=table,
        columns=columns + ((Column("spend", "Spend", "money"),) if money else ()),
        draw=people.recency_frequency,
    )


def customers(source: Source) -> Figure | None:
    """Return the map of the customers in the two features that tell the segments apart best."""
    pair = aggregates.map_features(source.record)
    table = aggregates.customer_map(
        source.record, source.customers, source.spread, small_cells=source.small_cells
    )
    if table.is_empty() or pair is None:
        return None
    money = "spend" in table.columns
    logs: list[bool] = []
    texts: list[pl.Expr] = written(count_text=("customers", formats.count))
    for side, name in zip("xy", pair, strict=True):
        log = aggregates.grid(source.record, name, source.spread).log
        logs.append(log)
        low, high = pl.col(f"{side}0"), pl.col(f"{side}1")
        title = feature_label(name, source.currency)
        texts += [
            ((low * high).sqrt() if log else (low + high) / 2).alias(side),
            pl.struct(low=low, high=high, last=pl.col(f"{side}_open"))
            .map_elements(_range(name, source), return_dtype=pl.String)
            .alias(f"{side}_text"),
            pl.lit(log).alias(f"{side}_log"),
            pl.lit(title + (", log scale" if log else "")).alias(f"{side}_title"),
            pl.lit(title).alias(f"{side}_name"),
        ]
    texts.append(_density(logs))
    total = sum(s.get("spend") or 0 for s in source.record["segments"]) if money else 0
    texts.append((pl.col("spend") / total if total > 0 else pl.lit(None, pl.Float64)).alias("spend_share"))
    data = _labelled(table.with_columns(texts), logs)
    ends = {f"{side}{end}": (name, word) for side, name in zip("xy", pair, strict=True) for end, word in ENDS}
    columns = [
        Column(f"{name}_{word}", f"{FEATURES[name].label}, {SAID[word]}", f"as {name}")
        for name, word in ends.values()
    ]
    spend = (Column("spend", "Spend", "money"),) if money else ()
    return Figure(
        name="customers",
        title="Map of the customers",
        read="Each tile holds customers alike in both features; its colour is the segment most of them are "
        "in, deeper where they stand closer. The bars count the customers on the map, and their spend.",
        hint="Drag a box over the map: the bars count who is inside, and the other charts fade the segments "
        "that are not. A double click removes it.",
        shows=sentences.customer_map(table, source.record),
        data=data.drop("spend", strict=False),
        table=table.with_columns(
            pl.when(~pl.col(f"{side}_open")).then(f"{side}1").alias(f"{side}1") for side in "xy"
        ).rename({end: f"{name}_{word}" for end, (name, word) in ends.items()}),
        columns=(Column("segment", "Segment"), *columns, Column("customers", "Customers", "count"), *spend),
        draw=people.customer_map,
    )


def _density(logs: Sequence[bool]) -> pl.Expr:
    """Return the customers by area on the map's own axes: a large tile with as many customers is paler."""
    across, up = (
        (pl.col(f"{side}1") / pl.col(f"{side}0")).log() if log else pl.col(f"{side}1") - pl.col(f"{side}0")
        for side, log in zip("xy", logs, strict=True)
    )
    return (pl.col("customers") / (across * up)).alias("density")


def _range(name: str, source: Source) -> Callable[[dict[str, Any]], str]:
    """Return the function that writes the edges of a tile."""
    whole = FEATURES[name].kind in ("count", "days")

    def write(row: dict[str, Any]) -> str:
        last = row["high"] - 1 if whole else row["high"]  # From 3 to below 5 is 3 to 4.
        low, high = (formats.feature(name, end, source.currency) for end in (row["low"], last))
        if row["last"]:
            return f"{low} or more"
        return low if low == high else f"{low} to {high}"

    return write


def _labelled(tiles: pl.DataFrame, logs: Sequence[bool]) -> pl.DataFrame:
    """Return the tiles with ``label``: whether the name of the segment stands on it, and ``shift``.

    That is how far the name is moved along so as to stay within the map, as a share of its width.

    Each segment's name goes on the tile it leads that is nearest to their middle and where no name of a
    larger segment is; a segment without such a tile is named by the legend alone.
    """
    places = []
    for side, log in zip("xy", logs, strict=True):
        near, far, values = (
            tiles[name].log() if log else tiles[name] for name in (f"{side}0", f"{side}1", side)
        )
        span = float(far.max()) - float(near.min()) or 1.0  # type: ignore[arg-type]
        places.append(((values - near.min()) / span).to_list())
    spots = list(zip(*places, tiles["segment"], tiles["customers"], tiles["leads"], strict=True))
    sizes = {
        name: sum(n for *_, who, n, leads in spots if leads and who == name) for name in tiles["segment"]
    }
    taken: list[tuple[float, float, float]] = []
    shifts: dict[int, float] = {}
    for name in sorted((n for n in sizes if sizes[n]), key=lambda n: -sizes[n]):
        own = [(i, *spot) for i, spot in enumerate(spots) if spot[4] and spot[2] == name]
        middle = [sum(spot[k] * spot[4] for spot in own) / sizes[name] for k in (1, 2)]
        half = min(LETTER * len(name) / 2, CUT)
        # First where the whole name is on the map, then by nearness to the middle.
        away = [
            (not half <= x <= 1 - half, (x - middle[0]) ** 2 + (y - middle[1]) ** 2, i, x, y)
            for i, x, y, *_ in own
        ]
        for *_, i, x, y in sorted(away):
            if all(abs(x - a) > half + other or abs(y - b) > LINE for a, b, other in taken):
                taken.append((x, y, half))
                shifts[i] = max(half, min(x, 1 - half)) - x
                break
    return tiles.with_columns(
        label=pl.Series([i in shifts for i in range(len(tiles))]),
        shift=pl.Series([shifts.get(i, 0.0) for i in range(len(tiles))]),
    )


def monthly(source: Source) -> Figure | None:
    """Spend, or purchases where there is no money, month by month."""
    table = tables.monthly(source.record, small_cells=source.small_cells)
    months = tables.months(table)
    if len(months) < 2:
        return None
    measure = "spend" if table["spend"].is_not_null().any() else "purchases"
    write = source.money if measure == "spend" else formats.count
    sign = feature_label("spend", source.currency) if measure == "spend" else "Purchases"
    # A month without a row is a gap: a line across it would say what is not known.
    every = pl.DataFrame({"month": months}).join(table.select("segment", "segment_id").unique(), how="cross")
    data = every.join(table, on=["month", "segment", "segment_id"], how="left").sort("month", "segment_id")
    data = data.select(
        pl.col("month") + "-01T00:00:00",
        "segment",
        "segment_id",
        *written(
            text=(measure, write),
            month_text=("month", formats.month),
            customers_text=("customers", formats.count),
        ),
        value=pl.col(measure),
        partial=pl.col("month").is_in(tables.partial_months(source.record)),
        title=pl.lit(f"{sign} a month"),
    )
    money = (Column("spend", "Spend", "money"),) if measure == "spend" else ()
    return Figure(
        name="monthly",
        title="Spend over time" if measure == "spend" else "Purchases over time",
        read=_monthly_read(source, data, measure),
        shows=sentences.monthly(
            tables.monthly(source.record, small_cells=True), table, measure, source.currency
        ),
        data=data,
        table=table,
        columns=(
            Column("month", "Month", "month"),
            Column("segment", "Segment"),
            *money,
            Column("purchases", "Purchases", "count"),
            Column("customers", "Customers", "count"),
        ),
        draw=people.monthly,
        coarser=(_binned(data, "1q", "quarter"), _binned(data, "1y", "year")),
    )


def _binned(data: pl.DataFrame, every: str, word: str) -> pl.DataFrame:
    """Return the months' data by quarter or year; one with a gap in it is a gap."""
    months = {"1q": 3, "1y": 12}[every]
    month = pl.col("month").str.head(10).str.to_date().dt.truncate(every)
    whole = pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").sum())
    return (
        data.group_by(
            month.dt.strftime("%Y-%m-%dT00:00:00").alias("month"),
            "segment",
            "segment_id",
            maintain_order=True,
        )
        .agg(
            value=whole, partial=pl.col("partial").any() | (pl.len() < months), title=pl.col("title").first()
        )
        .with_columns(
            pl.col("title").str.replace("month", word, literal=True),
            *(pl.lit("").alias(name) for name in ("text", "month_text", "customers_text")),
        )
    )


def _monthly_read(source: Source, data: pl.DataFrame, measure: str) -> str:
    """Say how the months are read: what a gap and a hollow mark are, and whether all months are shown."""
    parts = [f"Each line is the {measure}, month by month, of the customers who are in a segment now."]
    if data["value"].is_null().any():
        few = "none" if source.small_cells else f"fewer than {FEWEST}"
        parts.append(f"A gap is a month in which {few} of them bought.")
    if data["partial"].any():
        parts.append("Hollow marks are months that the data cover in part.")
    known = sorted({row["month"] for row in source.record.get("monthly") or []})
    if known[0] < data["month"][0][:7]:
        parts.append(f"Only the last {data['month'].n_unique()} months are shown.")
    return " ".join(parts)


def migration(source: Source) -> Figure | None:
    """Who moved between segments since the previous run, if there was one."""
    table = tables.migration(source.record, small_cells=source.small_cells)
    if table.is_empty():
        return None
    money = (Column("spend", "Spend", "money"),) if table["spend"].is_not_null().any() else ()
    return Figure(
        name="migration",
        title="Who moved since the previous run",
        read="Rows are the segments of the previous run, columns those of this one; each cell counts the "
        "customers that went that way, stronger where they are more of their row.",
        shows=sentences.migration(source.record),
        data=table.with_columns(written(share_text=("row_share", formats.share))).drop("customers", "spend"),
        table=table,
        columns=(
            Column("before", "Before"),
            Column("now", "Now"),
            Column("customers", "Customers", "few"),
            *money,
        ),
        draw=people.migration,
    )

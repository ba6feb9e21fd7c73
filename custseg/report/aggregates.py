"""Small tables for the charts, aggregated from all customers by lazy queries.

No table holds a customer id, and no row stands for fewer than ten customers unless asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from custseg.columns import FEATURES
from custseg.report.tables import FEWEST, Record, segment_labels, shown_features

GRIDS = (32, 24, 18, 14, 11, 9, 7)
"""Cells along a side of the map, the finest that still shows nearly everyone is taken."""

SHOWN = 0.85
"""Share of customers a grid of the map has to show to be good enough."""

MOST_MARKS = 420
"""Marks a map may hold: more cannot be told apart, and the picture would outgrow its 50 kB."""

RECENCY_EDGES = (30, 60, 90, 180, 365)
PURCHASES_EDGES = (1, 2, 3, 5, 10, 20)

STRIP = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of a strip: whisker, box, tick, box, whisker."""


@dataclass(frozen=True)
class Grid:
    """How one feature is cut into the tiles of a map.

    Attributes
    ----------
    name
        The feature.
    low, high
        Smallest value, and the value beyond which all customers share the last tile.
    """

    name: str
    low: float
    high: float

    @property
    def log(self) -> bool:
        """Whether tiles are equal in the logarithm, as for everything that is positive and skewed."""
        return self.low > 0 and self.high > 12 * self.low

    def edges(self, tiles: int) -> list[float]:
        """Return at most ``tiles + 1`` rising edges, rounded to what a reader can say."""
        whole = FEATURES[self.name].kind in ("count", "days")
        step = (math.log(self.high / self.low) if self.log else self.high - self.low) / tiles
        raw = [self.low * math.exp(step * i) if self.log else self.low + step * i for i in range(tiles + 1)]
        rounded = [float(math.ceil(edge)) if whole else float(f"{edge:.2g}") for edge in raw]
        rounded[0] = min(rounded[0], self.low)
        edges = sorted(set(rounded))
        return edges if len(edges) > 1 else [edges[0], edges[0] + 1]

    def index(self, edges: Sequence[float]) -> pl.Expr:
        """Return the number of the tile a value falls into."""
        reached = pl.sum_horizontal((pl.col(self.name) >= edge).cast(pl.Int32) for edge in edges[:-1])
        return (reached - 1).clip(0)


def grid(record: Record, name: str, spread: pl.DataFrame) -> Grid:
    """Return how the feature called `name` is cut, from its range and the strips of the segments."""
    feature = next(f for f in record["features"] if f["name"] == name)
    low, high = float(feature["min"]), float(feature["max"])
    far = spread.filter(pl.col("name") == name).select(
        pl.max_horizontal(pl.col("p95").max() * 2, pl.col("p75").max() * 4)
    )
    reach = far.item() if len(far) else None
    return Grid(name, low, min(high, reach) if reach is not None and reach > low else high)


def map_features(record: Record) -> tuple[str, str] | None:
    """Return the two clustered features that tell the segments apart best, or None if there is one only.

    The best are those whose segments' centres are furthest apart, counted in log steps and weighted by
    customers.
    """
    clustered = [f["name"] for f in record["features"] if f.get("clustered")]
    if len(clustered) < 2:
        return None
    pull = {name: _spread(record, name) for name in clustered}
    first, second = sorted(sorted(clustered, key=lambda name: -pull[name])[:2], key=clustered.index)
    return first, second


def _spread(record: Record, name: str) -> float:
    """Weighted variance of a feature's medians between the segments, over its range, in log steps."""
    weights: list[int] = [s["customers"] for s in record["segments"]]
    values: list[float] = [s.get("medians", {}).get(name) or 0.0 for s in record["segments"]]
    logs = [math.copysign(math.log1p(abs(value)), value) for value in values]
    mean = sum(w * v for w, v in zip(weights, logs, strict=True)) / max(1, sum(weights))
    feature = next(f for f in record["features"] if f["name"] == name)
    reach = math.log1p(abs(feature["max"])) - math.log1p(max(0.0, feature["min"])) or 1.0
    return sum(w * (v - mean) ** 2 for w, v in zip(weights, logs, strict=True)) / reach**2


def customer_map(
    record: Record, customers: pl.LazyFrame, spread: pl.DataFrame, *, small_cells: bool = False
) -> pl.DataFrame:
    """Return customers and spend by tile of the map and segment.

    `spread` are the strips. Columns: segment, segment_id, x0, x1, y0, y1 (edges of the tile),
    x_open, y_open (whether it also holds all beyond), customers, leads (whether the segment is the largest of
    the tile), and spend where there is money. Rows of too few customers are left out; the grid is the finest
    that shows most customers.
    """
    pair = map_features(record)
    if pair is None:
        return pl.DataFrame()
    across, up = (grid(record, name, spread) for name in pair)
    for tiles in GRIDS:
        xs, ys = across.edges(tiles), up.edges(tiles)
        table = _tiles(customers, across.index(xs), up.index(ys), money=_has(record, "spend"))
        shown = table if small_cells else table.filter(pl.col("customers") >= FEWEST)
        seen, everyone = (int(part["customers"].sum()) for part in (shown, table))
        if len(shown) <= MOST_MARKS and seen >= SHOWN * everyone:
            break
    edges = [
        pl.col(side).replace_strict(dict(enumerate(values[more:])), default=None, return_dtype=pl.Float64)
        for side, values in (("x", xs), ("y", ys))
        for more in (0, 1)
    ]
    return shown.select(
        _labelled(record),
        "segment_id",
        *(edge.alias(name) for edge, name in zip(edges, ("x0", "x1", "y0", "y1"), strict=True)),
        pl.col("customers"),
        x_open=pl.col("x") == len(xs) - 2,
        y_open=pl.col("y") == len(ys) - 2,
        leads=pl.col("customers").rank("ordinal", descending=True).over("x", "y") == 1,
        **({"spend": pl.col("spend")} if _has(record, "spend") else {}),
    ).sort("x0", "y0", "segment_id")


def _tiles(customers: pl.LazyFrame, x: pl.Expr, y: pl.Expr, *, money: bool) -> pl.DataFrame:
    """Count customers by tile and segment."""
    sums = {"spend": _spend()} if money else {}
    return (
        customers.group_by("segment_id", x=x, y=y)
        .agg(customers=pl.len().cast(pl.Int64), **sums)
        .collect(engine="streaming")
        .sort("x", "y", "segment_id")
    )


def recency_frequency(record: Record, customers: pl.LazyFrame, *, small_cells: bool = False) -> pl.DataFrame:
    """Return customers and spend by days since the last purchase and number of purchases.

    Columns: recency, purchases (texts of the steps), recency_step, purchases_step (their order),
    segment (the one most of them are in), customers, spend where there is money.
    """
    if not (_has(record, "recency_days") and _has(record, "purchases")):
        return pl.DataFrame()
    money = _has(record, "spend")
    counted = (
        customers.group_by(
            "segment_id",
            recency_step=_step("recency_days", RECENCY_EDGES),
            purchases_step=_step("purchases", PURCHASES_EDGES),
        )
        .agg(customers=pl.len().cast(pl.Int64), **({"spend": _spend()} if money else {}))
        .collect(engine="streaming")
    )
    cells = (
        counted.sort("customers", "segment_id", descending=[True, False])
        .group_by("recency_step", "purchases_step", maintain_order=True)
        .agg(
            pl.col("segment_id").first(),
            total=pl.col("customers").sum(),
            **({"spend": _spend()} if money else {}),
        )
        .rename({"total": "customers"})
        .filter(pl.lit(small_cells) | (pl.col("customers") >= FEWEST))
    )
    recency = dict(enumerate(steps(RECENCY_EDGES)))
    purchases = dict(enumerate(steps(PURCHASES_EDGES)))
    return cells.select(
        _labelled(record),
        pl.col("recency_step").replace_strict(recency, return_dtype=pl.String).alias("recency"),
        pl.col("purchases_step").replace_strict(purchases, return_dtype=pl.String).alias("purchases"),
        "recency_step",
        "purchases_step",
        "customers",
        *(["spend"] if money else []),
    ).sort("purchases_step", "recency_step")


def steps(edges: Sequence[int]) -> list[str]:
    """Return texts of the steps between `edges`: 1–30, 31–60, …, 366+."""
    texts = []
    low = 1
    for edge in edges:
        texts.append(f"{edge}" if low == edge else f"{low}–{edge}")
        low = edge + 1
    return [*texts, f"{edges[-1] + 1}+"]


def strips(record: Record, customers: pl.LazyFrame, *, small_cells: bool = False) -> pl.DataFrame:
    """Return the quantiles of every shown feature in each segment.

    Columns: segment, name, p05, p25, p50, p75, p95, customers. The outer two are null where fewer than ten
    customers lie beyond them.
    """
    names = [name for name in shown_features(record) if _has(record, name)]
    parts = [_quantiles(customers, name) for name in names]
    table = pl.concat(pl.collect_all(parts, engine="streaming"))
    if not small_cells:
        table = table.filter(pl.col("customers") >= FEWEST).with_columns(
            pl.when(pl.col("customers") * STRIP[0] >= FEWEST).then(pl.col(outer)).alias(outer)
            for outer in ("p05", "p95")
        )
    order = {name: i for i, name in enumerate(names)}
    return (
        table.with_columns(
            _labelled(record), place=pl.col("name").replace_strict(order, return_dtype=pl.Int32)
        )
        .sort("place", "segment_id")
        .select("segment", "name", *(_column(q) for q in STRIP), "customers")
    )


def _quantiles(customers: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Quantiles of one feature by segment; one feature at a time keeps one column in memory."""
    value = pl.col(name).cast(pl.Float64)
    return customers.group_by("segment_id").agg(
        *(value.quantile(q, "linear").alias(_column(q)) for q in STRIP),
        customers=pl.len().cast(pl.Int64),
        name=pl.lit(name),
    )


def _column(quantile: float) -> str:
    return f"p{round(quantile * 100):02d}"


def _step(name: str, edges: Sequence[int]) -> pl.Expr:
    """Return the number of the step a value falls into: how many edges lie below it."""
    return pl.sum_horizontal((pl.col(name) > edge).cast(pl.Int32) for edge in edges)


def _spend() -> pl.Expr:
    """Return the sum of the spend, to the ten-thousandth: its last bits depend on the order of adding."""
    return pl.col("spend").sum().round(4)


def _has(record: Mapping[str, Any], name: str) -> bool:
    return any(f["name"] == name for f in record["features"]) and name in FEATURES


def _labelled(record: Record) -> pl.Expr:
    """Return the label of each row's segment."""
    labels = segment_labels(record)
    return pl.col("segment_id").cast(pl.Int64).replace_strict(labels, return_dtype=pl.String).alias("segment")

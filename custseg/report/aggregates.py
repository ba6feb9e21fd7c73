"""Small tables for the charts, aggregated from all customers by lazy queries.

No table holds a customer id, and no row stands for fewer than ten customers unless asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import FEATURES
from custseg.report.tables import FEWEST, Record, segment_labels

FINEST = 48
"""Tiles along a side of the finest map; larger ones join neighbours where customers are few."""

LARGEST = 16
"""Most neighbours, along each side, that a tile joins: a third of the map."""

LEFT_OVER = 0.1
"""Share of a tile's customers that may go missing where it is cut, too few of their segment in a quarter."""

MOST_MARKS = 420
"""Marks a map may hold: more cannot be told apart, and the picture would outgrow its 50 kB."""

MOST_WHOLE = 100_000
"""Whole numbers up to this are looked up in a list of their tiles."""

RECENCY_EDGES = (30, 60, 90, 180, 365)
PURCHASES_EDGES = (1, 2, 3, 5, 10, 20)


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

    @property
    def whole(self) -> bool:
        """Whether all values are whole numbers."""
        return FEATURES[self.name].kind in ("count", "days")

    def edges(self, tiles: int) -> list[float]:
        """Return at most ``tiles + 1`` rising edges, rounded to what a reader can say."""
        step = (math.log(self.high / self.low) if self.log else self.high - self.low) / tiles
        raw = [self.low * math.exp(step * i) if self.log else self.low + step * i for i in range(tiles + 1)]
        rounded = [float(math.ceil(edge)) if self.whole else float(f"{edge:.2g}") for edge in raw]
        rounded[0] = min(rounded[0], self.low)
        edges = sorted(set(rounded))
        return edges if len(edges) > 1 else [edges[0], edges[0] + 1]

    def index(self, edges: Sequence[float]) -> pl.Expr:
        """Return the number of the tile a value falls into."""
        inner = np.array(edges[1:-1])
        value = pl.col(self.name).cast(pl.Float64)

        def search(values: NDArray[np.float64]) -> pl.Series:
            return pl.Series(np.searchsorted(inner, values, side="right").astype(np.int32))

        if self.low >= 0 and self.whole and edges[-1] <= MOST_WHOLE:
            # A fifth of the time of a search, and Python, busy with drawing, is not asked.
            known = search(np.arange(edges[-1] + 1))
            return pl.lit(known).gather(value.clip(0, edges[-1]).cast(pl.UInt32))
        # NumPy's search takes half the time of Polars' own within a query.
        return value.map_batches(
            lambda values: search(values.to_numpy()), return_dtype=pl.Int32, is_elementwise=True
        )


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
    the tile), and spend where there is money. Rows of too few customers are left out; tiles are small where
    customers are many and large where they are few, so that little is left out.
    """
    pair = map_features(record)
    if pair is None:
        return pl.DataFrame()
    across, up = (grid(record, name, spread) for name in pair)
    fine = across.edges(FINEST), up.edges(FINEST)
    tiles = _grouped(record, customers, x=across.index(fine[0]), y=up.index(fine[1]))
    few = 0 if small_cells else FEWEST
    for least in (1, 2, 4, 8, LARGEST):
        sized = _sized(tiles, least, few)
        place = (pl.col(side) // pl.col("size") * pl.col("size") for side in "xy")
        table = sized.group_by("segment_id", "size", *place).agg(_sums(tiles))
        shown = table.filter(pl.col("customers") >= few)
        if len(shown) <= MOST_MARKS:
            break
    ends = {
        f"{side}_end": (pl.col(side) + pl.col("size")).clip(upper_bound=len(values) - 1)
        for side, values in zip("xy", fine, strict=True)
    }
    edges = [
        pl.col(end).replace_strict(dict(enumerate(values)), default=None, return_dtype=pl.Float64).alias(name)
        for side, values in zip("xy", fine, strict=True)
        for end, name in ((side, f"{side}0"), (f"{side}_end", f"{side}1"))
    ]
    placed = shown.with_columns(**ends).sort("x", "y", "segment_id")
    return placed.select(
        _labelled(record),
        "segment_id",
        *edges,
        pl.col("customers"),
        x_open=pl.col("x_end") == len(fine[0]) - 1,
        y_open=pl.col("y_end") == len(fine[1]) - 1,
        leads=pl.col("customers").rank("ordinal", descending=True).over("x", "y") == 1,
        **{name: pl.col(name) for name in shown.columns if name == "spend"},
    ).sort("x0", "y0", "segment_id")


def _sized(tiles: pl.DataFrame, least: int, few: int) -> pl.DataFrame:
    """Return the tiles with ``size``: how many neighbours along each side share one tile there.

    From the largest on a tile is cut in four while hardly any of its customers would go missing: those of
    a segment that has fewer than `few` in their quarter, and has not in the whole.
    """
    count = pl.col("customers")
    sized = tiles.with_columns(size=pl.lit(LARGEST))
    size = LARGEST // 2
    while size >= least:
        whole, quarter = ([pl.col(side) // n for side in "xy"] for n in (2 * size, size))
        together = count.sum()
        for name, place in (("before", whole), ("after", quarter)):
            hidden = together.over(*place, "segment_id") < few
            sized = sized.with_columns(pl.when(hidden).then(count).otherwise(0).alias(name))
        lost = (pl.col("after").sum() - pl.col("before").sum()).over(*whole)
        cut = (pl.col("size") == 2 * size) & (lost <= LEFT_OVER * together.over(*whole))
        sized = sized.with_columns(size=pl.when(cut).then(size).otherwise("size"))
        size //= 2
    return sized


def recency_frequency(record: Record, customers: pl.LazyFrame) -> pl.DataFrame:
    """Return customers and spend by days since the last purchase and number of purchases.

    Columns: recency, purchases (texts of the steps), recency_step, purchases_step (their order),
    segment (the one most of them are in), customers, spend where there is money. All cells are there,
    those of few customers too.
    """
    if not (_has(record, "recency_days") and _has(record, "purchases")):
        return pl.DataFrame()
    counted = _grouped(
        record,
        customers,
        recency_step=_step("recency_days", RECENCY_EDGES),
        purchases_step=_step("purchases", PURCHASES_EDGES),
    )
    cells = (
        counted.sort("customers", "segment_id", descending=[True, False])
        .group_by("recency_step", "purchases_step", maintain_order=True)
        .agg(pl.col("segment_id").first(), *_sums(counted))
    )
    recency = dict(enumerate(steps(RECENCY_EDGES, least=0)))
    purchases = dict(enumerate(steps(PURCHASES_EDGES)))
    return cells.select(
        _labelled(record),
        pl.col("recency_step").replace_strict(recency, return_dtype=pl.String).alias("recency"),
        pl.col("purchases_step").replace_strict(purchases, return_dtype=pl.String).alias("purchases"),
        "recency_step",
        "purchases_step",
        "customers",
        *(name for name in cells.columns if name == "spend"),
    ).sort("purchases_step", "recency_step")


def steps(edges: Sequence[int], *, least: int = 1) -> list[str]:
    """Return texts of the steps between `edges`: 1–30, 31–60, …, 366+."""
    texts = []
    low = least
    for edge in edges:
        texts.append(f"{edge}" if low == edge else f"{low}–{edge}")
        low = edge + 1
    return [*texts, f"{edges[-1] + 1}+"]


def _step(name: str, edges: Sequence[int]) -> pl.Expr:
    """Return the number of the step a value falls into: how many edges lie below it."""
    # For few edges comparing with all of them is cheaper than searching.
    return pl.sum_horizontal((pl.col(name) > edge).cast(pl.Int32) for edge in edges)


def _grouped(record: Record, customers: pl.LazyFrame, **steps: pl.Expr) -> pl.DataFrame:
    """Count customers, and their spend where there is money, by segment and two numbers below 64."""
    first, second = steps
    # One whole number groups three times as fast as three columns.
    place = (pl.col("segment_id").cast(pl.Int32) * 64 + steps[first]) * 64 + steps[second]
    counted = customers.group_by(place=place).agg(_counts(record)).collect(engine="streaming")
    return counted.with_columns(
        (pl.col("place") // 4096).cast(pl.UInt8).alias("segment_id"),
        (pl.col("place") // 64 % 64).alias(first),
        (pl.col("place") % 64).alias(second),
    ).drop("place")


def _counts(record: Record) -> list[pl.Expr]:
    """Return what is known of a group of customers: their number and, where there is money, their spend."""
    spend = [pl.col("spend").sum()] if _has(record, "spend") else []
    return [pl.len().cast(pl.Int64).alias("customers"), *spend]


def _sums(counted: pl.DataFrame) -> list[pl.Expr]:
    """Return the sums of groups; spend to the ten-thousandth, as last bits depend on the order of adding."""
    spend = [pl.col("spend").sum().round(4)] if "spend" in counted.columns else []
    return [pl.col("customers").sum(), *spend]


def _has(record: Mapping[str, Any], name: str) -> bool:
    return any(f["name"] == name for f in record["features"]) and name in FEATURES


def _labelled(record: Record) -> pl.Expr:
    """Return the label of each row's segment."""
    labels = segment_labels(record)
    return pl.col("segment_id").cast(pl.Int64).replace_strict(labels, return_dtype=pl.String).alias("segment")

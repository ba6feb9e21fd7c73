"""Quantiles of every feature in each segment, in memory that does not grow with the customers.

Values are counted in steps of a thousandth: within a step the mean stands for all, so that a quantile is
off by 0.1 % at most, which no chart shows, and exact where a step holds one value, as small counts do.
Exact quantiles would need each column sorted, and all of it in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.report.tables import FEWEST, Record, segment_labels, shown_features

QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
"""Whisker, box, tick, box, whisker."""

STEPS = 1_000
"""Steps to a factor of e."""

SEGMENTS = 256
"""More than there are segments."""

SMALLEST = 1e-6
"""Values nearer to zero than this share a step; money is kept to 0.0001."""


def strips(record: Record, customers: pl.LazyFrame, *, small_cells: bool = False) -> pl.DataFrame:
    """Return the quantiles of every shown feature in each segment.

    Columns: segment, name, p05, p25, p50, p75, p95, customers. The median is the record's, exact. The outer
    two are null where fewer than ten customers lie beyond them, and segments of fewer have no row.
    """
    names = shown_features(record)
    labels = segment_labels(record)
    medians = {s["id"]: s.get("medians") or {} for s in record["segments"]}
    rows: list[dict[str, Any]] = []
    tables = pl.collect_all([_counts(customers, name) for name in names], engine="streaming")
    for name, counts in zip(names, tables, strict=True):
        for part in counts.sort("segment_id", "step").partition_by("segment_id", maintain_order=True):
            number = int(part["segment_id"][0])
            held = int(part["customers"].sum())
            if number not in labels or (held < FEWEST and not small_cells):
                continue
            row = _quantiles(part["mean"].to_numpy(), part["customers"].to_numpy())
            row["p50"] = medians[number].get(name, row["p50"])
            if held * QUANTILES["p05"] < FEWEST and not small_cells:
                row |= {"p05": None, "p95": None}
            rows.append({"segment": labels[number], "name": name, **row, "customers": held})
    schema = {"segment": pl.String, "name": pl.String, **dict.fromkeys(QUANTILES, pl.Float64)}
    return pl.DataFrame(rows, schema=schema | {"customers": pl.Int64})


def _counts(customers: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Count the customers of each segment in each step of a feature, with their mean."""
    value = pl.col(name).cast(pl.Float64)
    # Above zero for every size, so that the sign can be put before it.
    size = ((value.abs().clip(SMALLEST) / SMALLEST).log() * STEPS).floor() + 1
    # One whole number groups faster than two columns.
    place = (value.sign() * size).cast(pl.Int32) * SEGMENTS + pl.col("segment_id").cast(pl.Int32)
    counted = customers.group_by(place=place).agg(mean=value.mean(), customers=pl.len().cast(pl.Int64))
    number = pl.col("place") % SEGMENTS
    return counted.select("mean", "customers", segment_id=number, step=(pl.col("place") - number) // SEGMENTS)


def _quantiles(values: NDArray[np.float64], counts: NDArray[np.int64]) -> dict[str, float | None]:
    """Return the quantiles of rising `values` that occur `counts` times, between two ranks by proportion."""
    last = counts.cumsum()
    found: dict[str, float | None] = {}
    for key, quantile in QUANTILES.items():
        rank = quantile * (last[-1] - 1)
        below, above = np.searchsorted(last, [np.floor(rank), np.ceil(rank)], side="right")
        value = values[below] + (values[above] - values[below]) * (rank % 1)
        found[key] = float(f"{value:.6g}")  # The last bits of a mean depend on the order of adding.
    return found

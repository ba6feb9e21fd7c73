"""Small tables for the charts, made from the record of a run alone."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from custseg.columns import FATES, FEATURES
from custseg.report import formats
from custseg.segments.selection import below_zero

FEWEST = 10
"""Fewer customers than this are never shown as a cell of their own, unless the user asks for it."""

OUTER = 20 * FEWEST
"""Customers of a segment from which on ten lie beyond its outer quantiles, 5 and 95 %."""

MOST_ROWS = 5_000
"""Rows that a chart may draw."""

Record = Mapping[str, Any]

FATE_LABELS = {
    "missing_customer": "No customer id",
    "excluded": "Left out by settings",
    "invalid": "Unreadable",
    "cancelled": "Cancelled",
    "non_positive": "Not above zero",
    "duplicate": "Repeated",
    "kept": "Kept",
}
FATE_MEANINGS = {
    "missing_customer": "nobody to put in a segment",
    "excluded": "outside the dates, products or conditions asked for",
    "invalid": "a needed cell is empty or cannot be read",
    "cancelled": "the invoice is a cancellation",
    "non_positive": "quantity or price is zero or less",
    "duplicate": "equal to an earlier line in every column",
    "kept": "what the segments are made of",
}


def segment_labels(record: Record) -> dict[int, str]:
    """Return the label of each segment by its id: number and name, so that colour is never alone."""
    labels = {s["id"]: f"{s['id']} {formats.printable(s['name'])}" for s in record["segments"]}
    return {i: label if len(label) <= 60 else label[:59] + "…" for i, label in sorted(labels.items())}


def tiny_segments(record: Record, *, small_cells: bool) -> set[int]:
    """Return ids of the segments too small for more than their size to be shown."""
    return set() if small_cells else {s["id"] for s in record["segments"] if s["customers"] < FEWEST}


def shown_features(record: Record) -> list[str]:
    """Return the features of the charts: those clustered on, then what every trader asks for."""
    clustered = [f["name"] for f in record["features"] if f.get("clustered")]
    named = [f["name"] for f in record["features"]]
    asked = ("recency_days", "purchases", "spend", "mean_basket", "distinct_products", "return_rate")
    names = dict.fromkeys([*clustered, *(name for name in asked if name in named)])
    return [name for name in names if name in FEATURES and FEATURES[name].kind != "date"]


def feature_label(name: str, currency: str | None = None) -> str:
    """Return a feature's name for people, with its unit where that is not plain."""
    sign = formats.SYMBOLS.get((currency or "").upper(), formats.printable(currency or ""))
    label = FEATURES[name].label
    return f"{label} ({sign})" if FEATURES[name].kind == "money" and sign else label


def sizes(record: Record, *, small_cells: bool = False) -> pl.DataFrame:
    """One row a segment: its customers and its spend, both also as shares of all."""
    labels, tiny = segment_labels(record), tiny_segments(record, small_cells=small_cells)
    rows = [
        {
            "segment_id": s["id"],
            "segment": labels[s["id"]],
            "customers": s["customers"],
            "share": s["share"],
            "spend": None if s["id"] in tiny else s.get("spend"),
            "spend_share": None if s["id"] in tiny else s.get("spend_share"),
        }
        for s in sorted(record["segments"], key=lambda segment: segment["id"])
    ]
    types = {"spend": pl.Float64, "spend_share": pl.Float64, "share": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types)


def profiles(record: Record, *, small_cells: bool = False, currency: str | None = None) -> pl.DataFrame:
    """One row a segment and feature: the median, its ratio to the median of all customers, the mean."""
    labels, tiny = segment_labels(record), tiny_segments(record, small_cells=small_cells)
    overall = {f["name"]: f for f in record["features"]}
    rows = []
    for segment in sorted(record["segments"], key=lambda s: s["id"]):
        if segment["id"] in tiny:
            continue
        for name in shown_features(record):
            median = segment.get("medians", {}).get(name)
            middle = overall[name].get("median")
            if median is None:
                continue
            ratio = median / middle if middle and median >= 0 and middle > 0 else None
            rows.append(
                {
                    "segment": labels[segment["id"]],
                    "feature": feature_label(name),
                    "name": name,
                    "median": float(median),
                    "all_customers": middle,
                    "ratio": ratio,
                    "mean": segment.get("means", {}).get(name),
                    "text": formats.feature(name, median, currency),
                }
            )
    types = {"all_customers": pl.Float64, "ratio": pl.Float64, "mean": pl.Float64, "median": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types)


def strips(record: Record, *, small_cells: bool = False) -> pl.DataFrame:
    """One row a segment and feature: its quantiles, the outer two only where ten customers lie beyond."""
    labels, tiny = segment_labels(record), tiny_segments(record, small_cells=small_cells)
    rows = []
    for name in shown_features(record):
        for segment in sorted(record["segments"], key=lambda s: s["id"]):
            quantiles = segment.get("quantiles", {}).get(name)
            if segment["id"] in tiny or quantiles is None:
                continue
            row = quantiles | {"p50": segment["medians"][name]}
            if segment["customers"] < OUTER and not small_cells:
                row |= {"p05": None, "p95": None}
            own = {"segment": labels[segment["id"]], "name": name, "customers": segment["customers"]}
            rows.append(own | row)
    marks = dict.fromkeys(("p05", "p25", "p50", "p75", "p95"), pl.Float64)
    return pl.DataFrame(rows, {"segment": pl.String, "name": pl.String, **marks, "customers": pl.Int64})


def candidates(record: Record) -> pl.DataFrame:
    """One row a k from 1: the sum of squares, the silhouette with its interval, and what else was asked."""
    choice = record["k_selection"]
    rows: list[dict[str, Any]] = []
    if choice.get("sse_k1") is not None:
        rows.append({"k": 1, "sse": choice["sse_k1"]})
    for c in sorted(choice["candidates"], key=lambda candidate: candidate["k"]):
        error = 1.96 * (c.get("silhouette_se") or 0)
        score = c.get("silhouette")
        rows.append(
            {
                "k": c["k"],
                "sse": c.get("sse"),
                "silhouette": score,
                "low": None if score is None else score - error,
                "high": None if score is None else score + error,
                "smallest_share": c.get("smallest_share"),
                "stability": c.get("stability"),
                "eligible": c.get("eligible"),
                "chosen": c["k"] == choice["chosen"],
                "elbow": c["k"] == choice.get("elbow"),
            }
        )
    numbers = ("sse", "silhouette", "low", "high", "smallest_share", "stability")
    schema: dict[str, Any] = {"k": pl.Int64} | dict.fromkeys(numbers, pl.Float64)
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(("eligible", "chosen", "elbow"), pl.Boolean))


def silhouettes(record: Record, *, small_cells: bool = False) -> pl.DataFrame:
    """Return 51 rows a segment: place 0-1 down the page and silhouette there, customers sorted by it."""
    labels = segment_labels(record)
    agreement = {
        part["id"]: part["jaccard"] for part in record["k_selection"].get("jaccard_by_segment") or []
    }
    parts = sorted(record["k_selection"].get("silhouette_by_segment") or [], key=lambda part: part["id"])
    parts = [p for p in parts if p["quantiles"] and (small_cells or p["customers"] >= FEWEST)]
    total = sum(part["customers"] for part in parts)
    # With fifty segments as much as with two must be left for the blades.
    gap = min(0.02, 0.2 / max(1, len(parts) - 1))
    start = 0.0
    rows = []
    for part in parts:
        height = part["customers"] / total * (1 - gap * (len(parts) - 1))
        for step in range(0, 101, 2):
            rows.append(
                {
                    "segment": labels.get(part["id"], str(part["id"])),
                    "place": start + height * (1 - step / 100),
                    "silhouette": part["quantiles"][step],
                    "quantile": step / 100,
                    "mean": part["mean"],
                    "top": start,
                    "middle": start + height / 2,
                    "bottom": start + height,
                    "below_zero": below_zero(part),
                    "customers": part["customers"],
                    "jaccard": agreement.get(part["id"]),
                }
            )
        start += height + gap
    return pl.DataFrame(rows, schema_overrides={"jaccard": pl.Float64})


def ledger(record: Record) -> pl.DataFrame:
    """One row a fate, in order: lines and money it took, lines left after it."""
    lines, amounts = record["ledger"], record.get("ledger_amount") or {}
    read = lines["rows_read"]
    left = read
    rows = []
    for fate in FATES:
        before = left
        left -= lines[fate] if fate != "kept" else 0
        rows.append(
            {
                "fate": FATE_LABELS[fate],
                "meaning": FATE_MEANINGS[fate],
                "lines": lines[fate],
                "share": lines[fate] / read if read else 0.0,
                "amount": amounts.get(fate),
                "before": before if fate != "kept" else left,
                "after": left if fate != "kept" else 0,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"amount": pl.Float64})


def monthly(record: Record, *, small_cells: bool = False) -> pl.DataFrame:
    """One row a month and segment; months of a segment with too few customers are left out.

    Of more months than a chart may draw, the last are there.
    """
    labels = segment_labels(record)
    rows = [
        {
            "month": row["month"],
            "segment": labels[row["segment_id"]],
            "segment_id": row["segment_id"],
            "spend": row.get("spend"),
            "purchases": row.get("purchases"),
            "customers": row["customers"],
        }
        for row in record.get("monthly") or []
        if row["segment_id"] in labels and (small_cells or row["customers"] >= FEWEST)
    ]
    schema: dict[str, Any] = {"month": pl.String, "segment": pl.String, "spend": pl.Float64}
    schema |= dict.fromkeys(("purchases", "customers", "segment_id"), pl.Int64)
    table = pl.DataFrame(rows, schema=schema).sort("month", "segment_id")
    first = months(table)[-(MOST_ROWS // max(1, len(labels))) :][:1]
    return table.filter(pl.col("month") >= first[0]) if first else table


def months(table: pl.DataFrame) -> list[str]:
    """Return all months from the first to the last of a table by month, those without a row too."""
    if table.is_empty():
        return []
    first, last = (dt.date.fromisoformat(f"{month}-01") for month in (table["month"][0], table["month"][-1]))
    return pl.date_range(first, last, "1mo", eager=True).dt.strftime("%Y-%m").to_list()


def partial_months(record: Record) -> list[str]:
    """Return the first and the last month if the transactions cover them only in part."""
    first, last = (record.get("inputs", {}).get(key) for key in ("first_date", "last_date"))
    partial = []
    if first and int(first[8:10]) > 3:
        partial.append(first[:7])
    if last and int(last[8:10]) < 28:
        partial.append(last[:7])
    return partial


def migration(record: Record, *, small_cells: bool = False) -> pl.DataFrame:
    """One row a pair of segments, before and now: how many customers went that way."""
    previous = record.get("previous") or {}
    labels = segment_labels(record)
    before = {s["id"]: f"{s['id']} {formats.printable(s['name'])}" for s in previous.get("segments", [])}
    rows, wholes = [], Counter[Any]()
    for row in previous.get("migration", []):
        wholes[row["from_id"]] += row["customers"]
    for row in previous.get("migration", []):
        few = row["customers"] < FEWEST and not small_cells
        if few and row["customers"] == 0:
            continue
        rows.append(
            {
                "before": before.get(row["from_id"], "Not there"),
                "now": labels.get(row["to_id"], "Not there"),
                "from_id": row["from_id"] or 10_000,
                "to_id": row["to_id"] or 10_000,
                "customers": None if few else row["customers"],
                "spend": None if few else row.get("spend"),
                "row_share": None if few else row["customers"] / max(1, wholes[row["from_id"]]),
                "text": f"<{formats.SPACE}{FEWEST}" if few else formats.count(row["customers"]),
            }
        )
    schema = {"before": pl.String, "now": pl.String, "from_id": pl.Int64, "to_id": pl.Int64}
    schema |= {"customers": pl.Int64, "spend": pl.Float64, "row_share": pl.Float64, "text": pl.String}
    return pl.DataFrame(rows, schema=schema).sort("from_id", "to_id")

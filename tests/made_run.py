"""A made run: customers drawn at random, clustered by scikit-learn, and the record a run would leave."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples

from custseg.columns import FATES, FEATURES

AS_OF = dt.date(2011, 12, 10)
NAMES = {
    2: ["High-Value", "Low-Value"],
    3: ["Champions", "Promising", "Hibernating"],
    10: [
        "Champions",
        "Loyal",
        "Big baskets",
        "Promising",
        "Needs attention",
        "At risk",
        "Cannot lose them",
        "New",
        "Hibernating",
        "Lost",
    ],
}


@cache
def made_customers(customers: int = 4_000, seed: int = 7) -> pl.DataFrame:
    """Draw customers whose purchases, quantities, prices and dates hang together."""
    rng = np.random.default_rng(seed)
    activity = rng.gamma(0.6, 1.4, customers)
    purchases = 1 + rng.poisson(4 * activity)
    tenure = rng.integers(1, 374, customers)
    gap = rng.beta(1, 1 + np.minimum(purchases, 30) / 2)
    recency = np.where(purchases == 1, tenure, np.maximum(1, (tenure * gap).astype(int)))
    lines = purchases * (1 + rng.poisson(18, customers))
    price = np.round(np.exp(rng.normal(1.05, 0.45, customers)), 2)
    quantity = np.ceil(lines * np.exp(rng.normal(1.9, 0.9, customers)))
    spend = np.round(quantity * price * rng.uniform(0.5, 0.8, customers), 2)
    start = dt.datetime.combine(AS_OF, dt.time(13))
    return pl.DataFrame(
        {
            "customer_id": [f"secret-{number:06d}" for number in range(customers)],
            "total_quantity": quantity,
            "mean_unit_price": price,
            "purchases": purchases.astype(np.int64),
            "lines": lines.astype(np.int64),
            "spend": spend,
            "first_purchase": [start - dt.timedelta(days=int(days)) for days in tenure],
            "last_purchase": [start - dt.timedelta(days=int(days)) for days in recency],
            "recency_days": recency.astype(np.int64),
            "tenure_days": tenure.astype(np.int64),
            "mean_basket": spend / purchases,
        }
    )


@cache
def made_run(
    k: int = 2, *, money: bool = True, dates: bool = True, forced: bool = False, previous: bool = False
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Return the record of a run with `k` segments and its customers; do not change either."""
    customers = made_customers()
    clustered = ["total_quantity", "purchases", "mean_unit_price" if money else "lines"]
    missing = [] if money else ["mean_unit_price", "spend", "mean_basket"]
    missing += [] if dates else ["first_purchase", "last_purchase", "recency_days", "tenure_days"]
    scaled = _scaled(tuple(clustered))
    fits = _fits(tuple(clustered))
    worth = customers["spend" if money else "total_quantity"].to_numpy()
    labels = fits[k].labels_
    order = sorted(range(k), key=lambda label: -worth[labels == label].mean())
    ids = np.argsort(order)[labels] + 1
    distances = np.sort(fits[k].transform(scaled), axis=1)
    names = NAMES[k]
    customers = customers.drop(missing).with_columns(
        segment_id=pl.Series(ids, dtype=pl.UInt8),
        segment=pl.Series([names[i - 1] for i in ids]),
        distance=pl.Series(distances[:, 0]),
        margin=pl.Series(distances[:, 1] - distances[:, 0]),
    )
    record = _record(customers, clustered, money=money, dates=dates)
    record["k_selection"] = _k_selection(scaled, fits, ids, k, forced=forced)
    if dates:
        record["monthly"] = _monthly(customers, money=money)
    if previous:
        record["previous"] = _previous(customers, names)
    return record, customers


@cache
def _scaled(clustered: tuple[str, ...]) -> np.ndarray:
    logs = np.log1p(made_customers().select(clustered).to_numpy())
    return (logs - logs.mean(0)) / logs.std(0)


@cache
def _fits(clustered: tuple[str, ...]) -> dict[int, KMeans]:
    return {n: KMeans(n, n_init=1, random_state=0).fit(_scaled(clustered)) for n in range(2, 11)}


def _record(customers: pl.DataFrame, clustered: list[str], *, money: bool, dates: bool) -> dict[str, Any]:
    numbers = [name for name in FEATURES if name in customers.columns and FEATURES[name].kind != "date"]
    ledger = dict(
        zip(FATES, [24_300, 120, 1_860, 1_949, 615, 3_433, int(customers["lines"].sum())], strict=True)
    )
    spend = float(customers["spend"].sum()) if money else 0.0
    amounts = dict(
        zip(
            FATES,
            [2.6e5, 0.0, 3.1e4, -9.2e4, -410.5, spend * 0.02, spend],
            strict=True,
        )
    )
    segments = []
    for part in customers.partition_by("segment_id", maintain_order=True):
        segments.append(
            {
                "id": part["segment_id"][0],
                "name": part["segment"][0],
                "customers": len(part),
                "share": len(part) / len(customers),
                "spend": float(part["spend"].sum()) if money else None,
                "spend_share": float(part["spend"].sum()) / spend if money else None,
                "rule": f"bought {part['purchases'].median():.0f} times, "
                f"{part['total_quantity'].median():,.0f} units in all",
                "medians": {name: float(part[name].median()) for name in numbers},
                "means": {name: float(part[name].mean()) for name in numbers},
                "quantiles": {
                    name: {f"p{q:02}": float(part[name].quantile(q / 100, "linear")) for q in (5, 25, 75, 95)}
                    for name in numbers
                },
                "centre": {name: float(np.expm1(np.log1p(part[name]).mean())) for name in clustered},
            }
        )
    return {
        "format": 1,
        "custseg": "0.1.0",
        "created": "2011-12-10T18:00:00Z",
        "settings": {
            "k": {"value": "auto", "source": "default"},
            "min_share": {"value": 0.02, "source": "default"},
            "seed": {"value": 0, "source": "default"},
            "exclude_product": {"value": ["^POST$", "^M$"], "source": "job file"},
            "features": {"value": clustered, "source": "flag"},
        },
        "identity": "0123456789abcdef",
        "inputs": {
            "files": 2,
            "bytes": 94_000_000,
            "paths": ["transactions/2010.csv", "transactions/2011.csv"],
            "columns": {"customer_id": ["Customer ID"], "invoice": ["Invoice"], "quantity": ["Quantity"]},
            "derived": ["amount = quantity × unit_price"] if money else [],
            "first_date": "2010-12-01T08:26:00" if dates else None,
            "last_date": "2011-12-09T12:50:00" if dates else None,
            "notes": ["dates were read as day/month/year"] if dates else [],
        },
        "ledger": {"rows_read": sum(ledger.values()), **ledger},
        "ledger_amount": {"rows_read": sum(amounts.values()), **amounts} if money else None,
        "customers": len(customers),
        "as_of": AS_OF.isoformat() if dates else None,
        "features": [
            {
                "name": name,
                "label": FEATURES[name].label,
                "clustered": name in clustered,
                "min": float(customers[name].min()),  # type: ignore[arg-type]
                "median": float(customers[name].median()),  # type: ignore[arg-type]
                "mean": float(customers[name].mean()),  # type: ignore[arg-type]
                "max": float(customers[name].max()),  # type: ignore[arg-type]
                "skew": 9.1,
                "skew_scaled": 0.2,
            }
            for name in numbers
        ],
        "segments": sorted(segments, key=lambda segment: segment["id"]),
        "seconds": {"find": 0.1, "exchange": 2.2, "features": 0.9, "matrix": 0.1, "choose_k": 3.4},
        "peak_memory_bytes": 612_000_000,
        "versions": {"custseg": "0.1.0", "python": "3.11.2", "polars": "2.1.0"},
    }


def _k_selection(
    scaled: np.ndarray, fits: dict[int, KMeans], ids: np.ndarray, k: int, *, forced: bool
) -> dict[str, Any]:
    sample = np.arange(0, len(scaled), 4)
    candidates = []
    for n, fit in fits.items():
        if forced and n != k:
            continue
        values = silhouette_samples(scaled[sample], fit.labels_[sample])
        sizes = sorted(np.bincount(fit.labels_).tolist(), reverse=True)
        candidates.append(
            {
                "k": n,
                "sse": float(fit.inertia_),
                "silhouette": float(values.mean()),
                "silhouette_se": float(values.std() / np.sqrt(len(values))),
                "smallest_share": sizes[-1] / len(scaled),
                "stability": None if forced else max(0.2, 1.05 - 0.08 * n),
                "eligible": sizes[-1] / len(scaled) >= 0.02,
                "sizes": sizes,
            }
        )
    values = silhouette_samples(scaled[sample], ids[sample])
    return {
        "candidates": candidates,
        "sse_k1": float((scaled**2).sum()),
        "elbow": None if forced else 4,
        "auto": k,
        "chosen": k,
        "reason": f"k = {k} has the best silhouette among the choices that keep every segment above 2 %.",
        "verdict": "weak",
        "votes": {"silhouette": k, "elbow": None if forced else 4, "min_share": [c["k"] for c in candidates]},
        "silhouette_sampled": len(sample),
        "silhouette_exact": False,
        "silhouette_by_segment": [
            {
                "id": i,
                "customers": int((ids[sample] == i).sum()),
                "mean": float(values[ids[sample] == i].mean()),
                "below_zero": float((values[ids[sample] == i] < 0).mean()),
                "quantiles": np.percentile(values[ids[sample] == i], range(101)).tolist(),
            }
            for i in range(1, k + 1)
        ],
    }


def _monthly(customers: pl.DataFrame, *, money: bool) -> list[dict[str, Any]]:
    """Spread each customer's purchases evenly over the days between the first and the last."""
    dates = (
        customers.select(
            "customer_id",
            "segment_id",
            "purchases",
            "first_purchase",
            span=pl.col("last_purchase") - pl.col("first_purchase"),
            basket=pl.col("spend") / pl.col("purchases") if money else pl.lit(None, pl.Float64),
        )
        .with_columns(step=pl.int_ranges(0, pl.col("purchases")))
        .explode("step")
        .with_columns(
            day=pl.col("first_purchase")
            + pl.col("span") * (pl.col("step") / (pl.col("purchases") - 1).clip(1))
        )
    )
    return (
        dates.group_by(month=pl.col("day").dt.strftime("%Y-%m"), segment_id=pl.col("segment_id"))
        .agg(
            spend=pl.col("basket").sum() if money else pl.lit(None, pl.Float64),
            purchases=pl.len(),
            customers=pl.col("customer_id").n_unique(),
        )
        .sort("month", "segment_id")
        .to_dicts()
    )


def _previous(customers: pl.DataFrame, names: list[str]) -> dict[str, Any]:
    """Say that a tenth of each segment came from the next one, and some customers are new."""
    sizes = customers.group_by("segment_id").len().sort("segment_id").rows()
    moves = []
    for segment, count in sizes:
        other = segment % len(names) + 1
        new = count // 20
        moved = count // 10
        moves += [
            {"from_id": segment, "to_id": segment, "customers": count - new - moved, "spend": 1.0e5},
            {"from_id": other, "to_id": segment, "customers": moved, "spend": 1.0e4},
            {"from_id": None, "to_id": segment, "customers": new, "spend": 1.0e3},
        ]
    return {
        "created": "2011-11-10T18:00:00Z",
        "segments": [
            {"id": i, "name": name, "customers": 380 + i, "share": 1 / len(names), "spend_share": 0.1}
            for i, name in enumerate(names, 1)
        ],
        "migration": moves,
    }

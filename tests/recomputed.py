"""run.json made again from the customers and the input, in plain NumPy, pandas, scikit-learn and kneed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pandas as pd
import printed
from deciles import edges_of
from kneed import KneeLocator
from scipy.stats import skew
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score

from custseg.columns import FEATURES
from custseg.segments import structure

KS = range(2, 11)
RFM = {"recency_score": "recency_days", "frequency_score": "purchases", "spend_score": "spend"}


def bend(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values))


class Again:
    """What a run over fewer than 1,500 customers must have written."""

    def __init__(self, folder: Path, inputs: Sequence[Path], features: list[str]) -> None:
        self.folder, self.inputs, self.features = folder, inputs, features
        self.customers = pd.read_parquet(folder / "customers")
        self.model = json.loads((folder / "model.json").read_text("utf-8"))
        self.centres = np.array(self.model["centres"])
        self.means = np.array(self.model["scaling"]["means"])
        self.deviations = np.array(self.model["scaling"]["deviations"])
        self.bent = bend(self.customers[features].to_numpy(float))
        self.points = ((self.bent - self.means) / self.deviations).astype(np.float32).astype(float)
        self.ids = self.customers["segment_id"].to_numpy(int)
        self.own = np.searchsorted(self.model["numbers"], self.ids)
        self.numbers = [n for n, f in FEATURES.items() if n in self.customers and f.kind != "date"]
        self.fits = {k: KMeans(k, n_init=50, random_state=0, tol=1e-8).fit(self.points) for k in KS}
        self.labels = {k: fit.labels_ for k, fit in self.fits.items()} | {len(self.centres): self.own}

    @cached_property
    def record(self) -> dict[str, Any]:
        answer = oracle.solve(self.inputs)
        return {
            "format": 1,
            "inputs": {"files": len(self.inputs), "bytes": sum(p.stat().st_size for p in self.inputs)},
            "ledger": answer.ledger,
            "ledger_amount": answer.money,
            "customers": len(answer.customers),
            "returns_only": 0,
            "rounded_lines": 0,
            "features": [self._feature(name) for name in self.numbers],
            "scaling": {"means": self.means.tolist(), "deviations": self.deviations.tolist()},
            "k_selection": self._k_selection(),
            "segments": [self._segment(place) for place in range(len(self.centres))],
            "rfm_scores": [{"edges": self._edges(feature)} for feature in RFM.values()],
            "monthly": self._monthly(answer.lines),
        }

    def _feature(self, name: str) -> dict[str, float]:
        values = self.customers[name].to_numpy(float)
        found = {"min": values.min(), "median": np.median(values), "mean": values.mean(), "max": values.max()}
        found["skew"] = skew(values)
        if name in self.features:
            found["skew_scaled"] = skew(bend(values))
        return found

    def _segment(self, place: int) -> dict[str, Any]:
        own = self.customers[self.own == place]
        number, total = self.model["numbers"][place], self.customers["spend"].sum()
        holds = self._rule(self.model["rules"][place])
        centre = self.centres[place] * self.deviations + self.means
        return {
            "id": number,
            "customers": len(own),
            "share": len(own) / len(self.customers),
            "spend": own["spend"].sum(),
            "spend_share": own["spend"].sum() / total,
            "medians": {name: own[name].median() for name in self.numbers},
            "means": {name: own[name].mean() for name in self.numbers},
            "quantiles": {
                name: {f"p{q:02}": own[name].quantile(q / 100) for q in (5, 25, 75, 95)}
                for name in self.numbers
            },
            "centre": dict(zip(self.features, np.sign(centre) * np.expm1(np.abs(centre)), strict=True)),
            "if_then": {
                "id": number,
                "covered": holds.sum(),
                "right": (holds & (self.own == place)).sum(),
                "customers": len(own),
            },
        }

    def _rule(self, alternatives: list[dict[str, list[float | None]]]) -> np.ndarray:
        found = np.zeros(len(self.customers), bool)
        for bounds in alternatives:
            every = np.ones(len(self.customers), bool)
            for name, (low, high) in bounds.items():
                every &= self.customers[name].to_numpy() >= (-np.inf if low is None else low)
                every &= self.customers[name].to_numpy() < (np.inf if high is None else high)
            found |= every
        return found

    def _edges(self, feature: str) -> list[float]:
        """The values of the customers at the end of each fifth, the worst first."""
        ordered = sorted(self.customers[feature], reverse=feature == "recency_days")
        return [ordered[-(-len(ordered) * fifth // 5) - 1] for fifth in range(1, 5)]

    def spend_by_month(self) -> pd.DataFrame:
        """Spend, purchases and customers by month and segment."""
        return self._by_month(oracle.solve(self.inputs).lines)

    def _monthly(self, lines: pd.DataFrame) -> list[dict[str, Any]]:
        return self._by_month(lines).drop(columns="month").to_dict("records")

    def _by_month(self, lines: pd.DataFrame) -> pd.DataFrame:
        segment = pd.Series(self.ids, self.customers["customer_id"])
        kept = lines[lines["fate"] == "kept"]
        kept = kept.assign(
            month=kept["invoice_date"].dt.strftime("%Y-%m"), segment_id=kept["customer_id"].map(segment)
        )
        by = kept.groupby(["month", "segment_id"])
        pairs = kept.drop_duplicates(["month", "customer_id", "invoice"]).groupby(["month", "segment_id"])
        return pd.DataFrame(
            {"spend": by["amount"].sum(), "purchases": pairs.size(), "customers": by["customer_id"].nunique()}
        ).reset_index()

    def _k_selection(self) -> dict[str, Any]:
        chosen, n = len(self.centres), len(self.points)
        candidates = [self._candidate(k) for k in KS]
        sse_k1 = ((self.points - self.points.mean(axis=0)) ** 2).sum()
        sums = [sse_k1, *(c["sse"] for c in candidates)]
        knee = KneeLocator([1, *KS], sums, curve="convex", direction="decreasing", S=1.0).knee
        elbow = int(knee) if knee is not None and knee > 1 else None
        eligible = [c for c in candidates if c["smallest_share"] >= 0.02]
        best = max(eligible, key=lambda c: c["silhouette"])
        finer = [
            c["k"]
            for c in eligible
            if c["silhouette"] >= max(0.5, best["silhouette"] - 0.05) and c["weakest_jaccard"] >= 0.9
        ]
        values = silhouette_samples(self.points, self.own)
        jaccard = self._bootstrap()[chosen][1]
        return {
            "candidates": candidates,
            "sse_k1": sse_k1,
            "elbow": elbow,
            "auto": max([best["k"], *finer]),
            "chosen": chosen,
            "votes": {
                "silhouette": max(candidates, key=lambda c: c["silhouette"])["k"],
                "elbow": elbow,
                "min_share": [c["k"] for c in eligible],
            },
            **dict(zip(("structure_z", "structure_z_of_boxes"), self._boxes(), strict=True)),
            "silhouette_sampled": n,
            "silhouette_by_segment": [
                {
                    "id": number,
                    "customers": (self.own == place).sum(),
                    "mean": values[self.own == place].mean(),
                    "below_zero": (values[self.own == place] < 0).mean(),
                    "quantiles": np.percentile(values[self.own == place], range(101)).tolist(),
                }
                for place, number in enumerate(self.model["numbers"])
            ],
            "jaccard_by_segment": [
                {"id": number, "jaccard": jaccard[place]}
                for place, number in enumerate(self.model["numbers"])
            ],
        }

    def _candidate(self, k: int) -> dict[str, Any]:
        sizes = sorted(np.bincount(self.labels[k]).tolist(), reverse=True)
        centres = self.centres if k == len(self.centres) else self.fits[k].cluster_centers_
        distances = np.linalg.norm(self.points - centres[self.labels[k]], axis=1)
        rand, jaccards = self._bootstrap()[k]
        return {
            "k": k,
            "sse": (distances**2).sum(),
            "silhouette": silhouette_score(self.points, self.labels[k]),
            "silhouette_se": 0.0,
            "smallest_share": sizes[-1] / len(self.points),
            "sizes": sizes,
            "stability": rand,
            "weakest_jaccard": min(jaccards),
        }

    def _bootstrap(self) -> dict[int, tuple[float, list[float]]]:
        """Stability by Hennig's scheme, cluster by cluster as sets of customers."""
        if hasattr(self, "_stability"):
            return self._stability
        rng, n = np.random.default_rng(0), len(self.points)
        rands: dict[int, list[float]] = {k: [] for k in KS}
        jaccards: dict[int, list[list[float]]] = {k: [] for k in KS}
        for _ in range(structure.REPLICATES):
            drawn = np.unique(rng.integers(0, n, n))
            for k in KS:
                model = KMeans(k, n_init=structure.STARTS, random_state=0).fit(self.points[drawn])
                before, again = self.labels[k][drawn], model.labels_
                rands[k].append(adjusted_rand_score(before, again))
                jaccards[k].append(
                    [
                        max(_jaccard(own, again == other) for other in range(k)) if own.any() else np.nan
                        for own in (before == cluster for cluster in range(k))
                    ]
                )
        self._stability = {k: (np.mean(rands[k]), np.nanmean(jaccards[k], axis=0).tolist()) for k in KS}
        return self._stability

    def _boxes(self) -> tuple[float, float]:
        """How far the silhouettes lie above those of uniform boxes on the principal axes."""
        rng = np.random.default_rng(0)
        centred = self.points - self.points.mean(axis=0)
        turned = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
        null = []
        for _ in range(structure.REPLICATES):
            box = rng.uniform(turned.min(axis=0), turned.max(axis=0), turned.shape)
            fits = [
                KMeans(k, init="random", n_init=structure.BOX_STARTS, random_state=0).fit(box) for k in KS
            ]
            null.append([silhouette_score(box, fit.labels_) for fit in fits])
        found = [silhouette_score(self.points, self.labels[k]) for k in KS]
        mean, deviation = np.mean(null, axis=0), np.std(null, axis=0, ddof=1)
        return ((found - mean) / deviation).max(), ((np.array(null) - mean) / deviation).max()

    def previous(self, before: Again, record: dict[str, Any]) -> dict[str, Any]:
        """What changed since another run; its migration is recomputed in test_monthly."""
        joined = self.customers.merge(
            before.customers[["customer_id", "segment_id"]],
            on="customer_id",
            how="left",
            suffixes=("", "_was"),
        )
        both = joined.dropna(subset="segment_id_was")
        stayed = (both["segment_id"] == both["segment_id_was"]).sum()
        outside, drift = np.zeros(len(self.customers), bool), []
        for name in self.features:
            then, now = before.customers[name].to_numpy(float), self.customers[name].to_numpy(float)
            bins = [-np.inf, *edges_of(then), np.inf]
            shares = [np.histogram(values, bins)[0] / len(values) for values in (then, now)]
            p, q = np.maximum(shares, max(1e-4, 0.5 / len(now)))
            below, above = now < then.min(), now > then.max()
            outside |= below | above
            drift.append({"psi": ((q - p) * np.log(q / p)).sum(), "below": below.sum(), "above": above.sum()})
        k = len(self.centres)
        distances = np.linalg.norm(self.points - self.centres[self.own], axis=1)
        segments = [before._segment(place) for place in range(len(before.centres))]
        keys = ("id", "customers", "share", "spend", "spend_share")
        return {
            "customers": len(before.customers),
            "segments": [{key: segment[key] for key in keys} for segment in segments],
            "migration": record["previous"]["migration"],
            "in_both": len(both),
            "new": len(joined) - len(both),
            "gone": len(before.customers) - len(both),
            "stayed": stayed,
            "stayed_share": stayed / len(both),
            "adjusted_rand": adjusted_rand_score(both["segment_id"], both["segment_id_was"]),
            "drift": drift,
            "outside": outside.sum(),
            "looseness": (distances**2).sum() / self.fits[k].inertia_,
        }


def _jaccard(first: np.ndarray, second: np.ndarray) -> float:
    return (first & second).sum() / (first | second).sum()


def numbers(value: Any, path: str = "") -> Iterable[tuple[str, float]]:
    """Every number in plain values, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from numbers(inner, f"{path}.{place}")
    elif isinstance(value, int | float | np.number) and not isinstance(value, bool):
        yield path, float(value)


def recount(text: str, customers: pd.DataFrame, number: int) -> tuple[int, int, int]:
    """Customers a printed rule holds for, those of them in the segment, and those in it."""
    holds = printed.holds(text, customers)
    own = (customers["segment_id"] == number).to_numpy()
    return int(holds.sum()), int((holds & own).sum()), int(own.sum())

"""The figures of a report made again from the customers and the transactions, in pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import recomputed
from sklearn.metrics import silhouette_samples

from custseg.columns import FEATURES

FEWEST = 10
"""Fewer customers are not shown as a cell of their own."""

RECENCY = [(0, 30), (31, 60), (61, 90), (91, 180), (181, 365), (366, np.inf)]
PURCHASES = [(1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, np.inf)]
ASKED = ["recency_days", "purchases", "spend", "mean_basket"]
FATES = ["missing_customer", "excluded", "invalid", "cancelled", "non_positive", "duplicate", "kept"]


class Redrawn:
    """What each chart's table must hold."""

    def __init__(
        self, again: recomputed.Again, record: dict[str, Any], before: recomputed.Again | None
    ) -> None:
        self.again, self.before, self.customers = again, before, again.customers
        self.names = {s["id"]: f"{s['id']} {s['name']}" for s in record["segments"]}
        self.customers = again.customers.assign(segment=again.customers["segment_id"].map(self.names))
        self.features = list(dict.fromkeys([*again.features, *ASKED]))
        self.made = again.record

    def sizes(self) -> pd.DataFrame:
        """What is shown of them: of few customers nothing but how many they are."""
        table = self.worth()
        table.loc[table["customers"] < FEWEST, ["spend", "spend_share"]] = np.nan
        return table

    def worth(self) -> pd.DataFrame:
        by = self.customers.groupby("segment")
        table = by.agg(customers=("spend", "size"), spend=("spend", "sum")).reset_index()
        table["share"] = table["customers"] / len(self.customers)
        table["spend_share"] = table["spend"] / self.customers["spend"].sum()
        return table[["segment", "customers", "share", "spend", "spend_share"]]

    def all_segments(self) -> pd.DataFrame:
        by = self.customers.groupby("segment")
        medians = by[self.features].median()[by.size() >= FEWEST].add_prefix("median_")
        rules = {part["id"]: part["if_then"] for part in self.made["segments"]}
        table = self.sizes().merge(medians.reset_index(), on="segment", how="left")
        table["if_then_holds_for"] = [rules[number]["covered"] for number in sorted(self.names)]
        table["if_then_right"] = [rules[number]["right"] for number in sorted(self.names)]
        table.loc[table["customers"] < FEWEST, ["if_then_holds_for", "if_then_right"]] = np.nan
        return table

    def recency_frequency(self) -> pd.DataFrame:
        rows = []
        for often in PURCHASES:
            for days in RECENCY:
                inside = self.customers["purchases"].between(*often) & self.customers["recency_days"].between(
                    *days
                )
                cell = self.customers[inside]
                if len(cell) >= FEWEST:
                    counts = cell.groupby("segment_id").size()
                    most = min(counts.index[counts == counts.max()])
                    rows.append([_step(days), _step(often), len(cell), self.names[most], cell["spend"].sum()])
        return pd.DataFrame(rows, columns=["recency", "purchases", "customers", "segment", "spend"])

    def profiles(self) -> pd.DataFrame:
        rows = []
        for segment, own in self._large_enough():
            for name in self.features:
                middle, everyone = own[name].median(), self.customers[name].median()
                label = FEATURES[name].label
                rows.append([segment, label, middle, everyone, middle / everyone, own[name].mean()])
        return pd.DataFrame(rows, columns=["segment", "feature", "median", "all_customers", "ratio", "mean"])

    def strips(self) -> pd.DataFrame:
        rows = []
        for name in self.features:
            for segment, own in self._large_enough():
                outer = len(own) * 0.05 >= FEWEST
                marks = own[name].quantile([0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
                if not outer:
                    marks[0] = marks[-1] = np.nan
                rows.append([FEATURES[name].label, segment, *marks, len(own)])
        columns = ["feature", "segment", "p05", "p25", "p50", "p75", "p95", "customers"]
        return pd.DataFrame(rows, columns=columns)

    def customer_map(self, shown: pd.DataFrame) -> pd.DataFrame:
        """The customers within the tiles that are shown; an open end has no number."""
        table = shown.copy()
        across, up = (name.removesuffix("_from") for name in shown.columns if name.endswith("_from"))
        for place, tile in shown.iterrows():
            inside = self.customers["segment"] == tile["segment"]
            for name in (across, up):
                values = self.customers[name]
                inside &= values >= tile[f"{name}_from"]
                if not np.isnan(tile[f"{name}_to"]):
                    inside &= values < tile[f"{name}_to"]
            table.loc[place, "customers"] = inside.sum()
            table.loc[place, "spend"] = self.customers.loc[inside, "spend"].sum()
        return table

    def monthly(self) -> pd.DataFrame | None:
        table = self.again.spend_by_month().query("customers >= @FEWEST")
        table = table.assign(segment=table["segment_id"].map(self.names))
        return table[["month", "segment", "spend", "purchases", "customers"]].reset_index(drop=True)

    def choice_of_k(self) -> pd.DataFrame:
        selection = self.made["k_selection"]
        rows = [[1, selection["sse_k1"], *[np.nan] * 5]]
        rows += [
            [
                c["k"],
                c["sse"],
                c["silhouette"],
                c["silhouette"],
                c["silhouette"],
                c["smallest_share"],
                c["stability"],
            ]
            for c in selection["candidates"]
        ]
        columns = ["k", "sse", "silhouette", "low", "high", "smallest_share", "stability"]
        table = pd.DataFrame(rows, columns=columns)
        table["eligible"] = [np.nan, *(c["smallest_share"] >= 0.02 for c in selection["candidates"])]
        return table

    def silhouettes(self) -> pd.DataFrame:
        values = silhouette_samples(self.again.points, self.again.own)
        jaccard = {part["id"]: part["jaccard"] for part in self.made["k_selection"]["jaccard_by_segment"]}
        rows = []
        for number, name in self.names.items():
            own = values[self.again.ids == number]
            if len(own) >= FEWEST:
                marks = np.percentile(own, [10, 50, 90]).tolist()
                rows.append([name, len(own), own.mean(), *marks, (own < 0).mean(), jaccard[number]])
        columns = ["segment", "customers", "mean", "p10", "p50", "p90", "below_zero", "jaccard"]
        return pd.DataFrame(rows, columns=columns)

    def nearer_to_another(self) -> float:
        """Share of all customers, those of small segments too."""
        return float((silhouette_samples(self.again.points, self.again.own) < 0).mean())

    def ledger(self) -> pd.DataFrame:
        lines, money = self.made["ledger"], self.made["ledger_amount"]
        rows = [[lines[fate], lines[fate] / lines["rows_read"], money[fate]] for fate in FATES]
        return pd.DataFrame(rows, columns=["lines", "share", "amount"])

    def migration(self) -> pd.DataFrame:
        """Who went where; what stands for few customers has no number."""
        assert self.before is not None
        was = self.before.customers[["customer_id", "segment_id"]]
        pairs = self.customers.merge(was, on="customer_id", how="outer", suffixes=("", "_was"))
        by = pairs.groupby(["segment_id_was", "segment_id"], dropna=False)
        table = by.agg(customers=("customer_id", "size"), spend=("spend", "sum")).reset_index()
        table.loc[table["segment_id"].isna(), "spend"] = np.nan
        table.loc[table["customers"] < FEWEST, ["customers", "spend"]] = np.nan
        return table[["customers", "spend"]]

    def _large_enough(self) -> list[tuple[str, pd.DataFrame]]:
        return [(name, own) for name, own in self.customers.groupby("segment") if len(own) >= FEWEST]


def _step(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g}+" if high == np.inf else f"{low:g}–{high:g}"

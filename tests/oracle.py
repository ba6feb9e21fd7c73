"""An independent oracle: what custseg must find, in plain pandas, NumPy and scikit-learn.

Written from the meaning of the data alone (docs/meaning.md), all in memory and as plainly as it can be
said. It knows the few headers the tests use.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import silhouette_score

FATES = ["missing_customer", "excluded", "invalid", "cancelled", "non_positive", "duplicate", "kept"]
HEADERS = {
    "Customer ID": "customer_id",
    "CustomerID": "customer_id",
    "Invoice": "invoice",
    "InvoiceNo": "invoice",
    "Quantity": "quantity",
    "Price": "unit_price",
    "UnitPrice": "unit_price",
    "Amount": "amount",
    "InvoiceDate": "invoice_date",
    "StockCode": "product",
}
NUMBERS = ["quantity", "unit_price", "amount"]
UNIT = 10_000
"""Numbers are added up as whole ten-thousandths."""


@dataclass(frozen=True)
class Rules:
    since: dt.date | None = None
    until: dt.date | None = None
    exclude_product: Sequence[str] = ()
    returns: str = "exclude"
    duplicates: str = "drop"
    as_of: dt.date | None = None


@dataclass(frozen=True)
class Answer:
    ledger: dict[str, int]
    money: dict[str, float]
    returns_only: int
    rounded_lines: int
    customers: pd.DataFrame = field(repr=False)
    lines: pd.DataFrame = field(repr=False)


def solve(paths: Iterable[Path], rules: Rules | None = None) -> Answer:
    """Ledger, money and customers (index: customer_id, sorted) of all files together."""
    rules = rules or Rules()
    lines = pd.concat([canonical(read(path)) for path in paths], ignore_index=True)
    given = set(lines.columns)
    derive(lines)
    # Fate and customers are told of the same lines: a column absent from a file is empty there.
    lines["fate"] = fates(lines, given, rules)
    money = (lines["amount"].fillna(0) if "amount" in lines else pd.Series(0.0, lines.index)).groupby(
        lines["fate"]
    )
    sums, counts = money.sum(), lines["fate"].value_counts()
    customers, back = features(lines, given, rules), returned(lines, given, rules)
    long = [lines[name].map(has_more_decimals) for name in NUMBERS if name in given]
    return Answer(
        ledger={"rows_read": len(lines)} | {fate: int(counts.get(fate, 0)) for fate in FATES},
        money={"rows_read": float(sums.sum())} | {fate: float(sums.get(fate, 0)) for fate in FATES},
        returns_only=len(set(back["customer_id"]) - set(customers.index)),
        rounded_lines=int(pd.concat(long, axis=1).any(axis=1).sum()) if long else 0,
        customers=customers,
        lines=lines,
    )


def read(path: Path) -> pd.DataFrame:
    """One file as it stands: CSV as text, Parquet with its types."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    with path.open(encoding="utf-8") as file:
        separator = ";" if ";" in file.readline() else ","
    return pd.read_csv(path, dtype=str, keep_default_na=False, sep=separator)


def canonical(raw: pd.DataFrame) -> pd.DataFrame:
    """Headers to canonical names, cells to values; what cannot be read is missing."""
    columns = {}
    for header in raw.columns:
        name, cells = HEADERS.get(header, f"other:{header}"), raw[header]
        if name == "customer_id":
            columns[name] = texts(cells, customer_text)
        elif name in NUMBERS:
            # Of all the ways people write numbers, the only one made here beside plain ones is £5.
            texts_ = cells.map(stripped).map(lambda text: text.removeprefix("£"))
            numbers = pd.to_numeric(texts_, errors="coerce").astype(float)
            columns[name] = numbers.where(np.isfinite(numbers))
        elif name == "invoice_date":
            dated = cells if pd.api.types.is_datetime64_any_dtype(cells) else cells.map(stripped)
            columns[name] = pd.to_datetime(dated, format="%Y-%m-%d %H:%M:%S", errors="coerce").astype(
                "datetime64[us]"
            )
        else:
            columns[name] = texts(cells, stripped if name == "invoice" else str)
    return pd.DataFrame(columns, index=raw.index)


def texts(cells: pd.Series, reading: Callable[[object], str | None]) -> pd.Series:
    """Each cell as text; empty ones None."""
    return pd.Series([None if pd.isna(c) else reading(c) or None for c in cells], cells.index, object)


def stripped(cell: object) -> str:
    return str(cell).strip()


def customer_text(cell: object) -> str:
    """13085.0 and 13085 are one id; 00418683 keeps its zeros."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", stripped(cell))


def derive(lines: pd.DataFrame) -> None:
    """Add the columns the input lacks."""
    given = set(lines.columns)
    if "quantity" not in given and given & {"unit_price", "amount"}:
        lines["quantity"] = 1.0
    if "unit_price" not in given and "amount" in given:
        lines["unit_price"] = (lines["amount"] / lines["quantity"]).where(lines["quantity"] != 0)
    if "amount" not in given and "unit_price" in given:
        exact = units(lines["quantity"]) * units(lines["unit_price"]) / UNIT**2
        lines["amount"] = exact.where(lines[["quantity", "unit_price"]].notna().all(axis=1))


def has_more_decimals(number: float) -> bool:
    """Whether a number, as Python writes it, has more than four decimals."""
    return bool(np.isfinite(number)) and Decimal(repr(float(number))).normalize().as_tuple().exponent < -4


def units(numbers: pd.Series) -> pd.Series:
    """Numbers as whole ten-thousandths; missing ones as 0."""
    return (numbers.fillna(0) * UNIT).round().astype("int64")


def fates(lines: pd.DataFrame, given: set[str], rules: Rules) -> pd.Series:
    """The fate of each line: the first of FATES that applies."""
    nothing = pd.Series(False, lines.index)
    needed = [name for name in (*NUMBERS, "invoice", "invoice_date") if name in given]
    excluded = nothing.copy()
    if rules.since:
        excluded |= lines["invoice_date"] < pd.Timestamp(rules.since)
    if rules.until:
        excluded |= lines["invoice_date"] >= pd.Timestamp(rules.until) + pd.Timedelta(days=1)
    for expression in rules.exclude_product:
        excluded |= lines["product"].map(
            lambda code, e=expression: bool(code and re.search(e, stripped(code)))
        )
    cancelled = nothing
    if "invoice" in given:
        cancelled = lines["invoice"].map(lambda text: bool(text) and text.startswith("C"))
    signed = [name for name in NUMBERS if name in given or (name == "unit_price" and name in lines)]
    tests = [
        lines["customer_id"].isna(),
        excluded,
        lines[needed].isna().any(axis=1),
        cancelled,
        (lines[signed] <= 0).any(axis=1) if signed else nothing,
    ]
    fate = pd.Series(np.select(tests, FATES[:5], "kept"), lines.index)
    if rules.duplicates == "drop":
        candidates = lines[fate == "kept"]
        compared = [name for name in lines.columns if name in given]
        fate[candidates.index[candidates.duplicated(compared)]] = "duplicate"
    return fate


def features(lines: pd.DataFrame, given: set[str], rules: Rules) -> pd.DataFrame:
    """One row a customer who bought something, every feature that can be had."""
    lines = lines.copy()
    if "invoice" not in given:
        line = pd.Series(lines.index.astype(str), lines.index)
        lines["invoice"] = lines["invoice_date"].dt.date.astype(str) if "invoice_date" in given else line
    kept = lines[lines["fate"] == "kept"]
    by = kept.groupby("customer_id")
    made = pd.DataFrame({"purchases": by["invoice"].nunique(), "lines": by.size()})
    back = returned(lines, given, rules)
    if "quantity" in lines:
        made["total_quantity"] = sum_exactly(kept, "quantity")
    if "unit_price" in lines:
        made["mean_unit_price"] = sum_exactly(kept, "unit_price") / made["lines"]
        made["spend"] = sum_exactly(kept, "amount")
        made["returned_value"] = sum_exactly(back.assign(amount=back["amount"].abs()), "amount")
        made["returned_value"] = made["returned_value"].fillna(0.0)
        made["return_rate"] = made["returned_value"] / (made["spend"] + made["returned_value"])
        if rules.returns == "net":
            made["spend"] = made["spend"].add(sum_exactly(back, "amount"), fill_value=0).loc[made.index]
        made["mean_basket"] = made["spend"] / made["purchases"]
    if "quantity" in lines and rules.returns == "net":
        total = made["total_quantity"].add(sum_exactly(back, "quantity"), fill_value=0)
        made["total_quantity"] = total.loc[made.index]
    if "product" in given:
        made["distinct_products"] = by["product"].agg(
            lambda codes: len({stripped(c) for c in codes.dropna()} - {""})
        )
    if "invoice_date" in given:
        made["first_purchase"], made["last_purchase"] = by["invoice_date"].min(), by["invoice_date"].max()
        last = kept["invoice_date"].max()
        as_of = pd.Timestamp(rules.as_of or (last.date() + dt.timedelta(days=1)))
        made["recency_days"] = (as_of - made["last_purchase"].dt.normalize()).dt.days
        made["tenure_days"] = (as_of - made["first_purchase"].dt.normalize()).dt.days
    return made.sort_index()


def returned(lines: pd.DataFrame, given: set[str], rules: Rules) -> pd.DataFrame:
    """Cancelled and negative lines, each once."""
    negative = pd.Series(False, lines.index)
    for name in ("quantity", "amount"):
        if name in lines:
            negative |= lines[name] < 0
    back = lines[lines["fate"].isin(["cancelled", "non_positive"]) & negative]
    if rules.duplicates == "drop":
        back = back.drop_duplicates([name for name in lines.columns if name in given])
    below = {name: -back[name].abs() for name in ("quantity", "amount") if name in back}
    if "quantity" in below:
        goods = (back["quantity"] < 0) | (back["fate"] == "cancelled")
        below["quantity"] = below["quantity"].where(goods, 0.0)
    return back.assign(**below)


def sum_exactly(lines: pd.DataFrame, name: str) -> pd.Series:
    """Sum of a column by customer, in whole ten-thousandths divided once."""
    return units(lines[name]).groupby(lines["customer_id"]).sum() / UNIT


def log_standard(table: pd.DataFrame) -> np.ndarray:
    """sign(x)·log1p(|x|), minus the mean, over the population standard deviation (0 counts as 1)."""
    x = table.to_numpy(float)
    x = np.sign(x) * np.log1p(np.abs(x))
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread == 0, 1, spread)


def sum_of_squares(points: np.ndarray, labels: np.ndarray) -> float:
    """Squared distances to the mean of each segment, summed."""
    groups = (points[labels == label] for label in np.unique(labels))
    return float(sum(((group - group.mean(axis=0)) ** 2).sum() for group in groups))


def silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    return float(silhouette_score(points, labels))

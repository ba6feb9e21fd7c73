"""Every column once: its name, kind, unit and meaning.

Two tables: the canonical columns of a transaction line, and the features of a customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCALE = 10_000
"""Quantities and money are kept as whole numbers of ten-thousandths, so that sums are exact."""

LINE_LIMIT = 4e11
"""Largest absolute quantity, price or amount of one line; beyond it a double no longer holds every
ten-thousandth, so the line is invalid. In rupiah this is about 25 million US dollars a line."""

LINE_IN_TEXT = 90
"""Bytes of a line in a CSV file, about: sizes of samples and plans hang on it, no answer does."""

Kind = Literal["count", "quantity", "money", "date", "days", "share"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineColumn:
    """A canonical column of a transaction line."""

    name: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """A column of the customer table.

    Attributes
    ----------
    name
        Name in every file.
    label
        Name in charts and texts.
    kind
        What it measures: decides its unit and how it is printed.
    needs
        Canonical columns without which it cannot be had.
    optional
        Computed only when named in ``--features``.
    """

    name: str
    label: str
    kind: Kind
    meaning: str
    needs: tuple[str, ...] = ()
    optional: bool = False

    @property
    def clusterable(self) -> bool:
        """Whether it is a number, so that it can be clustered on."""
        return self.kind != "date"


LINE_COLUMNS = {
    column.name: column
    for column in (
        LineColumn(name="customer_id", meaning="who bought; text, 13085.0 and 13085 are one id"),
        LineColumn(name="invoice", meaning="the purchase this line belongs to; C… is a cancellation"),
        LineColumn(name="quantity", meaning="units of the product"),
        LineColumn(name="unit_price", meaning="price of one unit"),
        LineColumn(name="amount", meaning="total of the line, quantity × unit price"),
        LineColumn(name="invoice_date", meaning="when it was bought"),
        LineColumn(name="product", meaning="what was bought: product code or name"),
    )
}

FEATURES = {
    feature.name: feature
    for feature in (
        Feature(
            name="total_quantity",
            label="Total quantity",
            kind="quantity",
            needs=("quantity",),
            meaning="units bought, summed over all lines",
        ),
        Feature(
            name="mean_unit_price",
            label="Mean unit price",
            kind="money",
            needs=("unit_price",),
            meaning="mean over lines of the price of one unit",
        ),
        Feature(
            name="purchases",
            label="Purchases",
            kind="count",
            needs=("invoice",),
            meaning="distinct invoices",
        ),
        Feature(name="lines", label="Lines", kind="count", meaning="transaction lines kept"),
        Feature(
            name="spend",
            label="Spend",
            kind="money",
            needs=("amount",),
            meaning="sum of the line totals",
        ),
        Feature(
            name="first_purchase",
            label="First purchase",
            kind="date",
            needs=("invoice_date",),
            meaning="date and time of the first purchase",
        ),
        Feature(
            name="last_purchase",
            label="Last purchase",
            kind="date",
            needs=("invoice_date",),
            meaning="date and time of the last purchase",
        ),
        Feature(
            name="recency_days",
            label="Days since last purchase",
            kind="days",
            needs=("invoice_date",),
            meaning="days from the last purchase to the as-of date",
        ),
        Feature(
            name="tenure_days",
            label="Days since first purchase",
            kind="days",
            needs=("invoice_date",),
            meaning="days from the first purchase to the as-of date",
        ),
        Feature(
            name="mean_basket",
            label="Mean basket",
            kind="money",
            needs=("amount", "invoice"),
            meaning="spend divided by purchases",
        ),
        Feature(
            name="distinct_products",
            label="Distinct products",
            kind="count",
            needs=("product",),
            optional=True,
            meaning="different products bought",
        ),
        Feature(
            name="returned_value",
            label="Returned value",
            kind="money",
            needs=("amount",),
            optional=True,
            meaning="absolute value of cancelled and negative lines, duplicates dropped",
        ),
        Feature(
            name="return_rate",
            label="Return rate",
            kind="share",
            needs=("amount",),
            optional=True,
            meaning="returned value divided by spend plus returned value",
        ),
    )
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A column of the customer table that says in which fifth of all customers one is, from 1 to 5."""

    name: str
    label: str
    feature: str
    low_is_good: bool = False


SCORES = {
    score.name: score
    for score in (
        Score(name="recency_score", label="Recency score", feature="recency_days", low_is_good=True),
        Score(name="frequency_score", label="Frequency score", feature="purchases"),
        Score(name="spend_score", label="Spend score", feature="spend"),
    )
}
"""Recency, frequency and monetary value as the trade scores them; see `segments.rfm`."""

PRESETS = {
    "classic": ("total_quantity", "mean_unit_price", "purchases"),
    "rfm": ("recency_days", "purchases", "spend"),
}
"""Named choices of features to cluster on."""

FATES = ("missing_customer", "excluded", "invalid", "cancelled", "non_positive", "duplicate", "kept")
"""What can become of a line that was read; each line has the first that applies."""

"""Features: what is known of each customer, summed exactly and divided once at the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from custseg.columns import FEATURES, SCALE
from custseg.errors import InputError, cut
from custseg.settings import Settings
from custseg.transactions.heads import head_columns
from custseg.transactions.likely import say_likely
from custseg.transactions.numbers import Numbers, multiply
from custseg.transactions.reading import Table
from custseg.transactions.source import NUMBERS
from custseg.transactions.values import divided

Lines = Mapping[str, Numbers]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the exchange must carry and the reduce must add up, for the features that were asked for.

    Attributes
    ----------
    head_columns
        Columns said once a stretch of lines.
    line_columns
        Columns said for each line.
    returns
        Whether returned lines are carried beside the kept ones.
    net
        Whether returns are subtracted.
    features
        The columns of the customer table, in order.
    """

    head_columns: tuple[str, ...]
    line_columns: tuple[str, ...]
    drop_duplicates: bool
    returns: bool
    net: bool
    features: tuple[str, ...]

    def amount(self, columns: Lines) -> Numbers:
        """Return the total of each line."""
        if "amount" in columns:
            return columns["amount"]
        if "unit_price" not in columns:
            return Numbers(np.zeros(len(next(iter(columns.values())).values), np.int8))
        return multiply(columns["quantity"], columns["unit_price"])


def make_recipe(table: Table, settings: Settings) -> Recipe:
    """Decide which features can be had and what they need.

    Raises
    ------
    InputError
        A feature to cluster on needs a column that the input lacks.
    """
    have = set(table.read) | {"invoice"}
    if table.has_money:
        have.add("amount")
    wanted = [f for f in FEATURES.values() if not f.optional or f.name in settings.features]
    possible = tuple(feature.name for feature in wanted if have.issuperset(feature.needs))
    for name in settings.features:
        if name not in possible:
            lacking = sorted(set(FEATURES[name].needs) - have)
            # The first whose header shows it: other files may have the column.
            first = next((s for s in table.sources if not s.columns.keys() >= {*lacking}), table.sources[0])
            further = dict.fromkeys(s.header[place] for s in table.sources for place in s.others.values())
            likely = "".join(say_likely(column, list(further)) for column in lacking)
            clusterable = [feature for feature in possible if FEATURES[feature].clusterable]
            raise InputError(
                "feature-needs-column",
                f"The feature {name} needs a column for {', '.join(lacking)}, which was not found.",
                where=f"{first.contents.place}; it has: {cut(', '.join(first.header))}",
                now=f"Say which it is: --column {lacking[0]}=HEADER; or choose from: "
                f"--features {','.join(clusterable)}.{likely}",
            )
    drop = settings.duplicates == "drop"
    returns = settings.returns == "net" or bool({"returned_value", "return_rate"} & set(possible))
    numbers = [name for name in NUMBERS if name in table.read]
    return Recipe(
        head_columns=(*head_columns(table), *(["returned"] if returns else [])),
        line_columns=(
            *(["line"] if drop or not numbers else []),
            *numbers,
            *(["product"] if "distinct_products" in possible else []),
        ),
        drop_duplicates=drop,
        returns=returns,
        net=settings.returns == "net",
        features=possible,
    )


def finish(parts: pl.LazyFrame, recipe: Recipe, as_of: dt.date | None) -> pl.LazyFrame:
    """Turn whole-number sums into the features.

    Parameters
    ----------
    parts
        Rows as `merging.merge` made them.
    as_of
        The day that recency and tenure are counted to; None without dates.

    Returns
    -------
    LazyFrame
        ``customer_id``, ``key`` (its hash) and the recipe's features.
    """
    quantity, spend = pl.col("total_quantity"), pl.col("spend")
    if recipe.net:
        quantity, spend = quantity + pl.col("returned_total_quantity"), spend + pl.col("returned_spend")
    returned = -pl.col("returned_spend")
    formulas = {
        "total_quantity": divided(quantity, SCALE),
        "mean_unit_price": pl.col("price_sum") / (pl.col("lines") * SCALE),
        "purchases": pl.col("purchases"),
        "lines": pl.col("lines"),
        "spend": divided(spend, SCALE),
        "first_purchase": pl.col("first_purchase"),
        "last_purchase": pl.col("last_purchase"),
        "recency_days": (pl.lit(as_of) - pl.col("last_purchase").dt.date()).dt.total_days(),
        "tenure_days": (pl.lit(as_of) - pl.col("first_purchase").dt.date()).dt.total_days(),
        "mean_basket": spend / (pl.col("purchases") * SCALE),
        "distinct_products": pl.col("distinct_products"),
        "returned_value": divided(returned, SCALE),
        # Amounts that round to 0.0000 may be all that a customer bought.
        "return_rate": pl.when(returned > 0).then(returned / (pl.col("spend") + returned)).otherwise(0.0),
    }
    return parts.select("customer_id", "key", **{name: formulas[name] for name in recipe.features})

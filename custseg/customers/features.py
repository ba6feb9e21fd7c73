"""Features: what is known of each customer, summed exactly and divided once at the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import FEATURES, SCALE
from custseg.customers.duplicates import find_repeated_invoices
from custseg.customers.numbers import LARGEST_SUM, Numbers
from custseg.errors import InputError, cut
from custseg.settings import Settings
from custseg.transactions.heads import head_columns
from custseg.transactions.likely import say_likely
from custseg.transactions.reading import Table
from custseg.transactions.source import NUMBERS
from custseg.transactions.values import divided

Lines = Mapping[str, Numbers]

EXACT = 2**53
"""Whole numbers below it are exact in doubles."""


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
        """Return the total of each line.

        Beyond 2⁵³ ten-thousandths of ten-thousandths in doubles, and the same wherever the steps are the same.
        """
        if "amount" in columns:
            return columns["amount"]
        if "unit_price" not in columns:
            return Numbers(np.zeros(len(next(iter(columns.values())).values), np.int8))
        quantity, price = columns["quantity"], columns["unit_price"]
        unit, rest = divmod(quantity.unit * price.unit, SCALE)
        if not rest and quantity.largest() * price.largest() < EXACT:
            return Numbers(np.multiply(quantity.values, price.values, dtype=np.int64), unit)
        product = np.multiply(quantity.whole(), price.whole(), dtype=np.float64)
        product /= SCALE
        np.rint(product, out=product)
        # No line that is kept has as much, and the others count nothing then.
        product[np.abs(product) > LARGEST_SUM] = 0.0
        return Numbers(product.astype(np.int64))


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
            lacking, first = sorted(set(FEATURES[name].needs) - have), table.sources[0]
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


def aggregate(
    heads: pl.DataFrame,
    columns: Lines,
    amount: Numbers,
    dropped: NDArray[np.bool_],
    recipe: Recipe,
) -> tuple[pl.DataFrame, tuple[pl.DataFrame, pl.DataFrame | None]]:
    """Add up the lines of each stretch and of each customer.

    Parameters
    ----------
    heads
        One row a stretch of lines: the recipe's head columns and ``n``, its number of lines.
    columns
        The recipe's line columns, shape (n_lines,).
    amount
        What `Recipe.amount` makes of them, shape (n_lines,).
    dropped
        Lines that are duplicates.

    Returns
    -------
    stretches
        The heads with whole-number sums in ten-thousandths.
    customers
        One row a customer: whole-number sums in ten-thousandths, counts, first and last purchase.
    products
        With ``distinct_products``: each customer's different products, one row each.

    Raises
    ------
    InputError
        A sum may go beyond what 64 bits hold.
    """
    starts = np.concatenate([[0], np.cumsum(heads["n"].to_numpy())[:-1]])
    out = np.flatnonzero(dropped)
    owner = np.searchsorted(starts, out, side="right") - 1

    def add(numbers: Numbers) -> NDArray[np.int64]:
        if numbers.largest() * len(numbers.values) > LARGEST_SUM:
            raise InputError(
                "sum-too-large",
                "The sums of one group of customers may exceed what 64 bits hold to the ten-thousandth.",
                now="Give quantities and amounts in thousands.",
            )
        sums: NDArray[np.int64] = np.add.reduceat(numbers.values, starts, dtype=np.int64)
        np.subtract.at(sums, owner, numbers.at(out).values.astype(np.int64))
        sums *= numbers.unit
        return sums

    sums = {"lines": heads["n"].to_numpy() - np.bincount(owner, minlength=heads.height)}
    if "quantity" in columns:
        sums["total_quantity"] = add(columns["quantity"])
    if "unit_price" in columns:
        sums["price_sum"] = add(columns["unit_price"])
    if "amount" in columns or "unit_price" in columns:
        sums["spend"] = add(amount)
    stretches = heads.with_columns(pl.Series(name, values) for name, values in sums.items())
    products = None
    if "product" in columns:
        product = columns["product"].values
        bought = np.flatnonzero(~dropped & (product != 0))
        head = np.repeat(np.arange(heads.height), heads["n"].to_numpy())[bought]
        products = heads.select(pl.all().gather(head)).with_columns(product=product[bought])
        if recipe.returns:
            products = products.filter(~pl.col("returned"))
        products = products.select("customer_id", "product").unique()
    return stretches, (_by_customer(stretches, recipe, tuple(sums)), products)


def _by_customer(stretches: pl.DataFrame, recipe: Recipe, sums: Sequence[str]) -> pl.DataFrame:
    bought = stretches.filter(~pl.col("returned")) if recipe.returns else stretches
    made = [pl.col(name).sum() for name in sums] + [pl.col("purchases").sum()]
    if "invoice_date" in stretches.columns:
        when = pl.col("invoice_date")
        made += [when.min().alias("first_purchase"), when.max().alias("last_purchase")]
    customers = bought.with_columns(purchases=_purchases(bought)).group_by("customer_id").agg(made)
    if not recipe.returns:
        return customers
    back = [pl.col(name).sum().alias(f"returned_{name}") for name in sums]
    returned = stretches.filter("returned").group_by("customer_id").agg(back)
    counts = pl.col("purchases", *sums, *(f"returned_{name}" for name in sums))
    both = customers.join(returned, on="customer_id", how="full", coalesce=True)
    return both.with_columns(counts.fill_null(0))


def _purchases(bought: pl.DataFrame) -> pl.Series:
    """Return 1 for each stretch that is the first of its invoice: their sum is the number of invoices.

    A stretch whose lines were all duplicates still names an invoice that another stretch holds.
    """
    if "invoice" in bought.columns:
        invoices = bought.select("customer_id", "invoice")
    elif "invoice_date" in bought.columns:
        invoices = bought.select("customer_id", pl.col("invoice_date").dt.date())
    else:
        return bought["lines"].cast(pl.Int64)
    return pl.Series((~find_repeated_invoices(invoices)).astype(np.int64))


def merge(groups: Sequence[tuple[pl.DataFrame, pl.DataFrame | None]]) -> tuple[pl.DataFrame, int]:
    """Put the slices of a bucket together.

    Returns
    -------
    customers
        One row a customer with a purchase.
    returns_only
        Customers left out because they only returned.
    """
    customers = pl.concat([group for group, _ in groups])
    if len(groups) > 1:
        first = [pl.col("first_purchase").min()] if "first_purchase" in customers.columns else []
        last = [pl.col("last_purchase").max()] if "last_purchase" in customers.columns else []
        rest = pl.exclude("customer_id", "first_purchase", "last_purchase").sum()
        summed = customers.group_by("customer_id").agg(rest, *first, *last)
        customers = summed.select(customers.columns)  # As the parts of buckets in one slice have them.
    products = [pairs for _, pairs in groups if pairs is not None]
    if products:
        counted = pl.concat(products).unique().group_by("customer_id").agg(distinct_products=pl.len())
        customers = customers.join(counted, on="customer_id", how="left").with_columns(
            pl.col("distinct_products").cast(pl.Int64).fill_null(0)
        )
    everyone = customers.height
    customers = customers.filter(pl.col("lines") > 0)
    return customers, everyone - customers.height


def finish(parts: pl.LazyFrame, recipe: Recipe, as_of: dt.date | None) -> pl.LazyFrame:
    """Turn whole-number sums into the features.

    Parameters
    ----------
    parts
        Rows as `merge` made them.
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

"""Slices of a bucket, each added up by itself, put together."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import polars.selectors as cs

from custseg.customers.totals import Totals, too_large
from custseg.transactions.numbers import LARGEST_SUM


def merge(slices: Sequence[Totals]) -> tuple[pl.DataFrame, pl.DataFrame | None, int]:
    """Put the slices of a bucket together.

    Returns
    -------
    customers
        One row a customer with a purchase, in the order of key and id.
    months
        As in `Totals`, of these customers; purchases on one invoice are in one slice.
    returns_only
        Customers left out because they only returned.

    Raises
    ------
    InputError
        A sum goes beyond what 64 bits hold.
    """
    customers = pl.concat([part.customers for part in slices])
    if len(slices) > 1:
        kept = ("first_purchase", "last_purchase")
        ends = [pl.col(kept[0]).min(), pl.col(kept[1]).max()] if kept[0] in customers.columns else []
        # Each slice has been held to its bounds, but 64 bits may not hold them together.
        sums = pl.exclude(*kept).cast(pl.Int128).sum()
        summed = customers.group_by("customer_id", "key").agg(sums, *ends)
        if (summed.select(cs.by_dtype(pl.Int128).abs().max()).max_horizontal() > LARGEST_SUM).any():
            raise too_large()
        customers = summed.select(customers.columns).cast(customers.schema).sort("key", "customer_id")
    if products := [part.products for part in slices if part.products is not None]:
        counted = pl.concat(products).unique().group_by("customer_id").agg(distinct_products=pl.len())
        customers = customers.join(counted, on="customer_id", how="left", maintain_order="left")
        customers = customers.with_columns(pl.col("distinct_products").cast(pl.Int64).fill_null(0))
    everyone = customers.height
    if not (customers["lines"] > 0).all():
        customers = customers.filter(pl.col("lines") > 0)
    return customers, _merge_months(slices, customers), everyone - customers.height


def _merge_months(slices: Sequence[Totals], customers: pl.DataFrame) -> pl.DataFrame | None:
    """Put the months of all slices together, of those customers that are left."""
    if len(slices) == 1 and slices[0].customers.height == customers.height:
        return slices[0].months
    rows = customers.select("key", "customer_id").with_row_index("row")
    parts = []
    for part in slices:
        if part.months is None:
            return None
        known = part.customers.select("key", "customer_id").join(
            rows, on=["key", "customer_id"], how="left", maintain_order="left"
        )
        placed = part.months.with_columns(known["row"].gather(part.months["row"]))
        parts.append(placed.filter(pl.col("row").is_not_null()))
    months = pl.concat(parts)
    return months.group_by("row", "month").agg(pl.exclude("row", "month").sum()) if len(parts) > 1 else months

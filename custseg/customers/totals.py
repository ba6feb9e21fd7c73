"""Totals: lines added up by stretch, by customer, and by customer and month, exactly."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.customers.duplicates import find_first_invoices
from custseg.customers.features import Lines, Recipe
from custseg.customers.keys import key
from custseg.errors import InputError
from custseg.transactions.cleaning import CANCELLATION_MARK
from custseg.transactions.numbers import Numbers

MONTHS = 1 << 11
"""More months than there are from January 1970 to December 2100, outside which dates are unreadable."""


class Totals(NamedTuple):
    """What a bucket adds up to, or a slice of it.

    Attributes
    ----------
    customers
        One row a customer, in the order of ``key`` (the hash of the id) and id: whole-number sums in
        ten-thousandths, counts, first and last purchase; those of returns as ``returned_…``.
    months
        Where there are dates: ``row`` (place among the customers), ``month`` (from January 1970),
        ``purchases`` and, where there is money, ``spend`` in ten-thousandths; one row a customer and month,
        in any order.
    products
        With ``distinct_products``: each customer's different products, one row each.
    """

    customers: pl.DataFrame
    months: pl.DataFrame | None
    products: pl.DataFrame | None


def add_up(
    heads: pl.DataFrame, columns: Lines, amount: Numbers, dropped: NDArray[np.bool_], recipe: Recipe
) -> Totals:
    """Add up the lines of each customer.

    Parameters
    ----------
    heads
        One row a stretch of lines: the recipe's head columns and ``n``, its number of lines.
    columns
        The recipe's line columns, shape (n_lines,).
    amount
        What `Recipe.amount` makes of them, shape (n_lines,).
    dropped
        Lines that are duplicates, shape (n_lines,).

    Raises
    ------
    InputError
        A sum may go beyond what 64 bits hold.
    """
    returned = heads["returned"].to_numpy() if recipe.returns else None
    if returned is not None:
        columns, amount = _taken_back(heads, columns, amount)
    sums = _by_stretch(heads, columns, amount, dropped)
    bought = {name: _but(returned, 0, values) for name, values in sums.items()}
    month = _month(heads["invoice_date"]) if "invoice_date" in heads.columns else None
    purchases, in_month = _purchases(heads, bought["lines"], returned, month)

    ids, keys, by_customer = _customers(heads["customer_id"])
    made: dict[str, Any] = {"customer_id": ids, "key": keys}
    made |= {name: by_customer.total(values) for name, values in bought.items()}
    made["purchases"] = by_customer.total(purchases)
    if returned is not None:
        back = {f"returned_{name}": _but(~returned, 0, values) for name, values in sums.items()}
        made |= {name: by_customer.total(values) for name, values in back.items()}
    customers = pl.DataFrame(made)
    months = None
    if month is not None:
        customers = _with_first_and_last(customers, heads["invoice_date"], returned, by_customer)
        monthly = {"purchases": in_month}
        if "spend" in sums:
            monthly["spend"] = sums["spend"] if recipe.net else bought["spend"]
        months = _by_month(month, monthly, by_customer)
    return Totals(customers, months, _products(heads, columns, dropped) if "product" in columns else None)


def _but(marks: NDArray[np.bool_] | None, other: int, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return values, and something else where there is a mark."""
    return values if marks is None else np.where(marks, other, values)


def _taken_back(heads: pl.DataFrame, columns: Lines, amount: Numbers) -> tuple[Lines, Numbers]:
    """Return quantities and amounts with those of returned lines below zero: a till may write only one so.

    A line of money below zero that no invoice cancels takes none of the goods back: it is a discount.
    """
    lengths = heads["n"].to_numpy()
    returned = np.repeat(heads["returned"].to_numpy(), lengths)

    def below(numbers: Numbers) -> Numbers:
        return Numbers(np.where(returned, -np.abs(numbers.values), numbers.values), numbers.unit)

    if "quantity" in columns:
        quantity = columns["quantity"]
        goods = quantity.values < 0
        if "invoice" in heads.columns:
            cancelled = heads["invoice"].str.starts_with(CANCELLATION_MARK).fill_null(False)
            goods |= np.repeat(cancelled.to_numpy(), lengths)
        taken = below(quantity).values
        columns = {**columns, "quantity": Numbers(np.where(returned & ~goods, 0, taken), quantity.unit)}
    return columns, below(amount)


class _Groups(NamedTuple):
    """Stretches in an order that puts each group's together, and where in that order the groups begin."""

    order: NDArray[np.int64]
    begins: NDArray[np.int64]

    def total(self, values: NDArray[Any], add: np.ufunc = np.add) -> NDArray[np.int64]:
        """Add up values of stretches by group."""
        totals: NDArray[np.int64] = add.reduceat(values.take(self.order).astype(np.int64), self.begins)
        return totals

    def numbers(self) -> NDArray[np.int64]:
        """Return the group of each stretch."""
        numbers = np.empty(len(self.order), np.int64)
        lengths = np.diff(self.begins, append=len(self.order))
        numbers[self.order] = np.repeat(np.arange(len(self.begins)), lengths)
        return numbers


def _customers(customer_id: pl.Series) -> tuple[pl.Series, NDArray[np.uint64], _Groups]:
    """Return the different customers and their keys, in the order of key and id, and their stretches."""
    hashes = key(customer_id)
    order = np.argsort(hashes.to_numpy())
    keys, ids = hashes.to_numpy()[order], customer_id[order]
    another = (ids[1:] != ids[:-1]).to_numpy()
    if (another & (keys[1:] == keys[:-1])).any():
        # Customers share a hash, one chance in billions or somebody's doing: their stretches may alternate.
        both = pl.DataFrame({"key": hashes, "customer_id": customer_id})
        order = both.select(pl.arg_sort_by("key", "customer_id")).to_series().to_numpy().astype(np.int64)
        keys, ids = hashes.to_numpy()[order], customer_id[order]
        another = (ids[1:] != ids[:-1]).to_numpy()
    begins = np.concatenate([[0], np.flatnonzero(another) + 1])
    return ids[begins], keys[begins], _Groups(order, begins)


def _by_stretch(
    heads: pl.DataFrame, columns: Lines, amount: Numbers, dropped: NDArray[np.bool_]
) -> dict[str, NDArray[np.int64]]:
    """Add up the lines of each stretch that are no duplicates."""
    lengths = heads["n"].to_numpy()
    starts = np.cumsum(lengths) - lengths
    out = np.flatnonzero(dropped)
    owner = np.searchsorted(starts, out, side="right") - 1

    def add(numbers: Numbers) -> NDArray[np.int64]:
        if not numbers.sum_fits():
            raise too_large()
        # Widened before: while `reduceat` does it, it holds Python's lock, and other buckets wait.
        sums: NDArray[np.int64] = np.add.reduceat(numbers.values.astype(np.int64, copy=False), starts)
        np.subtract.at(sums, owner, numbers.at(out).values.astype(np.int64))
        sums *= numbers.unit
        return sums

    sums = {"lines": lengths - np.bincount(owner, minlength=len(lengths))}
    if "quantity" in columns:
        sums["total_quantity"] = add(columns["quantity"])
    if "unit_price" in columns:
        sums["price_sum"] = add(columns["unit_price"])
    if "amount" in columns or "unit_price" in columns:
        sums["spend"] = add(amount)
    return sums


def too_large() -> InputError:
    """Return the error for sums that 64 bits may not hold."""
    return InputError(
        "sum-too-large",
        "The sums of one group of customers may exceed what 64 bits hold to the ten-thousandth.",
        now="Give quantities and amounts in thousands.",
    )


def _purchases(
    heads: pl.DataFrame,
    lines: NDArray[np.int64],
    returned: NDArray[np.bool_] | None,
    month: NDArray[np.int16] | None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return what adds up to the number of invoices, and to that in each month: a mark on the first of each.

    A stretch whose lines were all duplicates still names an invoice that another stretch holds. Without
    invoices a purchase is a day, without dates a line.
    """
    if "invoice" in heads.columns:
        purchase = heads["invoice"]
    elif month is not None:
        purchase = heads["invoice_date"].dt.date()
    else:
        return lines, lines
    invoices = heads["customer_id"].to_frame().hstack([purchase])
    if returned is None:
        return find_first_invoices(invoices, month)
    bought = ~returned
    purchases, in_month = np.zeros((2, heads.height), np.bool_)
    purchases[bought], in_month[bought] = find_first_invoices(
        invoices.filter(bought), None if month is None else month[bought]
    )
    return purchases, in_month


def _with_first_and_last(
    customers: pl.DataFrame,
    invoice_date: pl.Series,
    returned: NDArray[np.bool_] | None,
    by_customer: _Groups,
) -> pl.DataFrame:
    """Add the first and last purchase of each customer; null of those who bought nothing."""
    times = invoice_date.to_numpy().astype("datetime64[us]").view(np.int64)
    never = np.iinfo(np.int64)
    first = by_customer.total(_but(returned, never.max, times), np.minimum)
    last = by_customer.total(_but(returned, never.min, times), np.maximum)
    ends = {"first_purchase": first, "last_purchase": last}
    customers = customers.hstack([pl.Series(name, times.view("M8[us]")) for name, times in ends.items()])
    if returned is None:
        return customers
    return customers.with_columns(pl.when(pl.col("lines") > 0).then(pl.col(list(ends))))


def _month(invoice_date: pl.Series) -> NDArray[np.int16]:
    """Return the month of each date, counted from January 1970."""
    return invoice_date.to_numpy().astype("datetime64[M]").astype(np.int16)


def _by_month(month: NDArray[np.int16], sums: dict[str, NDArray[Any]], by_customer: _Groups) -> pl.DataFrame:
    """Add up the stretches of each customer and month."""
    places = by_customer.numbers() * MONTHS + month
    order = np.argsort(places)
    places = places[order]
    groups = _Groups(order, np.concatenate([[0], np.flatnonzero(places[1:] != places[:-1]) + 1]))
    row, in_row = np.divmod(places[groups.begins], MONTHS)
    totals: dict[str, NDArray[Any]] = {name: groups.total(values) for name, values in sums.items()}
    totals["purchases"] = totals["purchases"].astype(np.uint32)
    return pl.DataFrame({"row": row.astype(np.uint32), "month": in_row.astype(np.int16), **totals})


def _products(heads: pl.DataFrame, columns: Lines, dropped: NDArray[np.bool_]) -> pl.DataFrame:
    """Return the different products that each customer bought."""
    product = columns["product"].values
    bought = np.flatnonzero(~dropped & (product != 0))
    head = np.repeat(np.arange(heads.height), heads["n"].to_numpy())[bought]
    products = heads[head].with_columns(product=product[bought])
    if "returned" in products.columns:
        products = products.filter(~pl.col("returned"))
    return products.select("customer_id", "product").unique()

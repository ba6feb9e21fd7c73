"""The lines the tills of the made-up shop write, with the dirt of real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.transactions.sample_shop import (
    ACCOUNT,
    CHRISTMAS_FROM,
    CHRISTMAS_MONTH,
    CODE,
    COHORTS,
    DEPARTMENT_SIZE,
    KINDS,
    ONE_OFF,
    PRODUCTS,
    STOCK,
    WEB,
    Floats,
    Ints,
    Shop,
    Trait,
    active_cohorts,
)

Flags = NDArray[np.bool_]

SCHEMA: dict[str, pl.DataType] = {
    "Invoice": pl.String(),
    "StockCode": pl.String(),
    "Description": pl.String(),
    "Quantity": pl.Int32(),
    "InvoiceDate": pl.Datetime("us"),
    "Price": pl.Float64(),
    "Customer ID": pl.Int64(),
    "Country": pl.String(),
}
"""The layout of Online Retail II."""

ACCOUNT_CODES = np.array([CODE[c] for c in ("M", "ADJUST", "ADJUST2", "BANK CHARGES", "CRUK", "POST")])
WEB_CODES = np.array([CODE[c] for c in ("DOT", "DOT", "DOT", "gift_0001_20", "AMAZONFEE", "S")])

WEB_SHARE, STOCK_SHARE = 0.19, 0.01
MEAN_LINES = 17.0
"""Lines of an invoice, all kinds together: how many one-off customers fall due in a stretch."""
BULK = 48
"""From this quantity on a product has its lower price."""
LARGEST_QUANTITY = 80_000

CANCELLED_INVOICES = 0.08
DUPLICATE_LINES = 0.01
ZERO_PRICES, RETURNS_WITHOUT_C, MANUAL_LINES = 0.002, 0.003, 0.001
POSTAGE_ABROAD, FEES_ON_WEB, DISCOUNTS = 0.6, 0.1, 0.04


@dataclass(kw_only=True)
class _Invoices:
    """One row an invoice, in order of time; `start` has one more, the end."""

    kind: Ints
    customer: Ints
    cancels: Flags
    start: Ints
    minute: Ints


@dataclass(kw_only=True)
class _Lines:
    """One row a line; `invoice` is the row of its invoice."""

    invoice: Ints
    item: Ints
    quantity: Ints
    price: Floats


def draw_lines(shop: Shop, first_row: int, count: int, first_invoice: int) -> tuple[pl.DataFrame, int]:
    """Draw lines `first_row` to `first_row + count`, as the tills write them in order of time.

    Returns
    -------
    lines
        The columns of `SCHEMA`, `count` rows; drawing takes about 500 bytes a row.
    invoices
        How many invoices they belong to; the first has the number `first_invoice`.
    """
    rng = np.random.default_rng((shop.seed, 1, first_row))
    repeated = int(count * DUPLICATE_LINES)
    distinct = count - repeated
    invoices = _invoices(shop, rng, first_row, count, distinct)
    lines = _goods(shop, rng, invoices, distinct)
    _charge(shop, rng, invoices, lines)
    _soil(rng, invoices, lines)
    _cancel(rng, invoices, lines)
    # A repeated line stands beside its original, as a till that sends twice leaves it.
    rows = np.sort(np.r_[np.arange(distinct), rng.integers(0, distinct, repeated)])
    return _frame(shop, invoices, lines, first_invoice)[rows], len(invoices.kind)


def _invoices(shop: Shop, rng: np.random.Generator, first_row: int, count: int, distinct: int) -> _Invoices:
    """Draw invoices until they hold `distinct` lines; the last may be cut short."""
    kind, customer = _buyers(shop, rng, first_row, count)
    cancels = (rng.random(len(kind)) < CANCELLED_INVOICES) & (kind < ONE_OFF)
    cancels[0] = False
    cancels[1:] &= ~cancels[:-1]
    undone = np.flatnonzero(cancels) - 1
    kind[cancels], customer[cancels] = kind[undone], customer[undone]
    mean = np.array([k.lines for k in KINDS])[kind]
    size = rng.geometric(
        1 / np.where(mean > 1, 1 + mean * np.exp(0.4 * shop.leaning(customer, Trait.LINES)), 1.0)
    )
    size[cancels] = np.minimum(size[undone], rng.geometric(0.6, len(undone)))
    start = np.r_[0, np.cumsum(size)]
    used = int(np.searchsorted(start[1:], distinct)) + 1
    start[used] = distinct
    return _Invoices(
        kind=kind[:used],
        customer=customer[:used],
        cancels=cancels[:used],
        start=start[: used + 1],
        minute=_minutes(shop, rng, first_row, count, used),
    )


def _buyers(shop: Shop, rng: np.random.Generator, first_row: int, count: int) -> tuple[Ints, Ints]:
    """Draw kind and customer (-1 for none) of more invoices than `count` lines can need."""
    low, high = active_cohorts((first_row + count / 2) / shop.rows)
    weight = np.array([k.share * k.rate for k in KINDS]) * (high - low) / COHORTS * (shop.size > 0)
    weight *= (1 - WEB_SHARE - STOCK_SHARE) / max(weight.sum(), 1e-9)
    weight[WEB], weight[STOCK] = WEB_SHARE, STOCK_SHARE
    n = count // 6 + 200
    kind = np.searchsorted(np.cumsum(weight), rng.random(n) * weight.sum(), side="right").clip(0, STOCK)
    # Each one-off customer has one moment in the two years, so that no list of them is needed.
    due = [int(shop.size[ONE_OFF]) * row // shop.rows for row in (first_row, first_row + count)]
    singles = rng.random(n) < min(0.5, (due[1] - due[0]) / (count / MEAN_LINES))
    singles &= np.cumsum(singles) <= due[1] - due[0]
    kind[singles] = ONE_OFF
    size = np.maximum(shop.size[kind], 1)
    cohort = low[kind] + (rng.random(n) * (high - low)[kind]).astype(np.int64)
    rank = (-(-size // COHORTS) * rng.random(n) ** 2).astype(np.int64)
    place = (rank * COHORTS + cohort) % size
    place[singles] = due[0] + np.arange(int(singles.sum()))
    return kind, np.where(kind >= WEB, -1, shop.first[kind] + place)


def _minutes(shop: Shop, rng: np.random.Generator, first_row: int, count: int, invoices: int) -> Ints:
    """Draw the minute (since 1970) of each invoice, rising, in opening hours."""
    share = (first_row + np.sort(rng.random(invoices)) * count) / shop.rows
    day = np.searchsorted(shop.turnover, share, side="right").clip(0, len(shop.days) - 1)
    before = np.r_[0.0, shop.turnover][day]
    within = ((share - before) / (shop.turnover[day] - before)).clip(0, 1)
    # Half past seven to eight in the evening, thickest at noon.
    hour = 0.5 + np.sign(within - 0.5) * np.abs(2 * within - 1) ** 1.6 / 2
    return np.asarray(shop.days[day] * 1440 + 450 + (hour * 749).astype(np.int64))


def _goods(shop: Shop, rng: np.random.Generator, invoices: _Invoices, count: int) -> _Lines:
    """Draw product, quantity and price of each line."""
    invoice = np.repeat(np.arange(len(invoices.kind)), np.diff(invoices.start))
    favourite = (shop.trait(invoices.customer, Trait.TASTE) * PRODUCTS).astype(np.int64)[invoice]
    loyal = (invoices.customer >= 0)[invoice] & (rng.random(count) < 0.5)
    draw = rng.random(count)
    item = np.where(
        loyal,
        (favourite + (draw * DEPARTMENT_SIZE).astype(np.int64)) % PRODUCTS,
        shop.popularity[(PRODUCTS * draw**2.2).astype(np.int64)],
    )
    month = invoices.minute.astype("datetime64[m]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    off_season = (item >= CHRISTMAS_FROM) & (month < CHRISTMAS_MONTH)[invoice]
    item[off_season] = (item[off_season] + 5 * DEPARTMENT_SIZE) % PRODUCTS
    usual = np.log([k.quantity for k in KINDS])[invoices.kind] + 0.5 * shop.leaning(
        invoices.customer, Trait.QUANTITY
    )
    quantity = np.exp(usual[invoice] + 0.8 * rng.standard_normal(count)).clip(1, LARGEST_QUANTITY)
    quantity = np.where(quantity > 9, np.rint(quantity / 6) * 6, np.floor(quantity)).astype(np.int64)
    price = shop.prices[item]
    bulk = quantity >= BULK
    price[bulk] = (price[bulk] * 0.82).round(2)
    return _Lines(invoice=invoice, item=item, quantity=quantity, price=price)


def _charge(shop: Shop, rng: np.random.Generator, invoices: _Invoices, lines: _Lines) -> None:
    """Turn some lines into postage, fees, manual and account lines."""
    kind = invoices.kind[lines.invoice]
    chance = rng.random(len(kind))
    last = np.r_[lines.invoice[1:] != lines.invoice[:-1], True]
    abroad = (shop.country(invoices.customer) > 0)[lines.invoice]
    post = last & abroad & (chance < POSTAGE_ABROAD) & (kind != ACCOUNT)
    lines.item[post] = np.where(chance[post] < POSTAGE_ABROAD / 10, CODE["C2"], CODE["POST"])
    fee = last & (kind == WEB) & (chance < FEES_ON_WEB)
    lines.item[fee] = rng.choice(WEB_CODES, int(fee.sum()))
    lines.item[(chance > 1 - MANUAL_LINES) & (kind < ACCOUNT)] = CODE["M"]
    account = kind == ACCOUNT
    lines.item[account] = rng.choice(ACCOUNT_CODES, int(account.sum()))
    charge = lines.item >= PRODUCTS
    lines.quantity[charge] = 1
    usual = shop.prices[lines.item[charge]]
    lines.price[charge] = (usual * np.exp(0.6 * rng.standard_normal(len(usual)))).round(2).clip(0.05)


def _frame(shop: Shop, invoices: _Invoices, lines: _Lines, first_invoice: int) -> pl.DataFrame:
    """Write the lines out in the columns of `SCHEMA`."""
    numbers = np.arange(first_invoice, first_invoice + len(invoices.kind))
    heads = pl.DataFrame(
        {
            "Invoice": pl.Series(numbers).cast(pl.String),
            "cancels": invoices.cancels,
            "InvoiceDate": invoices.minute.astype("datetime64[m]").astype("datetime64[us]"),
            "known": invoices.customer >= 0,
            "Customer ID": shop.ids(invoices.customer),
            "Country": shop.countries.gather(shop.country(invoices.customer)),
        }
    ).with_columns(
        pl.when("cancels").then("C" + pl.col("Invoice")).otherwise("Invoice").alias("Invoice"),
        pl.when("known").then("Customer ID").alias("Customer ID"),
    )
    return heads[lines.invoice].select(
        "Invoice",
        shop.codes.gather(lines.item).alias("StockCode"),
        shop.names.gather(lines.item).alias("Description"),
        pl.Series("Quantity", lines.quantity).cast(pl.Int32),
        "InvoiceDate",
        pl.Series("Price", lines.price),
        "Customer ID",
        "Country",
    )


def _soil(rng: np.random.Generator, invoices: _Invoices, lines: _Lines) -> None:
    """Give goods away, take goods back without a C, and write off stock."""
    stock = (invoices.kind == STOCK)[lines.invoice]
    goods = ~stock & (lines.item < PRODUCTS)
    dirt = rng.random(len(goods))
    lines.price[stock | (goods & (dirt < ZERO_PRICES))] = 0
    lines.quantity[stock | (goods & (dirt > 1 - RETURNS_WITHOUT_C))] *= -1


def _cancel(rng: np.random.Generator, invoices: _Invoices, lines: _Lines) -> None:
    """Make each cancellation undo lines of the invoice before it; some are discounts instead."""
    rows = np.flatnonzero(invoices.cancels[lines.invoice])
    invoice = lines.invoice[rows]
    undone = rows - invoices.start[invoice] + invoices.start[invoice - 1]
    lines.item[rows] = lines.item[undone]
    lines.price[rows] = lines.price[undone]
    lines.quantity[rows] = -np.abs(lines.quantity[undone])
    discounts = rows[rng.random(len(rows)) < DISCOUNTS]
    lines.item[discounts], lines.quantity[discounts] = CODE["D"], -1

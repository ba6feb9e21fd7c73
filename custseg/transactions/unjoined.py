"""Tables to join: exports of several tables, refused with the join to make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from custseg.errors import InputError


@dataclass(frozen=True, slots=True)
class Part:
    """One table of an export that must be joined first: what it has, and what it has not while alone."""

    needs: frozenset[str]
    lacks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unjoined:
    """An export of several tables, and the join that makes one of them."""

    name: str
    parts: tuple[Part, ...]
    join: str


def _part(needs: str, lacks: str) -> Part:
    return Part(frozenset(needs.split()), frozenset(lacks.split()))


UNJOINED = (
    Unjoined(
        "Olist",
        (
            _part("orderid customerid orderstatus orderpurchasetimestamp", "price customeruniqueid"),
            _part("orderid orderitemid productid sellerid price", "customeruniqueid orderpurchasetimestamp"),
            _part("customerid customeruniqueid customerzipcodeprefix", "orderid"),
            _part("orderid paymentsequential paymenttype", "customeruniqueid"),
        ),
        "items.join(orders, on='order_id').join(customers, on='customer_id').write_parquet('olist.parquet'), "
        "with items, orders and customers read by polars.read_csv from olist_order_items_dataset.csv, "
        "olist_orders_dataset.csv and olist_customers_dataset.csv; then run custseg on olist.parquet.",
    ),
    Unjoined(
        "Instacart",
        (
            _part("orderid userid evalset ordernumber orderdow", "productid"),
            _part("orderid productid addtocartorder reordered", "userid"),
        ),
        "products.join(orders, on='order_id').write_parquet('instacart.parquet'), with products and orders "
        "read by polars.read_csv from order_products__prior.csv and orders.csv; then run custseg on "
        "instacart.parquet with --features lines,purchases: the data have no prices and no dates.",
    ),
)


def find_unjoined(header: Iterable[str], place: str) -> InputError | None:
    """Return the error for a file that is one of several tables, with the join to make; None for others."""
    names = set(header)
    for export in UNJOINED:
        if any(part.needs <= names and not part.lacks & names for part in export.parts):
            return InputError(
                "tables-to-join",
                f"This is one table of the {export.name} data, whose tables must be joined first.",
                where=place,
                now=f"In Python: {export.join}",
            )
    return None

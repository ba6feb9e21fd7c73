"""Known layouts: exports whose headers mean what no vocabulary could tell.

A layout is recognised by the headers it needs, and then says of every canonical column where it is; a column
it does not name is not there, whatever its header suggests. Exports of several tables are recognised too, and
refused with the join to make.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from custseg.errors import InputError


@dataclass(frozen=True, slots=True)
class Layout:
    """One known way of exporting transactions; all headers in plain form (`vocabulary.plain`).

    Attributes
    ----------
    needs
        Headers that must all be there.
    columns
        For each canonical column the headers it may have, the best first; empty where the vocabulary says it
        all.
    """

    name: str
    needs: frozenset[str]
    columns: dict[str, tuple[str, ...]] = field(hash=False)


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


def _layout(name: str, needs: str, **columns: str) -> Layout:
    places = {column: tuple(headers.split()) for column, headers in columns.items()}
    return Layout(name, frozenset(needs.split()), places)


def _part(needs: str, lacks: str) -> Part:
    return Part(frozenset(needs.split()), frozenset(lacks.split()))


LAYOUTS = (
    _layout(
        "Online Retail",
        "invoiceno stockcode quantity invoicedate unitprice customerid",
    ),
    _layout(
        "Online Retail II",
        "invoice stockcode quantity invoicedate price customerid",
    ),
    # Order-level columns such as Total stand on the first line of an order only.
    _layout(
        "Shopify orders",
        "name email financialstatus lineitemquantity lineitemprice",
        customer_id="email",
        invoice="name",
        quantity="lineitemquantity",
        unit_price="lineitemprice",
        invoice_date="createdat",
        product="lineitemsku lineitemname",
    ),
    # customer_id is 0 for every guest, so the e-mail address tells customers apart.
    _layout(
        "WooCommerce orders, one row an item",
        "orderid billingemail itemquantity itemtotal",
        customer_id="billingemail",
        invoice="orderid",
        quantity="itemquantity",
        amount="itemtotal",
        invoice_date="orderdate date",
        product="itemsku itemname",
    ),
    _layout(
        "WooCommerce orders (Advanced Order Export)",
        "ordernumber orderdate emailbilling itemcost",
        customer_id="emailbilling",
        invoice="ordernumber",
        quantity="quantityrefund quantity",
        unit_price="itemcost",
        invoice_date="orderdate",
        product="sku itemname",
    ),
    _layout(
        "WooCommerce Analytics orders",
        "date order customer customertype itemssold",
        customer_id="customer",
        invoice="order",
        quantity="itemssold",
        amount="nrevenue netsales netrevenue",
        invoice_date="date",
    ),
    _layout(
        "Magento orders",
        "id purchasepoint purchasedate grandtotalbase",
        customer_id="customeremail billtoname",
        invoice="id",
        amount="grandtotalbase",
        invoice_date="purchasedate",
    ),
    # grand_total is the order's, on each of its lines.
    _layout(
        "Magento order items",
        "incrementid createdat sku price qtyordered",
        customer_id="customerid customeremail",
        invoice="incrementid",
        quantity="qtyordered",
        unit_price="price",
        invoice_date="createdat",
        product="sku",
    ),
    # item-price is that of all units of the line.
    _layout(
        "Amazon order report",
        "amazonorderid purchasedate itemprice quantity buyeremail",
        customer_id="buyeremail",
        invoice="amazonorderid",
        quantity="quantity",
        amount="itemprice",
        invoice_date="purchasedate",
        product="sku",
    ),
    # So it is in the report that sellers download.
    _layout(
        "Amazon seller order report",
        "orderid orderitemid purchasedate quantitypurchased itemprice buyeremail",
        customer_id="buyeremail",
        invoice="orderid",
        quantity="quantitypurchased",
        amount="itemprice",
        invoice_date="purchasedate",
        product="sku",
    ),
    # A transaction is a line there.
    _layout(
        "Etsy sold order items",
        "saledate buyer orderid listingid transactionid",
        customer_id="buyer",
        invoice="orderid",
        quantity="quantity",
        unit_price="price",
        invoice_date="saledate",
        product="sku listingid",
    ),
    # The total price has postage in it.
    _layout(
        "eBay orders report",
        "salesrecordnumber ordernumber buyerusername soldfor",
        customer_id="buyerusername",
        invoice="ordernumber",
        quantity="quantity",
        unit_price="soldfor",
        invoice_date="saledate paidondate",
        product="customlabel itemnumber",
    ),
    _layout(
        "PayPal activity",
        "fromemailaddress transactionid gross net",
        customer_id="fromemailaddress",
        invoice="transactionid",
        amount="gross",
        invoice_date="date",
    ),
    # Its account is the ledger's, and the e-mail address may be empty.
    _layout(
        "Xero sales invoices",
        "contactname invoicenumber unitamount accountcode",
        customer_id="contactname",
        invoice="invoicenumber",
        quantity="quantity",
        unit_price="unitamount",
        amount="lineamount",
        invoice_date="invoicedate",
        product="inventoryitemcode description",
    ),
    # customer_id is new with every order there.
    _layout(
        "Olist, joined",
        "customeruniqueid orderid price",
        customer_id="customeruniqueid",
        invoice="orderid",
        unit_price="price",
        invoice_date="orderpurchasetimestamp",
        product="productid",
    ),
    # AMOUNT is a number of units there, SALES_PRICE the total of the line.
    _layout(
        "Ta-Feng",
        "transactiondt customerid productid amount salesprice",
        customer_id="customerid",
        quantity="amount",
        amount="salesprice",
        invoice_date="transactiondt",
        product="productid",
    ),
    # DAY counts from the first day of the study and is no date.
    _layout(
        "dunnhumby, The Complete Journey",
        "householdkey basketid day productid quantity salesvalue",
        customer_id="householdkey",
        invoice="basketid",
        quantity="quantity",
        amount="salesvalue",
        product="productid",
    ),
)

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


def find_layout(header: Set[str]) -> Layout | None:
    """Return the known layout of a header (in plain form): of several the one that needs most."""
    found = [layout for layout in LAYOUTS if layout.needs <= header]
    return max(found, key=lambda layout: len(layout.needs), default=None)


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

"""Known layouts: exports whose headers mean what no vocabulary could tell.

A layout is recognised by the headers it needs, and then says of every canonical column where it is; a column
it does not name is not there, whatever its header suggests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from custseg.transactions.words import plain


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
    leaves_out
        A header, and the values in small letters of lines that are no sale, such as the sum of an order
        beside its items.
    """

    name: str
    needs: frozenset[str]
    columns: dict[str, tuple[str, ...]] = field(hash=False)
    leaves_out: tuple[str, tuple[str, ...]] = ("", ())


class LeftOut(NamedTuple):
    """Lines that a layout leaves out: those with one of these values in the column at this place."""

    place: int
    values: tuple[str, ...]


def _layout(
    name: str, needs: str, leaves_out: Mapping[str, tuple[str, ...]] | None = None, **columns: str
) -> Layout:
    places = {column: tuple(headers.split()) for column, headers in columns.items()}
    return Layout(name, frozenset(needs.split()), places, *(leaves_out or {}).items())


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
    # So do they there, and so may the e-mail address, which a check then asks about.
    _layout(
        "Squarespace orders",
        "orderid email financialstatus lineitemquantity lineitemprice",
        customer_id="email",
        invoice="orderid",
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
    # item-price is that of all units of the line; orders that nothing was paid for have none.
    _layout(
        "Amazon order report",
        "amazonorderid purchasedate itemprice quantity buyeremail",
        {"orderstatus": ("cancelled", "pending")},
        customer_id="buyeremail",
        invoice="amazonorderid",
        quantity="quantity",
        amount="itemprice",
        invoice_date="purchasedate",
        product="sku",
    ),
    _layout(
        "Amazon fulfilled shipments",
        "amazonorderid shipmentid purchasedate itemprice quantityshipped buyeremail",
        customer_id="buyeremail",
        invoice="amazonorderid",
        quantity="quantityshipped",
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
    # A sale stands there as a whole, by its lines, and as it was paid for.
    _layout(
        "Vend sales ledger",
        "receiptnumber linetype customercode quantity subtotal total paid",
        {"linetype": ("sale", "payment")},
        customer_id="customercode",
        invoice="receiptnumber",
        quantity="quantity",
        amount="total",
        invoice_date="date",
        product="sku",
    ),
    # Its account is who was at the till; of customers it says nothing.
    _layout(
        "SumUp sales report",
        "account type transactionid receiptnumber paymentmethod pricegross pricenet",
        invoice="transactionid",
        quantity="quantity",
        invoice_date="date",
        product="description",
    ),
    # The total price has postage in it, and a row without an item sums up those that follow.
    _layout(
        "eBay orders report",
        "salesrecordnumber ordernumber buyerusername soldfor",
        {"itemnumber": ("",)},
        customer_id="buyerusername",
        invoice="ordernumber",
        quantity="quantity",
        unit_price="soldfor",
        invoice_date="saledate paidondate",
        product="customlabel itemnumber",
    ),
    # What the whole order came to stands on each of its lines.
    _layout(
        "Wix orders",
        "ordernumber datecreated contactemail item sku qty price total",
        customer_id="contactemail",
        invoice="ordernumber",
        quantity="qty",
        unit_price="price",
        invoice_date="datecreated",
        product="sku item",
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


def find_layout(header: Set[str]) -> Layout | None:
    """Return the known layout of a header (in plain form): of several the one that needs most."""
    found = [layout for layout in LAYOUTS if layout.needs <= header]
    return max(found, key=lambda layout: len(layout.needs), default=None)


def lines_left_out(layout: str | None, header: Sequence[str]) -> LeftOut | None:
    """Return which lines a file's layout leaves out; None where it has none, or not the column that tells."""
    name, values = next((known.leaves_out for known in LAYOUTS if known.name == layout), ("", ()))
    place = next((i for i, text in enumerate(header) if name and plain(text) == name), None)
    return None if place is None else LeftOut(place, values)


def describe_layout(layout: str, header: Sequence[str]) -> str:
    """Return a layout's name, and which lines it leaves out."""
    if not (left_out := lines_left_out(layout, header)):
        return layout
    which = " or ".join(f"'{value}'" for value in left_out.values if value) or "empty"
    return f"{layout}, without the lines whose '{header[left_out.place].strip()}' is {which}"

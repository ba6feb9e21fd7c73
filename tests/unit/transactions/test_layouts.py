"""Known layouts: what counts of exports whose headers, or lines, mislead."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import custseg
from custseg.errors import InputError
from custseg.pipeline.checked import Check
from custseg.transactions.layouts import find_layout
from custseg.transactions.vocabulary import map_columns
from custseg.transactions.words import plain


def mapped(header: str) -> dict[str, str]:
    names = header.split(",")
    found = map_columns(names, {}, "file.csv")
    return {column: names[position] for column, position in found.columns.items()}


SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Vendor,Id"
)
WOOCOMMERCE = (
    "order_id,order_number,order_date,status,order_total,customer_id,billing_email,item_name,item_sku,"
    "item_quantity,item_total,transaction_id"
)
WOOCOMMERCE_ANALYTICS = (
    "Date,Order #,N. Revenue,Status,Customer,Customer type,Product(s),Items sold,Coupon(s)"
)
MAGENTO = (
    "ID,Purchase Point,Purchase Date,Bill-to Name,Ship-to Name,Grand Total (Base),Status,"
    "Customer Email,Customer Group,Subtotal"
)
MAGENTO_ITEMS = (
    "item_id,status,created_at,sku,price,qty_ordered,grand_total,increment_id,category_name_1,Customer ID"
)
ETSY = "Sale Date,Item Name,Buyer,Quantity,Price,Order Total,Transaction ID,Listing ID,Order ID,SKU"
EBAY = (
    "Sales Record Number,Order Number,Buyer Username,Item Number,Item Title,Custom Label,Quantity,Sold For,"
    "Shipping And Handling,Total Price,Sale Date,Transaction ID"
)
PAYPAL = "Date,Time,Name,Type,Currency,Gross,Fee,Net,From Email Address,Transaction ID,Invoice Number"
OLIST = "order_id,customer_id,order_purchase_timestamp,order_item_id,product_id,price,customer_unique_id"


@pytest.mark.parametrize(
    ("header", "customer", "others"),
    [
        (SHOPIFY, "Email", {"invoice": "Name", "unit_price": "Lineitem price", "product": "Lineitem sku"}),
        (WOOCOMMERCE, "billing_email", {"invoice": "order_id", "amount": "item_total"}),
        (WOOCOMMERCE_ANALYTICS, "Customer", {"invoice": "Order #", "quantity": "Items sold"}),
        (MAGENTO, "Customer Email", {"amount": "Grand Total (Base)", "invoice_date": "Purchase Date"}),
        (MAGENTO_ITEMS, "Customer ID", {"invoice": "increment_id", "quantity": "qty_ordered"}),
        (OLIST, "customer_unique_id", {"unit_price": "price"}),
        (ETSY, "Buyer", {"invoice": "Order ID", "unit_price": "Price", "product": "SKU"}),
        (EBAY, "Buyer Username", {"invoice": "Order Number", "unit_price": "Sold For"}),
        (PAYPAL, "From Email Address", {"invoice": "Transaction ID", "amount": "Gross"}),
    ],
)
def test_shop_systems_are_known(header: str, customer: str, others: dict[str, str]) -> None:
    assert find_layout({plain(name) for name in header.split(",")}) is not None
    found = mapped(header)
    assert found["customer_id"] == customer
    assert found.items() >= others.items()
    assert "amount" not in mapped(SHOPIFY)
    assert "amount" not in mapped(MAGENTO_ITEMS)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at", "Olist"),
        ("order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value", "Olist"),
        ("customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state", "Olist"),
        ("order_id,payment_sequential,payment_type,payment_installments,payment_value", "Olist"),
        ("order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day", "Instacart"),
        ("order_id,product_id,add_to_cart_order,reordered", "Instacart"),
    ],
)
def test_tables_that_must_be_joined_are_refused_with_the_join(header: str, name: str) -> None:
    with pytest.raises(InputError) as caught:
        mapped(header)
    error = caught.value
    assert error.code == "tables-to-join"
    assert name in error.what
    assert ".join(" in error.now


ORDERS = range(60)


def price(order: int) -> int:
    return 10 + order % 7


def check(path: Path, header: str, rows: Sequence[Sequence[object]]) -> Check:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows), ""]))
    return custseg.check(path)


def counted(found: Check) -> tuple[int, float]:
    """Return the lines and the money that count."""
    assert found.ok, found.problems
    assert found.estimate is not None
    record = found.estimate.to_record()
    return record["ledger"]["kept"], record["ledger_amount"]["kept"]


def test_an_order_of_ebay_counts_by_its_items_and_not_as_a_whole_too(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for n in ORDERS:
        whole = ["", 3, f"${price(n) + 10}.00", "Jan-02-24"]
        items = [[331, 1, f"${price(n)}.00", "Jan-02-24"], [332, 2, "$5.00", "Jan-02-24"]]
        rows += [[n, f"12-{n}", f"b{n % 30}", *row] for row in (whole, *items)]
    found = check(
        tmp_path / "a.csv",
        "Sales Record Number,Order Number,Buyer Username,Item Number,Quantity,Sold For,Sale Date",
        rows,
    )
    assert counted(found) == (120, sum(price(n) + 10 for n in ORDERS))
    assert found.estimate is not None
    assert found.estimate.lines["excluded"] == 60
    assert "without the lines whose 'Item Number' is empty" in str(found)


@pytest.mark.parametrize("state", ["Cancelled", "Pending"])
def test_orders_of_amazon_that_were_not_paid_for_need_no_numbers(state: str, tmp_path: Path) -> None:
    rows = [
        [n, f"2024-01-{1 + n % 28:02}", *((state, 0, "") if n % 5 == 0 else ("Shipped", 2, price(n))), n % 30]
        for n in ORDERS
    ]
    found = check(
        tmp_path / "a.csv",
        "amazon-order-id,purchase-date,order-status,quantity,item-price,buyer-email",
        rows,
    )
    assert counted(found) == (48, sum(price(n) for n in ORDERS if n % 5))
    assert found.suspects == ()


def test_an_empty_number_of_a_shipped_order_is_still_a_fault(tmp_path: Path) -> None:
    rows = [[n, "2024-01-02", "Shipped", 2, "" if n % 5 == 0 else 9, n % 30] for n in ORDERS]
    header = "amazon-order-id,purchase-date,order-status,quantity,item-price,buyer-email"
    (problem,) = check(tmp_path / "a.csv", header, rows).problems
    assert problem.error.code == "too-many-invalid"


def test_shipments_of_amazon_have_the_price_of_all_their_units(tmp_path: Path) -> None:
    rows = [
        [n, f"D{n}", "2024-01-02T10:00:00+00:00", "2024-01-03T10:00:00+00:00", n % 30, 3, 3 * price(n)]
        for n in ORDERS
    ]
    found = check(
        tmp_path / "a.csv",
        "amazon-order-id,shipment-id,purchase-date,payments-date,buyer-email,quantity-shipped,item-price",
        rows,
    )
    assert counted(found) == (60, 3 * sum(map(price, ORDERS)))


def test_a_sale_in_a_ledger_of_vend_counts_by_its_lines(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for n in ORDERS:
        kinds = [("Sale", 2, 2 * price(n), ""), ("Sale Line", 2, 2 * price(n), ""), ("Payment", "", "", 9)]
        rows += [
            ["2024-01-02", n, kind, n % 30, units, total, total, paid] for kind, units, total, paid in kinds
        ]
    header = "Date,Receipt Number,Line Type,Customer Code,Quantity,Subtotal,Total,Paid"
    assert counted(check(tmp_path / "a.csv", header, rows)) == (60, 2 * sum(map(price, ORDERS)))


def test_an_order_of_squarespace_has_no_amount_but_its_lines(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for n in ORDERS:
        rows.append([n, f"b{n % 30}@x.org", "PAID", price(n) + 17, "2024-01-02", 1, price(n)])
        rows.append([n, "", "", "", "", 2, 5])
    header = "Order ID,Email,Financial Status,Total,Created at,Lineitem quantity,Lineitem price"
    found = check(tmp_path / "a.csv", header, rows)
    assert counted(found) == (60, sum(map(price, ORDERS)))
    (further,) = [suspect for suspect in found.suspects if suspect.code == "further-lines"]
    assert "50% of lines name no customer" in further.what


def test_who_was_at_a_till_of_sumup_is_no_customer() -> None:
    header = (
        "Date,Type,Transaction ID,Receipt Number,Payment Method,Quantity,Price (Gross),Price (Net),Account"
    )
    with pytest.raises(InputError) as caught:
        mapped(header)
    assert caught.value.code == "no-customer-column"


def test_the_total_of_an_order_of_wix_is_no_total_of_its_lines(tmp_path: Path) -> None:
    rows = [
        [n, '"Jan 2, 2024"', f"b{n % 30}@x.org", item, item, units, each, price(n) + 17, price(n) + 17]
        for n in ORDERS
        for item, units, each in (("Mug", 1, price(n)), ("Cup", 2, 5))
    ]
    header = "Order number,Date created,Contact email,Item,SKU,Qty,Price,Total,Net amount"
    assert counted(check(tmp_path / "a.csv", header, rows)) == (120, sum(price(n) + 10 for n in ORDERS))


@pytest.mark.parametrize(("discount", "said"), [("4.00", True), ("0.00", False), ("", False)])
def test_a_discount_of_a_line_that_is_not_subtracted_is_said(
    discount: str, said: bool, tmp_path: Path
) -> None:
    rows = [
        [f"#{n}", f"b{n % 30}@x.org", "paid", "2024-01-02", 2, price(n), discount if n % 4 == 0 else "0.00"]
        for n in ORDERS
    ]
    header = "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem price,Lineitem discount"
    found = check(tmp_path / "a.csv", header, rows)
    assert counted(found) == (60, 2 * sum(map(price, ORDERS)))
    assert [suspect.what[:5] for suspect in found.suspects] == ["25.0%"] * said

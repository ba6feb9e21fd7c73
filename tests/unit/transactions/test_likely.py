"""Headers that may mean a column: asked about, never taken."""

import pytest

from custseg.errors import InputError
from custseg.transactions.likely import likely_headers, say_likely
from custseg.transactions.vocabulary import map_columns


@pytest.mark.parametrize(
    ("column", "header", "likely"),
    [
        ("quantity", "order-id,quantity-purchased,item-price", ["quantity-purchased"]),
        ("quantity", "Item Qty,Price", ["Item Qty"]),
        ("quantity", "UnitOfMeasure,Community", []),
        ("customer_id", "Guest Email,Server,Table", ["Guest Email"]),
        ("unit_price", "price_cents,total_cents", ["price_cents"]),
        ("amount", "priceCents,orderTotalCents", ["orderTotalCents"]),
        ("customer_id", "Order Id,Invoice", []),
    ],
)
def test_headers_with_a_word_for_it_are_likely(column: str, header: str, likely: list[str]) -> None:
    assert likely_headers(column, header.split(",")) == likely


def test_they_are_said_as_options() -> None:
    assert say_likely("unit_price", ["price_cents"]) == " It may be --column unit_price='price_cents'."
    assert say_likely("unit_price", ["shop"]) == ""


def test_one_unit_a_line_is_asked_for_where_a_column_may_be_the_quantity() -> None:
    header = ["buyer-email", "order-id", "quantity-purchased", "item-price"]
    with pytest.raises(InputError) as caught:
        map_columns(header, {}, "file.csv")
    assert caught.value.code == "likely-quantity"
    assert "--column quantity='quantity-purchased'" in caught.value.now
    assert map_columns(header, {"quantity": "quantity-purchased"}, "file.csv").columns["quantity"] == 2
    assert "quantity" not in map_columns(header, {"quantity": "-"}, "file.csv").columns


@pytest.mark.parametrize(
    "header", ["Total TTC", "Total CHF", "Total (EUR)", "Amount incl. VAT", "Betrag in EUR"]
)
def test_currency_and_tax_are_no_part_of_a_name(header: str) -> None:
    assert map_columns(["Customer", "Invoice", header], {}, "file.csv").columns["amount"] == 2


@pytest.mark.parametrize("header", ["Total tax", "VAT amount", "Tax", "EUR"])
def test_a_tax_is_no_total(header: str) -> None:
    assert "amount" not in map_columns(["Customer", "Invoice", header], {}, "file.csv").columns


def test_totals_with_and_without_tax_are_two_meanings() -> None:
    with pytest.raises(InputError) as caught:
        map_columns(["Customer", "Invoice", "Total HT", "Total TTC"], {}, "file.csv")
    assert caught.value.code == "two-meanings"


def test_amazons_price_is_that_of_all_units() -> None:
    header = [
        "order-id",
        "order-item-id",
        "purchase-date",
        "buyer-email",
        "sku",
        "quantity-purchased",
        "item-price",
    ]
    found = map_columns(header, {}, "file.txt").columns
    assert (header[found["amount"]], header[found["quantity"]]) == ("item-price", "quantity-purchased")
    assert "unit_price" not in found

"""Which header means what: synonyms, and what is asked about."""

import pytest

from custseg.errors import InputError
from custseg.transactions.layouts import LAYOUTS
from custseg.transactions.unjoined import UNJOINED
from custseg.transactions.vocabulary import is_header, map_columns
from custseg.transactions.words import FAIR, LEAST, STRONG, WEAK, plain


def mapped(header: str, **told: str) -> dict[str, str]:
    names = header.split(",")
    found = map_columns(names, told, "file.csv")
    return {column: names[position] for column, position in found.columns.items()}


def refusal(header: str, **told: str) -> InputError:
    with pytest.raises(InputError) as caught:
        mapped(header, **told)
    return caught.value


def test_headers_are_compared_without_case_accents_and_punctuation() -> None:
    assert plain(" Customer ID ") == plain("customer_id") == plain("CUSTOMER-Id") == "customerid"
    assert plain("Quantité") == "quantite"


EXPORTS = {
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country": (
        "customer_id=CustomerID invoice=InvoiceNo quantity=Quantity unit_price=UnitPrice "
        "invoice_date=InvoiceDate product=StockCode"
    ),
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country": (
        "customer_id=Customer_ID invoice=Invoice quantity=Quantity unit_price=Price "
        "invoice_date=InvoiceDate product=StockCode"
    ),
    "Row ID,Order ID,Order Date,Ship Date,Customer ID,Customer Name,Product ID,Product Name,Sales,Quantity": (
        "customer_id=Customer_ID invoice=Order_ID quantity=Quantity amount=Sales invoice_date=Order_Date "
        "product=Product_ID"
    ),
    "t_dat,customer_id,article_id,price,sales_channel_id": (
        "customer_id=customer_id unit_price=price invoice_date=t_dat product=article_id"
    ),
    "household_key,BASKET_ID,DAY,PRODUCT_ID,QUANTITY,SALES_VALUE,STORE_ID": (
        "customer_id=household_key invoice=BASKET_ID quantity=QUANTITY amount=SALES_VALUE product=PRODUCT_ID"
    ),
    "TRANSACTION_DT,CUSTOMER_ID,AGE_GROUP,PRODUCT_SUBCLASS,PRODUCT_ID,AMOUNT,ASSET,SALES_PRICE": (
        "customer_id=CUSTOMER_ID quantity=AMOUNT amount=SALES_PRICE invoice_date=TRANSACTION_DT "
        "product=PRODUCT_ID"
    ),
    "Shopper,Ticket,Units,Unit cost,Total,Timestamp": (
        "customer_id=Shopper invoice=Ticket quantity=Units amount=Total invoice_date=Timestamp"
    ),
    "Order Lines/Product,Order Lines/Quantity,Order Lines/Unit Price,Order Reference,Customer": (
        "customer_id=Customer quantity=Order_Lines/Quantity unit_price=Order_Lines/Unit_Price "
        "product=Order_Lines/Product"
    ),
    "Kunde,Kundennr.,Rechnungsnummer,Rechnung,Menge,Einzelpreis": (
        "customer_id=Kundennr. invoice=Rechnungsnummer quantity=Menge unit_price=Einzelpreis"
    ),
    "Bon,Bon-Nr.,Kunde,Menge": "customer_id=Kunde invoice=Bon-Nr. quantity=Menge",
    "Client,Receipt Number,Qty": "customer_id=Client invoice=Receipt_Number quantity=Qty",
    "Client,Transaction ID,Receipt Number,Qty": "customer_id=Client invoice=Transaction_ID quantity=Qty",
    "Member No,Receipt No,Qty,Revenue,Day": (
        "customer_id=Member_No invoice=Receipt_No quantity=Qty amount=Revenue invoice_date=Day"
    ),
    "Kundennummer,Belegnummer,Menge,Einzelpreis,Datum,Artikelnummer": (
        "customer_id=Kundennummer invoice=Belegnummer quantity=Menge unit_price=Einzelpreis "
        "invoice_date=Datum product=Artikelnummer"
    ),
    "Customer,Customer ID,Amount": "customer_id=Customer_ID amount=Amount",
    "Email,Order ID,Total": "customer_id=Email invoice=Order_ID amount=Total",
    "Email,Customer ID,Total": "customer_id=Customer_ID amount=Total",
    "Price,Unit Price,Account": "customer_id=Account unit_price=Unit_Price",
    "Account,SKU,Product ID,Qty": "customer_id=Account quantity=Qty",
}


@pytest.mark.parametrize("header", EXPORTS)
def test_headers_of_real_exports(header: str) -> None:
    expected = dict(pair.split("=") for pair in EXPORTS[header].split())
    assert {column: name.replace(" ", "_") for column, name in mapped(header).items()} == expected


@pytest.mark.parametrize(
    ("header", "column", "found"),
    [
        ("Invoice,Date,SKU,Qty,Unit Cost,Price,Customer ID", "unit_price", "Price"),
        ("Invoice,Date,SKU,Qty,Unit Cost,Price EUR,Customer ID", "unit_price", "Price EUR"),
        ("Invoice,StockCode,Quantity,InvoiceDate,Unit Cost,Price,Customer ID", "unit_price", "Price"),
        ("Invoice,Date,SKU,Qty,Unit Cost,Customer ID", "unit_price", "Unit Cost"),
        ("Invoice,Date,Account Code,Qty,Price", "customer_id", "Account Code"),
        ("Customer ID,Loyalty Card No,User ID,Facture,N° facture,Qty", "customer_id", "Customer ID"),
        ("Customer ID,Loyalty Card No,User ID,Facture,N° facture,Qty", "invoice", "Facture"),
        ("user_id,email,order_id,Qty", "customer_id", "user_id"),
        (
            "*ContactName,EmailAddress,*InvoiceNumber,*InvoiceDate,*Quantity,*UnitAmount,LineAmount,*AccountCode",
            "customer_id",
            "*ContactName",
        ),
    ],
)
def test_costs_and_ledger_accounts_come_last(header: str, column: str, found: str) -> None:
    assert mapped(header)[column] == found


def test_a_rate_is_no_quantity() -> None:
    assert "quantity" not in mapped("Customer,Order,Price/Qty,Total", quantity="-")
    assert refusal("Customer,Order,Price/Qty,Total").code == "likely-quantity"


def test_an_amount_beside_a_price_may_be_one_of_pieces() -> None:
    error = refusal("customer_id,order_id,date,amount,price")
    assert error.code == "likely-quantity"
    assert "--column quantity='amount'" in error.now
    assert map_columns(["customer_id", "amount", "price"], {"quantity": "-"}, "a.csv").columns["amount"] == 1
    assert mapped("customer_id,order_id,date,amount")["amount"] == "amount"
    assert mapped("customer_id,order_id,total,price")["amount"] == "total"


def test_a_cashier_beside_a_loyalty_card_is_asked_about() -> None:
    assert refusal("User ID,Loyalty Card No,Receipt No,Qty,Price").code == "two-meanings"
    assert refusal("Invoice,Date,Account Code,Email,Qty,Price").code == "two-meanings"


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("Date,Type,Num,Name,Memo,Account,Split,Amount,Balance", "Account", "Name"),
        ("Payment ID,Amount,Card Number,Order ID,Customer Name", "Card Number", "Customer Name"),
        ("Account,Email,Order ID,Qty", "Account", "Email"),
        ("User ID,Card No,Receipt No,Qty", "User ID", "Card No"),
    ],
)
def test_accounts_and_cards_beside_somebodys_name_are_asked_about(
    header: str, first: str, second: str
) -> None:
    error = refusal(header)
    assert error.code == "two-meanings"
    assert f"'{first}' and '{second}' could be the customer_id" in error.what


@pytest.mark.parametrize(
    ("header", "customer"),
    [
        ("Card ID,Customer ID,Customer Email,Amount", "Customer ID"),
        ("Account,Customer,Amount", "Customer"),
        ("Card Number,Order ID,Amount", "Card Number"),
        ("Account No,Name,Amount", "Account No"),
    ],
)
def test_who_is_called_a_customer_is_one_whatever_accounts_there_are(header: str, customer: str) -> None:
    assert mapped(header)["customer_id"] == customer


def test_what_the_user_says_wins() -> None:
    header = "Customer ID,Loyalty,Order ID,Qty,Total"
    assert mapped(header, customer_id="Loyalty")["customer_id"] == "Loyalty"
    assert mapped(header, customer_id="loyalty ")["customer_id"] == "Loyalty"
    assert "invoice" not in mapped(header, invoice="-")
    shopify = "Name,Email,Financial Status,Lineitem quantity,Lineitem price,Total"
    assert mapped(shopify, amount="Total")["amount"] == "Total"
    error = refusal(header, customer_id="Loyalti")
    assert (error.code, error.now) == ("no-such-column", "Did you mean 'Loyalty'?")
    assert refusal("A,A,B", customer_id="A").code == "two-meanings"


@pytest.mark.parametrize(
    ("header", "first", "second", "column"),
    [
        ("Customer ID,Client ID,Qty", "Customer ID", "Client ID", "customer_id"),
        ("Customer ID,Order ID,Invoice,Qty", "Order ID", "Invoice", "invoice"),
        ("Customer ID,Order Date,Invoice Date,Qty", "Order Date", "Invoice Date", "invoice_date"),
        ("Customer ID,Sales,Revenue", "Sales", "Revenue", "amount"),
        ("Customer ID,Qty,Quantity", "Qty", "Quantity", "quantity"),
        ("Customer,Wholesale Price,Retail Price,Qty", "Retail Price", "Wholesale Price", "unit_price"),
        ("Kunde,Debitorennr.,Menge", "Kunde", "Debitorennr.", "customer_id"),
    ],
)
def test_two_meanings_are_asked_about(header: str, first: str, second: str, column: str) -> None:
    error = refusal(header)
    assert error.code == "two-meanings"
    assert first in error.what
    assert second in error.what
    assert f"--column {column}='{first}'" in error.now


def test_one_header_twice_is_no_question_a_flag_could_answer() -> None:
    error = refusal("Customer ID,Qty,Qty")
    assert error.code == "two-meanings"
    assert "Rename" in error.now
    assert "--column" not in error.now


def test_no_customer() -> None:
    error = refusal("Who,What,Qty")
    assert error.code == "no-customer-column"
    assert "Who, What, Qty" in error.where
    assert "--no-header" not in error.now
    assert "--no-header" in refusal("536365,85123A,6,2.55,17850").now


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (
            "Belegnr.;Belegdatum;Debitorennr.;Debitor Name;Artikelnr.;Menge;VK-Preis;Nettobetrag;Währung",
            {"invoice": 0, "invoice_date": 1, "customer_id": 2, "quantity": 5, "unit_price": 6, "amount": 7},
        ),
        (
            "Data da Venda;Hora;Nº do Cupom;CPF do Cliente;Descrição;Qtde;Valor Unitário;Valor Total",
            {"invoice_date": 0, "invoice": 2, "customer_id": 3, "quantity": 5, "unit_price": 6, "amount": 7},
        ),
        (
            "Data scontrino;Numero scontrino;Codice cliente;Quantità;Prezzo unitario;Importo",
            {"invoice_date": 0, "invoice": 1, "customer_id": 2, "quantity": 3, "unit_price": 4, "amount": 5},
        ),
        (
            "Bonnummer;Datum;Klantnummer;Omschrijving;Aantal;Prijs;Bedrag",
            {"invoice": 0, "invoice_date": 1, "customer_id": 2, "quantity": 4, "unit_price": 5, "amount": 6},
        ),
        (
            "N° facture;Date facture;N° client;Désignation;Quantité;Prix unitaire;Montant",
            {"invoice": 0, "invoice_date": 1, "customer_id": 2, "quantity": 4, "unit_price": 5, "amount": 6},
        ),
        (
            "Fiş No;Tarih;Müşteri Kodu;Müşteri Adı;Miktar;Birim Fiyat;İskonto;Tutar",
            {"invoice": 0, "invoice_date": 1, "customer_id": 2, "quantity": 4, "unit_price": 5, "amount": 7},
        ),
        (
            "Nr paragonu;Data sprzedaży;Nr klienta;Ilość;Cena brutto;Wartość brutto",
            {"invoice": 0, "invoice_date": 1, "customer_id": 2, "quantity": 3, "unit_price": 4, "amount": 5},
        ),
        (
            "card_no;txn_id;txn_ts;points_earned;item_count",
            {"customer_id": 0, "invoice": 1, "invoice_date": 2, "quantity": 4},
        ),
    ],
)
def test_tills_of_many_countries(header: str, columns: dict[str, int]) -> None:
    found = map_columns(header.split(";"), {}, "till.csv").columns
    assert {name: place for name, place in found.items() if name != "product"} == columns


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("N° ticket;Date;N° carte fidélité;Qté;PU TTC;Montant HT;TVA;Montant TTC", "amount"),
        ("account_code;document_number;issued_at;net;tax;gross", "amount"),
        ("Nr klienta;Ilość;Wartość brutto;Wartość netto", "amount"),
        ("Client;BillingDocument;SoldToParty;BilledQuantity;NetAmount", "customer_id"),
    ],
)
def test_with_tax_or_without_and_whose_client_is_asked(header: str, column: str) -> None:
    with pytest.raises(InputError, match="could be the " + column) as caught:
        map_columns(header.split(";"), {}, "till.csv")
    assert caught.value.code == "two-meanings"


def test_what_can_be_a_header() -> None:
    assert is_header(["Customer ID", "Qty"], {})
    assert is_header(["Who", "Qty"], {"customer_id": "Who"})
    assert not is_header(["Customer report", "", ""], {})
    assert not is_header(["Customer ID"], {})
    assert not is_header(["Customer:", "All", "Invoice:", "All"], {})
    assert not is_header(["17850", "6", "2.55"], {})


def test_no_word_has_two_meanings() -> None:
    for tier in (STRONG, FAIR, WEAK, LEAST):
        words = [word for words in tier.values() for word in words.split()]
        assert len(words) == len(set(words))
        assert all(word == plain(word) for word in words)
    for layout in LAYOUTS:
        assert all(word == plain(word) for word in layout.needs)
        assert all(word == plain(word) for words in layout.columns.values() for word in words)
    for export in UNJOINED:
        assert all(word == plain(word) for part in export.parts for word in part.needs | part.lacks)

"""Which header means which canonical column.

What the user says with ``--column`` wins, then a known layout, then a vocabulary of synonyms, compared
without case, accents, spaces and punctuation. Two headers that could mean the same column are an error, never
a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from custseg.columns import LINE_COLUMNS
from custseg.errors import InputError, Meet, cut, nearest, stop
from custseg.transactions.layouts import find_layout, find_unjoined

ABSENT = "-"
"""As a header in ``--column``: the input has no such column, whatever its headers suggest."""

STRONG = {
    "customer_id": (
        "customerid customer customerno customernr customernumber customerkey customercode custid "
        "custno client clientid clientno clientcode shopper shopperid household householdid householdkey "
        "account accountid accountno member memberid memberno membernumber buyer buyerid user "
        "userid loyaltyid loyaltycard cardid cardnumber kunde kundennummer kundennr kundenid "
        "cliente clienteid idcliente idclient numeroclient codcliente codigocliente debitor kundenkartennr "
        "会員番号 顧客番号 debitorennr debitorennummer debitornr accountcode accountnumber cardno loyaltyno "
        "loyaltynumber soldtoparty cpf cpfcliente cpfdocliente codigodocliente ncartefidelite cartefidelite "
        "nclient codeclient codicecliente numerocliente klant klantid klantnr klantnummer klient klientid "
        "nrklienta idklienta kodklienta musterikodu musterino"
    ),
    "invoice": (
        "invoice invoiceno invoicenr invoiceid invoicenumber order orderid orderno ordernr ordernumber "
        "orderref basket basketid basketno receipt receiptid receiptno ticket ticketid ticketno "
        "ticketnumber transaction transactionid transactionno transactionnumber bill billno billid "
        "rechnung rechnungsnummer rechnungsnr bestellung bestellnummer bestellnr "
        "belegnummer belegnr beleg bon bonnummer bonnr auftragsnummer "
        "auftragsnr verkaufsbeleg saleid amazonorderid noalbaran レシート番号 伝票番号 facture "
        "numerofacture commande numerocommande factura numerofactura pedido documentno documentnumber "
        "billingdocument txnid txnno nticket noticket numeroticket cupom nodocupom numerodocupom notafiscal "
        "scontrino numeroscontrino fattura numerofattura factuurnummer kassabon paragon nrparagonu "
        "numerparagonu nrfaktury numerfaktury fisno faturano"
    ),
    "quantity": (
        "quantity qty units unitssold itemquantity lineitemquantity lineitemqty qtyordered orderquantity "
        "quantitysold qtysold pieces menge anzahl stuckzahl stk fakturamenge uds unidades 数量 "
        "quantite qte cantidad quantidade qtde qtd quantita aantal ilosc miktar adet billedquantity"
    ),
    "unit_price": (
        "unitprice unitcost itemprice priceperunit priceeach priceunit lineitemprice unitsellingprice "
        "einzelpreis stuckpreis vkpreis 単価 prixunitaire puttc puht preciounitario valorunitario "
        "precounitario prezzounitario stukprijs eenheidsprijs cenajednostkowa cenabrutto cenanetto birimfiyat"
    ),
    "amount": (
        "amount linetotal lineamount linevalue itemtotal totalprice totalamount extendedprice salesvalue "
        "salesamount totalsales betrag gesamtbetrag gesamtpreis nettowert nettobetrag bruttobetrag 金額 "
        "montant montantttc montantht importe importo valortotal netamount grossamount bedrag totaalbedrag "
        "wartosc wartoscbrutto wartoscnetto tutar"
    ),
    "invoice_date": (
        "invoicedate invoicedatetime orderdate orderdatetime ordertimestamp purchasedate purchasedatetime "
        "purchasetimestamp orderpurchasetimestamp transactiondate transactiondatetime transactiontimestamp "
        "transactiondt saledate salesdate dateofsale dateofpurchase receiptdate tdat rechnungsdatum "
        "bestelldatum kaufdatum bondatum 売上日 belegdatum datefacture datecommande fechafactura fechapedido "
        "billingdate issuedat placedat placedon txndate txnts datadavenda datavenda datascontrino "
        "datafattura factuurdatum datasprzedazy datafaktury fistarihi faturatarihi"
    ),
    "product": "stockcode product productid productcode productno sku item itemid itemcode itemno article "
    "articleid articleno articlenumber artikel artikelnummer produit codeproduit articulo "
    "codarticulo producto codigodoproduto codigoproduto codicearticolo kodtowaru urunkodu 商品番号",
}
"""Words that say it plainly."""

WEAK = {
    "customer_id": "buyeremail email emailaddress customeremail billingemail customername clientname",
    "quantity": "items itemcount numberofitems",
    "unit_price": "price sellingprice retailprice preis prix precio preco prezzo prijs cena fiyat",
    "amount": "total netsales umsatzbrutto sales revenue turnover sum value spend umsatz gesamt ventas "
    "net gross totale",
    "invoice_date": "completedtime date datetime timestamp day createdat datum fecha data tarih",
    "product": "description productname itemname productdescription bezeichnung designation descripcion "
    "descricao descrizione omschrijving nazwatowaru urunadi libelle codeean ean material",
}
"""Words that are taken where no strong one is there."""

_ID_ENDING = re.compile("(id|no|nr|number|key|code)$")
_TIERS = [
    {word: column for column, words in tier.items() for word in words.split()} for tier in (STRONG, WEAK)
]


class ColumnMap(NamedTuple):
    """Where the canonical columns are: their positions, and the known layout that told, if any."""

    columns: dict[str, int]
    layout: str | None


@lru_cache(maxsize=4096)
def plain(header: str) -> str:
    """Return the header without case, accents, spaces and punctuation: ``Customer ID`` is ``customer_id``."""
    letters = unicodedata.normalize("NFKD", header.casefold())
    return re.sub(r"[\W_]+", "", letters)


def map_columns(header: Sequence[str], told: Mapping[str, str], place: str, meet: Meet = stop) -> ColumnMap:
    """Find the canonical columns in a header.

    Parameters
    ----------
    header
        The column names of one file, in order.
    told
        Canonical name to header, as given with ``--column``; these headers must be there. `ABSENT` says there
        is none.
    place
        The file (and sheet), for messages.
    meet
        What is done with each fault that is found.

    Raises
    ------
    InputError
        Unless `meet` gathers them: a header that was told is missing; two headers mean one column; no column
        for customer_id; one of several tables that must be joined first.
    """
    names = [plain(text) for text in header]
    mapping: dict[str, int] = {}
    for column, name in sorted(told.items()):
        if name != ABSENT and (position := _told(header, column, name, place, meet)) is not None:
            mapping[column] = position
    settled = set(told)
    layout = find_layout(set(names))
    if layout is None and "customer_id" not in settled and (unjoined := find_unjoined(names, place)):
        meet(unjoined)
        return ColumnMap(mapping, None)
    if layout is not None and layout.columns:
        for column, words in layout.columns.items():
            there = [names.index(word) for word in words if word in names]
            if column not in settled and there:
                mapping[column] = there[0]
        settled |= set(LINE_COLUMNS)
    taken = set(mapping.values())
    doubtful = set()
    for column in LINE_COLUMNS:
        if column not in settled:
            found = _find(column, names, taken)
            if len(found) == 1:
                mapping[column] = found[0]
            elif found and column != "product":
                # A product is needed for few things only, and those ask for it when it is missing.
                doubtful.add(column)
                meet(_two_meanings(column, header, found, place))
    if "customer_id" not in {*mapping, *doubtful} and told.get("customer_id", ABSENT) == ABSENT:
        meet(_no_customer(header, place))
    return ColumnMap(mapping, layout.name if layout else None)


def is_header(cells: Sequence[str], told: Mapping[str, str]) -> bool:
    """Tell whether a row can be a header: it names the customer and something more."""
    names = [plain(cell) for cell in cells]
    layout = find_layout(set(names))
    if layout or told.get("customer_id") in cells:
        return True
    known = {tier[name] for tier in _TIERS for name in names if name in tier}
    return "customer_id" in known and len(known) > 1


def _told(header: Sequence[str], column: str, name: str, place: str, meet: Meet) -> int | None:
    found = [i for i, text in enumerate(header) if text.strip() == name]
    found = found or [i for i, text in enumerate(header) if plain(text) == plain(name)]
    if len(found) == 1:
        return found[0]
    meet(
        InputError(
            "no-such-column" if not found else "two-meanings",
            f"--column {column}={name}: {'no' if not found else 'more than one'} column has this name.",
            where=f"{place}; it has: {cut(', '.join(header))}",
            now=nearest(name, header) or "Name one of the columns above.",
        )
    )
    return None


def _find(column: str, names: Sequence[str], taken: set[int]) -> list[int]:
    """Return the columns whose names say it most plainly."""
    for tier in _TIERS:
        found = [i for i, name in enumerate(names) if tier.get(name) == column and i not in taken]
        if found:
            return _prefer_ids(found, names)
    return []


def _two_meanings(column: str, header: Sequence[str], found: Sequence[int], place: str) -> InputError:
    first, second = cut(header[found[0]]), cut(header[found[1]])
    where, now = place, f"Say which: --column {column}='{first}' or --column {column}='{second}'."
    if first == second:
        first, second = (f"{first} (column {i + 1})" for i in found[:2])
        now = "Rename one of them in the file: no option can tell them apart."
    return InputError(
        "two-meanings",
        f"Both '{first}' and '{second}' could be the {column}.",
        where=where,
        now=now,
    )


def _no_customer(header: Sequence[str], place: str) -> InputError:
    return InputError(
        "no-customer-column",
        "No column could be the customer's id.",
        where=f"{place}; it has: {cut(', '.join(header))}",
        now="Say which it is: --column customer_id=HEADER"
        + (
            "; if that is a line and no header, --no-header --column customer_id=N (its place, from 1)."
            if _is_data(header)
            else "."
        ),
    )


def _prefer_ids(found: list[int], names: Sequence[str]) -> list[int]:
    """Of ``customer`` and ``customer_id`` take the id: the other is its name."""
    stems = {names[i]: _ID_ENDING.sub("", names[i]) for i in found}
    ids = [i for i in found if stems[names[i]] != names[i]]
    return ids if len(ids) == 1 and len(set(stems.values())) == 1 else found


def _is_data(header: Sequence[str]) -> bool:
    """Tell whether a header looks like a line: names seldom hold more digits than letters."""
    return sum(1 for cell in header if re.match(r"\W*\d", cell)) >= max(2, len(header) // 3)

"""Words in headers that mean a canonical column, in the languages of the tills that custseg has met."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

STRONG = {
    "customer_id": (
        "customerid customer customerno customernr customernumber customerkey customercode custid "
        "custno client clientid clientno clientcode shopper shopperid household householdid householdkey "
        "accountid accountno member memberid memberno membernumber buyer buyerid loyaltyid "
        "loyaltycard kunde kundennummer kundennr kundenid "
        "cliente clienteid idcliente idclient numeroclient codcliente codigocliente debitor kundenkartennr "
        "会員番号 顧客番号 debitorennr debitorennummer debitornr accountnumber loyaltyno "
        "loyaltynumber soldtoparty cpf cpfcliente cpfdocliente codigodocliente ncartefidelite cartefidelite "
        "nclient codeclient codicecliente numerocliente klant klantid klantnr klantnummer klient klientid "
        "nrklienta idklienta kodklienta musterikodu musterino cust 会員コート 顧客コート 会員id 顧客id"
    ),
    "invoice": (
        "invoice invoiceno invoicenr invoiceid invoicenumber order orderid orderno ordernr ordernumber "
        "orderref basket basketid basketno receipt receiptid receiptno ticket ticketid ticketno "
        "ticketnumber transaction transactionid transactionno transactionnumber bill billno billid "
        "rechnung rechnungsnummer rechnungsnr bestellung bestellnummer bestellnr "
        "belegnummer belegnr beleg bon bonnummer bonnr auftragsnummer "
        "auftragsnr verkaufsbeleg saleid amazonorderid noalbaran レシート番号 伝票番号 facture "
        "numerofacture commande numerocommande factura numerofactura pedido documentno documentnumber "
        "billingdocument billingdoc txnid txnno nticket noticket numeroticket cupom nodocupom numerodocupom "
        "notafiscal "
        "scontrino numeroscontrino fattura numerofattura factuurnummer kassabon paragon nrparagonu "
        "numerparagonu nrfaktury numerfaktury fisno faturano invno docno レシートno voucher voucherno"
    ),
    "quantity": (
        "quantity qty units unitssold itemquantity lineitemquantity lineitemqty qtyordered orderquantity "
        "quantitysold qtysold pieces menge anzahl stuckzahl stk fakturamenge uds unidades 数量 "
        "quantite qte cantidad quantidade qtde qtd quantita aantal ilosc miktar adet billedquantity"
    ),
    "unit_price": (
        "unitprice itemprice priceperunit priceeach priceunit lineitemprice unitsellingprice "
        "einzelpreis stuckpreis vkpreis 単価 prixunitaire puttc puht preciounitario valorunitario "
        "precounitario prezzounitario stukprijs eenheidsprijs cenajednostkowa cenabrutto cenanetto birimfiyat"
    ),
    "amount": (
        "amount linetotal lineamount linevalue itemtotal totalprice totalamount extendedprice salesvalue "
        "salesamount totalsales netvalue betrag gesamtbetrag gesamtpreis nettowert nettobetrag "
        "bruttobetrag 金額 "
        "montant montantttc montantht importe importo valortotal netamount grossamount bedrag totaalbedrag "
        "wartosc wartoscbrutto wartoscnetto tutar"
    ),
    "invoice_date": (
        "invoicedate invoicedatetime orderdate orderdatetime ordertimestamp purchasedate purchasedatetime "
        "purchasetimestamp orderpurchasetimestamp transactiondate transactiondatetime transactiontimestamp "
        "transactiondt saledate salesdate dateofsale dateofpurchase receiptdate tdat rechnungsdatum "
        "bestelldatum kaufdatum bondatum 売上日 belegdatum datefacture datecommande fechafactura fechapedido "
        "billingdate issuedat placedat placedon txndate txnts datadavenda datavenda datascontrino "
        "datafattura invdate businessdate postingdate datedevente eventtimestamp soldat "
        "factuurdatum datasprzedazy datafaktury fistarihi faturatarihi"
    ),
    "product": "stockcode product productid productcode productno sku item itemid itemcode itemno article "
    "articleid articleno articlenumber artikel artikelnummer produit codeproduit articulo "
    "codarticulo producto codigodoproduto codigoproduto codicearticolo kodtowaru urunkodu 商品番号 "
    "商品コート",
}
"""Words that say it plainly, as `plain` returns them."""

FAIR = {
    # Beside a card of the customer's a user is who sat at the till.
    "customer_id": "user userid loyaltycardno loyaltycardnumber loyaltycardid membercard membercardno "
    "membercardnumber",
    "invoice": "receiptnumber nfacture ndefacture ncommande ndecommande nbon nfattura nscontrino nordine "
    "nopedido nodepedido nofactura nodefactura",
}
"""Words that are taken before weak ones, where no strong one is there."""

WEAK = {
    # An account may be the ledger's or a login, and the card one that was paid with.
    "customer_id": "account cardid cardnumber cardno accountcode buyeremail email emailaddress "
    "customeremail billingemail customername "
    "clientname",
    "quantity": "items itemcount numberofitems",
    "unit_price": "price sellingprice retailprice preis prix precio preco prezzo prijs cena fiyat",
    "amount": "total netsales umsatzbrutto sales revenue turnover sum value spend umsatz gesamt ventas "
    "net gross totale",
    "invoice_date": "completedtime date datetime timestamp day createdat datum fecha data tarih 日付",
    "product": "description productname itemname productdescription bezeichnung designation descripcion "
    "descricao descrizione omschrijving nazwatowaru urunadi libelle codeean ean material",
}
"""Words that are taken where no strong one is there."""

LEAST = {
    "unit_price": "unitcost wholesaleprice",
}
"""Words that mean it where nothing else does: beside a price or a total, a cost is what the shop paid."""

RIVALS = {
    "account": "name",
    "retailprice": "wholesaleprice",
    **dict.fromkeys(("user", "userid"), "account cardid cardnumber cardno"),
}
"""Words, and headers beside which they may mean something else: then both are asked about."""


@lru_cache(maxsize=4096)
def plain(header: str) -> str:
    """Return the header without case, accents, spaces and punctuation: ``Customer ID`` is ``customer_id``."""
    letters = unicodedata.normalize("NFKD", header.casefold())
    return re.sub(r"[\W_]+", "", letters)


TIERS = [
    {word: column for column, words in tier.items() for word in words.split()}
    for tier in (STRONG, FAIR, WEAK, LEAST)
]
"""Of each tier, every word in plain form and the column it means."""

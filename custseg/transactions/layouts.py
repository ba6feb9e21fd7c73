"""Which header means which canonical column.

Known layouts and a vocabulary of synonyms, compared without case, spaces and punctuation. What the user
says with ``--column`` wins. Two headers that could mean the same column are an error, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from custseg.columns import LINE_COLUMNS
from custseg.errors import InputError, cut, nearest

VOCABULARY = {
    "customer_id": (
        "customerid customer customerno customernumber custid client clientid shopper shopperid household "
        "householdid householdkey account accountid member memberid buyer buyerid user userid"
    ),
    "invoice": (
        "invoice invoiceno invoiceid invoicenumber order orderid orderno ordernumber basket basketid receipt "
        "receiptid receiptno ticket ticketid transaction transactionid transactionno"
    ),
    "quantity": "quantity qty units unitssold itemquantity lineitemquantity",
    "unit_price": "unitprice price unitcost itemprice priceperunit lineitemprice",
    "amount": "amount total linetotal sales salesvalue revenue totalprice totalamount",
    "invoice_date": (
        "invoicedate date invoicedatetime orderdate purchasedate transactiondate timestamp datetime day "
        "orderdatetime purchasetimestamp"
    ),
    "product": "stockcode product productid productcode sku item itemid itemcode article articleid",
}

_MEANING = {word: column for column, words in VOCABULARY.items() for word in words.split()}


def plain(header: str) -> str:
    """Return the header without case, spaces and punctuation: ``Customer ID`` and ``customer_id`` are one."""
    return re.sub(r"[\W_]+", "", header.casefold())


def map_columns(header: Sequence[str], told: Mapping[str, str], path: str) -> dict[str, int]:
    """Find the canonical columns in a header.

    Parameters
    ----------
    header
        The column names of one file, in order.
    told
        Canonical name to header, as given with ``--column``; these headers must be there.
    path
        The file, for messages.

    Returns
    -------
    dict
        Canonical name to position in the header.

    Raises
    ------
    InputError
        A header that was told is missing; two headers mean one column; no column for customer_id.
    """
    mapping: dict[str, int] = {}
    for column, name in told.items():
        found = [i for i, text in enumerate(header) if text.strip() == name]
        found = found or [i for i, text in enumerate(header) if plain(text) == plain(name)]
        if len(found) != 1:
            raise InputError(
                "no-such-column" if not found else "two-meanings",
                f"--column {column}={name}: {'no' if not found else 'more than one'} column has this name.",
                where=f"{path}; it has: {cut(', '.join(header))}",
                now=nearest(name, header) or "Name one of the columns above.",
            )
        mapping[column] = found[0]
    claimed = set(mapping.values())
    for column in LINE_COLUMNS:
        if column in told:
            continue
        found = [
            i for i, text in enumerate(header) if _MEANING.get(plain(text)) == column and i not in claimed
        ]
        exact = [i for i in found if plain(header[i]) == plain(column)]
        found = exact or found
        if len(found) > 1:
            first, second = header[found[0]], header[found[1]]
            raise InputError(
                "two-meanings",
                f"Both '{cut(first)}' and '{cut(second)}' could be the {column}.",
                where=path,
                now=f"Say which: --column {column}='{cut(first)}' or --column {column}='{cut(second)}'.",
            )
        if found:
            mapping[column] = found[0]
    if "customer_id" not in mapping:
        raise InputError(
            "no-customer-column",
            "No column could be the customer's id.",
            where=f"{path}; it has: {cut(', '.join(header))}",
            now="Say which it is: --column customer_id=HEADER.",
        )
    return mapping

"""Likely columns: headers that may mean a column which no header plainly means.

They are asked about and never taken: a ``Return qty`` is no quantity that was bought.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from custseg.errors import in_shell
from custseg.transactions.words import TIERS, plain

HINTS = {
    "customer_id": "cust email mail guest phone mobile card loyalty user visitor",
    "invoice": "inv doc document voucher slip check",
    "unit_price": "cost rate",
    "amount": "subtotal",
    "invoice_date": "day time dt ts",
    "product": "item ean upc plu asin",
}
"""Words that say too little to be taken, and enough to be asked about."""


def likely_headers(column: str, header: Sequence[str], *, plainly: bool = False) -> list[str]:
    """Return the headers that have a word for a column in them and mean no other, the plainest first.

    Parameters
    ----------
    plainly
        Whether only the words count that say it plainly.
    """
    hints = {plain(word) for word in HINTS.get(column, "").split()}
    tiers = [{word for word, means in tier.items() if means == column} for tier in TIERS]
    found: dict[str, tuple[int, int]] = {}
    for text in header:
        if any(tier.get(plain(text), column) != column for tier in TIERS):
            continue
        runs = _runs(text)
        for rank, known in enumerate(tiers[:1] if plainly else [*tiers, hints]):
            if there := runs & known:
                found[text] = rank, -max(map(len, there))
                break
    return sorted(found, key=lambda text: found[text])


def _runs(header: str) -> set[str]:
    """Return all runs of a header's words, each as one: ``item sub total`` has ``subtotal`` in it."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    parts = [word for word in map(plain, re.split(r"[\W_]+", words)) if word][:12]
    ends = range(1, len(parts) + 1)
    return {"".join(parts[start:end]) for end in ends for start in range(end)}


def say_likely(column: str, header: Sequence[str]) -> str:
    """Return the options that name what may be a column, to be added to a message; empty without any."""
    found = [f"--column {column}={in_shell(text)}" for text in likely_headers(column, header)[:3]]
    return f" It may be {' or '.join(found)}." if found else ""

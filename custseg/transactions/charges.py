"""Charges: products that are none, such as postage, fees and adjustments, told by their code or name."""

from __future__ import annotations

import re
from collections.abc import Iterable

CHARGES = re.compile(
    r"postage|shipping|freight|carriage|delivery|porto|versand\w*|env[ií]os?|livraison|port|spedizione|"
    r"(amazon)?fees?|\w*geb(ü|ue?)hr(en)?|charges?|surcharge|handling|adjust\w*|manual|"
    r"discounts?|\w*rabatt\w*|remise|descuentos?|nachlass|coupons?|vouchers?|\w*gutschein\w*|deposit|"
    r"\w*pfand|commission|provision|debt|donation|spende|tax|mwst|vat|iva|tva|rounding|rundung\w*|"
    r"insurance|frais|gastos|送料|手数料|値引き?|割引|配送料",
    re.IGNORECASE,
)
"""Words for what is no product, in the languages of the vocabulary."""

CODES = re.compile(r"\b(post|gift|test\d*)\b", re.IGNORECASE)
"""The same in codes; as words of a name they may be anything."""

LONGEST_CODE = 15
MOST_WORDS = 4
"""A product's name with more words is one of goods, whatever words are in it."""


def is_charge(code: str, name: str, *, are_codes: bool) -> bool:
    """Tell whether a product looks like postage, a fee or an adjustment.

    Parameters
    ----------
    are_codes
        Whether products are codes with digits, among which one without stands out.
    """
    if are_codes:
        stands_out = not re.search(r"\d", code) or (len(code) <= 2 and not code.isdecimal())
        if stands_out and len(code) <= LONGEST_CODE:
            return True
        words = re.split(r"[\W_]+", code)
        return (
            bool(CODES.match(code.replace("_", " ")))
            or any(map(CHARGES.fullmatch, words))
            or _is_charge_name(name)
        )
    return _is_charge_name(code) or _is_charge_name(name)


def _is_charge_name(name: str) -> bool:
    words = re.findall(r"\w+", name)
    # What a name is about stands at its end, in some languages at its beginning: a carriage clock is a clock.
    ends = (
        (words[-1:], words[:1]) if name.lower().startswith(("frais", "gastos", "adjust")) else (words[-1:],)
    )
    return 0 < len(words) <= MOST_WORDS and any(CHARGES.fullmatch(word) for end in ends for word in end)


def exact_pattern(codes: Iterable[str]) -> str:
    """Return the regular expression that matches these codes and no other."""
    escaped = [re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", code) for code in codes]
    return f"^(?:{'|'.join(escaped)})$" if len(escaped) > 1 else f"^{escaped[0]}$"

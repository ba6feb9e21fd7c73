"""Guests: ids that tills write where a customer gave none."""

from __future__ import annotations

import re
from collections.abc import Sequence

GUESTS = re.compile(
    r"guests?( checkout)?|walk[- ]?in( customer)?|anonym\w*|unknown|unbekannt|inconnu|cash( sale| customer)?|"
    r"no customer|not given|default|barverkauf|laufkund\w*|passage|comptoir|-+|\?+",
    re.IGNORECASE,
)
NOBODY = re.compile(r"-?0+|-1|9{4,}|1{5,}|x+", re.IGNORECASE)
"""Ids that may be anyone's; where they have many lines, nobody's."""

GUEST_SHARE = 0.1
"""Share of lines from which the largest customer is asked about, whatever the id: few shops live on one."""

FEWEST_CUSTOMERS = 30
"""Among fewer, one with a tenth of the lines is nothing strange."""

TIMES_THE_MEAN = 5
"""A customer's mean share of lines, so many times, from which an id of `NOBODY` is asked about."""


def find_guests(shares: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the ids that may stand for all who have none.

    Parameters
    ----------
    shares
        Each id's share of lines, the largest first.
    """
    if len(shares) < FEWEST_CUSTOMERS:
        return []
    many = TIMES_THE_MEAN / len(shares)
    first = [pair for pair in shares[:1] if pair[1] >= GUEST_SHARE]
    return first + [
        (text, share)
        for text, share in shares[len(first) :]
        if GUESTS.fullmatch(text) or (share > many and NOBODY.fullmatch(text))
    ]

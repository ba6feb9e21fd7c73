"""Which header means which canonical column.

What the user says with ``--column`` wins, then a known layout, then a vocabulary of synonyms, compared
without case, accents, spaces and punctuation. Two headers that could mean the same column are an error, never
a guess.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from custseg.columns import LINE_COLUMNS
from custseg.errors import InputError, Meet, cut, in_shell, nearest, stop
from custseg.transactions.layouts import find_layout
from custseg.transactions.likely import likely_headers, say_likely
from custseg.transactions.numerals import CODES
from custseg.transactions.unjoined import find_unjoined
from custseg.transactions.words import RIVALS, TIERS, plain

ABSENT = "-"
"""As a header in ``--column``: the input has no such column, whatever its headers suggest."""

_TAX = r"(?:iva|tva|vat|tax|mwst|ust|gst|moms|btw)"
_ADDED = re.compile(
    rf"(?<=\w)(?:[\W_]+(?:ttc|ht|brutto|netto|(?:in[\W_]+)?(?:eur|euro|{CODES.lower()})|"
    rf"(?:incl|inkl|excl|exkl|inc|ex)[\W_]+{_TAX}))+\W*$",
    re.IGNORECASE,
)
"""What is added to the name of a price or total: its currency, and whether tax is in it."""

_ID_ENDING = re.compile("(id|no|nr|nummer|number|key|code)$")


class ColumnMap(NamedTuple):
    """Where the canonical columns are: their positions, and the known layout that told, if any."""

    columns: dict[str, int]
    layout: str | None


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
            found = _find(column, header, taken)
            if len(found) == 1:
                mapping[column] = found[0]
            elif found and column != "product":
                # A product is needed for few things only, and those ask for it when it is missing.
                doubtful.add(column)
                meet(_two_meanings(column, header, found, place))
    _forget_cost(header, mapping, told)
    if not {"quantity", *doubtful} & {*mapping, *settled, *doubtful} and {"unit_price", "amount"} & set(
        mapping
    ):
        found_here = {column: position for column, position in mapping.items() if column not in told}
        _ask_for_quantity(header, found_here, place, meet)
    if "customer_id" not in {*mapping, *doubtful} and told.get("customer_id", ABSENT) == ABSENT:
        meet(_no_customer(header, place))
    return ColumnMap(mapping, layout.name if layout else None)


def is_header(cells: Sequence[str], told: Mapping[str, str]) -> bool:
    """Tell whether a row can be a header: it names the customer and something more.

    ``Customer:, All, Period:, May`` is what a report was made with.
    """
    names = [plain(cell) for cell in cells if not cell.rstrip().endswith(":")]
    layout = find_layout(set(names))
    if layout or plain(told.get("customer_id", "")) in filter(None, names):
        return True
    known = {tier[name] for tier in TIERS for name in names if name in tier}
    return "customer_id" in known and len(known) > 1


def refuse_second_header(header: Sequence[str], below: Sequence[str | None], place: str) -> None:
    """Stop at a header that goes on in the row below it, as under merged cells.

    Raises
    ------
    InputError
        That row has words only, and names columns.
    """
    words = [cell for cell in below if cell and cell.strip()]
    known = {tier[plain(word)]: word for word in words for tier in TIERS if plain(word) in tier}
    is_again = list(map(plain, words)) == list(map(plain, header))
    if len(known) > 1 and not is_again and not any(re.search(r"\d", word) for word in words):
        raise InputError(
            "two-header-rows",
            f"The header has two rows: the second has {', '.join(map(cut, known.values()))}.",
            where=place,
            now="Join them into one row that names every column, and delete the other.",
        )


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


def _find(column: str, header: Sequence[str], taken: set[int]) -> list[int]:
    """Return the columns whose names say it most plainly."""
    names, bare = [plain(text) for text in header], _bare(header, column)
    *plainer, least = TIERS
    for texts, tier in [
        *((names, tier) for tier in plainer),
        *((bare, tier) for tier in plainer),
        *((_of_parts(header, column), tier) for tier in plainer),
        (names, least),
    ]:
        found = [i for i, name in enumerate(texts) if tier.get(name) == column and i not in taken]
        if found:
            return _prefer_ids(found, texts) + _rivals(found, names)
    return []


def _bare(header: Sequence[str], column: str) -> list[str]:
    """Return names without what is added to those of prices and totals: ``Total TTC`` is a total."""
    if column not in ("unit_price", "amount"):
        return []
    return [plain(_ADDED.sub(" ", text)) if _ADDED.search(text) else "" for text in header]


def _forget_cost(header: Sequence[str], mapping: dict[str, int], told: Mapping[str, str]) -> None:
    """Take a cost for no price where lines have a quantity and a total: these say what was paid."""
    found = {"quantity", "amount", "unit_price"} <= mapping.keys() and "unit_price" not in told
    if found and plain(header[mapping["unit_price"]]) in TIERS[-1]:
        del mapping["unit_price"]


def _of_parts(header: Sequence[str], column: str) -> list[str]:
    """Return the names of an order's lines that stand beside it: ``Order Lines/Quantity`` is a quantity."""
    parts = [text.rpartition("/") for text in header]
    if column not in ("quantity", "unit_price", "product"):
        return []
    # A single one may be a rate, or one of two.
    tables = Counter(before for before, _, _ in parts)
    return [plain(after) if before and tables[before] > 1 else "" for before, _, after in parts]


def _ask_for_quantity(header: Sequence[str], found: Mapping[str, int], place: str, meet: Meet) -> None:
    """Ask about what may be the quantity, where every line would count as one unit without it.

    An ``amount`` beside a price may be one of pieces.
    """
    likely = likely_headers("quantity", header, plainly=True)
    if {"unit_price", "amount"} <= found.keys() and plain(header[found["amount"]]) == "amount":
        likely = likely or [header[found["amount"]]]
    if likely:
        first, quoted = cut(likely[0]), in_shell(likely[0])
        meet(
            InputError(
                "likely-quantity",
                f"Without a column for the quantity every line counts as one unit, and '{first}' may be one.",
                where=place,
                now=f"Say --column quantity={quoted}; or --column quantity=- where a line is one unit.",
            )
        )


def _two_meanings(column: str, header: Sequence[str], found: Sequence[int], place: str) -> InputError:
    names = [header[position] for position in found[:2]]
    first, second = map(cut, names)
    where, now = (
        place,
        "Say which: " + " or ".join(f"--column {column}={in_shell(name)}" for name in names) + ".",
    )
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
        )
        + say_likely("customer_id", header),
    )


def _rivals(found: Sequence[int], names: Sequence[str]) -> list[int]:
    """Return headers beside which the one that was found may mean something else: a ledger has accounts."""
    rivals = {word for place in found for word in RIVALS.get(names[place], "").split()}
    return [place for place, name in enumerate(names) if name in rivals and place not in found]


def _prefer_ids(found: list[int], names: Sequence[str]) -> list[int]:
    """Of ``customer`` and ``customer_id`` take the id: the other is its name."""
    stems = {names[i]: _ID_ENDING.sub("", names[i]) for i in found}
    ids = [i for i in found if stems[names[i]] != names[i]]
    # What joins German words counts for nothing: Kunde and Kunden-Nr., Rechnung and Rechnungs-Nr.
    alike = {stem.rstrip("ns") for stem in stems.values()}
    return ids if len(ids) == 1 and len(alike) == 1 else found


def _is_data(header: Sequence[str]) -> bool:
    """Tell whether a header looks like a line: names seldom hold more digits than letters."""
    return sum(1 for cell in header if re.match(r"\W*\d", cell)) >= max(2, len(header) // 3)

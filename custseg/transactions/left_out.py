"""Sheets left out: whether one without a header that can be read is built like those that are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from custseg.errors import InputError, cut, in_shell
from custseg.transactions.words import plain

MOST_NAMED = 20
"""Sheets named in a message."""

FEWEST_COLUMNS = 3
"""Columns from which two sheets can be told to be built alike."""


class Glimpse(NamedTuple):
    """Some rows of a sheet, the first among them, and how many there are in all."""

    sheet: str
    rows: Sequence[Sequence[str]]
    height: int


def refuse_left_out(path: str, left: Sequence[Glimpse], read: Sequence[Glimpse]) -> None:
    """Stop where a sheet that is left out seems to hold lines, too: a header that is missing or misspelt.

    Parameters
    ----------
    read
        Sheets that are read, from their headers on.

    Raises
    ------
    InputError
        There is one.
    """
    for sheet in left:
        twin = next(
            (other for other in read if _share_names(sheet, other) or _share_kinds(sheet, other)), None
        )
        if twin:
            named = " ".join(f"--sheet {in_shell(other.sheet)}" for other in read[:MOST_NAMED])
            raise InputError(
                "sheet-left-out",
                f"The sheet '{cut(sheet.sheet)}' is built like '{cut(twin.sheet)}' and has no header with a "
                f"customer column: its {sheet.height:,} rows would be left out.",
                where=path,
                now=f"Mend its header; or say which sheets count: {named}"
                + (" and so on." if len(read) > MOST_NAMED else "."),
            )


def _share_names(sheet: Glimpse, other: Glimpse) -> bool:
    """Tell whether some row has nearly all names of the other's header: but one, and one in four."""
    names = {plain(cell) for cell in other.rows[0]} - {""}
    shared = max((len(names.intersection(map(plain, row))) for row in sheet.rows), default=0)
    return shared >= 2 and 4 * shared >= 3 * (len(names) - 1) and sheet.height > 1


def _share_kinds(sheet: Glimpse, other: Glimpse) -> bool:
    """Tell whether the columns of both hold the same: numbers, dates, texts or nothing."""
    kinds = _kinds(sheet.rows)
    return len(kinds) >= FEWEST_COLUMNS and kinds == _kinds(other.rows[1:])


def _kinds(rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Tell by column what most of its cells are, of columns that are not empty."""
    width = max((sum(map(bool, row)) for row in rows), default=0)
    full = [row for row in rows if 2 * sum(map(bool, row)) > width]
    kinds = {}
    for column, cells in enumerate(zip(*full, strict=True)):
        if filled := [cell for cell in cells if cell]:
            kinds[column] = Counter(map(_kind, filled)).most_common(1)[0][0]
    return kinds


def _kind(cell: str) -> str:
    if re.fullmatch(r"-?\d+([.,]\d+)?", cell):
        return "number"
    return "date" if re.match(r"\d{4}-\d\d-\d\d|\d\d?[./-]\d\d?[./-]\d\d", cell) else "text"

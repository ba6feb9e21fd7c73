"""Parts of an ``.xlsx``, looked at for what its reader does not say: cells far to the right, formulas."""

from __future__ import annotations

import contextlib
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree

from custseg.errors import InputError, size
from custseg.running import storage

MANY_CELLS = 10_000_000
"""Cells, empty ones too, that a sheet may have without a closer look."""

MANY_COLUMNS = 256

CELL_BYTES = 55
"""Memory of a cell that is empty while a sheet is read."""

FILLED_SHARE = 0.01
"""Share of the cells behind column AX that are filled at least in a sheet that is wide of itself."""

PIECE = 1 << 20
CELL_LIMIT = 1 << 10
"""Bytes, more than a cell takes before its contents."""

_DIMENSION = re.compile(rb'<(?:\w+:)?dimension\s+ref="[A-Z]+\d+:([A-Z]+)(\d+)"')
_FAR_CELL = re.compile(rb'<(?:\w+:)?c r="((?:[A-Z]{3}|A[YZ]|[B-Z][A-Z])\d+)"(?:[^>]*[^>/])?>')
"""A cell behind column AX that is not empty."""

_NO_RESULT = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f[^>]*/>)(?:<(?:\w+:)?v(?:/>|></(?:\w+:)?v>))?</(?:\w+:)?c>"
)
"""A formula and the end of its cell."""

_NO_PART = (zipfile.BadZipFile, zlib.error, OSError, KeyError, RuntimeError, ElementTree.ParseError)
"""What is met in a file that is no ``.xlsx``, or damaged: its reader will say so."""


def refuse_far_cells(path: str, sheet: str) -> None:
    """Stop at a sheet that is read at a great cost for a few cells far to the right.

    What is no ``.xlsx``, or does not say how large its sheets are, is left to its reader.

    Raises
    ------
    InputError
        It is such a sheet.
    """
    with contextlib.suppress(*_NO_PART), _opened(path, sheet) as part:
        start = part.read(CELL_LIMIT * 4)
        told = _DIMENSION.search(start)
        columns, rows = (_number(told[1]), int(told[2])) if told else (0, 0)
        cells = columns * rows
        if columns <= MANY_COLUMNS or cells <= MANY_CELLS:
            return
        far, count = _far_cells(start, part)
        if far and count < FILLED_SHARE * cells:
            raise InputError(
                "too-many-columns",
                f"The sheet has a cell far to the right, {far}, and would take {size(CELL_BYTES * cells)} of "
                "memory for what is empty before it.",
                where=f"{path}, sheet '{sheet}'",
                now="Delete the columns from there on and save the workbook.",
            )


def has_unsaved_formulas(path: str, sheet: str) -> bool:
    """Tell whether a sheet begins with formulas whose results were not saved, as programs write them."""
    with contextlib.suppress(*_NO_PART), _opened(path, sheet) as part:
        return bool(_NO_RESULT.search(part.read(PIECE)))
    return False


@contextlib.contextmanager
def _opened(path: str, sheet: str) -> Iterator[IO[bytes]]:
    """Open the part that holds a sheet."""
    with (
        storage.open_binary(path) as file,
        zipfile.ZipFile(file) as book,
        book.open(_part(book, sheet)) as part,
    ):
        yield part


def _part(book: zipfile.ZipFile, sheet: str) -> str:
    """Return the part of a workbook that holds a sheet."""
    sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).iterfind(".//{*}sheet")
    keys = {e.get("name"): value for e in sheets for name, value in e.items() if name.endswith("}id")}
    targets = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels")).iterfind("{*}Relationship")
    target = {e.get("Id"): e.get("Target", "") for e in targets}[keys[sheet]]
    return posixpath.join("/xl", target).removeprefix("/")


def _far_cells(start: bytes, part: IO[bytes]) -> tuple[str, int]:
    """Return the cell behind column AX that comes first, empty without one, and how many there are."""
    first, count, text = "", 0, start
    while text:
        end = 0
        for found in _FAR_CELL.finditer(text):
            first, count, end = first or found[1].decode(), count + 1, found.end()
        # A cell may go on in the next piece.
        rest = text[max(end, len(text) - CELL_LIMIT) :]
        more = part.read(PIECE)
        text = rest + more if more else b""
    return first, count


def _number(letters: bytes) -> int:
    """Return the number of a column from its letters, from 1."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number

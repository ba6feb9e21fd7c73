"""Which cells could not be read, and where: a second look at the few places that have any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from custseg.errors import cut
from custseg.transactions import numerals, values
from custseg.transactions.cleaning import FATE_CODES
from custseg.transactions.csv_blocks import EXTRA, Block, CsvFile
from custseg.transactions.excel_sheets import ExcelSheet
from custseg.transactions.heads import clean_heads, head_columns
from custseg.transactions.lines import read_lines
from custseg.transactions.pieces import Batch, Part, Piece, scan_piece
from custseg.transactions.reading import Table
from custseg.transactions.source import NUMBERS, Source


class Unreadable(NamedTuple):
    """A cell that made its line invalid.

    Attributes
    ----------
    line
        Line of the file, from 1 and with the header, as an editor shows it; row of a Parquet file, from 1.
    """

    file: str
    line: int
    column: str
    value: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line:,}, column {self.column}: '{self.value}'"


class _Opened(NamedTuple):
    """Lines of one source, and where they begin."""

    source: Source
    frame: pl.LazyFrame
    block: Block | None
    start: int


class Place(NamedTuple):
    """A batch of lines, as given to `pieces.batches`: the first it gives."""

    pieces: Sequence[Piece]
    limit: int
    start: int


def find_unreadable(table: Table, place: Place, most: int) -> list[Unreadable]:
    """Find the first cells that made lines invalid, in a batch that has some."""
    found: list[Unreadable] = []
    for opened in _open(table, place):
        rows = _invalid_rows(table, opened).head(most - len(found))
        found += [_describe(table, opened, row) for row in rows.iter_rows(named=True)]
        if len(found) >= most:
            break
    return found


def _open(table: Table, place: Place) -> Iterator[_Opened]:
    """Open the pieces of a batch one by one."""
    alone = len(place.pieces) == 1
    for piece in place.pieces:
        source = table.sources[piece.source]
        if isinstance(source.contents, CsvFile):
            limit, start = (source.block(place.limit), place.start) if alone else (None, 0)
            block = next(source.contents.blocks(limit, start))
            yield _Opened(source, source.contents.scan(block.data), block, block.start)
        else:
            yield _Opened(source, scan_piece(source, piece), None, piece.start)


def _invalid_rows(table: Table, opened: _Opened) -> pl.DataFrame:
    """Return the invalid lines: their ``row``, their cells as they stand, and which are null once read."""
    source = opened.source
    places = {name: f"c{position}" for name, position in source.columns.items() if name in table.read}
    extra = [EXTRA] if opened.block else []
    # With their number among them no rows are blank, and all stay in their places.
    numbered = opened.frame.with_row_index("row")
    lines = read_lines(table, Batch([Part(source, numbered)], 0, 0, True))
    fate = np.minimum(lines.fate, lines.heads["fate"].to_numpy()[lines.stretches()])
    frame = numbered.select("row", *places.values(), *extra).collect().filter(fate == FATE_CODES["invalid"])
    names = head_columns(table)
    heads = clean_heads(table, frame.select(pl.col(places[name]).alias(name) for name in names), source)
    numbers = {}
    for name in NUMBERS:
        if name in places:
            dtype = source.contents.dtypes[source.columns[name]]
            mark = source.mark or numerals.POINT
            numbers[name] = values.number(pl.col(places[name]), dtype, mark, thorough=True)
    read = pl.concat([heads.drop("fate"), frame.select(**numbers)], how="horizontal")
    bad = read.select(pl.all().is_null())
    broken = frame[EXTRA].fill_null("") != "" if extra else pl.repeat(False, frame.height, eager=True)
    return pl.concat([frame, bad.with_columns(broken=broken)], how="horizontal")


def _describe(table: Table, opened: _Opened, row: dict[str, Any]) -> Unreadable:
    source = opened.source
    names = [name for name in table.read if name != "customer_id" and row.get(name) is True]
    if row["broken"]:
        column, value = "beyond the last", row[EXTRA]
    elif names:
        place = source.columns[names[0]]
        column, value = source.header[place], row[f"c{place}"]
    else:
        there = [name for name in NUMBERS if name in source.columns]
        column = " and ".join(source.header[source.columns[name]] for name in there)
        value = " and ".join(str(row[f"c{source.columns[name]}"]) for name in there)
    return Unreadable(
        source.contents.place, _line(opened, row["row"]), column, "" if value is None else cut(value)
    )


def _line(opened: _Opened, row: int) -> int:
    """Return the line of the file in which a row begins."""
    contents = opened.source.contents
    if isinstance(contents, ExcelSheet):
        return contents.header_line + row + 1
    if not isinstance(contents, CsvFile) or opened.block is None:
        return opened.start + row + 1
    return contents.count_lines(opened.start) + _lines_before(opened.block.data, contents, row)


def _lines_before(data: bytes, contents: CsvFile, row: int) -> int:
    """Return how many lines the first `row` records take; line breaks inside quotes count, too."""
    if row == 0:
        return 0
    signs = np.frombuffer(data, np.uint8)
    marks = contents.dialect.marks
    breaks = np.flatnonzero(signs == marks.eol[0])
    quotes = np.flatnonzero(signs == marks.quote[0])
    ends = np.flatnonzero(np.searchsorted(quotes, breaks) % 2 == 0)
    return int(ends[row - 1]) + 1

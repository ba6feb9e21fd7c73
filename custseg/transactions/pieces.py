"""Pieces of the input opened for reading: slices of Parquet files, blocks of CSV files, sheets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import polars as pl

from custseg.transactions.csv_blocks import Block, CsvFile
from custseg.transactions.excel_sheets import ExcelSheet
from custseg.transactions.numerals import POINT
from custseg.transactions.reading import Table
from custseg.transactions.source import NUMBERS, Source


class Piece(NamedTuple):
    """Rows `start` to `start + length` of a Parquet file, or a whole file or sheet (length None)."""

    source: int
    start: int = 0
    length: int | None = None


class Part(NamedTuple):
    """Raw lines that are read alike.

    Attributes
    ----------
    data
        The bytes they come from, where that is CSV.
    numbers
        Positions of columns of text that are parsed as numbers in passing.
    origins
        The file that each of `data` comes from, and where in it that starts, in bytes; none where it comes
        from several places.
    """

    source: Source
    frame: pl.LazyFrame
    data: tuple[bytes, ...] = ()
    numbers: tuple[int, ...] = ()
    origins: tuple[tuple[CsvFile, int], ...] = ()

    @property
    def dtypes(self) -> tuple[pl.DataType, ...]:
        """Types of the columns as they come from the scan."""
        stored = self.source.contents.dtypes
        return tuple(pl.Float64() if n in self.numbers else dtype for n, dtype in enumerate(stored))


class Batch(NamedTuple):
    """Raw lines to be worked on at once, where they start in their file, and where to go on after them."""

    parts: list[Part]
    start: int
    end: int
    last: bool


def batches(table: Table, pieces: Sequence[Piece], limit: int, start: int = 0) -> Iterator[Batch]:
    """Read the pieces of a chunk: all at once, but a CSV file that is alone in blocks of `limit` bytes.

    Parameters
    ----------
    start
        The `end` of the last batch that is done, when a chunk is taken up again.
    """
    first = table.sources[pieces[0].source]
    if len(pieces) == 1 and isinstance(first.contents, CsvFile):
        # Not a loop: its variable would hold one block while the next is read.
        yield from map(partial(_csv_batch, first), first.contents.blocks(first.block(limit), start))
    else:
        yield Batch(list(_parts(table, pieces)), 0, 0, True)


def _parts(table: Table, pieces: Sequence[Piece]) -> Iterator[Part]:
    """Open pieces; CSV files that are read alike are put together, which saves time with small ones."""
    alike: dict[object, list[Source]] = {}
    for piece in pieces:
        source = table.sources[piece.source]
        if isinstance(source.contents, CsvFile):
            alike.setdefault(source.alike, []).append(source)
        else:
            yield Part(source, scan_piece(source, piece))
    for sources in alike.values():
        yield _csv_part(sources[0], [found for source in sources for found in _whole(source)])


def _whole(source: Source) -> Iterator[tuple[CsvFile, Block]]:
    assert isinstance(source.contents, CsvFile)
    for block in source.contents.blocks():
        yield source.contents, block


def _csv_batch(source: Source, block: Block) -> Batch:
    assert isinstance(source.contents, CsvFile)
    return Batch([_csv_part(source, [(source.contents, block)])], block.start, block.end, block.last)


def _csv_part(source: Source, blocks: Sequence[tuple[CsvFile, Block]]) -> Part:
    assert isinstance(source.contents, CsvFile)
    data = tuple(block.data for _, block in blocks)
    origins = tuple((file, block.start) for file, block in blocks)
    return Part(source, source.contents.scan(*data), data, origins=origins)


def parsing_numbers(part: Part) -> Part:
    """Return the part with its numbers parsed by the scan, which is quicker than parsing its texts.

    The values are the same; where a number is not plain the scan fails. A part whose numbers are known not
    to be comes back as it is.
    """
    source = part.source
    numbers = tuple(source.columns[name] for name in NUMBERS if name in source.columns)
    if not part.data or not numbers or source.careful or source.mark != POINT:
        return part
    assert isinstance(source.contents, CsvFile)
    return part._replace(frame=source.contents.scan(*part.data, numbers=numbers), numbers=numbers)


def read_with_care(part: Part) -> Part:
    """Return the part with its numbers as texts, to be read thoroughly."""
    source = replace(part.source, careful=True)
    if not part.numbers:
        return part._replace(source=source)
    assert isinstance(source.contents, CsvFile)
    return part._replace(source=source, frame=source.contents.scan(*part.data), numbers=())


def scan_piece(source: Source, piece: Piece) -> pl.LazyFrame:
    """Scan a piece of a Parquet file or a sheet."""
    if isinstance(source.contents, ExcelSheet):
        return source.contents.scan()
    assert not isinstance(source.contents, CsvFile)
    return source.contents.scan(piece.start, piece.length)

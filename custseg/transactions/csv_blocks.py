"""CSV files as blocks of whole records in UTF-8, so that any size is read once in bounded memory."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from custseg.errors import InputError
from custseg.transactions import compressed, quotes, streams
from custseg.transactions.cutting import Cut, cut
from custseg.transactions.dialects import Dialect

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

CHECKED_AT_ONCE = 1 << 24

PLACES = 64
"""Places of a file that an excerpt is from: few lines from many places tell more than many from few."""

EXTRA = "extra"
"""Name of the column for the first cell that a line has beyond the header's columns."""


class Block(NamedTuple):
    """Whole records of a file.

    Attributes
    ----------
    data
        The records, UTF-8, their quotes regular.
    start, end
        Where the block starts and the next one does, in bytes of the (decompressed, recoded) file.
    last
        Whether the file ends here.
    """

    data: bytes
    start: int
    end: int
    last: bool


class TextExcerpt(NamedTuple):
    """Whole records from several places of a file.

    Attributes
    ----------
    data
        The records, their quotes regular, in the encoding of the file if that keeps ASCII, else in UTF-8.
    share
        Share of the file that this is, about; 1 where it is all of it.
    """

    data: bytes
    share: float


END_OF_TEXT = "\x1a"
"""What programs of DOS end a file with; it counts as a line that holds nothing of use."""

TEXT = re.compile(rb"[^\r\n]")
"""Anything but ends of lines."""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """The contents of a CSV file.

    Attributes
    ----------
    text_bytes
        Bytes of text in it, about.
    """

    path: str
    dialect: Dialect
    text_bytes: int

    format = "csv"
    rows = None

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return self.path

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.dialect.header

    @property
    def dtypes(self) -> tuple[pl.DataType, ...]:
        """Types of the columns: all text."""
        return (pl.String(),) * len(self.header)

    @property
    def alike(self) -> tuple[object, ...]:
        """What two files share whose blocks may be put together."""
        return self.format, self.dialect.separator, self.dialect.quote, self.dialect.eol, len(self.header)

    def blocks(self, limit: int | None = None, start: int = 0) -> Iterator[Block]:
        """Cut the file into blocks of whole records.

        Parameters
        ----------
        limit
            Bytes read at once; a block is at most this and one record. None: the file at once.
        start
            The `end` of the block before; 0 at the beginning.
        """
        start = start or self.dialect.start
        with streams.reading(self.path), streams.open_bytes(self.path, self.dialect.encoding) as file:
            streams.skip(file, start)
            yield from map(self._block, cut(file, start, limit, self.dialect.marks, len(self.header)))

    def _block(self, records: Cut) -> Block:
        return Block(self._utf8(records), records.start, records.end, records.last)

    def _utf8(self, records: Cut) -> bytes:
        data, start = records.data, records.start
        try:
            return streams.to_utf8(data, self.dialect.encoding, self.dialect.marks.eol, records.foreign)
        except UnicodeDecodeError as error:
            line = self.count_lines(start) + data.count(self.dialect.marks.eol, 0, error.start)
            raise InputError(
                "wrong-encoding",
                f"The file is not in {self.dialect.encoding}: byte {data[error.start]:#04x} is none of it.",
                where=f"{self.path}, line {line:,}",
                now="Leave --encoding out to have it detected, or name another.",
            ) from None

    def scan(self, *data: bytes, numbers: Collection[int] = ()) -> pl.LazyFrame:
        """Scan records as text, columns ``c0``, ``c1``, … and `EXTRA`: no inference, no surprise.

        Parameters
        ----------
        data
            Whole records; one after the other, if several.
        numbers
            Positions of columns to parse as float64 in passing. Collecting fails at a cell that is no plain
            number with a decimal point, and at no other.
        """
        schema: dict[str, PolarsDataType] = {f"c{n}": pl.String for n in range(len(self.header))}
        schema |= {EXTRA: pl.String}
        schema.update((f"c{position}", pl.Float64) for position in numbers)
        filled = [records for records in data if TEXT.search(records)]
        if not filled:
            return pl.LazyFrame(schema=schema)
        return pl.scan_csv(
            filled,
            has_header=False,
            separator=self.dialect.separator,
            quote_char=self.dialect.quote,
            eol_char=self.dialect.eol,
            schema=schema,
            missing_columns="insert",
            extra_columns="ignore",
            truncate_ragged_lines=True,
        )

    def frames(self, limit: int) -> Iterator[pl.LazyFrame]:
        """Yield the whole file in frames of bounded size."""
        for block in self.blocks(limit):
            yield self.scan(block.data)

    def sample(self, size: int) -> list[list[str]]:
        """Return records from the beginning and, where the file can be sought, from other places.

        Parameters
        ----------
        size
            Bytes to read in all, about.

        Raises
        ------
        InputError
            The end of the file is cut off, or null bytes.
        """
        marks, end = self.dialect.marks, b""
        rows: list[list[str]] = []
        with streams.reading(self.path), streams.open_bytes(self.path, self.dialect.encoding) as file:
            for data, last in streams.samples(file, self.dialect.start, size // 2, size // 2, marks.eol):
                records = quotes.whole_records(data, marks, len(self.header), last=last)
                try:
                    text = streams.to_utf8(records.data, self.dialect.encoding, marks.eol)
                except UnicodeDecodeError:
                    # Reading from the beginning tells in which line it is.
                    self.read_to_end()
                    raise
                rows += self._records(text)
                end = data if last else b""
        if end:
            self._check_end(end, rows)
        return rows

    def beginning(self) -> bytes:
        """Return what stands before the first line: the header, and a title if there is one."""
        with streams.reading(self.path), streams.open_bytes(self.path, self.dialect.encoding) as file:
            return file.read(self.dialect.start)

    def excerpt(self, size: int) -> TextExcerpt:
        """Return records from many places, where the file can be sought; from the beginning, where not.

        Parameters
        ----------
        size
            Bytes to read in all, about.
        """
        marks, pieces, read, whole = self.dialect.marks, list[bytes](), 0, False
        with streams.reading(self.path), streams.open_bytes(self.path, self.dialect.encoding) as file:
            sought = streams.can_be_sought(file)
            end = file.seek(0, io.SEEK_END) if sought else 0
            small = not sought or end - self.dialect.start < size
            head, rest = (size, 0) if small else (size // PLACES, size - size // PLACES)
            for data, last in streams.samples(file, self.dialect.start, head, rest, marks.eol, PLACES):
                records, consumed = quotes.whole_records(data, marks, len(self.header), last=last)
                ended = records.endswith(marks.eol) or not records
                pieces.append(records if ended else records + marks.eol)
                read, whole = read + consumed, last and small
        if whole:
            share = 1.0
        elif sought:
            share = read / max(1, end - self.dialect.start)
        else:
            share = streams.share_of(self.path, self.dialect.encoding, b"".join(pieces))
        return TextExcerpt(b"".join(pieces), min(share, 1.0))

    def _check_end(self, end: bytes, rows: Sequence[Sequence[str]]) -> None:
        """Refuse a file whose last line is only half there."""
        short = [row for row in rows if len(row) < len(self.header)]
        cut_off = not end.endswith(self.dialect.marks.eol) and len(short) == 1 and short[0] is rows[-1]
        if b"\x00" in end:
            fault = "There are null bytes at the end of the file"
        elif cut_off and short[0] != [END_OF_TEXT]:
            few = f"its last line has {len(rows[-1])} of {len(self.header)} cells"
            fault = f"The end of the file is cut off: {few}"
        else:
            return
        raise InputError(
            "damaged-file",
            f"{fault}.",
            where=f"{self.path}, last line",
            now="Copy it again from where it came from, or take its last line out. "
            "--skip-bad-files goes on without it.",
        )

    def _records(self, text: bytes) -> Iterator[list[str]]:
        lines = io.StringIO(text.decode("utf-8", "replace"), newline="")
        reader = csv.reader(lines, delimiter=self.dialect.separator, quotechar=self.dialect.quote)
        while True:
            try:
                record = next(reader)
            except csv.Error:
                continue
            except StopIteration:
                return
            if record:
                yield record

    def read_to_end(self) -> None:
        """Read the file to its end if it can be damaged in any place: nothing comes of it but an error."""
        if streams.is_compressed(self.path) or self.dialect.encoding != streams.UNKNOWN:
            for _ in self.blocks(CHECKED_AT_ONCE):
                pass

    def count_lines(self, offset: int) -> int:
        """Return the number of the line that begins at `offset`: a pass over all before it."""
        eol, lines = self.dialect.marks.eol, 1
        with streams.reading(self.path), streams.open_bytes(self.path, self.dialect.encoding) as file:
            while offset > 0 and (read := file.read(min(offset, 1 << 20))):
                lines += read.count(eol)
                offset -= len(read)
        return lines


def open_csv(path: str, size: int, dialect: Dialect) -> CsvFile:
    """Return the contents of a CSV file of `size` bytes."""
    text = compressed.text_bytes(path, size) if streams.is_compressed(path) else size
    return CsvFile(path, dialect, text)

"""How a CSV file is written: encoding, separator, quote, line ends and header, told by its beginning."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from custseg.errors import InputError, cut
from custseg.transactions import odd_records, streams
from custseg.transactions.marks import Marks
from custseg.transactions.streams import UNKNOWN

SEPARATORS = (",", ";", "\t", "|")
RARE_SEPARATORS = ("^", "~", "\x01", "\x1f")
START = 1 << 14
HEADER_LIMIT = 1 << 20
MOST_COLUMNS = 10_000
CELL_END = b"\x1e"
SEPARATOR_ROWS = 60
_SIGNS = rb",;\t|^~\x01\x1f"
_IN_SINGLE_QUOTES = re.compile(rb"(?:^|[" + _SIGNS + rb"])'[^']+'(?:[" + _SIGNS + rb"\r]|$)")
_IN_DOUBLE_QUOTES = re.compile(_IN_SINGLE_QUOTES.pattern.replace(b"'", b'"'))
_WEB_PAGE = re.compile(
    rb"<[!?]|<(html|head|meta|body|style|script|div|center|font|table|thead|tbody|tr)[\s>]"
    rb"|(mime-version|content-type): |from: <saved by "
)
"""Also the beginning of a page saved with its pictures, which is written as a mail."""
HEADER_ROWS = 20
"""Rows looked through for the header: some exports begin with a title."""
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, UNKNOWN),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written.

    Attributes
    ----------
    encoding
        Name of the codec, or `streams.UNKNOWN`.
    header
        Names of the columns; their numbers from 1 where there is no header.
    header_line
        Line the header is in; 0 where there is none.
    start
        Where the lines begin, in bytes of the decompressed (and recoded) file.
    """

    encoding: str
    separator: str
    quote: str
    eol: str
    header: tuple[str, ...]
    header_line: int
    start: int

    @property
    def marks(self) -> Marks:
        """The bytes that cut the file into records and cells."""
        return Marks(self.separator.encode(), self.quote.encode(), self.eol.encode())


class Told(NamedTuple):
    """What the user said of CSV files; None where he left it to us."""

    encoding: str | None = None
    separator: str | None = None
    no_header: bool = False


class _Row(NamedTuple):
    cells: list[str]
    start: int
    end: int


def read_dialect(path: str, told: Told, is_header: Callable[[Sequence[str]], bool]) -> Dialect:
    """Look at the beginning of a file and tell how it is written.

    Parameters
    ----------
    is_header
        Tells whether a row can be the header; the first row of several cells is it where none can.

    Raises
    ------
    InputError
        The file cannot be read, is no text, or has one column only.
    """
    with streams.reading(path):
        encoding, start = _read_start(path, told.encoding)
        begin = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
        # Inside of quotes spreadsheets break lines otherwise than between them.
        between = re.sub(rb'"[^"]*(?:"|\Z)', b"", start)
        eol = "\r" if b"\n" not in between and b"\r" in between else "\n"
        separator = told.separator
        line = start[begin : begin + 6].rstrip(b"\r\n")
        if line[:4].lower() == b"sep=" and len(line) == 5:
            # Excel's own hint, a line before the header.
            separator = separator or line[4:].decode("ascii", "replace")
            begin = start.find(eol.encode(), begin) + 1
        if not start[begin:].strip():
            raise _empty(path)
        if problem := _other_text(path, start[begin:]):
            raise problem
        quote = _quote(start[begin:], eol.encode())
        separator = separator or _separator(path, start[begin:], quote, eol, is_header)
        marks = Marks(separator.encode(), quote.encode(), eol.encode())
        rows = list(islice(_rows(start, begin, marks, encoding), HEADER_ROWS))
    if not rows:
        raise _empty(path)
    first = rows[0]
    if all(len(row.cells) == 1 and separator in row.cells[0] for row in rows):
        raise InputError(
            "one-column",
            "Each line is in quotes as a whole, so the file has one column only.",
            where=f"{path}; it begins with: {cut(first.cells[0])}",
            now='Take the outer quotes off: sed \'s/^"//; s/"\\r*$//; s/""/"/g\' FILE > NEW.',
        )
    if len(first.cells) > MOST_COLUMNS or first.end >= HEADER_LIMIT:
        raise InputError(
            "too-many-columns",
            f"The first line has {len(first.cells):,} cells or more; custseg takes {MOST_COLUMNS:,}.",
            where=f"{path}, line 1",
            now="Write the columns that count to a file of their own.",
        )
    if told.no_header:
        header = tuple(str(number) for number in range(1, len(first.cells) + 1))
        return Dialect(encoding, separator, quote, eol, header, 0, first.start)
    # A title, a date of printing and a rule of dashes are one cell.
    wide = (row for row in rows if sum(map(bool, map(str.strip, row.cells))) > 1)
    row = next((row for row in rows if is_header(row.cells)), None) or next(wide, first)
    header_line = start.count(eol.encode(), 0, row.start) + 1
    header = tuple(cell.strip() for cell in row.cells)
    return Dialect(encoding, separator, quote, eol, header, header_line, row.end)


def _read_start(path: str, told: str | None) -> tuple[str, bytes]:
    """Return the encoding and enough of the beginning to hold the header."""
    with streams.open_bytes(path) as file:
        start = file.read(START)
    encoding = told or _encoding(path, start)
    limit = START
    while True:
        if limit > START or not streams.keeps_ascii(encoding):
            with streams.open_bytes(path, encoding) as file:
                start = file.read(limit)
        if len(start) < limit or start.count(b"\n") > 1 or start.count(b"\r") > 1 or limit >= HEADER_LIMIT:
            break
        limit = HEADER_LIMIT
    if b"\x00" in start:
        raise _no_text(path)
    return encoding, start


def _encoding(path: str, start: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    if b"\x00" not in start:
        return UNKNOWN
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) // 8 or min(even, odd) > max(even, odd) // 8:
        raise _no_text(path)
    return "utf-16-le" if odd > even else "utf-16-be"


def _empty(path: str) -> InputError:
    return InputError(
        "empty-file", "The file holds no cell at all.", where=path, now="Remove it from the input."
    )


def _other_text(path: str, start: bytes) -> InputError | None:
    """Return the error for text that is no table: web pages, XML and JSON under whatever name."""
    beginning = start[:100].lstrip().lower()
    if _WEB_PAGE.match(beginning):
        what, now = "a web page or XML", "Open it in Excel or LibreOffice and save it as CSV or xlsx."
    elif re.match(rb'\{\s*"|\[\s*[\[{]', beginning):
        what = "JSON"
        now = (
            "In Python: polars.read_ndjson(FILE).write_parquet('lines.parquet') (read_json, if it is one "
            "list); then run custseg on lines.parquet."
        )
    else:
        return None
    return InputError("unknown-format", f"The file is {what}, whatever its name says.", where=path, now=now)


def _no_text(path: str) -> InputError:
    return InputError(
        "unknown-format",
        "The file is neither text, Parquet nor Excel: it holds null bytes.",
        where=path,
        now="Save it as CSV in UTF-8, or leave it out.",
    )


def _quote(start: bytes, eol: bytes) -> str:
    """Tell the quote: single ones only where the first line that holds anything has a cell in them.

    In later lines a cell may well be a single quote, or begin with one.
    """
    first = start.lstrip(b"\r\n ").partition(eol)[0]
    single = _IN_SINGLE_QUOTES.search(first) and not _IN_DOUBLE_QUOTES.search(first)
    return "'" if single else '"'


def _separator(
    path: str, start: bytes, quote: str, eol: str, is_header: Callable[[Sequence[str]], bool]
) -> str:
    """Tell the separator: the one that cuts the first records into equally many cells, and most.

    One that is alone in the first line is it, unless that is a title and only others give a header below.
    """

    def rows(separator: str) -> Iterator[_Row]:
        return _rows(start, 0, Marks(separator.encode(), quote.encode(), eol.encode()), UNKNOWN)

    def gives_header(separator: str) -> bool:
        return any(is_header(row.cells) for row in islice(rows(separator), HEADER_ROWS))

    first = start.lstrip(b"\r\n").split(eol.encode(), 1)[0]
    there = [sign for sign in SEPARATORS if sign.encode() in first]
    if len(there) == 1:
        others = [sign for sign in SEPARATORS if sign not in there and sign.encode() in start]
        if not others or gives_header(there[0]) or not (others := list(filter(gives_header, others))):
            return there[0]
        there = others
    candidates = there or [s for s in (*SEPARATORS, *RARE_SEPARATORS) if s.encode() in start]
    scores = []
    for separator in candidates:
        widths = [len(row.cells) for row in islice(rows(separator), SEPARATOR_ROWS)]
        if not widths:
            # Blanks only, whatever is between them.
            return separator
        common = max(set(widths), key=lambda width: (widths.count(width), width))
        if common > 1:
            scores.append((widths.count(common) / len(widths), common, separator))
    if not scores:
        aligned = b"  " in first.strip()
        raise InputError(
            "one-column",
            "The file has one column only"
            + (
                ", with its cells aligned by blanks."
                if aligned
                else ", or a separator custseg does not know."
            ),
            where=f"{path}; it begins with: {cut(first.decode('utf-8', 'replace'))}",
            now="Save it as CSV." if aligned else "Say what is between the cells: --separator ';'.",
        )
    return max(scores)[2]


def _rows(data: bytes, begin: int, marks: Marks, encoding: str) -> Iterator[_Row]:
    """Yield the first rows that are not blank."""
    at = begin
    while at < len(data):
        record = odd_records.read_record(data, at, marks, None, last=True)
        if record is None:
            return
        cells, end = record
        if any(cell.strip() for cell in cells):
            # Put together, since the encoding is that of the line and not of a cell.
            texts = streams.to_utf8(CELL_END.join(cells), encoding).decode("utf-8", "replace")
            yield _Row(texts.split(CELL_END.decode()), at, end)
        at = end

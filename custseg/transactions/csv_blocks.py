"""CSV files as blocks of whole records in UTF-8, so that any size is read once in bounded memory."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from custseg.errors import InputError, cut

SEPARATORS = (",", ";", "\t", "|")
HEADER_LIMIT = 1 << 20
TAIL = 1 << 14
WHOLE = -1
"""As the limit of a block: read the file at once."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GZIP_MAGIC = b"\x1f\x8b"


class Block(NamedTuple):
    """Whole records of a file.

    Attributes
    ----------
    data
        The records, UTF-8, without the header.
    end
        Where the next block starts, in bytes of the (uncompressed) file.
    last
        Whether the file ends here.
    """

    data: bytes
    end: int
    last: bool


class Dialect(NamedTuple):
    """How a CSV file is written: its separator, its header and where the header ends."""

    separator: str
    header: tuple[str, ...]
    header_end: int


def open_bytes(path: str) -> BinaryIO:
    """Open a file for reading, gzip undone."""
    file = Path(path).open("rb")  # noqa: SIM115 - handed to the caller, who closes it
    magic = file.read(2)
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if magic == GZIP_MAGIC else file  # type: ignore[return-value]


def read_dialect(path: str) -> Dialect:
    """Read the header and tell the separator by it.

    Raises
    ------
    InputError
        The file cannot be read, or its first record is no header.
    """
    with reading(path), open_bytes(path) as file:
        start = file.read(HEADER_LIMIT)
    if b"\x00" in start[:1000]:
        raise InputError(
            "unknown-format",
            "The file is neither CSV nor Parquet: it holds null bytes.",
            where=path,
            now="Save it as CSV in UTF-8.",
        )
    end = first_record_end(start)
    text = to_utf8(start[:end]).decode("utf-8").removeprefix("\ufeff").rstrip("\r\n")
    separator = max(SEPARATORS, key=text.count)
    header = tuple(next(csv.reader(io.StringIO(text), delimiter=separator), []))
    if not any(name.strip() for name in header):
        raise InputError("no-header", "The first line of the file is empty.", where=path, now="Add a header.")
    return Dialect(separator, header, end)


def read_blocks(path: str, limit: int, start: int) -> Iterator[Block]:
    """Cut a file into blocks of whole records.

    Parameters
    ----------
    path
        The file.
    limit
        Bytes of a block, somewhat more where a record is longer than half of it; `WHOLE`: no limit.
    start
        Where to begin: after the header, or at the `end` of an earlier block.
    """
    with reading(path), open_bytes(path) as file:
        file.seek(start)
        rest, end = b"", start
        while True:
            # Up to the limit from where the block begins, so that where it ends does not depend on the
            # blocks before it; a record longer than that is read on to its end.
            wanted = max(limit - len(rest), limit // 2 + 1) if limit != WHOLE else WHOLE
            read = file.read(wanted)
            data = rest + read
            last = limit == WHOLE or len(read) < wanted
            cut_at = len(data) if last else last_record_end(data)
            end += cut_at
            rest = data[cut_at:]
            if cut_at or last:
                yield Block(to_utf8(data[:cut_at]), end, last)
            if last:
                return


def sample_records(path: str, dialect: Dialect) -> list[list[str]]:
    """Return records from the beginning and, where the file can be sought, the end of a file."""
    with reading(path), open_bytes(path) as file:
        file.seek(dialect.header_end)
        head = file.read(TAIL)
        tail = b""
        if not isinstance(file, gzip.GzipFile) and len(head) == TAIL:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(dialect.header_end + TAIL, size - TAIL))
            tail = file.read()
            tail = tail[tail.find(b"\n") + 1 :]
    text = to_utf8(head[: head.rfind(b"\n") + 1] or head) + to_utf8(tail)
    reader = csv.reader(io.StringIO(text.decode("utf-8", "replace")), delimiter=dialect.separator)
    records = []
    while True:
        try:
            records.append(next(reader))
        except csv.Error:
            continue
        except StopIteration:
            return records


def first_record_end(data: bytes) -> int:
    """Return where the first record ends: the first line break outside quotes."""
    at = -1
    while (at := data.find(b"\n", at + 1)) >= 0:
        if data.count(b'"', 0, at) % 2 == 0:
            return at + 1
    return len(data)


def last_record_end(data: bytes) -> int:
    """Return where the last whole record ends; `data` must begin outside quotes."""
    quotes = data.count(b'"')
    at = len(data)
    while (newline := data.rfind(b"\n", 0, at)) >= 0:
        quotes -= data.count(b'"', newline, at)
        if quotes % 2 == 0:
            return newline + 1
        at = newline
    return 0


def to_utf8(data: bytes) -> bytes:
    """Return the bytes as UTF-8: as they are if they are, else read as cp1252 or latin-1."""
    if data.isascii():
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        for encoding in ("cp1252", "latin-1"):
            try:
                return data.decode(encoding).encode("utf-8")
            except UnicodeDecodeError:
                continue
    return data.removeprefix(BYTE_ORDER_MARK)


class reading:
    """Turn failures of reading a file into one clear error that names it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Translate the error, if any."""
        if isinstance(error, OSError | EOFError):
            raise InputError(
                "unreadable-file",
                f"The file cannot be read to its end: {cut(error)}.",
                where=self.path,
                now="Copy it again from where it came from; it may have been cut off.",
            ) from error

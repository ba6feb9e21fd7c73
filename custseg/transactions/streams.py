"""Bytes of a text file: decompressed, and with line breaks, quotes and separators of one byte each.

Encodings that keep ASCII as it is (UTF-8, latin-1, …) pass unchanged and become UTF-8 a block at a time
(`to_utf8`); all others (UTF-16, …) are recoded to UTF-8 as they are read.
"""

from __future__ import annotations

import codecs
import gzip
import importlib
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from custseg.errors import InputError, cut
from custseg.running import outputs, storage
from custseg.transactions.line_ends import MixedEnds

if TYPE_CHECKING:
    from types import TracebackType

if sys.version_info >= (3, 14):  # pragma: no cover
    from compression import zstd
else:
    from backports import zstd

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
UNKNOWN = "utf-8 or cp1252"
"""The encoding where none is told: a line that is not UTF-8 is read as cp1252 (see `to_utf8`)."""

STEP = 1 << 17
"""Bytes looked through at once, and read at once from a local file: what fits a processor's cache."""

SIP = 1 << 11
"""Bytes read at once of a compressed file to see how much text comes of them."""

FIRST_OF_UTF8 = 0xC2
"""The least byte that a sign of several bytes can begin with in UTF-8."""

_LATIN = "".join(map(chr, range(256)))
CP1252 = "".join(
    bytes([code]).decode("cp1252", "ignore") or _LATIN[code] for code in range(256)
)  # its five gaps are read as browsers do, so that no byte is ever lost


def is_compressed(path: str) -> bool:
    """Tell whether a file can only be read from its beginning."""
    with storage.open_binary(path) as file:
        return file.read(4).startswith((GZIP_MAGIC, ZSTD_MAGIC))


def open_bytes(path: str, encoding: str = UNKNOWN) -> BinaryIO:
    """Open a file for reading: decompressed, recoded to UTF-8 where the encoding does not keep ASCII."""
    file: Any = storage.open_binary(path)
    magic = file.read(4)
    # By way of the end, which empties the buffer: what is in it would have all that is read at once copied.
    file.seek(0, io.SEEK_END)
    file.seek(0)
    if magic.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
        if not storage.is_remote(path):
            # By its path, so that closing the one closes the other.
            file.close()
            file = path
        file = gzip.open(file) if magic.startswith(GZIP_MAGIC) else zstd.ZstdFile(file)  # noqa: SIM115
    if keeps_ascii(encoding):
        return cast(BinaryIO, file)
    return io.BufferedReader(_Recoded(file, encoding), STEP)


def can_be_sought(file: BinaryIO) -> bool:
    """Tell whether any place of a file can be gone to at once."""
    return isinstance(file, io.BufferedReader) and file.seekable()


def is_local(file: BinaryIO) -> bool:
    """Tell whether a file is one of this machine, as it stands."""
    return isinstance(getattr(file, "raw", None), io.FileIO)


def skip(file: BinaryIO, offset: int) -> None:
    """Go forward to `offset`, by reading where the file cannot be sought."""
    if can_be_sought(file):
        file.seek(offset)
        return
    while offset > 0:
        passed = len(file.read(min(offset, 1 << 20)))
        if not passed:
            return
        offset -= passed


def shorten(held: list[bytes], length: int) -> bytes:
    """Take bytes out of a list and cut them off at `length`: without a copy, if nobody else holds them."""
    whole = io.BytesIO(held.pop())
    whole.truncate(length)
    return whole.getvalue()


def samples(
    file: BinaryIO, start: int, head: int, rest: int, eol: bytes, places: int = 8
) -> Iterator[tuple[bytes, bool]]:
    """Yield pieces of a file that begin with a record (in all likelihood), and whether each is its last.

    The first has `head` bytes; the others, where the file can be sought, have `rest` bytes together.
    """
    skip(file, start)
    data = file.read(head)
    first, last = len(data), len(data) < head
    yield data, last
    if last or not rest or not can_be_sought(file):
        return
    end = file.seek(0, io.SEEK_END)
    places = 1 if rest < 1 << 16 else places
    part = rest // places
    for place in range(1, places + 1):
        at = max(start + first, start + (end - start) * place // places - part)
        file.seek(at - 1)
        data = file.read(part + 1)
        yield data[data.find(eol) + 1 :], place == places


def share_of(path: str, encoding: str, beginning: bytes) -> float:
    """Return the share of a file, as it is on disk, that its beginning (recoded if need be) takes, about."""
    size = len(beginning)
    if not keeps_ascii(encoding):
        size = len(beginning.decode("utf-8").encode(encoding))
    scale = _bytes_a_byte(path, size) if is_compressed(path) else 1
    return size * scale / max(1, storage.size(path))


def _bytes_a_byte(path: str, size: int) -> float:
    """Return how many bytes of a compressed file a byte of its first `size` bytes of text takes."""
    read, made, unpack = 0, 0, None
    with storage.open_binary(path) as raw:
        is_gzip = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        while made < size and (packed := raw.read(SIP)):
            read += len(packed)
            while packed:
                # All there is of them, since a whole block may come of its last byte.
                unpack = unpack or (zlib.decompressobj(31) if is_gzip else zstd.ZstdDecompressor())
                made += len(unpack.decompress(packed))
                packed, unpack = (unpack.unused_data, None) if unpack.eof else (b"", unpack)
    return read / max(1, made)


def keeps_ascii(encoding: str) -> bool:
    """Tell whether every byte below 128 means its ASCII sign, wherever it stands."""
    if encoding == UNKNOWN:
        return True
    name = codecs.lookup(encoding).name
    if name in ("utf-8", "utf-8-sig", "ascii", "iso8859-1"):
        return True
    module = importlib.import_module(f"encodings.{name.replace('-', '_')}")
    table: str = getattr(module, "decoding_table", "")
    return table[:128] == _LATIN[:128]


def to_utf8(data: bytes, encoding: str, eol: bytes = b"\n", foreign: Sequence[int] | None = None) -> bytes:
    """Return whole lines as UTF-8.

    With the encoding `UNKNOWN` each line by itself is read as UTF-8 if it is that, and as cp1252 if not: so
    the answer does not depend on where a file is cut into blocks, and files put together from two sources
    come out right.

    Parameters
    ----------
    foreign
        Where the steps of `STEP` bytes begin that are not ASCII, if that is known.

    Raises
    ------
    UnicodeDecodeError
        The data are not in the encoding that was told.
    """
    if encoding != UNKNOWN and codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig", "ascii"):
        if data.isascii():
            return data
        return data.decode(encoding).encode("utf-8") if keeps_ascii(encoding) else data
    pieces, done, looked_at = [], 0, 0
    for step in range(0, len(data), STEP) if foreign is None else foreign:
        at, end = max(step, looked_at), min(step + STEP, len(data))
        if not data[at:end].isascii():
            start = max(done, data.rfind(eol, 0, at) + 1)
            end = data.find(eol, end) + 1 or len(data)
            lines = data[start:end]
            try:
                lines.decode("utf-8")
            except UnicodeDecodeError as error:
                if encoding != UNKNOWN:
                    raise UnicodeDecodeError(
                        error.encoding, data, start + error.start, start + error.end, error.reason
                    ) from None
                pieces += [data[done:start], *_western_lines_to_utf8(lines, eol)]
                done = end
            looked_at = end
    return b"".join([*pieces, data[done:]]) if pieces else data


def _western_lines_to_utf8(lines: bytes, eol: bytes) -> list[bytes]:
    """Return lines as UTF-8, each of which is that or cp1252."""
    signs = np.frombuffer(lines, np.uint8)
    is_continued = (signs[1:] & 0b1100_0000) == 0b1000_0000
    if not (is_continued & (signs[:-1] >= FIRST_OF_UTF8)).any():
        # No line has a sign that takes several bytes.
        return [read_western(lines).encode("utf-8")]
    return list(map(_line_to_utf8, _lines(lines, eol)))


def _lines(data: bytes, eol: bytes) -> list[bytes]:
    lines = data.split(eol)
    return [line + eol for line in lines[:-1]] + lines[-1:]


def _line_to_utf8(line: bytes) -> bytes:
    return line if is_utf8(line) else read_western(line).encode("utf-8")


def is_utf8(data: bytes) -> bool:
    """Tell whether bytes are UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def read_western(line: bytes) -> str:
    """Read bytes as cp1252."""
    return codecs.charmap_decode(line, "strict", CP1252)[0]


class _Recoded(io.RawIOBase):
    """A file read as UTF-8 whatever its encoding is; it cannot be sought."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.file, self.decoder = file, codecs.getincrementaldecoder(encoding)()
        self.ready, self.ended = b"", False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with the next bytes of UTF-8."""
        while not self.ready and not self.ended:
            read = self.file.read(STEP)
            self.ended = not read
            self.ready = self.decoder.decode(read, final=self.ended).encode("utf-8")
        taken = self.ready[: len(buffer)]
        buffer[: len(taken)] = taken
        self.ready = self.ready[len(taken) :]
        return len(taken)

    def close(self) -> None:
        """Close the file below as well."""
        self.file.close()
        super().close()


class reading:
    """Turn failures of reading a file into one clear error that names it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Translate the error, if any."""
        if error and (failure := outputs.reading_failed(self.path, error)):
            raise failure from error
        if isinstance(error, OSError | EOFError | zlib.error | zstd.ZstdError):
            raise InputError(
                "unreadable-file",
                f"The file cannot be read to its end: {cut(error)}.",
                where=self.path,
                now=f"It is packed with zstd --long. Unpack it: zstd -d --long=31 '{self.path}'"
                if "too much memory" in str(error)
                else "Copy it again from where it came from; it may have been cut off. "
                "--skip-bad-files goes on without it.",
            ) from error
        if isinstance(error, MixedEnds):
            raise error.located(self.path) from None
        if isinstance(error, UnicodeDecodeError):
            raise InputError(
                "wrong-encoding",
                f"The file is not in the encoding {error.encoding}: {cut(error.reason)}.",
                where=self.path,
                now="Say which it is: --encoding cp1252, utf-16, …",
            ) from error

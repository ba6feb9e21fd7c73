"""Cutting: a file of text cut into blocks of whole records.

Blocks are large: nothing holds one but whoever works on it, no loop's variable either.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from custseg.transactions import quotes, streams
from custseg.transactions.marks import Marks
from custseg.transactions.streams import STEP

MOST_ROOMS = 4
"""More than ever are in use: the others would be kept for nobody."""


class Cut(NamedTuple):
    """Whole records of a file, in its encoding (or in UTF-8, if that does not keep ASCII).

    Attributes
    ----------
    data
        The records, their quotes regular.
    start, end
        Where they start and the next ones do, in bytes of the (decompressed, recoded) file.
    last
        Whether the file ends here.
    foreign
        Where the steps of `STEP` bytes begin that are not ASCII, if that is known.
    """

    data: bytes
    start: int
    end: int
    last: bool
    foreign: tuple[int, ...] | None = None


def cut(file: BinaryIO, start: int, limit: int | None, marks: Marks, fields: int) -> Iterator[Cut]:
    """Cut what is left of a file.

    Where a block ends does not depend on the blocks before it.

    Parameters
    ----------
    start
        Where the file stands.
    limit
        Bytes read at once; a block is at most this and one record. None: the file at once.
    fields
        How many cells a record should have.
    """
    if limit and streams.can_be_sought(file):
        return _cut_in_place(file, start, limit, marks, fields)
    return _cut_in_passing(file, start, limit, marks, fields)


def _cut_in_place(file: BinaryIO, start: int, limit: int, marks: Marks, fields: int) -> Iterator[Cut]:
    """Cut a file that can be sought: what is left of a record is read again."""
    rooms = _Rooms()
    size, last = limit, False
    while not last:
        room = rooms.free(size)
        found = room.read(file, size, marks.quote)
        last = found.length < size
        if found.has_quotes:
            mended, consumed = quotes.find_records(room.data(), marks, fields, last=last)
        else:
            mended, consumed = None, quotes.find_lines(room.data(), marks, last=last)
        end = start + consumed
        file.seek(end)
        # Up to the next multiple of the limit, if one record is as long.
        size = (0 if consumed else size) + limit
        room.shorten(consumed)
        if consumed or last:
            # In what was mended they stand elsewhere.
            foreign = found.foreign if mended is None else None
            held = [room.data() if mended is None else mended]
            del mended
            yield Cut(held.pop(), start, end, last, foreign)
        start = end


def _cut_in_passing(
    file: BinaryIO, start: int, limit: int | None, marks: Marks, fields: int
) -> Iterator[Cut]:
    """Cut a file that is read once from its beginning to its end."""
    rest, size, last = b"", limit or 0, False
    while not last:
        wanted = max(0, size - len(rest)) if limit else -1
        read = file.read(wanted)
        last = limit is None or len(read) < wanted
        held = [rest + read if rest else read]
        del read
        # Behind a record longer than the limit more may be left over than that.
        rest = held[0][size:] if limit else b""
        held = [held[0][: size if limit else None]]
        mended, consumed = quotes.find_records(held[0], marks, fields, last=last)
        end = start + consumed
        rest = held[0][consumed:] + rest
        size = (0 if consumed else size) + (limit or 0)
        held = [streams.shorten(held, consumed) if mended is None else mended]
        del mended
        if consumed or last:
            yield Cut(held.pop(), start, end, last)
        start = end


class _Found(NamedTuple):
    """What was read: how many bytes, and what is known of them."""

    length: int
    foreign: tuple[int, ...]
    has_quotes: bool


class _Room:
    """Memory that blocks are read into.

    Parameters
    ----------
    size
        Bytes that are read first.
    """

    def __init__(self, size: int) -> None:
        # Of all that lends bytes without a copy the only one that can be written to again. Zeros that nobody
        # has looked at take no time.
        self._bytes = io.BytesIO(bytes(size))

    def is_free(self) -> bool:
        """Whether nobody holds the bytes that were in it: one reference is its own, one of the call."""
        return sys.getrefcount(self._bytes.getvalue()) == 2

    def read(self, file: BinaryIO, size: int, quote: bytes) -> _Found:
        """Read at most so many bytes, and look at them while they are in the processor's cache."""
        self._bytes.seek(size - 1)
        self._bytes.write(b"\0")
        # Of an object in a bucket each reading is a request.
        at_once = STEP if streams.is_local(file) else size
        length, foreign, has_quotes = 0, list[int](), False
        with self._bytes.getbuffer() as whole:
            while length < size:
                with whole[length : min(length + at_once, size)] as piece:
                    end = length + file.readinto(piece)  # type: ignore[attr-defined]
                if end == length:
                    break
                while length < end:
                    step = bytes(whole[length : min(length + STEP, end)])
                    if not step.isascii():
                        foreign.append(length)
                    has_quotes = has_quotes or quote in step
                    length += len(step)
        self.shorten(length)
        return _Found(length, tuple(foreign), has_quotes)

    def shorten(self, length: int) -> None:
        """Forget what is behind so many bytes."""
        self._bytes.truncate(length)

    def data(self) -> bytes:
        """Return what was read; as long as it is held, the room is not free."""
        return self._bytes.getvalue()


class _Rooms:
    """Memory used for one block after the other.

    To be given fresh memory takes a process twice as long as to read what the system has in its cache
    (docs/decisions/0009).
    """

    def __init__(self) -> None:
        self._rooms: list[_Room] = []

    def free(self, size: int) -> _Room:
        """Return a room that nobody holds the bytes of, for so many."""
        for room in self._rooms:
            if room.is_free():
                return room
        self._rooms = [_Room(size), *self._rooms][:MOST_ROOMS]
        return self._rooms[0]

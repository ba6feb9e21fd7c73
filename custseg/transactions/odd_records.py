"""Records whose quotes follow no rule: read by what is likeliest to have been meant, and written anew."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from custseg.transactions.marks import Marks

LONGEST = 1 << 16
"""Bytes after which a quote that was not closed is taken for a sign like any other."""

WAYS = ((b"", True), (b"\\", True), (b"", False))
"""What stands before quotes that close nothing, and whether two stand for one; the likeliest first."""


def read_record(
    data: bytes, start: int, marks: Marks, fields: int | None, *, last: bool
) -> tuple[list[bytes], int] | None:
    """Read one record, whatever its quotes, and tell where it ends; None when more data are needed.

    The first of `_readings` that gives the right number of cells (or any, when `fields` is None); if none
    does, a line whose quotes are signs like any other.
    """
    stop = min(start + LONGEST, len(data))
    ended = last and stop == len(data)
    for found in _readings(data, (start, stop), marks, fields, ended=ended):
        if found is None:
            if stop < start + LONGEST and not ended:
                return None
        elif len(found[0]) == (fields or len(found[0])):
            return found
    end = data.find(marks.eol, start)
    if end < 0 and not last:
        return None
    line = data[start : end if end >= 0 else len(data)]
    return line.rstrip(b"\r").split(marks.separator), end + 1 if end >= 0 else len(data)


def _readings(
    data: bytes, within: tuple[int, int], marks: Marks, fields: int | None, *, ended: bool
) -> Iterator[tuple[list[bytes], int] | None]:
    """Yield ways to read a record, the likeliest first; None for one that hangs on what comes after.

    In one line a quote closes where a cell may end, and is one of a pair where another follows; the same with
    backslashes before quotes that do not; the same without pairs. Or quotes are signs like any other, if that
    gives the next line the right number of cells, too. Over several lines the first two once more: the one
    that ends first before the other, and none that would hide a whole record.
    """
    start, stop = within
    end = data.find(marks.eol, start, stop) + 1
    if end or ended:
        end = end or stop
        line = data[start:end]
        for escape, paired in WAYS:
            found = _read_cells(line, marks, escape, paired=paired)
            if found and found[1] == len(line):
                yield found[0], end
        cells = line.removesuffix(marks.eol).rstrip(b"\r").split(marks.separator)
        next_end = data.find(marks.eol, end, stop)
        if len(cells) != fields:
            pass
        elif next_end < 0 and not ended:
            yield None
        elif (
            end == stop or data.count(marks.separator, end, stop if next_end < 0 else next_end) == fields - 1
        ):
            yield cells, end
    window = data[start:stop]
    whole = []
    for escape in (b"", b"\\"):
        found = _read_cells(window, marks, escape, paired=True)
        if found and (found[1] < len(window) or ended):
            whole.append((found[1], escape, found[0]))
    for length, escape, cells in sorted(whole):
        if len(cells) != fields or not _hides_record(window[:length], marks, escape, fields):
            yield cells, start + length
    if len(whole) < 2:
        yield None


def _hides_record(data: bytes, marks: Marks, escape: bytes, fields: int) -> bool:
    """Tell whether a record of several lines has a whole one in it: then its first quote was but a sign.

    It has none if all its quotes open, close or are marked as signs. A line with one that nothing opens, as
    the end of a long text has, counts as a record only where the first line could be one, too.
    """
    if _read_cells(data, marks, escape, paired=True, strays=False):
        return False
    is_full = data.count(marks.separator, 0, data.find(marks.eol)) >= fields - 1
    # From the end: mostly it is the line whose quote was taken for the end of the first.
    end = len(data) - 1
    while (end := data.rfind(marks.eol, 0, end)) >= 0:
        for other, paired in WAYS:
            found = _read_cells(data[end + 1 :], marks, other, paired=paired, strays=is_full)
            if found and len(found[0]) == fields:
                return True
    return False


def write_record(cells: list[bytes], marks: Marks) -> bytes:
    """Write a record with regular quotes."""
    special = (marks.quote, marks.separator, marks.eol, b"\r")
    written = [
        marks.quote + cell.replace(marks.quote, 2 * marks.quote) + marks.quote
        if any(sign in cell for sign in special)
        else cell
        for cell in cells
    ]
    return marks.separator.join(written) + marks.eol


def _read_cells(
    data: bytes, marks: Marks, escape: bytes, *, paired: bool, strays: bool = True
) -> tuple[list[bytes], int] | None:
    """Read cells up to the end of the first record; None when a quote is not closed.

    Without `strays` also where a quote is there that neither opens, closes nor is marked as a sign.
    """
    cells, at = [], 0
    while True:
        opening = at
        while data.startswith(b" ", opening):
            opening += 1
        if data.startswith(marks.quote, opening):
            close = _closing(data, opening + 1, marks, escape, paired=paired, strays=strays)
            if close is None:
                return None
            text = data[opening + 1 : close]
            text = text.replace(2 * marks.quote, marks.quote) if paired else text
            cells.append(text.replace(escape + marks.quote, marks.quote) if escape else text)
            at = close + 1
            end = _behind_returns(data, at, marks)
            if end == len(data) or data.startswith(marks.eol, end):
                at = end
        else:
            line = data.find(marks.eol, at)
            line = line if line >= 0 else len(data)
            end = data.find(marks.separator, at, line)
            cells.append(data[at:end] if end >= 0 else data[at:line].rstrip(b"\r"))
            if not strays and marks.quote in cells[-1]:
                return None
            at = end if end >= 0 else line
        if not data.startswith(marks.separator, at):
            return cells, min(at + 1, len(data))
        at += 1


def _behind_returns(data: bytes, at: int, marks: Marks) -> int:
    """Return where the carriage returns at `at` end, of which some programs write two before a line feed."""
    while marks.eol != b"\r" and data.startswith(b"\r", at):
        at += 1
    return at


def _closing(
    data: bytes, start: int, marks: Marks, escape: bytes, *, paired: bool, strays: bool
) -> int | None:
    """Return where the quote is that closes a cell whose text starts at `start`."""
    for found in _quotes_at_ends(marks).finditer(data, start):
        first, end = found.span()
        if escape and _is_escaped(data, first, escape):
            first += 1
        if (end - first) % 2 == 1 or (end > first and not paired):
            return None if not strays and _has_strays(data[start : end - 1], marks, escape) else end - 1
    return None


@functools.cache
def _quotes_at_ends(marks: Marks) -> re.Pattern[bytes]:
    """Return what finds quotes in a row, the last of them where a cell may end."""
    quote, separator, eol = map(re.escape, (marks.quote, marks.separator, marks.eol))
    return re.compile(quote + b"+(?=" + separator + b"|\r*" + eol + b"|\r*\\Z)")


def _has_strays(text: bytes, marks: Marks, escape: bytes) -> bool:
    """Tell whether there are quotes in a text that are neither doubled nor, with `escape`, behind it."""
    text = re.sub(re.escape(escape) + b".", b"", text, flags=re.DOTALL) if escape else text
    return marks.quote in text.replace(2 * marks.quote, b"")


def _is_escaped(data: bytes, at: int, escape: bytes) -> bool:
    count = 0
    while data[at - count - 1 : at - count] == escape:
        count += 1
    return count % 2 == 1

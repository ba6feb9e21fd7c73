r"""Quotes in CSV: where records end, and lines whose quotes follow no rule mended on the way.

A quote is *regular* when it opens a cell at its beginning, closes one at its end, or stands doubled inside a
quoted one. Blocks with regular quotes only (nearly all) go on untouched. A record with any other quote, such
as ``12" plate`` or ``"a \" b"``, is read by itself and written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from custseg.transactions import regular_quotes
from custseg.transactions.marks import Marks

STEP = 1 << 17
LONGEST = 1 << 16
"""Bytes after which a quote that was not closed is taken for a sign like any other."""

WINDOW = 1 << 23
"""Bytes looked at together; more only where a record is longer."""

SPARSE = 100
"""Bytes a quote from which on it is quicker to look at each (docs/decisions/0009)."""

Places = NDArray[np.int64]


class Records(NamedTuple):
    """Whole records, and how many bytes of the data they were."""

    data: bytes
    consumed: int


def whole_records(data: bytes, marks: Marks, fields: int, *, last: bool) -> Records:
    """Return the whole records at the beginning of data, with regular quotes: see `find_records`."""
    mended, consumed = find_records(data, marks, fields, last=last)
    return Records(data[:consumed] if mended is None else mended, consumed)


def find_records(data: bytes, marks: Marks, fields: int, *, last: bool) -> tuple[bytes | None, int]:
    """Find the whole records at the beginning of data.

    Parameters
    ----------
    data
        Must begin where a record begins.
    fields
        How many a record should have; decides between two readings of odd quotes.
    last
        Whether nothing follows the data.

    Returns
    -------
    mended
        The records with regular quotes; None where all are regular as they stand.
    consumed
        How many bytes of the data they were.
    """
    if marks.quote not in data:
        return None, find_lines(data, marks, last=last)
    places = _places(data, marks.quote, len(data) // SPARSE)
    if places is not None:
        return _find_by_place(data, places, marks, fields, last=last)
    end = regular_quotes.end_if_regular(data, marks, longest=LONGEST, last=last)
    if end is not None:
        return None, end
    return _find_in_windows(data, marks, fields, last=last)


def _find_in_windows(data: bytes, marks: Marks, fields: int, *, last: bool) -> tuple[bytes | None, int]:
    """Find records a window at a time: places of many quotes take several times the memory of the data."""
    pieces: list[bytes | memoryview] = []
    done = at = 0
    size = WINDOW
    behind = 0
    while behind < len(data):
        window, behind = data[at : at + size], at + size
        ends = last and behind >= len(data)
        end = regular_quotes.end_if_regular(window, marks, longest=LONGEST, last=ends)
        if end is None:
            places = _places(window, marks.quote, len(window))
            assert places is not None
            mended, end = _find_by_place(window, places, marks, fields, last=ends)
            if mended is not None:
                pieces += [memoryview(data)[done:at], mended]
                done = at + end
        at += end
        size = WINDOW if end else 2 * size
    return b"".join([*pieces, memoryview(data)[done:at]]) if pieces else None, at


def _find_by_place(
    data: bytes, places: Places, marks: Marks, fields: int, *, last: bool
) -> tuple[bytes | None, int]:
    """Find records by looking at each quote."""
    quotes = _Quotes(data, places, marks, last)
    pieces: list[bytes] = []
    done = begin = 0
    while (odd := quotes.first_odd(begin)) is not None:
        start = quotes.record_start(int(quotes.at[odd]), done, begin)
        record = read_record(data, start, marks, fields, last=last)
        if record is None:
            return b"".join([*pieces, data[done:start]]), start
        cells, end = record
        pieces += [data[done:start], write_record(cells, marks)]
        done, begin = end, int(np.searchsorted(quotes.at, end))
    consumed = len(data) if last else quotes.record_start(len(data), done, begin)
    return b"".join([*pieces, data[done:consumed]]) if pieces else None, consumed


def find_lines(data: bytes, marks: Marks, *, last: bool) -> int:
    """Return how many bytes the whole records at the beginning of data are, where it has no quotes."""
    return len(data) if last else data.rfind(marks.eol) + 1


def without_blank_lines(data: bytes, marks: Marks) -> bytes:
    """Return whole records without the lines that hold nothing at all."""
    eol = re.escape(marks.eol)
    head = re.match(rb"(?:\r?" + eol + rb")*", data)
    done = head.end() if head else 0
    kept: list[memoryview] = []
    seen, inside = done, False
    for found in re.finditer(eol + rb"((?:\r?" + eol + rb")+)", data):
        start, end = found.span(1)
        inside ^= data.count(marks.quote, seen, start) % 2 == 1
        seen = start
        if not inside and start > done:
            kept.append(memoryview(data)[done:start])
            done = end
    return b"".join([*kept, memoryview(data)[done:]]) if done else data


def read_record(
    data: bytes, start: int, marks: Marks, fields: int | None, *, last: bool
) -> tuple[list[bytes], int] | None:
    """Read one record, whatever its quotes, and tell where it ends; None when more data are needed.

    The first of `_readings` that gives the right number of cells (or any, when `fields` is None); if none
    does, a line whose quotes are signs like any other.
    """
    window = data[start : start + LONGEST]
    ended = last and start + len(window) == len(data)
    for found in _readings(window, marks, fields, ended=ended):
        if found is None:
            if len(window) < LONGEST and not ended:
                return None
        elif len(found[0]) == (fields or len(found[0])):
            return found[0], start + found[1]
    end = data.find(marks.eol, start)
    if end < 0 and not last:
        return None
    line = data[start : end if end >= 0 else len(data)]
    return line.removesuffix(b"\r").split(marks.separator), end + 1 if end >= 0 else len(data)


def _readings(
    window: bytes, marks: Marks, fields: int | None, *, ended: bool
) -> Iterator[tuple[list[bytes], int] | None]:
    """Yield ways to read a record, the likeliest first; None for one that hangs on what comes after.

    In one line a quote closes where a cell may end, and is one of a pair where another follows; the same with
    backslashes before quotes that do not; the same without pairs. Or quotes are signs like any other, if that
    gives the next line the right number of cells, too. Over several lines the first two once more.
    """
    end = window.find(marks.eol) + 1
    if end or ended:
        line, behind = (window[:end], window[end:]) if end else (window, b"")
        for escape, paired in ((b"", True), (b"\\", True), (b"", False)):
            found = _read_cells(line, marks, escape, paired=paired)
            if found and found[1] == len(line):
                yield found
        cells = line.removesuffix(marks.eol).removesuffix(b"\r").split(marks.separator)
        next_end = behind.find(marks.eol) if marks.eol in behind else len(behind)
        if len(cells) != fields:
            pass
        elif next_end == len(behind) and not ended:
            yield None
        elif not behind or behind.count(marks.separator, 0, next_end) == fields - 1:
            yield cells, len(line)
    for escape in (b"", b"\\"):
        found = _read_cells(window, marks, escape, paired=True)
        yield None if found and found[1] == len(window) and not ended else found


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


def _read_cells(data: bytes, marks: Marks, escape: bytes, *, paired: bool) -> tuple[list[bytes], int] | None:
    """Read cells up to the end of the first record; None when a quote is not closed."""
    cells, at = [], 0
    while True:
        opening = at
        while data.startswith(b" ", opening):
            opening += 1
        if data.startswith(marks.quote, opening):
            close = _closing(data, opening + 1, marks, escape, paired=paired)
            if close is None:
                return None
            text = data[opening + 1 : close]
            text = text.replace(2 * marks.quote, marks.quote) if paired else text
            cells.append(text.replace(escape + marks.quote, marks.quote) if escape else text)
            at = close + 1
            if data.startswith(b"\r" + marks.eol, at):
                at += 1
        else:
            line = data.find(marks.eol, at)
            line = line if line >= 0 else len(data)
            end = data.find(marks.separator, at, line)
            cells.append(data[at:end] if end >= 0 else data[at:line].removesuffix(b"\r"))
            at = end if end >= 0 else line
        if not data.startswith(marks.separator, at):
            return cells, min(at + 1, len(data))
        at += 1


def _closing(data: bytes, at: int, marks: Marks, escape: bytes, *, paired: bool) -> int | None:
    """Return where the quote is that closes a cell opened before `at`."""
    ends = (marks.separator, marks.eol, b"\r" + marks.eol)
    last = len(data) - data.endswith(b"\r")
    while (at := data.find(marks.quote, at)) >= 0:
        if escape and _is_escaped(data, at, escape):
            at += 1
        elif paired and data.startswith(marks.quote, at + 1):
            at += 2
        elif at + 1 >= last or data.startswith(ends, at + 1):
            return at
        else:
            at += 1
    return None


def _is_escaped(data: bytes, at: int, escape: bytes) -> bool:
    count = 0
    while data[at - count - 1 : at - count] == escape:
        count += 1
    return count % 2 == 1


def _places(data: bytes, quote: bytes, most: int) -> Places | None:
    """Return where quotes stand; None if there are more than so many."""
    signs = np.frombuffer(data, np.uint8)
    places: list[Places] = []
    for start in range(0, len(signs), STEP):
        places.append(np.flatnonzero(signs[start : start + STEP] == quote[0]) + start)
        most -= len(places[-1])
        if most < 0:
            return None
    return np.concatenate(places)


class _Quotes:
    """Places of the quotes in data, and which of them are odd."""

    def __init__(self, data: bytes, at: Places, marks: Marks, last: bool) -> None:
        self.data, self.at, self.eol = data, at, marks.eol
        signs = np.frombuffer(data, np.uint8)
        before = np.where(self.at > 0, signs[self.at - 1], marks.eol[0])
        after = signs[np.minimum(self.at + 1, len(signs) - 1)]
        after[self.at + 1 == len(signs)] = marks.eol[0]
        twice = signs[np.minimum(self.at + 2, len(signs) - 1)]
        ends = tuple(sign[0] for sign in marks)
        opens = np.isin(before, ends)
        # A carriage return at the end of the data is the end of a line, or half of one.
        ends_line = (twice == marks.eol[0]) | (self.at + 2 == len(signs))
        closes = np.isin(after, ends) | ((after == ord("\r")) & ends_line)
        # A quote that opens a cell without end is odd; one at the end of the data may yet be closed.
        length = np.diff(self.at, append=len(signs) + (LONGEST if last else 0))
        opens &= length <= LONGEST
        number = np.arange(len(self.at))
        self.odd = [np.flatnonzero(np.where(number % 2 == first, ~opens, ~closes)) for first in (0, 1)]

    def first_odd(self, begin: int) -> int | None:
        """Return the first odd quote from the quote `begin` on, which is the first of a record."""
        odd = self.odd[begin % 2]
        place = int(np.searchsorted(odd, begin))
        return int(odd[place]) if place < len(odd) else None

    def record_start(self, before: int, low: int, begin: int) -> int:
        """Return where the record that reaches to `before` starts, not below `low`."""
        end = before
        while (end := self.data.rfind(self.eol, low, end)) >= 0:
            if (int(np.searchsorted(self.at, end)) - begin) % 2 == 0:
                return end + 1
        return low

r"""Quotes in CSV: where records end, and lines whose quotes follow no rule mended on the way.

A quote is *regular* when it opens a cell at its beginning, closes one at its end, or stands doubled inside a
quoted one. Blocks with regular quotes only (nearly all) go on untouched. A record with any other quote, such
as ``12" plate`` or ``"a \" b"``, is read by itself and written anew (see `odd_records`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from custseg.transactions import odd_records, regular_quotes
from custseg.transactions.line_ends import refuse_mixed_ends
from custseg.transactions.marks import Marks

STEP = 1 << 17
WINDOW = 1 << 23
"""Bytes looked at together; more only where a record is longer."""

SPARSE = 100
"""Bytes a quote from which on it is quicker to look at each (docs/decisions/0009)."""

LONG_END = b"\r\r\n"
"""Python's csv on Windows ends lines so, in a file that was not opened with newline=''."""

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
    end = regular_quotes.end_if_regular(data, marks, longest=odd_records.LONGEST, last=last)
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
        end = regular_quotes.end_if_regular(window, marks, longest=odd_records.LONGEST, last=ends)
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
    if quotes.first_odd(0) is not None and LONG_END in data and marks.eol == b"\n":
        return _find_between_long_ends(data, marks, fields, last=last)
    pieces: list[bytes] = []
    done = begin = 0
    while (odd := quotes.first_odd(begin)) is not None:
        start = quotes.record_start(int(quotes.at[odd]), done, begin)
        record = odd_records.read_record(data, start, marks, fields, last=last)
        if record is None:
            return b"".join([*pieces, data[done:start]]), start
        cells, end = record
        refuse_mixed_ends(data[start:end], marks, fields)
        pieces += [data[done:start], odd_records.write_record(cells, marks)]
        done, begin = end, int(np.searchsorted(quotes.at, end))
    consumed = len(data) if last else quotes.record_start(len(data), done, begin)
    return b"".join([*pieces, data[done:consumed]]) if pieces else None, consumed


def _find_between_long_ends(
    data: bytes, marks: Marks, fields: int, *, last: bool
) -> tuple[bytes | None, int]:
    """Find records with lines' ends made plain: before these, closing quotes are odd."""
    plain = data.replace(LONG_END, b"\r\n")
    mended, consumed = find_records(plain, marks, fields, last=last)
    start = rest = len(plain) - consumed
    while (longer := rest + data.count(LONG_END, len(data) - start)) != start:
        start = longer
    return plain[:consumed] if mended is None else mended, len(data) - start


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
        if not last and data.endswith(b"\r\r"):
            ends_line[-1:] |= self.at[-1:] + 3 == len(signs)
        closes = np.isin(after, ends) | ((after == ord("\r")) & ends_line)
        # A quote that opens a cell without end is odd; one at the end of the data may yet be closed.
        length = np.diff(self.at, append=len(signs) + (odd_records.LONGEST if last else 0))
        opens &= length <= odd_records.LONGEST
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

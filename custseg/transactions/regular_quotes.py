"""Whether all quotes of much quoted data are regular, told 64 bytes at a time.

A file whose every cell is quoted has a quote every six bytes; to look at each by itself takes five times as
long as Polars takes to read the file. Here a byte is a bit, and 64 of them a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from custseg.transactions.marks import Marks

STEP = 1 << 18
"""Bytes looked at at once: their bits, and what is made of them, stay in the processor's cache."""

ONE, TOP = np.uint64(1), np.uint64(63)
Words = NDArray[np.uint64]


class _Bits(NamedTuple):
    """A bit for each byte of a step, the first byte's the lowest of the first word.

    Behind the data there are ends of lines.

    Attributes
    ----------
    quotes
        Quotes.
    before
        What may stand before an opening quote: the end of a cell, or a quote.
    behind
        What may stand behind a closing one: the same, or a carriage return at the end of a line.
    next
        The same for the byte after the step.
    """

    quotes: Words
    before: Words
    behind: Words
    next: np.uint64


def end_if_regular(data: bytes, marks: Marks, *, longest: int, last: bool) -> int | None:
    """Return how many bytes the whole records at the beginning of data are, if all their quotes are regular.

    Parameters
    ----------
    data
        Must begin where a record begins.
    longest
        Bytes after which a quote that was not closed is odd, a power of two; below 128 nothing is told.
    last
        Whether nothing follows the data.

    Returns
    -------
    int or None
        None if a quote is odd, or may be.

    Notes
    -----
    Which bytes are inside of quotes is the parity of the quotes up to each: a prefix sum modulo 2, taken of
    64 bits in six steps. Langdale and Lemire, *Parsing gigabytes of JSON per second*, VLDB Journal 28 (2019).
    Cost O(n), about a nanosecond a byte.
    """
    inside, first = np.uint64(0), ONE
    window = longest // 128
    if not window:
        return None
    for bits in _steps(data, marks):
        cells = _parity(bits.quotes, inside)
        opening = bits.quotes & cells
        closing = bits.quotes ^ opening
        if np.any(opening & ~_from_before(bits.before, first)):
            return None
        if np.any(closing & ~_from_behind(bits.behind, bits.next)):
            return None
        # A cell that is too long has one of these windows in it, and so may one that is half as long.
        windows = cells[: len(cells) // window * window].reshape(-1, window)
        if np.any(windows.min(axis=1) == ~np.uint64(0)):
            return None
        inside, first = cells[-1] >> TOP, bits.before[-1] >> TOP
    if last:
        return None if inside else len(data)
    return _last_record(data, marks, inside=bool(inside))


def _steps(data: bytes, marks: Marks) -> Iterator[_Bits]:
    separator, quote, eol = (sign[0] for sign in marks)
    signs = np.frombuffer(data, np.uint8)
    has_returns = b"\r" in data
    for start in range(0, len(signs), STEP):
        step = signs[start : start + STEP + 2]
        if len(step) < STEP + 2:
            step, rest = step[:STEP], step[STEP:]
            missing = [np.full(count, eol, np.uint8) for count in (-len(step) % 64, 2 - len(rest))]
            step = np.concatenate([step, missing[0], rest, missing[1]])
        is_quote, is_eol = step == quote, step == eol
        marked = is_quote | is_eol
        marked |= step == separator
        quotes, before = _pack(is_quote[:-2]), _pack(marked[:-2])
        behind = before
        if has_returns:
            marked[:-1] |= (step[:-1] == ord("\r")) & is_eol[1:]
            behind = _pack(marked[:-2])
        yield _Bits(quotes, before, behind, np.uint64(marked[-2]))


def _pack(marked: NDArray[np.bool_]) -> Words:
    return np.packbits(marked, bitorder="little").view("<u8").astype(np.uint64, copy=False)


def _parity(bits: Words, first: np.uint64) -> Words:
    """Return the parity of the bits up to each, with it, and `first`."""
    parity = bits.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        parity ^= parity << np.uint64(shift)
    carried = np.empty_like(parity)
    carried[0] = first
    carried[1:] = first ^ np.bitwise_xor.accumulate(parity[:-1] >> TOP)
    return parity ^ (np.uint64(0) - carried)


def _from_before(bits: Words, first: np.uint64) -> Words:
    """Return for each place the bit before it."""
    moved = bits << ONE
    moved[1:] |= bits[:-1] >> TOP
    moved[0] |= first
    return moved


def _from_behind(bits: Words, last: np.uint64) -> Words:
    """Return for each place the bit behind it."""
    moved = bits >> ONE
    moved[:-1] |= bits[1:] << TOP
    moved[-1] |= last << TOP
    return moved


def _last_record(data: bytes, marks: Marks, *, inside: bool) -> int:
    """Return where the last record ends that is whole, if the data end inside of quotes or not."""
    behind = len(data)
    while (end := data.rfind(marks.eol, 0, behind)) >= 0:
        inside ^= data.count(marks.quote, end, behind) % 2 == 1
        if not inside:
            return end + 1
        behind = end
    return 0

"""Regular quotes by bits, held against looking at each quote by itself."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.transactions import quotes, regular_quotes
from custseg.transactions.marks import Marks
from custseg.transactions.regular_quotes import end_if_regular

MARKS = Marks(b",", b'"', b"\n")
LONGEST = 1 << 16
PIECES = st.sampled_from(
    ["a", ",", '"', "\n", '","', '",\n', '"\n"', '"\r\n"', '"\r', "\r\n", '""', '"a"', "x" * 61, "y" * 64]
)
CELLS = st.sampled_from(
    ['"a"', '""', '"say ""yes"""', '"two\nlines"', '","', "plain", "", '"' + "z" * 70 + '"']
)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=5).map(",".join), max_size=40)


def one_by_one(data: bytes, *, last: bool) -> int | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotes, "SPARSE", 1)
        mended, consumed = quotes.find_records(data, MARKS, 3, last=last)
    return None if mended is not None else consumed


def by_bits(data: bytes, *, last: bool, step: int) -> int | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regular_quotes, "STEP", step)
        return end_if_regular(data, MARKS, longest=LONGEST, last=last)


@given(st.lists(PIECES, max_size=60).map("".join), st.booleans(), st.sampled_from([64, 128, 1 << 18]))
@example('"a"\r', True, 64)
@example('"' + "a" * 62 + '"\r\n"b"\n', False, 64)
@example('"' + "a" * 61 + '"\r\n"b"\n', False, 64)
@example('"' + "a" * 63 + '""b"\n', False, 64)
def test_what_is_regular_ends_where_it_does_quote_by_quote(text: str, last: bool, step: int) -> None:
    data = text.encode()
    end = by_bits(data, last=last, step=step)
    assert end is None or end == one_by_one(data, last=last)


@given(TABLES, st.sampled_from(["\n", "\r\n"]), st.integers(0, 400), st.sampled_from([64, 1 << 18]))
def test_regular_quotes_are_known_to_be(rows: list[str], eol: str, cut: int, step: int) -> None:
    data = "".join(row + eol for row in rows).encode()
    assert by_bits(data, last=True, step=step) == len(data)
    # Cut anywhere but within the two signs of a line's end.
    data = data[:cut].removesuffix(b"\r")
    assert by_bits(data, last=False, step=step) == one_by_one(data, last=False) is not None


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_single_odd_quote_is_found_wherever_it_is(at: int) -> None:
    line = b'"a","b","c"\n'
    data = bytearray(line * 20)
    data[at] = ord("x") if data[at] == ord('"') else ord('"')
    assert by_bits(bytes(data), last=True, step=64) == one_by_one(bytes(data), last=True)


@pytest.mark.parametrize(
    "length", [10, LONGEST // 2 - 1, LONGEST - 2, LONGEST - 1, LONGEST, LONGEST + 1, 3 * LONGEST]
)
@pytest.mark.parametrize("before", [0, 1, 63, 1 << 17, (1 << 18) - 30])
def test_a_cell_that_is_too_long_is_never_regular(before: int, length: int) -> None:
    data = b"x" * before + b'\n"' + b"a" * length + b'"\n"b"\n'
    end = by_bits(data, last=True, step=1 << 18)
    assert end in (None, one_by_one(data, last=True))
    assert end is not None or length > LONGEST // 2
    assert end is None or length < LONGEST


def test_where_much_is_quoted_quotes_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b'"a","b, c","say ""yes"""\n' * 1000
    monkeypatch.setattr(quotes, "_Quotes", None)
    assert quotes.find_records(data, MARKS, 3, last=True) == (None, len(data))
    assert quotes.find_records(data[:-1], MARKS, 3, last=False) == (None, len(data) - 25)


def test_of_a_cell_of_many_lines_each_is_looked_at_once() -> None:
    rng = np.random.default_rng(1)
    cell = b'"' + bytes(rng.choice(np.frombuffer(b"\nab", np.uint8), 20_000)) + b'"\n'
    data = b'"a"\n' + cell * 3
    assert by_bits(data[:-2], last=False, step=1 << 18) == len(data) - len(cell)

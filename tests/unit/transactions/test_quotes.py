"""Records and odd quotes, against Python's csv and by hand."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custseg.transactions import odd_records, quotes
from custseg.transactions.marks import Marks
from custseg.transactions.quotes import whole_records

MARKS = Marks(b",", b'"', b"\n")


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def whole(text: str, fields: int = 3) -> bytes:
    records = whole_records(text.encode(), MARKS, fields, last=True)
    assert records.consumed == len(text.encode())
    return records.data


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n",
        'a,"b, still b",c\n"d\nd",e,f\n',
        '"a""b","""",""\n',
        'a,"b",c\r\nd,e,"f"\r\n',
        "a,b,c",
        "",
    ],
)
def test_regular_quotes_are_left_alone(text: str) -> None:
    assert whole(text) == text.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,12" plate,c\nd,e,f\n', [["a", '12" plate', "c"], ["d", "e", "f"]]),
        ('a,12" plate,c\nd,13" pan,f\n', [["a", '12" plate', "c"], ["d", '13" pan', "f"]]),
        ('a,12" plate,c\nd,"e, e",f\n', [["a", '12" plate', "c"], ["d", "e, e", "f"]]),
        ('a,"x" y,c\n', [["a", '"x" y', "c"]]),
        (r'a,"say \"hi\", so",c' + "\n", [["a", 'say "hi", so', "c"]]),
        ('a, "x, y", c\nd, "e", f\n', [["a", "x, y", " c"], ["d", "e", " f"]]),
        ('a,"12\\"",c\nd,"e",f\n', [["a", '12"', "c"], ["d", "e", "f"]]),
        ('a,"12"",c\nd,"e",f\n', [["a", '12"', "c"], ["d", "e", "f"]]),
        ('a,b,"12\\""\nd,e,"f"\n', [["a", "b", '12"'], ["d", "e", "f"]]),
        ('a,"LOVE" SIGN,c\nd,"LOVE" SIGN,f\n', [["a", '"LOVE" SIGN', "c"], ["d", '"LOVE" SIGN', "f"]]),
        ('a,"7" x,1\n",2\nb,"c",3\n', [["a", '7" x,1\n', "2"], ["b", "c", "3"]]),
        ('a,"never closed,c\nd,e,f\n', [["a", '"never closed', "c"], ["d", "e", "f"]]),
        ('a,b,7"\nd,e,8"\n', [["a", "b", '7"'], ["d", "e", '8"']]),
        ('a,b,7"\r\nd,e,8"\r\n', [["a", "b", '7"'], ["d", "e", '8"']]),
    ],
)
def test_odd_quotes_are_mended(text: str, expected: list[list[str]]) -> None:
    assert cells(whole(text)) == expected


def test_an_unclosed_quote_takes_one_line_and_not_the_file() -> None:
    rest = "d,e,f\n" * 100_000
    assert cells(whole(f'a,"b,c\n{rest}'))[:2] == [["a", '"b', "c"], ["d", "e", "f"]]


def test_a_cell_that_is_too_long_counts_as_unclosed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odd_records, "LONGEST", 50)
    assert cells(whole('a,"b,c\nd,e,f\n' + "g,h,i\n" * 20 + 'j,"k",l\n'))[0] == ["a", '"b', "c"]


def test_a_carriage_return_at_the_end_of_the_data_ends_a_line() -> None:
    assert whole('"a","b","c"\r\n"d","e","f"\r') == b'"a","b","c"\r\n"d","e","f"\r'
    assert whole('a,b,c\r\nd,"7" e","f"\r').splitlines()[1] == b'd,"7"" e",f'
    # Cut between the two: the record waits, as it does cut anywhere else, and none of its quotes is odd.
    long = '"a","' + "x\n" * (odd_records.LONGEST // 4) + '","c"\r\n'
    for cut in (len(long) - 2, len(long) - 1):
        begun = ("d,e,f\n" + long)[: cut + 6].encode()
        assert whole_records(begun, MARKS, 3, last=False) == (b"d,e,f\n", 6)


def test_a_record_that_is_not_whole_waits_for_more() -> None:
    for text in ('a,b,c\nd,"e', 'a,b,c\nd,"e\n', "a,b,c\nd,e", 'a,b,c\nd,7" e'):
        assert whole_records(text.encode(), MARKS, 3, last=False) == (b"a,b,c\n", 6)


pieces = st.lists(
    st.sampled_from(["a", "b", ",", '"', "\n", '","', '",\n', '\n"', "\\", " ", '""']), max_size=60
)


@given(
    pieces=pieces,
    step=st.integers(1, 30),
    window=st.integers(1, 30),
    longest=st.sampled_from([8, 40, 1 << 16]),
)
def test_it_does_not_matter_where_data_are_cut(
    pieces: list[str], step: int, window: int, longest: int
) -> None:
    data = "".join(pieces).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(odd_records, "LONGEST", longest)
        expected = whole_records(data, MARKS, 3, last=True).data
        patch.setattr(quotes, "WINDOW", window)
        found, rest = b"", b""
        for start in range(0, len(data) or 1, step):
            rest += data[start : start + step]
            records = whole_records(rest, MARKS, 3, last=start + step >= len(data))
            found += records.data
            rest = rest[records.consumed :]
    assert found == expected


def test_places_of_many_quotes_are_held_for_a_window_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, window = [], 10_000

    class Watched(quotes._Quotes):
        def __init__(self, data: bytes, *rest: object) -> None:
            looked_at.append(len(data))
            super().__init__(data, *rest)

    monkeypatch.setattr(quotes, "_Quotes", Watched)
    monkeypatch.setattr(quotes, "WINDOW", window)
    line, odd = '"a","b","c"\n', '"a","7" plate","c"\n'
    text = line * 5_000 + odd + line * 5_000 + odd
    assert cells(whole(text)) == cells(text.replace('7" plate', '7"" plate').encode())
    assert len(looked_at) == 2
    assert max(looked_at) <= window


regular = st.lists(st.lists(st.text('ab,"\n ', max_size=5), min_size=3, max_size=3), max_size=15)


@given(table=regular)
def test_what_csv_writes_is_regular(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(table)
    assert whole(text.getvalue()) == text.getvalue().encode()


@given(pieces=pieces)
def test_what_comes_out_is_regular(pieces: list[str]) -> None:
    once = whole("".join(pieces))
    assert whole(once.decode()) == once

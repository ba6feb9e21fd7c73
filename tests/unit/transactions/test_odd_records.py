"""No line vanishes in the quotes of another, however a program writes them and wherever data are cut."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.transactions.marks import Marks
from custseg.transactions.quotes import whole_records

MARKS = Marks(b",", b'"', b"\n")


def bare(cell: str) -> str:
    return cell


def unmarked(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell


def doubled(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if "," in cell else cell


def behind_backslashes(cell: str) -> str:
    return '"' + cell.replace('"', '\\"') + '"' if "," in cell else cell


def always(cell: str) -> str:
    return f'"{cell}"'


# Each closes what it opens: of a single quote before a word nothing tells that it is a sign.
NAMES = [
    *("Mug", "Plate, blue", '"A" frame', 'frame "A"', '12" plate', 'plate 12"', '"A"', 'say ""yes""'),
    *('"A, B" frame', '12" x 6"', '12", 6" pan', 'x "y, z" w', '""', "back\\slash", ""),
]
TABLES = st.integers(0, 3).flatmap(
    lambda column: st.lists(st.sampled_from(NAMES), max_size=12).map(
        lambda names: [["1"] * column + [name] + ["2"] * (3 - column) for name in names]
    )
)


def records(data: bytes, fields: int, step: int) -> list[list[str]]:
    """Read data that come step by step."""
    found, rest = b"", b""
    for start in range(0, len(data), step):
        rest += data[start : start + step]
        whole = whole_records(rest, MARKS, fields, last=start + step >= len(data))
        found, rest = found + whole.data, rest[whole.consumed :]
    return list(csv.reader(io.StringIO(found.decode(), newline="")))


@given(
    TABLES,
    st.sampled_from([bare, unmarked, doubled, behind_backslashes, always]),
    st.sampled_from([1, 2, 7, 40, 1000]),
)
@example([["1", '"A" frame', "7", "2"], ["2", "Plate, blue", "1", "2"]], unmarked, 1000)
@example([["1", '"A, B" frame', "7", "2"], ["2", "Plate, blue", "1", "2"]], bare, 1000)
def test_a_line_stays_a_record(table: list[list[str]], written: Callable[[str], str], step: int) -> None:
    lines = [",".join(map(written, row)) for row in table]
    found = records("".join(line + "\n" for line in lines).encode(), 4, step)
    assert len(found) == len(lines)
    for row, line, read in zip(table, lines, found, strict=True):
        # Where nothing is ambiguous it is read as it was meant.
        if line.count(",") == 3 and '"' not in line:
            assert read == row


@pytest.mark.parametrize("step", [1, 3, 50, 10_000])
def test_quotes_behind_backslashes_hide_no_line_either(step: int) -> None:
    names = ['12" x\n6"', "Plate, blue", "Mug", 'Dear "Bob", all, of, them\ngo, on'] * 5
    table = [[str(number), name, "1", "2.5"] for number, name in enumerate(names)]
    text = io.StringIO(newline="")
    csv.writer(text, doublequote=False, escapechar="\\", lineterminator="\n").writerows(table)
    assert records(text.getvalue().encode(), 4, step) == table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A quote that is a sign, before lines with quotes that are none.
        ('1,"A" frame,7\n2,"a, b",8\n', [["1", '"A" frame', "7"], ["2", "a, b", "8"]]),
        ('1,"A" frame,7\n2,"a\nb",8\n', [["1", '"A" frame', "7"], ["2", "a\nb", "8"]]),
        ('1,"A" frame,7\n2,a,b,c\n3,"a, b",8\n', [["1", '"A" frame', "7"], list("2abc"), ["3", "a, b", "8"]]),
        ('1,"A, B" x,7\n2,b 12",8\n', [["1", '"A', ' B" x', "7"], ["2", 'b 12"', "8"]]),
        # A text of several lines stays one, with whatever commas.
        ('1,"he said "hi" \nand left, ok",7\n', [["1", 'he said "hi" \nand left, ok', "7"]]),
        ('1,"a "b" \nc, d, e, f\ng",7\n', [["1", 'a "b" \nc, d, e, f\ng', "7"]]),
    ],
)
def test_lines_and_texts_of_several_lines_are_told_apart(text: str, expected: list[list[str]]) -> None:
    assert records(text.encode(), 3, len(text)) == expected


@given(
    st.lists(st.lists(st.text('ab,"\n ', max_size=5), min_size=3, max_size=3), max_size=10),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]),
    st.sampled_from([1, 2, 5, 30, 1000]),
)
@example([["1", "a", "b"], ["2", "c, d", "e"]], csv.QUOTE_ALL, 8)
def test_a_line_feed_behind_two_carriage_returns_ends_one_line(
    table: list[list[str]], quoting: int, step: int
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator="\n").writerows(table)  # type: ignore[arg-type]
    # As Python's csv writes them on Windows to a file that ends its lines, too.
    written = io.StringIO(newline="")
    csv.writer(written, quoting=quoting, lineterminator="\r\r\n").writerows(table)  # type: ignore[arg-type]
    found = records(written.getvalue().encode(), 3, step)
    assert [[cell.rstrip("\r") for cell in row] for row in found if any(row)] == [
        row for row in table if any(row)
    ]

"""Numbers that the CSV scan parses in passing are bit by bit those that the slow reading reads."""

import csv
import io
import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from custseg.settings import Settings
from custseg.transactions import find, lines, reading
from custseg.transactions.csv_blocks import CsvFile
from custseg.transactions.numerals import POINT, read_number
from custseg.transactions.pieces import Batch, Part, parsing_numbers
from custseg.transactions.reading import Table

HEADER = ["Invoice", "StockCode", "InvoiceDate", "Customer ID", "Quantity", "Price"]

plain = re.compile(r"[-+]?(\d{1,15}(\.\d{0,8})?|\.\d{1,8})([eE][-+]?\d{1,2})?", re.ASCII)
odd = [
    *("-0", "-0.0", "+5", "--5", "1e5", "1E-2", "1e+3", "e5", "1e", "1e400", "1e-400", "1e22", "1e23"),
    *("inf", "-inf", "+inf", "Infinity", "nan", "NaN", "-nan", "true", "null", "NA", "None", "#N/A"),
    *("1_000", "0x10", "0b1", "1f", "1L", "5.00-", "(5)", "£5", "5€", "1,234", "1,234.5", "1 234", "٣", "５"),
    *("00012", "5.", ".5", ".", "+", "-", "+.5", "+-5", "4.35", "2.675", "8.98e-308", "5e-324"),
    *("1.7976931348623157e308", "9007199254740993", "9" * 40, "0.1000000000000000055511151"),
    *("", " ", "  ", " 12 ", "12 ", "\t5", "5\u00a0", "5\n6", "5\r", '5"6', "''", "'5'", "5\x00", "-\u00a05"),
]
cells = st.one_of(
    st.sampled_from(odd),
    st.text(st.sampled_from(list("0123456789.,eE+-_ ")), max_size=10),
    st.floats(allow_nan=False).map(repr),
    st.decimals(-(10**9), 10**9, places=2).map(str),
    st.integers().map(str),
    st.integers(10**15, 10**40).map(str),
)
tables = st.lists(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), min_size=1, max_size=3)


class Way(NamedTuple):
    """How a table is written."""

    quoting: int
    eol: str


ways = st.builds(Way, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"]))
often = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """A clean file, opened: how its records are read is how those of the examples are."""
    path = tmp_path_factory.mktemp("clean") / "clean.csv"
    path.write_bytes(
        written([(str(n + 1), "2.50") for n in range(20)], Way(csv.QUOTE_MINIMAL, "\n"), header=True)
    )
    return reading.open_input(find.find_files([path]), Settings())


def written(numbers: Sequence[tuple[str, str]], way: Way, *, header: bool = False) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=way.quoting, lineterminator=way.eol)
    rows = [[str(500 + n // 2), "A", "2011-01-02 10:00:00", "13000", *pair] for n, pair in enumerate(numbers)]
    writer.writerows([HEADER, *rows] if header else rows)
    return text.getvalue().encode()


def part_of(table: Table, blocks: Sequence[Sequence[tuple[str, str]]], way: Way) -> Part:
    contents = table.sources[0].contents
    assert isinstance(contents, CsvFile)
    data = tuple(written(block, way) for block in blocks)
    return Part(table.sources[0], contents.scan(*data), data)


def bits(value: float | None) -> bytes | None:
    return None if value is None else struct.pack("<d", value)


@often
@given(blocks=tables, way=ways)
@example([[("1", " 12 "), ("1e5", "-0")], [("+5", "")]], Way(csv.QUOTE_ALL, "\r\n"))
def test_lines_are_those_of_the_slow_reading(
    table: Table, blocks: list[list[tuple[str, str]]], way: Way
) -> None:
    part = part_of(table, blocks, way)
    found = lines.read_lines(table, Batch([part], 0, 0, True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("custseg.transactions.lines.parsing_numbers", lines.read_with_care)
        expected = lines.read_lines(table, Batch([part], 0, 0, True))
    assert {name: (n.whole().tolist()) for name, n in found.numbers.items()} == {
        name: n.whole().tolist() for name, n in expected.numbers.items()
    }
    assert found.rounded == expected.rounded
    assert found.fate.tolist() == expected.fate.tolist()
    assert found.line.tolist() == expected.line.tolist()
    assert_frame_equal(found.heads, expected.heads)
    assert found.starts.tolist() == expected.starts.tolist()


@often
@given(numbers=st.lists(cells, min_size=1, max_size=6), way=ways)
def test_values_are_the_same_bit_by_bit_or_the_scan_fails(table: Table, numbers: list[str], way: Way) -> None:
    part = part_of(table, [[(number, "1") for number in numbers]], way)
    texts = part.frame.collect()["c4"]
    slow = pl.DataFrame({"cell": texts}).select(read_number(pl.col("cell"), POINT, thorough=True)).to_series()
    try:
        found = parsing_numbers(part).frame.collect()["c4"]
    except pl.exceptions.PolarsError:
        assert any(text and not plain.fullmatch(text) for text in texts)
        return
    for text, quick, thorough in zip(texts, found, slow, strict=True):
        if thorough is None:
            # Cells that are no number are none; a number that is not finite is refused by its size.
            assert quick is None or quick - quick != 0, text
        else:
            assert bits(quick) == bits(thorough), text


@often
@given(numbers=st.lists(st.from_regex(plain, fullmatch=True), min_size=1, max_size=6), way=ways)
def test_plain_numbers_never_take_the_slow_reading(table: Table, numbers: list[str], way: Way) -> None:
    part = part_of(table, [[(number, number) for number in numbers]], way)
    found = parsing_numbers(part).frame.collect()["c5"]
    assert list(map(bits, found)) == [bits(float(number)) for number in numbers]

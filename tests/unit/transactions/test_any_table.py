"""Any table of texts, written as CSV in any dialect we claim, is read back as the same cells, or refused."""

import csv
import io
import tempfile
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from custseg.errors import InputError
from custseg.transactions.csv_blocks import EXTRA, open_csv
from custseg.transactions.dialects import Told, read_dialect
from custseg.transactions.vocabulary import is_header

HEADER = ["customer_id", "invoice", "note", "remark"]

# Mostly signs that mean something to CSV, to an encoding or to a reader of it.
signs = st.sampled_from(
    ["a", "B", "7", " ", '"', "'", ",", ";", "\t", "|", "\n", "\\", "é", "€", "ß", "#", "-"]
)
cells = st.one_of(
    st.text(signs, max_size=8),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\x1e"), max_size=6),
    st.sampled_from(
        ["", '"', '""', '"a"', 'a"', 'a""b', "NA", "null", "1,5", "a,b", "ab\ncd", " x ", "sep=;"]
    ),
)
rows = st.lists(st.tuples(*[cells] * len(HEADER)).map(list), max_size=12)


class Dialect(NamedTuple):
    separator: str
    quote: str
    quoting: int
    eol: str
    encoding: str
    ends: bool


dialects = st.builds(
    Dialect,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(['"', '"', "'"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"]),
    st.booleans(),
)


def written(table: list[list[str]], dialect: Dialect) -> bytes | None:
    """The file; None where the encoding has not all the signs."""
    text = io.StringIO(newline="")
    # Single quotes are told by those around the header, so they have to be there.
    quoting = csv.QUOTE_ALL if dialect.quote == "'" else dialect.quoting
    writer = csv.writer(
        text,
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        quoting=quoting,
        lineterminator=dialect.eol,
    )
    writer.writerows([HEADER, *table])
    whole = text.getvalue() if dialect.ends else text.getvalue().removesuffix(dialect.eol)
    try:
        return whole.encode(dialect.encoding)
    except UnicodeEncodeError:
        return None


def read(path: Path, told: Told, limit: int | None) -> list[list[str]]:
    dialect = read_dialect(str(path), told, lambda row: is_header(row, {}))
    assert dialect.header == tuple(HEADER)
    contents = open_csv(str(path), path.stat().st_size, dialect)
    contents.sample(1 << 12)
    frames = [contents.scan(block.data).collect() for block in contents.blocks(limit)]
    whole = pl.concat(frames).fill_null("")
    assert (whole[EXTRA] == "").all()
    return [list(row) for row in whole.drop(EXTRA).iter_rows()]


def check(table: list[list[str]], dialect: Dialect, limit: int | None) -> None:
    data = written(table, dialect)
    if data is None:
        return
    # A line that is UTF-8 is read as that, unless the user says otherwise.
    told = Told(encoding=dialect.encoding if dialect.encoding in ("cp1252", "latin-1") else None)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "any.csv")
        path.write_bytes(data)
        try:
            found = read(path, told, limit)
        except InputError as error:
            assert error.code == "damaged-file", error
            assert not dialect.ends
            return
    assert found == table


limits = st.sampled_from([None, 1, 7, 40])
quick = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(table=rows, dialect=dialects, limit=limits)
@example([["1", "2", 'a\n"b', ""]], Dialect(",", '"', csv.QUOTE_MINIMAL, "\n", "utf-8", False), 1)
def test_any_table_comes_back(table: list[list[str]], dialect: Dialect, limit: int | None) -> None:
    check(table, dialect, limit)


@pytest.mark.campaign
@settings(quick, max_examples=20_000)
@given(table=rows, dialect=dialects, limit=limits)
def test_any_table_comes_back_in_20000_examples(
    table: list[list[str]], dialect: Dialect, limit: int | None
) -> None:
    check(table, dialect, limit)

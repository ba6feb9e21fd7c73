"""One input written in many ways is one input: ledger, money and every customer are the same.

The lines are made up with the dirt of real ones; tests/integration/test_online_retail_rewritten.py takes the
lines of Online Retail II.
"""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rewritten import (
    HEADERS,
    WAYS,
    american,
    bare_inches,
    blank_lines,
    excel_hint,
    german,
    gz,
    utf_16,
)
from summed import Summed, sum_up

from custseg.transactions.sample import write_sample


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """A made-up shop's lines, as text."""
    folder = tmp_path_factory.mktemp("lines")
    files = write_sample(folder, rows=12_000, customers=300, seed=11).files
    frame = pl.concat(pl.read_csv(file, infer_schema=False) for file in files).fill_null("")
    assert frame.columns == HEADERS
    # Signs that are other bytes in every encoding, and quotes, separators and line breaks in a cell.
    odd = (
        pl.when(pl.int_range(pl.len()) % 97 == 0)
        .then(pl.lit('CAFÉ; 12" "DÉCOR", £5\nSET'))
        .otherwise("Description")
    )
    return frame.with_columns(Description=odd)


@pytest.fixture(scope="module")
def plain(lines: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Summed:
    path = tmp_path_factory.mktemp("plain") / "plain.csv"
    lines.write_csv(path)
    return sum_up(path)


def same(found: Summed, expected: Summed) -> None:
    assert found.ledger == expected.ledger
    assert_frame_equal(found.customers, expected.customers, check_exact=True)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_made_up_lines(
    way: Callable[[pl.DataFrame, Path], None], lines: pl.DataFrame, plain: Summed, tmp_path: Path
) -> None:
    way(lines, tmp_path)
    same(sum_up(tmp_path), plain)


@pytest.mark.parametrize(
    "way", [german, american, utf_16, gz, excel_hint, blank_lines], ids=lambda w: w.__name__
)
def test_in_blocks(
    way: Callable[[pl.DataFrame, Path], None], lines: pl.DataFrame, plain: Summed, tmp_path: Path
) -> None:
    way(lines, tmp_path)
    same(sum_up(tmp_path, chunk_size=30_000), plain)


def test_quotes_that_follow_no_rule(lines: pl.DataFrame, tmp_path: Path) -> None:
    """Line breaks apart, which nothing could tell from ends of lines."""
    on_one_line = lines.with_columns(pl.col("Description").str.replace_all("\n", " "))
    (tmp_path / "plain").mkdir()
    on_one_line.write_csv(tmp_path / "plain" / "plain.csv")
    bare_inches(lines, tmp_path)
    expected = sum_up(tmp_path / "plain")
    same(sum_up(tmp_path / "lines.tsv"), expected)
    same(sum_up(tmp_path / "lines.tsv", chunk_size=20_000), expected)

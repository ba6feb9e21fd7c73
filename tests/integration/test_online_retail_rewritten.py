"""Online Retail II written in many ways: every customer's features and segment are those of the plain CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from rewritten import WAYS

import custseg

pytestmark = pytest.mark.campaign


class Outcome(NamedTuple):
    ledger: dict[str, Any]
    k_selection: dict[str, Any]
    customers: pl.DataFrame


def segment(inputs: Path, output: Path) -> Outcome:
    """Run with all defaults."""
    result = custseg.segment(inputs, output=output)
    customers = pl.read_parquet(output / "customers" / "*.parquet")
    record = result.record
    money = record["ledger_amount"]
    return Outcome({"lines": record["ledger"], "money": money}, record["k_selection"], customers)


@pytest.fixture(scope="module", autouse=True)
def no_report() -> Iterator[None]:
    """Draw no report: it is made from what is compared here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("custseg.report.write.write_report", lambda *arguments, **options: [])
        yield


@pytest.fixture(scope="module")
def plain(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return segment(real_data / "online_retail_II.csv", tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def lines(real_data: Path) -> pl.DataFrame:
    return pl.read_csv(real_data / "online_retail_II.csv", infer_schema=False).fill_null("")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_answer_is_the_same(
    way: Callable[[pl.DataFrame, Path], None], lines: pl.DataFrame, plain: Outcome, tmp_path: Path
) -> None:
    (tmp_path / "input").mkdir()
    way(lines, tmp_path / "input")
    found = segment(tmp_path / "input", tmp_path / "output")
    assert found.ledger == plain.ledger
    assert found.k_selection == plain.k_selection
    assert found.customers.height == 5_878
    assert_frame_equal(found.customers, plain.customers, check_exact=True)

"""What no sample shows: what speaks against them further on is noticed, wherever it stands."""

from collections.abc import Callable
from pathlib import Path

import pytest
from summed import sum_up

import custseg
from custseg.errors import InputError

UNITS = ("total_quantity", "purchases")
LINES = 60_000
RARE = range(9_000, 9_080)
"""Lines in none of the samples of a file that begins with line 0."""


def shop(path: Path, cells: list[str], ids: list[str] | None = None) -> Path:
    """Write a line a cell, quantities, of five customers or of those that are given."""
    ids = ids or [f"c{number % 5}" for number in range(len(cells))]
    rows = [f"{n};some item;{cell};{name}" for n, (cell, name) in enumerate(zip(cells, ids, strict=True))]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["Invoice;Item;Quantity;Customer", *rows, ""]))
    return path


@pytest.mark.parametrize(("cell", "value"), [("0,500", 0.5), ("2,5", 2.5), ("1.234,5", 1234.5), ("2.5", 2.5)])
@pytest.mark.parametrize("first", [0, RARE.start])
def test_a_rare_fraction_is_read_right_wherever_it_stands(
    cell: str, value: float, first: int, tmp_path: Path
) -> None:
    whole = [1 + number % 7 for number in range(LINES)]
    cells = [cell if number in RARE else str(whole[number]) for number in range(LINES)]
    found = sum_up(shop(tmp_path / "a.csv", cells[first:] + cells[:first]), features=UNITS)
    assert found.ledger["ledger"]["kept"] == LINES
    true = sum(whole) - sum(whole[number] for number in RARE) + len(RARE) * value
    assert found.customers["total_quantity"].sum() == true


def test_a_slip_that_comes_first_does_not_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custseg.transactions.number_proofs.PROOF_BLOCK", 1 << 16)
    cells = ["1"] * LINES
    cells[9_000], cells[20_000:20_300] = "2,5", ["2.5"] * 300
    found = sum_up(shop(tmp_path / "a.csv", cells), features=UNITS)
    assert found.ledger["ledger"]["invalid"] == 1
    assert found.customers["total_quantity"].sum() == LINES - 301 + 300 * 2.5


@pytest.mark.parametrize(("cell", "mark"), [("0,750", "."), ("0.750", ",")])
def test_less_than_one_is_never_taken_for_thousands(cell: str, mark: str, tmp_path: Path) -> None:
    path = shop(tmp_path / "a.csv", [cell] * 4 + [f"2{mark}00"] * 396)
    found = sum_up(path, features=UNITS, decimal_comma=mark == ",", max_invalid=1)
    assert found.ledger["ledger"]["invalid"] == 4
    assert found.customers["total_quantity"].sum() == 792


FULL = [str(400_000_000_000 + number % 500 * 1_009) for number in range(2_000)]


def a_file_of_its_own(folder: Path) -> None:
    shop(folder / "a.csv", ["1"] * 2_000, FULL)
    shop(folder / "b.csv", ["1"] * 200, ["4.00000E+11"] * 200)


def without_zeros(folder: Path) -> None:
    shop(folder / "a.csv", ["1"] * 2_000, FULL)
    shop(folder / "b.csv", ["1"] * 200, ["4E+11"] * 200)


def among_whole_ids(folder: Path) -> None:
    ids = [f"{int(name):.5E}" if number % 3 else name for number, name in enumerate(FULL)]
    shop(folder / "a.csv", ["1"] * 2_000, ids)


def in_no_sample(folder: Path) -> None:
    ids = FULL * 20
    ids[9_000:9_080] = [f"{int(name):.5E}" for name in ids[9_000:9_080]]
    shop(folder / "a.csv", ["1"] * len(ids), ids)


def in_no_sample_among_words(folder: Path) -> None:
    ids = [f"c{name}" for name in FULL] * 20
    ids[9_000:9_080] = ["4.00002E+11"] * 80
    shop(folder / "a.csv", ["1"] * 10, ["c"] * 10)
    shop(folder / "b.csv", ["1"] * len(ids), ids)


@pytest.mark.parametrize(
    "write", [a_file_of_its_own, without_zeros, among_whole_ids, in_no_sample, in_no_sample_among_words]
)
def test_ids_that_lost_digits_are_refused_wherever_they_stand(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    write(tmp_path / "in")
    with pytest.raises(InputError) as caught:
        sum_up(tmp_path / "in", features=UNITS)
    assert caught.value.code == "shortened-ids"
    assert caught.value.where.startswith(str(max((tmp_path / "in").iterdir())))
    found = custseg.check(tmp_path / "in", settings=custseg.Settings(features=UNITS))
    assert [problem.error.code for problem in found.problems] == ["shortened-ids"]


@pytest.mark.parametrize("same", ["1.785e4", "1.7850e4", "1,785E+04", "1.78500e4", "17850.0", "1.785E4"])
def test_ids_with_all_their_digits_are_numbers(same: str, tmp_path: Path) -> None:
    ids = [same if number in RARE else str(17_850 + number % 5) for number in range(LINES)]
    for first in (0, RARE.start):
        found = sum_up(shop(tmp_path / "a.csv", ["1"] * LINES, ids[first:] + ids[:first]), features=UNITS)
        assert found.customers["customer_id"].to_list() == [str(17_850 + n) for n in range(5)]


def test_a_round_id_written_as_short_as_it_can_be_is_whole(tmp_path: Path) -> None:
    # As R writes 400000000 among others that are shorter in full.
    ids = [str(400_000_000 + number) if number else "4e+08" for number in range(300)]
    found = sum_up(shop(tmp_path / "a.csv", ["1"] * 300, ids), features=UNITS)
    assert "400000000" in found.customers["customer_id"]

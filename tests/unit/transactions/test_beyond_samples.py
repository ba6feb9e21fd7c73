"""What no sample shows: what speaks against them further on is noticed, wherever it stands."""

from pathlib import Path

import pytest
from summed import sum_up

UNITS = ("total_quantity", "purchases")
LINES = 60_000
RARE = range(9_000, 9_080)
"""Lines in none of the samples of a file that begins with line 0."""


def shop(path: Path, cells: list[str]) -> Path:
    """Write a line a cell, quantities, of five customers."""
    rows = [f"{number};some item;{cell};c{number % 5}" for number, cell in enumerate(cells)]
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


@pytest.mark.parametrize(("cell", "mark"), [("0,750", "."), ("0.750", ",")])
def test_less_than_one_is_never_taken_for_thousands(cell: str, mark: str, tmp_path: Path) -> None:
    path = shop(tmp_path / "a.csv", [cell] * 4 + [f"2{mark}00"] * 396)
    found = sum_up(path, features=UNITS, decimal_comma=mark == ",", max_invalid=1)
    assert found.ledger["ledger"]["invalid"] == 4
    assert found.customers["total_quantity"].sum() == 792

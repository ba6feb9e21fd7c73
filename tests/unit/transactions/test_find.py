"""Which files are read of those that are named, and what is said of the others."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from custseg.customers import exchange, features, plan
from custseg.errors import InputError
from custseg.running.compute import HERE
from custseg.settings import Settings
from custseg.transactions import find, reading

LINES = pl.DataFrame({"customer_id": ["a", "b", "c"], "invoice": ["1", "2", "3"], "quantity": [1, 2, 3]})
SETTINGS = Settings(features=("lines",))


def write(path: Path) -> Path:
    """Write three lines as the ending says."""
    if path.suffix == ".parquet":
        LINES.write_parquet(path)
    else:
        text = LINES.write_csv().encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_file_taken_away_before_it_is_read_is_not_called_damaged(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    files = find.find_files([path])
    table = reading.open_input(files, SETTINGS)
    made = plan.make_plan(table.sources, resources=HERE.resources, chunk_size=None)
    path.unlink()
    with pytest.raises(InputError) as opened:
        reading.open_input(files, SETTINGS)
    with pytest.raises(InputError) as read:
        exchange.map_chunk(table, made, features.make_recipe(table, SETTINGS), 0, tmp_path)
    for caught in (opened, read):
        assert caught.value.code == "changed-file"
        assert caught.value.where.startswith(str(path))

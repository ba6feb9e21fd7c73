import csv

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custseg.segments.lists import list_name, write_lists


def test_each_segment_has_its_customers(tmp_path):
    parts = []
    for part in range(3):
        ids = [f"c{part}-{i}" for i in range(10)]
        parts.append(tmp_path / f"part-{part}.parquet")
        pl.DataFrame(
            {"customer_id": ids, "segment_id": pl.Series([1 + i % 2 for i in range(10)], dtype=pl.UInt8)}
        ).write_parquet(parts[-1])
    write_lists(tmp_path / "lists", parts, numbers=(1, 2, 5), names=("High-Value", "B", "Nobody"))
    read = {path.name: path.read_text("utf-8").splitlines() for path in (tmp_path / "lists").iterdir()}
    assert sorted(read) == ["1-high-value.csv", "2-b.csv", "5-nobody.csv"]
    assert read["1-high-value.csv"] == [
        "customer_id",
        *(f"c{p}-{i}" for p in range(3) for i in (0, 2, 4, 6, 8)),
    ]
    assert read["5-nobody.csv"] == ["customer_id"]


def test_cells_a_spreadsheet_would_run_begin_with_an_apostrophe(tmp_path):
    ids = ["=1+1", "+A1", "@x", "-x", "-5", "+4477", "a,b", 'say "x"', "007", "-1,5"]
    path = tmp_path / "part.parquet"
    pl.DataFrame({"customer_id": ids, "segment_id": [1] * len(ids)}).write_parquet(path)
    write_lists(tmp_path, [path], numbers=(1,), names=("A",))
    with (tmp_path / "1-a.csv").open(encoding="utf-8", newline="") as file:
        read = [row[0] for row in csv.reader(file)]
    assert read[1:] == ["'=1+1", "'+A1", "'@x", "'-x", "-5", "+4477", "a,b", 'say "x"', "007", "-1,5"]


@given(st.text(max_size=80))
def test_any_name_makes_a_file_name_that_every_system_takes(name):
    found = list_name(3, name)
    assert found.startswith("3")
    assert found.endswith(".csv")
    assert not set(found) & set('/\\:*?"<>| \0\n')
    assert len(found.encode()) < 255


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Can't lose", "1-can-t-lose.csv"),
        ("../../etc", "1-etc.csv"),
        ("💎", "1.csv"),
        ("Größe L", "1-größe-l.csv"),
    ],
)
def test_names_of_lists(name, file):
    assert list_name(1, name) == file

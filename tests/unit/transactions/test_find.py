"""Which files are read of those that are named, and what is said of the others."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

import custseg
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


def found(*inputs: Path | str) -> list[str]:
    """The names of the files that are found."""
    return sorted(Path(file.path).name for file in find.find_files(inputs))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files in a folder, in one below, and in one that only a link leads to."""
    for folder in ("in", "in/2021", "elsewhere", "in/_old"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / f"{Path(folder).name}.csv")
    return tmp_path / "in"


@pytest.mark.parametrize("pattern", ["*", "20*", "20??"])
def test_folders_that_a_pattern_matches_are_searched_as_if_a_shell_had_named_them(
    tree: Path, pattern: str
) -> None:
    shell = [path for path in tree.glob(pattern) if not path.name.startswith("_")]
    assert found(f"{tree}/{pattern}") == found(*shell)
    assert "2021.csv" in found(f"{tree}/{pattern}")


def test_two_stars_find_what_they_say_and_no_more(tree: Path) -> None:
    (tree / "2021" / "note.txt").write_text("a,b")
    assert found(f"{tree}/**/*1*") == ["2021.csv"]


def test_links_are_followed_once_and_out_of_loops(tree: Path) -> None:
    (tree / "2022").symlink_to(tree.parent / "elsewhere")
    (tree / "again").symlink_to(tree / "2021")
    (tree / "2021" / "loop").symlink_to(tree)
    assert found(tree) == found(tree, tree / "2022", tree / "2021") == ["2021.csv", "elsewhere.csv", "in.csv"]


def test_a_link_to_nothing_goes_by_its_own_name(tree: Path) -> None:
    (tree / "lost.csv").symlink_to(tree / "gone.csv")
    [lost] = [file for file in find.find_files([tree]) if file.problem]
    assert lost.path == str(tree / "lost.csv")


def test_files_left_out_by_their_endings_are_told(tree: Path) -> None:
    assert_told(tree, "")
    for name in ("2021/2022.dat", "2021.csv.bz2", "_SUCCESS", ".hidden.dat"):
        (tree / name).write_text("x")
    both = f"{tree}/2021.csv.bz2, {tree}/2021/2022.dat"
    assert_told(tree, f"2 files were left out by the ending, and would be read if named: {both}.")
    notes: list[str] = []
    find.find_files([tree, tree / "2021" / "2022.dat"], notes)
    assert notes == [f"1 file was left out by the ending, and would be read if named: {tree}/2021.csv.bz2."]


def assert_told(folder: Path, note: str) -> None:
    """Hold a check and a run to a note."""
    notes: list[str] = []
    find.find_files([folder], notes)
    assert "".join(notes) == note
    assert [said for said in custseg.check(folder).notes if "by the ending" in said] == notes

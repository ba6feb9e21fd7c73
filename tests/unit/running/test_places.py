"""Paths as users write them: of this machine or a bucket, from their home, too long for any file system."""

from pathlib import Path

import pytest
from command import run_custseg
from made import write_transactions

import custseg
from custseg.errors import SettingsError
from custseg.running.places import Remote, any_path

LONG = "a" * 300


def test_a_tilde_is_the_home_where_it_can_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert any_path("~/segments") == any_path(Path("~") / "segments") == tmp_path / "segments"
    assert any_path("./~/segments") == Path("~/segments")
    assert any_path("~nobody-of-that-name/x.csv") == Path("~nobody-of-that-name/x.csv")
    assert any_path("s3://~/x") == Remote("s3://~/x")


@pytest.mark.parametrize("path", [LONG, f"new/{LONG}/x.csv", "ä" * 128, "a/" * 2100])
def test_a_name_too_long_for_any_file_is_told(path: str) -> None:
    with pytest.raises(SettingsError, match="so long a name"):
        any_path(path)


def test_long_names_and_unknown_homes_are_no_fault_of_custseg(tmp_path: Path) -> None:
    sales = write_transactions(tmp_path / "sales.csv")
    for words, code in (
        (["batch", LONG, "-o", "out"], 2),
        (["batch", sales, "-o", LONG], 2),
        (["batch", sales, "-o", "out", "--previous", LONG], 2),
        (["batch", sales, "-o", "out", "--work-dir", LONG], 2),
        (["batch", "~nobody-of-that-name/x.csv", "-o", "out"], 3),
        (["assign", sales, "-o", "out", "--model", LONG], 2),
        (["report", LONG], 2),
        (["check", LONG, sales, "--scheduler", f"{LONG}.json"], 2),
        (["check", sales, "--write-job", LONG], 2),
    ):
        done = run_custseg(*words, cwd=tmp_path)
        assert done.code == code, (words, done.err)
        assert "in custseg itself" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["sales.csv"]


def test_results_can_be_read_from_another_folder(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sales = write_transactions(tmp_path / "sales.csv")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    found = custseg.segment(sales, output="out", settings=custseg.Settings(k="2"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert found.customers.collect().height == found.record["customers"] == 40
    assert found.segments.height == 2

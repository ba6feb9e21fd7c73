"""Whose an output folder is, who is at work in it, and what is left after any end."""

from __future__ import annotations

from pathlib import Path

import pytest

from custseg.errors import MachineError, OutputError
from custseg.running import outputs, workfolder


def test_strange_files_are_refused_and_a_record_is_found(tmp_path: Path) -> None:
    assert workfolder.finished(tmp_path, None) is None
    (tmp_path / "run.json").write_text('{"custseg": "1.0"}')
    assert workfolder.finished(tmp_path, None) == {"custseg": "1.0"}
    (tmp_path / "run.json").write_text('{"someone": "else"}')
    with pytest.raises(OutputError, match="did not write"):
        workfolder.finished(tmp_path, None)


def test_results_half_moved_are_ours_while_the_work_folder_stands(tmp_path: Path) -> None:
    (tmp_path / "customers").mkdir()
    with pytest.raises(OutputError, match="did not write"):
        workfolder.finished(tmp_path, None)
    work = workfolder.open_work(tmp_path, None)
    work.remember({"plan": 1})
    assert workfolder.finished(tmp_path, None) is None


def test_a_work_folder_is_private_and_swept(tmp_path: Path) -> None:
    work = workfolder.open_work(tmp_path, None)
    assert work.path.stat().st_mode & 0o777 == 0o700
    half = work.room("exchange") / f"{outputs.TEMPORARY}abc-file"
    half.touch()
    work.remember({"plan": 1})
    again = workfolder.open_work(tmp_path, None)
    again.sweep()
    assert again.state == {"plan": 1}
    assert not half.exists()
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_work_folders_elsewhere_are_apart_for_each_output(tmp_path: Path) -> None:
    elsewhere = tmp_path / "scratch"
    one = workfolder.open_work(tmp_path / "one", elsewhere)
    two = workfolder.open_work(tmp_path / "two", elsewhere)
    assert one.path != two.path
    assert one.path.parent == two.path.parent == elsewhere


def test_the_record_is_published_last_and_replaces(tmp_path: Path) -> None:
    output = tmp_path / "out"
    work = workfolder.open_work(output, None)
    for content in ("part-00000.parquet", "part-00001.parquet"):
        results = work.room("results")
        (results / "customers").mkdir(exist_ok=True)
        (results / "customers" / content).touch()
        (results / "run.json").write_text(content)
        work.publish(output)
    assert [path.name for path in (output / "customers").iterdir()] == ["part-00001.parquet"]
    assert (output / "run.json").read_text() == "part-00001.parquet"


def test_what_others_put_beside_results_stays(tmp_path: Path) -> None:
    """Whatever the new results hold: charts with pictures, without, or no such folder at all."""
    output = tmp_path / "out"
    work = workfolder.open_work(output, None)
    mine = {
        "charts/sizes-mine.svg",
        "charts/board.png",
        "lists/2025-mailing.csv",
        "lists/note.txt",
        "plan.md",
    }
    left = {}
    for name, files in {
        "whole": ("charts/sizes.html", "charts/sizes.svg", "lists/1-high-value.csv", "lists/12.csv"),
        "other": ("charts/sizes.html", "charts/monthly.vl.json", "lists/1-vip.csv"),
        "none": (),
    }.items():
        for file in (*files, "run.json"):
            path = work.room("results") / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(name)
        work.publish(output)
        for file in mine:
            (output / file).write_text("mine")
        found = [path for path in output.rglob("*") if path.is_file()]
        assert {path.read_text() for path in found} == {"mine", name}
        left[name] = {str(path.relative_to(output)) for path in found} - mine - {"run.json"}
    assert left == {
        "whole": {"charts/sizes.html", "charts/sizes.svg", "lists/1-high-value.csv", "lists/12.csv"},
        "other": {"charts/sizes.html", "charts/monthly.vl.json", "lists/1-vip.csv"},
        "none": set(),
    }


def test_a_run_is_not_begun_afresh_over_the_files_of_others(tmp_path: Path) -> None:
    for file in ("run.json", "model.json", "charts/sizes.png", "lists/1-vip.csv", ".tmp-report/run.json"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("{}")
    workfolder.open_work(tmp_path, tmp_path / "scratch")
    workfolder.refuse_strange(tmp_path, tmp_path / "scratch")
    for file in ("charts/board.png", "notes.txt"):
        (tmp_path / file).write_text("mine")
        with pytest.raises(OutputError, match="did not write") as caught:
            workfolder.refuse_strange(tmp_path, tmp_path / "scratch")
        assert file in caught.value.where


def test_differences_name_settings_files_and_versions() -> None:
    before = {
        "settings": {
            "k": "auto",
            "seed": 0,
            "since": None,
            "features": ["lines"],
            "column": {"invoice": "Slip"},
        },
        "inputs": [["a", 1, 1], ["b", 1, 1]],
        "versions": {"polars": "2.1.0"},
    }
    now = {
        "settings": {
            "k": "3",
            "seed": 0,
            "since": "2025-01-01",
            "features": ["lines", "spend"],
            "column": {},
        },
        "inputs": [["a", 2, 1], ["c", 1, 1]],
        "versions": {"polars": "2.2.0"},
    }
    assert workfolder.differences(before, before) == []
    assert workfolder.differences(before, now) == [
        "--column was invoice=Slip, is not given",
        "--features was lines, is lines, spend",
        "--k was auto, is 3",
        "--since was not given, is 2025-01-01",
        "input changed: a",
        "input gone: b",
        "input new: c",
        "polars was 2.1.0, is 2.2.0",
    ]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    outputs.write_text(path, "old")
    with pytest.raises(RuntimeError), outputs.whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_said_with_place_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught, outputs.disk_errors(tmp_path / "file"):
        raise OSError(28, "No space left on device")
    assert caught.value.code == "disk-full"
    assert str(tmp_path) in caught.value.where
    assert "--work-dir" in caught.value.now

"""``custseg report`` and a finished run asked for again: drawn anew, whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from command import run_custseg
from made import write_transactions

import custseg
from custseg.errors import InputError, OutputError
from custseg.running import workfolder
from custseg.running.lock import lock

pytestmark = pytest.mark.xdist_group("report files")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    path = write_transactions(folder / "sales.csv", customers=60)
    custseg.segment([path], output=folder / "segments", settings=custseg.Settings(k="2"))
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run; its transactions stay where they were."""
    return Path(shutil.copytree(finished / "segments", tmp_path / "segments"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_same_report_comes_again(run: Path) -> None:
    before = contents(run)
    shutil.rmtree(run / "charts")
    (run / "report.html").unlink()
    custseg.draw_report(run)
    assert contents(run) == before


def test_other_presentation_and_nothing_else_changes(run: Path) -> None:
    before = contents(run)
    done = run_custseg("report", run, "--currency", "GBP", "--pictures", "svg,png", "--small-cells")
    assert done.code == 0, done.err
    assert str(run / "report.html") in done.out
    after = contents(run)
    changed = {name for name in after if before.get(name) != after[name] and not name.startswith("charts/")}
    assert changed == {"report.html", "run.json", "segments.csv", "model.json"}
    record = json.loads(after["run.json"])
    assert record["settings"]["currency"] == {"value": "GBP", "source": "flag"}
    assert record["settings"]["small_cells"]["value"] is True
    assert all("GBP " in segment["rule"] for segment in record["segments"])
    assert "£" in after["report.html"].decode()
    assert after["charts/sizes.png"].startswith(b"\x89PNG")
    assert after["charts/sizes.svg"].startswith(b"<svg")
    tables = [
        pl.read_csv(text, infer_schema=False) for text in (before["segments.csv"], after["segments.csv"])
    ]
    assert tables[0].drop("rule").equals(tables[1].drop("rule"))
    assert tables[1]["rule"].to_list() == [segment["rule"] for segment in record["segments"]]
    custseg.draw_report(run, settings=custseg.Settings(pictures=()))
    assert not list((run / "charts").glob("*.png"))
    assert json.loads((run / "run.json").read_text())["settings"]["currency"]["value"] == "GBP"


def test_files_of_others_outlive_a_drawing_and_stop_a_fresh_start(finished: Path, run: Path) -> None:
    mine = run / "charts" / "board.png"
    mine.write_text("mine")
    custseg.draw_report(run, settings=custseg.Settings(pictures=("svg",)))
    custseg.draw_report(run, settings=custseg.Settings(pictures=()))
    assert mine.read_text() == "mine"
    assert not list((run / "charts").glob("*.svg"))
    done = run_custseg("batch", finished / "sales.csv", "-o", run, "--k", "3", "--fresh")
    assert done.code == 4
    assert f"{run}: charts/board.png" in done.err


@pytest.mark.slow
def test_a_finished_run_asked_for_otherwise_is_drawn_again(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = finished / "segments"
    again = ("batch", finished / "sales.csv", "-o", output, "--k", "2")
    before = contents(output)
    done = run_custseg(*again)
    assert "nothing to do" in done.err
    assert contents(output) == before
    done = run_custseg(*again, "--currency", "EUR")
    assert "only its report is drawn again (--currency)" in done.err
    assert "€" in (output / "report.html").read_text("utf-8")
    stamp = (output / "customers" / "part-00000.parquet").stat().st_mtime_ns
    done = run_custseg(*again)
    assert "nothing to do" in done.err  # What is not asked for stays.
    (output / "report.html").unlink()
    done = run_custseg(*again)
    assert "report.html is gone" in done.err
    assert (output / "customers" / "part-00000.parquet").stat().st_mtime_ns == stamp


def test_a_run_drawn_again_is_the_same_previous_run_and_model(
    finished: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As is one that is named otherwise; another run under its name is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("custseg.report.write.write_report", lambda *arguments, **options: [])
    (tmp_path / "latest").symlink_to(run)

    def made(previous: object) -> list[int]:
        goes_on = custseg.Settings(previous=previous)
        custseg.segment(finished / "sales.csv", output=tmp_path / "next", settings=goes_on)
        custseg.assign(finished / "sales.csv", model=str(previous), output=tmp_path / "put")
        return [(tmp_path / name / "customers").stat().st_mtime_ns for name in ("next", "put")]

    first = made("segments")
    custseg.draw_report(run, settings=custseg.Settings(currency="GBP", pictures=("svg",)))
    assert made("segments") == made(run) == made("latest") == first
    again = custseg.Settings(fresh=True, k="3")
    custseg.segment(finished / "sales.csv", output=run, settings=again)
    with pytest.raises(OutputError, match="another run") as caught:
        made("segments")
    assert "input changed" in caught.value.where


def test_a_drawing_that_fails_leaves_what_was_there(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(run)

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("custseg.report.write.render", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        custseg.draw_report(run, settings=custseg.Settings(currency="EUR"))
    assert contents(run) == before
    assert sorted(path.name for path in run.iterdir()) == sorted({name.split("/")[0] for name in before})


def spoil(run: Path, how: str) -> None:
    record = run / "run.json"
    part = next((run / "customers").iterdir())
    if how == "no record":
        record.unlink()
    elif how == "unfinished":
        record.unlink()
        (run / workfolder.WORK).mkdir()
    elif how == "no json":
        record.write_text("{")
    elif how == "not ours":
        record.write_text("[1]")
    elif how == "newer":
        record.write_text(json.dumps(json.loads(record.read_text()) | {"format": 99}))
    elif how == "assigned":
        record.write_text(json.dumps(json.loads(record.read_text()) | {"command": "assign"}))
    elif how == "keys":
        record.write_text(json.dumps({"custseg": "0.1.0", "format": 1}))
    elif how == "customers gone":
        part.unlink()
    elif how == "customers cut":
        part.write_bytes(part.read_bytes()[:100])
    elif how == "customers fewer":
        pl.read_parquet(part).head(7).write_parquet(part)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("no record", "no-finished-run"),
        ("unfinished", "no-finished-run"),
        ("no json", "bad-record"),
        ("not ours", "bad-record"),
        ("newer", "bad-record"),
        ("keys", "bad-record"),
        ("assigned", "no-report-of-assign"),
        ("customers gone", "customers-unreadable"),
        ("customers cut", "customers-unreadable"),
        ("customers fewer", "customers-missing"),
    ],
)
def test_what_is_no_finished_run_is_refused(run: Path, how: str, code: str) -> None:
    spoil(run, how)
    before = contents(run)
    with pytest.raises(InputError) as caught:
        custseg.draw_report(run)
    assert caught.value.code == code
    assert caught.value.now
    assert contents(run) == before


def test_exit_codes(tmp_path: Path, run: Path) -> None:
    assert run_custseg("report", tmp_path / "nowhere").code == 3
    assert run_custseg("report", tmp_path).code == 3
    bad = run_custseg("report", run, "--pictures", "gif")
    assert bad.code == 2
    assert "--pictures" in bad.err


def test_a_folder_at_work_is_left_alone(run: Path) -> None:
    with lock(run), pytest.raises(OutputError) as caught:
        custseg.draw_report(run)
    assert caught.value.code == "output-busy"

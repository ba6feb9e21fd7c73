"""What a run makes of one that was stopped at an unlucky moment: between two steps that belong together."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from made import write_transactions
from polars.testing import assert_frame_equal

import custseg
from custseg.errors import CustsegError, InputError, MachineError, OutputError
from custseg.pipeline import customers as pipeline
from custseg.running.workfolder import WorkFolder
from custseg.segments import choose_k
from custseg.transactions import reading

pytestmark = pytest.mark.usefixtures("quick")

Run = Callable[..., custseg.Segmentation]


def run(lines: Path, output: Path, **settings: object) -> custseg.Segmentation:
    return custseg.segment(lines, output=output, settings=custseg.Settings(**{"k": "2"} | settings))


def stop_in(module: object, name: str, start: Callable[[], object]) -> None:
    """Begin a run that is stopped where it calls a function."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, stop)
        with pytest.raises(KeyboardInterrupt):
            start()


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    (tmp_path / "sales").mkdir()
    return write_transactions(tmp_path / "sales" / "a.csv").parent


def same(one: custseg.Segmentation, other: custseg.Segmentation) -> None:
    assert_frame_equal(one.customers.collect(), other.customers.collect(), check_exact=True)
    assert one.record["ledger"] == other.record["ledger"]


def test_what_a_stopped_removal_leaves_is_not_taken_for_this_runs(lines: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    stop_in(choose_k, "choose_k", lambda: run(lines, output))
    stop_in(shutil, "rmtree", lambda: run(lines, output, since="2011-06-01", fresh=True))
    assert list((output / ".custseg-work" / "features").iterdir())
    found = run(lines, output, since="2011-06-01")
    same(found, run(lines, tmp_path / "clean", since="2011-06-01"))
    assert found.record["ledger"]["excluded"] > 0


def test_chunks_read_before_a_closer_look_are_not_mixed_with_those_after(tmp_path: Path) -> None:
    """Most dates of a.csv have no order of their own; one says that it is not that of b.csv."""
    folder = tmp_path / "sales"
    folder.mkdir()
    rows = [f"{n % 50},{n},{1 + n % 12:02d}/{1 + n // 7 % 12:02d}/2011,1,2.50" for n in range(150_000)]
    other = [f"{n % 50},b{n},{13 + n % 12}/{1 + n % 12:02d}/2011,1,2.50" for n in range(400)]
    rows[50_000] = "7,odd,03/25/2011,1,2.50"
    for name, lines in (("a", rows), ("b", other)):
        (folder / f"{name}.csv").write_text("\n".join(["customer,invoice,date,qty,price", *lines, ""]))
    settings = {"chunk_size": "500kB", "features": "rfm"}
    undisturbed = run(folder, tmp_path / "clean", **settings)
    output = tmp_path / "out"

    def look_closer(*arguments: object, thorough: bool = False, **options: object) -> object:
        if thorough:
            raise KeyboardInterrupt
        return open_input(*arguments, **options)

    open_input = reading.open_input
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.reading, "open_input", look_closer)
        with pytest.raises(KeyboardInterrupt):
            run(folder, output, **settings)
    same(run(folder, output, **settings), undisturbed)


def test_a_run_begun_afresh_goes_on_with_and_without_saying_so(lines: Path, tmp_path: Path) -> None:
    for again in (True, False):
        output = tmp_path / f"out-{again}"
        run(lines, output)
        stop_in(choose_k, "choose_k", lambda out=output: run(lines, out, k="3", fresh=True))
        found = run(lines, output, k="3", fresh=again)
        assert "exchange" not in found.record["seconds"]
        assert found.record["settings"]["k"]["value"] == "3"
    stop_in(choose_k, "choose_k", lambda: run(lines, tmp_path / "new"))
    assert "exchange" in run(lines, tmp_path / "new", fresh=True).record["seconds"]


@pytest.mark.parametrize("below", [".", "tmp"])
def test_a_work_folder_in_the_output_is_no_strangers(lines: Path, tmp_path: Path, below: str) -> None:
    output = tmp_path / "out"
    stop_in(choose_k, "choose_k", lambda: run(lines, output, work_dir=output / below))
    assert "exchange" not in run(lines, output, work_dir=output / below).record["seconds"]


def test_another_work_folder_finishes_what_was_killed_and_leaves_nothing(lines: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    stop_in(WorkFolder, "publish", lambda: run(lines, output))
    (output / "customers").mkdir()
    run(lines, output, work_dir=tmp_path / "elsewhere")
    assert not (output / ".custseg-work").exists()
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("work_dir", [None, "tmp"])
def test_what_a_killed_run_left_in_its_input_is_not_read(
    lines: Path, tmp_path: Path, work_dir: str | None
) -> None:
    settings = {"work_dir": lines / work_dir} if work_dir else {}
    output = lines / "out"
    # All its results are there, but not yet the record, as when it is killed while it moves them.
    stop_in(WorkFolder, "publish", lambda: run(lines, output, **settings))
    (output / "customers").mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"customer_id": ["a"], "spend": [1.0]}).write_parquet(
        output / "customers" / "part-0.parquet"
    )
    (output / ".custseg-lock").touch()
    found = run(lines, output, **settings)
    assert found.record["inputs"]["files"] == 1


def test_lists_asked_for_before_a_stop_are_not_there_unasked(lines: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    stop_in(WorkFolder, "publish", lambda: run(lines, output, lists=True))
    run(lines, output)
    assert not (output / "lists").exists()


def test_the_same_frame_is_the_same_input(lines: Path, tmp_path: Path) -> None:
    output, settings = tmp_path / "out", custseg.Settings(k="2", work_dir=tmp_path / "not" / "there")
    frame = pl.scan_csv(lines / "a.csv").filter(pl.col("Quantity") > 0)

    def segment(some: pl.LazyFrame | pl.DataFrame) -> custseg.Segmentation:
        return custseg.segment(some, output=output, settings=settings)

    stop_in(choose_k, "choose_k", lambda: segment(frame))
    first = segment(frame).record
    assert "exchange" not in first["seconds"]
    assert segment(frame.collect()).record["seconds"] == first["seconds"]
    with pytest.raises(OutputError, match="another run") as refused:
        segment(frame.head(50))
    assert refused.value.where == f"{output}: input changed: the frame"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ESTALE, "Stale file handle"), MachineError),
        (OSError("Input/output error (os error 5)"), MachineError),
        (pl.exceptions.ComputeError("parquet: File out of specification"), InputError),
    ],
)
def test_work_done_outlives_a_disk_that_fails_but_no_damaged_file(
    lines: Path, tmp_path: Path, error: Exception, kind: type[CustsegError]
) -> None:
    output = tmp_path / "out"

    def fail(*_: object, **__: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("custseg.transactions.lines._run", fail)
        with pytest.raises(kind) as caught:
            run(lines, output)
    assert caught.value.where == str(lines / "a.csv")
    assert (output / ".custseg-work" / "state.json").exists() == (kind is MachineError)
    run(lines, output)


@pytest.mark.parametrize("gone", ["out", "work"])
def test_a_folder_taken_away_meanwhile_is_said(lines: Path, tmp_path: Path, gone: str) -> None:
    output, work = tmp_path / "out", tmp_path / "work"

    def take_away(*arguments: object, **options: object) -> object:
        shutil.rmtree(tmp_path / gone)
        return choose(*arguments, **options)

    choose = choose_k.choose_k
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choose_k, "choose_k", take_away)
        with pytest.raises(MachineError, match="taken away that the run was at work with") as lost:
            run(lines, output, work_dir=work)
    assert lost.value.code == "output-lost"
    assert lost.value.where.startswith(str(tmp_path / gone))
    assert "exchange" in run(lines, output, work_dir=work).record["seconds"] or gone == "out"

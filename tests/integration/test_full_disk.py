"""A disk that fills up at any stage: what is said, and that the same command finishes once there is room."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import run_custseg, run_until, same_answer

SMALL = 40_000_000
BALLAST = "ballast"
STAGES = ("Plan:", "Reading and cleaning", "Labelling customers", "Describing segments")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "custseg-test", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk takes root")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def arguments(lines: Path, output: Path) -> tuple[object, ...]:
    return lines, "-o", output, "--k", "3", "--chunk-size", "500kB", "-v"


def fill(disk: Path) -> Path:
    """Fill a disk to its last byte."""
    ballast = disk / BALLAST
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"0" * size)
            except OSError:
                continue
    return ballast


@pytest.mark.parametrize("stage", [STAGES[0], *(pytest.param(s, marks=pytest.mark.slow) for s in STAGES[1:])])
def test_a_disk_filled_after_any_stage(stage: str, lines: Path, undisturbed: Path, small_disk: Path) -> None:
    output = small_disk / "out"

    def fill_meanwhile(run: subprocess.Popen[str]) -> None:
        run.send_signal(signal.SIGSTOP)
        fill(small_disk)
        run.send_signal(signal.SIGCONT)

    code, said, _ = run_until(stage, fill_meanwhile, *arguments(lines, output))
    assert code == 5, said
    assert "The disk is full." in said
    assert re.search(r", \S+ [kMG]?B free; the whole exchange takes about \S+ [kM]B", said)
    assert "--work-dir" in said
    assert "Traceback" not in said
    assert not (output / "run.json").exists()
    (small_disk / BALLAST).unlink()
    assert run_custseg("batch", *arguments(lines, output)).code == 0
    same_answer(output, undisturbed)


def test_too_little_disk_is_said_before_the_work(lines: Path, small_disk: Path) -> None:
    ballast = fill(small_disk)
    with ballast.open("rb+") as file:
        file.truncate(ballast.stat().st_size - 200_000)
    refused = run_custseg("batch", *arguments(lines, small_disk / "out"))
    assert refused.code == 5
    assert re.search(r"about \S+ [kM]B of disk, and \S+ [kM]?B are free", refused.err)
    assert "Reading and cleaning" not in refused.err
    assert not (small_disk / "out").exists()


def test_an_earlier_run_outlives_results_that_its_disk_has_no_room_for(
    lines: Path, undisturbed: Path, small_disk: Path, tmp_path: Path
) -> None:
    output = small_disk / "out"
    shutil.copytree(undisturbed, output)
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    ballast = fill(small_disk)
    with ballast.open("rb+") as file:
        file.truncate(ballast.stat().st_size - 300_000)
    again = (lines, "-o", output, "--k", "4", "--work-dir", tmp_path / "work", "--fresh")
    failed = run_custseg("batch", *again)
    assert failed.code == 5
    assert re.search(r"out, 0 B free; the results take \S+ MB\n  Now:   Make room there", failed.err)
    assert "the whole exchange" not in failed.err
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    assert {path.name for path in output.iterdir()} == {path.name for path in undisturbed.iterdir()}
    ballast.unlink()
    done = run_custseg("batch", *again)
    assert done.code == 0, done.err
    assert len(json.loads((output / "run.json").read_text("utf-8"))["segments"]) == 4

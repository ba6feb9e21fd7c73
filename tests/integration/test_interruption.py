"""A run stopped at any stage: the exit code, what is left, and that the same command finishes the job."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import run_custseg, run_until, same_answer

STAGES = ("Finding files", "Reading and cleaning", "Summing up customers", "Scaling features")


def arguments(lines: Path, output: Path) -> tuple[object, ...]:
    return lines, "-o", output, "--k", "3", "--chunk-size", "500kB"


def stop_after(stage: str, number: int, lines: Path, output: Path) -> tuple[int, float]:
    """Run until a stage is said to be done, send a signal; return the exit code and the seconds it took."""
    code, _, seconds = run_until(stage, lambda run: run.send_signal(number), *arguments(lines, output))
    return code, seconds


@pytest.mark.parametrize(
    "stage", [*(pytest.param(s, marks=pytest.mark.slow) for s in STAGES[:2]), *STAGES[2:]]
)
def test_killed_and_run_again(stage: str, lines: Path, undisturbed: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    code, _ = stop_after(stage, signal.SIGKILL, lines, output)
    assert code == -signal.SIGKILL
    assert not (output / "run.json").exists()
    assert run_custseg("batch", *arguments(lines, output)).code == 0
    same_answer(output, undisturbed)


def test_what_is_summed_up_is_not_read_again(lines: Path, undisturbed: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    stop_after(STAGES[3], signal.SIGKILL, lines, output)
    # It goes by itself, if the run is not killed first.
    shutil.rmtree(output / ".custseg-work" / "exchange", ignore_errors=True)
    assert run_custseg("batch", *arguments(lines, output)).code == 0
    same_answer(output, undisturbed)
    assert not {"exchange", "features"} & set(json.loads((output / "run.json").read_text())["seconds"])


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("stage", [pytest.param(STAGES[0], marks=pytest.mark.slow), STAGES[3]])
def test_stopped_soon_with_its_exit_code(
    stage: str, number: int, expected: int, lines: Path, undisturbed: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    code, seconds = stop_after(stage, number, lines, output)
    assert code == expected
    # Within five seconds; the machine that tests may be busy, so the test is of the bound, not of speed.
    assert seconds < 5 + 5
    assert run_custseg("batch", *arguments(lines, output)).code == 0
    same_answer(output, undisturbed)


def test_a_finished_run_says_so_and_changed_input_is_noticed(lines: Path, undisturbed: Path) -> None:
    before = (undisturbed / "run.json").stat().st_mtime_ns
    again = run_custseg("batch", *arguments(lines, undisturbed))
    assert again.code == 0
    assert "nothing to do" in again.err
    assert (undisturbed / "run.json").stat().st_mtime_ns == before
    other = run_custseg("batch", *arguments(lines, undisturbed), "--seed", "1")
    assert other.code == 4
    assert "--seed was 0, is 1" in other.err


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_heard_while_a_library_is_at_work(number: int, expected: int) -> None:
    """The main thread is in C for minutes, where no handler of Python's is called."""
    code = """if True:
        import hashlib, sys
        from custseg.cli import ending
        def work():
            try:
                print("at work", flush=True)
                hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
            except KeyboardInterrupt:
                sys.exit(130)  # as Typer does, if the signal comes before the library is called
        ending.app = work
        sys.exit(ending.run())
    """
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            assert run.stdout.readline() == "at work\n"
            run.send_signal(number)
            assert run.wait(timeout=60) == expected
            assert run.stderr is not None
            assert ("goes on from what is whole" in run.stderr.read()) == (number == signal.SIGINT)
        finally:
            run.kill()

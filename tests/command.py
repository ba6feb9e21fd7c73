"""The command as a user runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal


@dataclass(frozen=True)
class Done:
    """An ended command: its exit code and what it wrote."""

    code: int
    out: str
    err: str


def run_custseg(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Done:
    """Run custseg without the caller's CUSTSEG_ variables and without a terminal."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CUSTSEG_")}
    done = subprocess.run(
        [sys.executable, "-m", "custseg", *map(str, arguments)],
        check=False,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env=clean | (env or {}),
        cwd=cwd,
        timeout=600,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def run_until(
    stage: str,
    strike: Callable[[subprocess.Popen[str]], object],
    *arguments: object,
    env: dict[str, str] | None = None,
) -> tuple[int, str, float]:
    """Run; do something once a stage is said to be done. Return exit code, messages, seconds since then."""
    command = [sys.executable, "-m", "custseg", "batch", *map(str, arguments), "--no-progress"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ | (env or {})
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith(stage):
                break
        start = time.monotonic()
        strike(run)
        messages = run.stderr.read()
        return run.wait(timeout=120), messages, time.monotonic() - start


def same_answer(one: Path, other: Path) -> None:
    """Hold two outputs to the same customers, to the last bit, the same model and the same files."""

    def everyone(folder: Path) -> pl.DataFrame:
        return pl.concat([pl.read_parquet(part) for part in sorted((folder / "customers").iterdir())])

    assert_frame_equal(everyone(one), everyone(other), check_exact=True)
    for name in ("segments.csv", "model.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert {path.name for path in one.iterdir()} == {path.name for path in other.iterdir()}

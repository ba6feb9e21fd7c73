"""What all tests share: the real transactions, the command as a user runs it, and small made-up inputs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

REAL_DATA = "CUSTSEG_REAL_DATA"


@dataclass(frozen=True)
class Done:
    """An ended command: its exit code and what it wrote."""

    code: int
    out: str
    err: str


Custseg = Callable[..., Done]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with online_retail_II.csv and online_retail_by_day/ (UCI 502 and 352)."""
    folder = os.environ.get(REAL_DATA)
    if not folder:
        pytest.skip(f"{REAL_DATA} does not name the folder of the real transactions")
    path = Path(folder).resolve()
    assert (path / "online_retail_II.csv").is_file(), f"{REAL_DATA}={folder} lacks online_retail_II.csv"
    return path


@pytest.fixture(scope="session")
def run_custseg() -> Custseg:
    """Run the command line as a process of its own, without the caller's CUSTSEG_ variables."""

    def run(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Done:
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

    return run

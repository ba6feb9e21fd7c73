"""Time the report of few and of many customers, in two and in ten segments.

    python jobs/benchmarks/report.py [--work DIR] [--customers 4e3 1e7] [--repeat 3]

Makes transactions and runs in DIR (those that stand there are used again), then draws each report anew with
``custseg report``, and prints a table: seconds of the whole command, its start included, and the page's size.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

SEGMENTS = (2, 10)
LINES = 25
"""Lines a customer: with fewer, many of the customers asked for buy nothing."""


def main() -> None:
    """Make what is missing, time, print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--work", type=Path, default=Path("demo/reports"))
    arguments.add_argument("--customers", type=float, nargs="+", default=[4e3, 1e7])
    arguments.add_argument("--repeat", type=int, default=3)
    asked = arguments.parse_args()
    print("| customers | segments | seconds | page, MB |")
    print("|---:|---:|---:|---:|")
    for customers in map(int, asked.customers):
        for segments in SEGMENTS:
            run = _run(asked.work, customers, segments)
            if not asked.repeat:
                continue
            seconds = ", ".join(f"{_draw(run):.1f}" for _ in range(asked.repeat))
            found = json.loads((run / "run.json").read_text("utf-8"))
            size = (run / "report.html").stat().st_size / 1e6
            print(f"| {found['customers']:,} | {segments} | {seconds} | {size:.2f} |", flush=True)


def _run(work: Path, customers: int, segments: int) -> Path:
    """Return the folder of a finished run; make it, and its transactions, if it is not there."""
    lines, run = work / f"lines-{customers}", work / f"run-{customers}-{segments}"
    if not lines.exists():
        many = ["--rows", str(LINES * customers), "--customers", str(customers)]
        _custseg("sample", "-o", lines, *many, "--file-type", "parquet")
    if not (run / "run.json").exists():
        _custseg("batch", lines, "-o", run, "--features", "rfm", "--k", str(segments), "--quiet")
    return run


def _draw(run: Path) -> float:
    """Return the seconds that drawing a report takes."""
    began = time.perf_counter()
    _custseg("report", run, "--quiet")
    return time.perf_counter() - began


def _custseg(*words: str | Path) -> None:
    """Run custseg; what it says is not wanted."""
    subprocess.run([sys.executable, "-m", "custseg", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

"""Time custseg and its peers side by side and write docs/benchmarks.md.

    python jobs/benchmarks/bench.py --rows 1e6 1e7 --repeat 3 --peers-python .venv-bench/bin/python

For each size a sample of transactions is written once. Then everything runs in turn, `--repeat` times over,
so that a busy moment of the machine meets all alike. Medians and their ratios are written; only ratios mean
something. Memory is the highest resident memory of a process and its children, sampled from outside.
Sizes given with `--alone` are taken by custseg only, once: peers run out of memory or of a day there. Spark
runs once at each size.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

HERE = Path(__file__).parent
LATER = ("matrix", "choose_k", "label", "report", "outputs")
"""Stages of a run that come after the features."""

TITLE = "docs/benchmarks.md"
BEGIN, END = "<!-- made by make bench: begin -->", "<!-- made by make bench: end -->"


@dataclass(frozen=True)
class Measured:
    """One run of a command: seconds, peak bytes, and what it printed."""

    seconds: float
    peak: int
    printed: str


def main() -> None:
    """Run the benchmarks."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7])
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--alone", type=float, nargs="*", default=[])
    arguments.add_argument("--memory-limit", help="1GB up to a hundred million lines, 2GB above")
    arguments.add_argument("--peers-python", default=sys.executable)
    arguments.add_argument("--csv", type=Path, help="transactions as one CSV, for pandas and custseg")
    arguments.add_argument("--spark", action="store_true", help="Spark too; needs Java 17")
    arguments.add_argument("--output", type=Path, default=Path(TITLE))
    given = arguments.parse_args()
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory(prefix="custseg-bench-") as name:
        for count in given.rows:
            rows += compare(int(count), Path(name), given)
        for count in given.alone:
            rows += take_alone(int(count), Path(name), given)
        if given.csv:
            rows += compare_csv(given.csv, Path(name), given)
    write(given.output, rows, given)


def compare(count: int, folder: Path, given: argparse.Namespace) -> list[list[str]]:
    """Run everything on a sample of so many lines; return the rows of the table."""
    source, runs, ratios = write_sample(count, folder), defaultdict(list), []
    for turn in range(given.repeat):
        for name in ("polars_floor", "duckdb_features"):
            runs[name].append(peer(name, source, folder / f"{name}.parquet", given))
        runs["sklearn_clusters"].append(
            peer("sklearn_clusters", folder / "duckdb_features.parquet", folder / "labels.parquet", given)
        )
        if given.spark and not turn:
            runs["spark_pipeline"].append(peer("spark_pipeline", source, folder / "spark", given))
        whole, features, sums = custseg(source, folder / "out", limit(count, given))
        runs["custseg batch"].append(whole)
        runs["custseg, features"].append(features)
        theirs = {int(k): v for k, v in json.loads(runs["sklearn_clusters"][-1].printed).items()}
        ratios += [sums[k] / theirs[k] for k in theirs]
    size = f"{count:,} lines"
    seconds = {name: statistics.median(run.seconds for run in of) for name, of in runs.items()}
    together = seconds["duckdb_features"] + seconds["sklearn_clusters"]
    made = [
        row(size, name, of, seconds["duckdb_features"]) for name, of in runs.items() if "features" in name
    ]
    made.append(
        row(size, "polars_floor (drops no duplicates)", runs["polars_floor"], seconds["duckdb_features"])
    )
    whole_row = row(size, "custseg batch, all", runs["custseg batch"], together)
    whole_row[-1] = f"{max(ratios):.4f}"
    made += [[size, "duckdb_features + sklearn_clusters", f"{together:.1f}", "1.00", "", "1"], whole_row]
    if given.spark:
        made.append(row(size, "spark_pipeline", runs["spark_pipeline"], together))
    return made


def take_alone(count: int, folder: Path, given: argparse.Namespace) -> list[list[str]]:
    """Run custseg alone on a sample of so many lines; return its rows of the table."""
    whole, features, _ = custseg(write_sample(count, folder), folder / "out", limit(count, given))
    named = {"custseg, features": features, "custseg batch, all": whole}
    return [row(f"{count:,} lines", name, [run], math.nan) for name, run in named.items()]


def write_sample(count: int, folder: Path) -> str:
    """Write so many lines, and return the pattern of their files."""
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "custseg", "sample", "-o", data, "--rows", str(count), "--quiet",
         "--customers", str(max(1000, count // 20)), "--file-type", "parquet"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return f"{data}/*.parquet"


def limit(count: int, given: argparse.Namespace) -> str:
    """Return the memory limit of a run on so many lines."""
    return given.memory_limit or ("1GB" if count <= 10**8 else "2GB")


def compare_csv(path: Path, folder: Path, given: argparse.Namespace) -> list[list[str]]:
    """Compare the whole job on one CSV with pandas and scikit-learn."""
    runs = defaultdict(list)
    for _ in range(given.repeat):
        runs["pandas_sklearn"].append(peer("pandas_sklearn", path, folder / "pandas.parquet", given))
        runs["custseg batch, all"].append(custseg(path, folder / "out", limit(0, given))[0])
    base = statistics.median(run.seconds for run in runs["pandas_sklearn"])
    return [row(path.name, name, of, base) for name, of in runs.items()]


def row(size: str, name: str, runs: list[Measured], base: float) -> list[str]:
    """Return a row of the table: medians, and the ratio to a peer's seconds."""
    seconds = statistics.median(run.seconds for run in runs)
    peak = statistics.median(run.peak for run in runs)
    ratio = "" if math.isnan(base) else f"{seconds / base:.2f}"
    return [size, name, f"{seconds:.1f}", ratio, f"{peak / 1e9:.2f}", ""]


def custseg(
    source: Path | str, output: Path, memory_limit: str
) -> tuple[Measured, Measured, dict[int, float]]:
    """Run custseg; return the whole, what it took up to the features, and the sums of squares."""
    shutil.rmtree(output, ignore_errors=True)
    words = ["batch", source, "-o", output, "--memory-limit", memory_limit, "--quiet"]
    whole = measure([sys.executable, "-m", "custseg", *words])
    record = json.loads((output / "run.json").read_text())
    later = sum(record["seconds"][stage] for stage in LATER)
    sums = {each["k"]: each["sse"] for each in record["k_selection"]["candidates"]}
    return whole, Measured(whole.seconds - later, whole.peak, ""), sums


def peer(name: str, source: Path | str, output: Path, given: argparse.Namespace) -> Measured:
    """Run a peer's script."""
    return measure([given.peers_python, HERE / "peers" / f"{name}.py", source, output])


def measure(command: list[object]) -> Measured:
    """Run a command and watch it from outside."""
    start, peak = time.perf_counter(), 0
    # As a user's shell would start it, whatever this program runs under.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CUSTSEG_")}
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True, env=clean) as run:
        process = psutil.Process(run.pid)
        while run.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        printed = run.stdout.read() if run.stdout else ""
    if run.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {run.returncode}")
    return Measured(seconds, peak, printed)


def resident(process: psutil.Process) -> int:
    """Return the resident memory of a process and its children together."""
    try:
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
    except psutil.Error:
        return 0


def write(path: Path, rows: list[list[str]], given: argparse.Namespace) -> None:
    """Put the table in its place in the page."""
    processor = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    ask = "import importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in %r))"
    packages = ["duckdb", "polars", "scikit-learn", "pandas"] + (["pyspark"] if given.spark else [])
    peers = subprocess.run(
        [given.peers_python, "-c", ask % packages], capture_output=True, text=True, check=True
    ).stdout.strip()
    single = ["Spark"] * given.spark + ["what custseg does alone"] * bool(given.alone)
    once = f"; one run of {' and of '.join(single)}" if single else ""
    lines = [
        BEGIN,
        f"{psutil.cpu_count()} processors ({processor}), {psutil.virtual_memory().total / 1e9:.0f} GB of "
        f"memory; Python {platform.python_version()}, custseg {version('custseg')} with Polars "
        f"{version('polars')} and `--memory-limit {given.memory_limit or '1GB'}`"
        f"{'' if given.memory_limit else ', above a hundred million lines 2GB'}; {peers}. "
        f"Medians of {given.repeat} runs, in turn{once}.",
        "",
        "| input | what | seconds | ratio | peak GB | sum of squares / scikit-learn's, worst k |",
        "|---|---|---:|---:|---:|---:|",
        *("| " + " | ".join(cells) + " |" for cells in rows),
        END,
    ]
    print("\n".join(lines))
    page = path.read_text() if path.exists() else f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    path.write_text(before + "\n".join(lines) + after)


if __name__ == "__main__":
    main()

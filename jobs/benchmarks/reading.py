"""Time what care costs: custseg's reading and cleaning beside a bare scan of the same clean CSV files.

    python jobs/benchmarks/reading.py FILES... [--repeat 5] [--memory-limit 1GB]

Both take the files once in each round, in turn, in a process of their own each. *Bare* is a typed Polars
``scan_csv`` of all columns, dates read as dates, and a 64-bit hash of each row; nothing is kept but the
hashes. *custseg* is what the map of a run does up to the exchange: dialects and columns decided, every line
read, made canonical, hashed and given its fate, in the plan's chunks and tasks. *and arranged* also counts
the ledger and puts the lines in the order of buckets. Files must be in the Online Retail II layout. This
looks inside custseg: no command of it stops before the exchange is written.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from functools import partial, reduce
from operator import xor
from pathlib import Path

import polars as pl

from custseg.customers import arrange, features, plan
from custseg.customers.plan import Plan
from custseg.running.allocator import keeping_memory, share_memory
from custseg.running.compute import HERE
from custseg.running.compute.opening import open_compute
from custseg.settings import Settings
from custseg.transactions import find, lines, pieces, reading
from custseg.transactions.pieces import Batch
from custseg.transactions.reading import Table

WAYS = ("bare", "custseg", "and arranged")
TYPES = {
    "Invoice": pl.String(),
    "StockCode": pl.String(),
    "Description": pl.String(),
    "Quantity": pl.Int64(),
    "InvoiceDate": pl.Datetime("us"),
    "Price": pl.Float64(),
    "Customer ID": pl.Float64(),
    "Country": pl.String(),
}


def main() -> None:
    """Time all ways in turn and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("files", nargs="+")
    arguments.add_argument("--repeat", type=int, default=5)
    arguments.add_argument("--memory-limit", default="1GB")
    arguments.add_argument("--way", choices=WAYS, help="time this one only, here; print lines and seconds")
    given = arguments.parse_args()
    settings = Settings(memory_limit=given.memory_limit)
    if given.way:
        start = time.perf_counter()
        count = scan(given.files) if given.way == "bare" else read(given.files, settings, given.way)
        print(count, time.perf_counter() - start)
        return
    share_memory()
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(given.repeat):
        for way, taken in seconds.items():
            words = ["--memory-limit", given.memory_limit, "--way", way]
            ran = subprocess.run(
                [sys.executable, __file__, *given.files, *words], check=True, capture_output=True, text=True
            )
            count, took = ran.stdout.split()
            taken.append(float(took))
    bare = statistics.median(seconds["bare"])
    print(f"{int(count):,} lines", "| way | seconds | ratio |", "|---|---|---:|", sep="\n")
    for way, taken in seconds.items():
        each = ", ".join(f"{one:.2f}" for one in taken)
        print(f"| {way} | {each} | {statistics.median(taken) / bare:.2f} |")


def scan(files: list[str]) -> int:
    """Read and hash all lines with Polars alone; return how many there are."""
    # Polars reads dates much quicker from text than as a column's type in the scan.
    texts = {name: pl.String() if name == "InvoiceDate" else dtype for name, dtype in TYPES.items()}
    date = pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
    row = reduce(xor, (pl.col(name).hash(seed) for seed, name in enumerate(TYPES)))
    paths = sorted(path for file in files for path in _csv(Path(file)))
    query = pl.scan_csv(paths, schema=texts).with_columns(date).select(row)
    return query.collect(engine="streaming").height


def _csv(path: Path) -> list[Path]:
    return list(path.glob("*.csv")) if path.is_dir() else [path]


def read(files: list[str], settings: Settings, way: str) -> int:
    """Read and clean all lines as a run's map does; return how many there are."""
    with open_compute(settings) as compute, keeping_memory():
        table = reading.open_input(find.find_files(files), settings)
        made = plan.make_plan(table.sources, resources=compute.resources, chunk_size=None)
        recipe = features.make_recipe(table, settings) if way == "and arranged" else None
        chunks = range(len(made.chunks))
        task = partial(read_chunk, table, made, recipe, compute.within(len(chunks)))
        return sum(count for _, count in compute.run(task, chunks, at_once=compute.resources.tasks))


def read_chunk(table: Table, made: Plan, recipe: features.Recipe | None, at_once: int, chunk: int) -> int:
    """Read and clean a chunk as the map does, and put it in order if there is a recipe."""
    batches = pieces.batches(table, made.chunks[chunk], made.block)
    # As the map hands them over: each is held only by whoever works on it, and by no loop's variable.
    handed = map(lambda batch: [batch], batches)  # noqa: C417
    task = partial(read_batch, table, made, recipe)
    return sum(count for _, count in HERE.run(task, handed, at_once=at_once))


def read_batch(table: Table, made: Plan, recipe: features.Recipe | None, handed: list[Batch]) -> int:
    """Read and clean a batch, and put it in order if there is a recipe."""
    found = lines.read_lines(table, handed.pop(), products=bool(recipe and "product" in recipe.line_columns))
    count = len(found.fate)
    if recipe:
        arrange.arrange(found, recipe, made.bucket_bits)
    return count


if __name__ == "__main__":
    main()

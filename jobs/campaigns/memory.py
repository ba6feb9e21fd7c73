"""Hold runs to their memory limit, whatever the input looks like; the peak is measured from outside.

    python jobs/campaigns/memory.py --rows 2e7

Every input is made from one sample and is as unkind as can be: lines in random order, one customer with a
twentieth of all lines, one invoice of a million, a third without a customer, long lines; one long CSV, plain,
with every cell quoted, with quotes that follow no rule, and with short lines, a customer each. Prints a line
a run; exit code 1 when one went over its limit.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psutil

LIMITS = ("1GB", "2GB")
MILLION = 1_000_000


def as_sampled(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Leave the lines as they are."""
    return lines


def shuffled(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Put the lines in random order: every stretch has one line."""
    return lines.collect().sample(fraction=1, shuffle=True, seed=1).lazy()


def one_customer(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Give one customer a twentieth of all lines."""
    his = pl.int_range(pl.len()) % 20 == 0
    return lines.with_columns(pl.when(his).then(pl.lit(99999)).otherwise("Customer ID").alias("Customer ID"))


def one_invoice(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Let the first million lines be one invoice of one customer."""
    first = pl.int_range(pl.len()) < MILLION
    return lines.with_columns(
        pl.when(first).then(pl.lit("700000")).otherwise("Invoice").alias("Invoice"),
        pl.when(first).then(pl.lit(99999)).otherwise("Customer ID").alias("Customer ID"),
    )


def no_customer(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Leave a third of the lines without a customer."""
    gone = pl.int_range(pl.len()) % 3 == 0
    return lines.with_columns(pl.when(~gone).then("Customer ID").alias("Customer ID"))


def quoted(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Put every cell between quotes, and a sign before every price."""
    lines = lines.with_columns(pl.format("${}", "Price").alias("Price"))
    return lines.with_columns(pl.format('"{}"', pl.all().cast(pl.String).fill_null("")))


def oddly_quoted(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Do that, and put a quote that follows no rule into every hundredth line."""
    odd = pl.int_range(pl.len()) % 100 == 0
    return quoted(lines).with_columns(
        pl.when(odd).then(pl.lit('"a 7" plate"')).otherwise("StockCode").alias("StockCode")
    )


def long_lines(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Give every tenth line, and no other, thirty texts more, all in one row group."""
    texts = [
        pl.format("{} {}", "StockCode", pl.int_range(pl.len()) * (1 + n)).alias(f"x{n}") for n in range(30)
    ]
    return lines.gather_every(10).with_columns(texts)


def short_lines(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Keep little of each line, and give it a customer of its own: as many customers as lines."""
    number = pl.int_range(pl.len())
    return lines.select("Quantity", "Price", "InvoiceDate", number.alias("Invoice")).with_columns(
        pl.format("C{}", "Invoice").alias("Customer ID")
    )


INPUTS: tuple[Callable[[pl.LazyFrame], pl.LazyFrame], ...] = (
    as_sampled,
    shuffled,
    one_customer,
    one_invoice,
    no_customer,
    long_lines,
)

CSV_INPUTS = (as_sampled, quoted, oddly_quoted, short_lines)


def main() -> int:
    """Run the campaign."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=float, default=2e7)
    given = arguments.parse_args()
    over = 0
    with tempfile.TemporaryDirectory(prefix="custseg-memory-") as name:
        folder = Path(name)
        sample = folder / "sample"
        subprocess.run(
            [sys.executable, "-m", "custseg", "sample", "-o", sample, "--rows", str(int(given.rows)),
             "--customers", str(int(given.rows / 100)), "--file-type", "parquet", "--quiet"],
            check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        for make in INPUTS:
            path = folder / "lines.parquet"
            make(pl.scan_parquet(sample / "*.parquet")).sink_parquet(path, row_group_size=10 * MILLION)
            over += sum(run(make.__name__, path, limit, folder / "out") for limit in LIMITS)
        for make in CSV_INPUTS:
            path = folder / "lines.csv"
            make(pl.scan_parquet(sample / "*.parquet")).sink_csv(path, quote_style="never")
            with path.open("a") as file:
                # A blank line at the end has the last block read once more.
                file.write("\n")
            over += sum(run(f"CSV, {make.__name__}", path, limit, folder / "out") for limit in LIMITS)
    return 1 if over else 0


def run(what: str, path: Path, limit: str, output: Path) -> bool:
    """Run custseg once; return whether it went over its limit."""
    shutil.rmtree(output, ignore_errors=True)
    start, peak = time.perf_counter(), 0
    command = [
        sys.executable,
        "-m",
        "custseg",
        "batch",
        path,
        "-o",
        output,
        "--memory-limit",
        limit,
        "--quiet",
    ]
    with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(
                    peak, sum(p.memory_info().rss for p in (watched, *watched.children(recursive=True)))
                )
            except psutil.Error:
                continue
            time.sleep(0.05)
    assert process.returncode == 0, f"exit code {process.returncode}"
    allowed = float(limit.removesuffix("GB")) * 1e9
    verdict = "over" if peak > allowed else "under"
    print(
        f"{what:<17} {limit}: peak {peak / 1e9:.2f} GB, {verdict}; {time.perf_counter() - start:.0f} s",
        flush=True,
    )
    return peak > allowed


if __name__ == "__main__":
    raise SystemExit(main())

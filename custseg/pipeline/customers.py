"""From transactions to customers: read and clean into the exchange, add up, finish the features."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from custseg.customers import exchange, features, matrix
from custseg.customers.exchange import Written
from custseg.customers.features import Recipe
from custseg.customers.plan import Plan
from custseg.errors import InputError
from custseg.running import compute
from custseg.running.progress import Progress
from custseg.running.workfolder import WorkFolder
from custseg.settings import Settings
from custseg.transactions import reading
from custseg.transactions.cleaning import Ledger
from custseg.transactions.reading import Table
from custseg.transactions.source import Surprise
from custseg.transactions.unreadable import Unreadable

EXAMPLES_IN_ERROR = 3


@dataclass(frozen=True)
class Run:
    """What every step of a run may need."""

    table: Table
    recipe: Recipe
    plan: Plan
    work: WorkFolder
    settings: Settings
    progress: Progress


@dataclass(frozen=True)
class Customers:
    """All customers with their features.

    Attributes
    ----------
    table
        The input as it was read in the end.
    features
        One row a customer, in the order of customers.
    count
        How many bought.
    returns_only
        How many only returned; they are left out.
    as_of
        The day that recency is counted to; None without dates.
    unreadable
        The first cells that made their lines invalid.
    """

    table: Table
    features: pl.LazyFrame
    count: int
    returns_only: int
    as_of: dt.date | None
    ledger: Ledger
    unreadable: Sequence[Unreadable]

    @property
    def columns(self) -> list[str]:
        """Features there are."""
        return self.features.collect_schema().names()

    def rows(self, block: int) -> pl.DataFrame:
        """Return the customers of one block of the matrix."""
        return _block(self.features, block)

    def blocks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Go through some columns of all customers, a block of the matrix at a time."""
        for block in range(-(-self.count // matrix.BLOCK_ROWS)):
            yield _block(self.features.select(columns), block)


def _block(table: pl.LazyFrame, number: int) -> pl.DataFrame:
    return table.slice(number * matrix.BLOCK_ROWS, matrix.BLOCK_ROWS).collect(engine="streaming")


def sum_up(run: Run) -> Customers:
    """Read, clean and add up everything.

    Raises
    ------
    InputError
        A file cannot be read, too many lines cannot, none is kept, or ``as_of`` is before the last purchase.
    """
    try:
        files, ledger, unreadable = _map(run)
    except Surprise:
        run = _look_closer(run)
        files, ledger, unreadable = _map(run)
    count, returns_only = _reduce(run, files, ledger)
    as_of, table = _features(run)
    return Customers(run.table, table, count, returns_only, as_of, ledger, unreadable)


def _look_closer(run: Run) -> Run:
    """Look through all files for what their samples left in doubt, and begin anew with what that shows."""
    run.progress.say("The files differ from their samples: looking through all of them.")
    run.work.remember(run.work.state | {"thorough": True})
    with run.progress.stage("find", "Looking through all files"):
        files = tuple({source.file: None for source in run.table.sources})
        table = reading.open_input(files, run.settings, thorough=True)
    for file in run.work.room("exchange").iterdir():
        file.unlink()
    return replace(run, table=replace(table, skipped=run.table.skipped))


def _map(run: Run) -> tuple[list[Written], Ledger, list[Unreadable]]:
    """Read and clean every chunk into the exchange.

    Returns its files, the ledger so far and the first cells that could not be read.
    """
    folder = run.work.room("exchange")
    written: dict[int, list[Written]] = {}
    chunks = range(len(run.plan.chunks))

    def task(chunk: int) -> list[Written]:
        return exchange.map_chunk(run.table, run.plan, run.recipe, chunk, folder)

    with run.progress.stage("exchange", "Reading and cleaning", len(chunks), "chunks") as advance:
        for chunk, files in compute.run_tasks(task, chunks, at_once=run.plan.tasks):
            written[chunk] = files
            advance(1)
    files = [file for chunk in chunks for file in written[chunk]]
    ledger = Ledger()
    for file in files:
        ledger.add(Ledger(**file.ledger))
    unreadable = exchange.find_unreadable(run.table, run.plan, written)
    _check_lines(ledger, unreadable, run.settings)
    return files, ledger, unreadable


def _check_lines(ledger: Ledger, unreadable: Sequence[Unreadable], settings: Settings) -> None:
    read, invalid = ledger.rows_read, ledger.lines["invalid"]
    if invalid > settings.max_invalid * read:
        raise InputError(
            "too-many-invalid",
            f"{invalid:,} of {read:,} lines ({invalid / read:.1%}) have an empty or unreadable cell in a "
            f"needed column; more than {settings.max_invalid:.1%} end the run.",
            where="; ".join(str(cell) for cell in unreadable[:EXAMPLES_IN_ERROR]),
            now="Look at the columns and formats of the input, or allow more with --max-invalid.",
        )
    if not ledger.lines["kept"]:
        fates = ", ".join(f"{fate} {lines:,}" for fate, lines in ledger.lines.items() if lines)
        raise InputError(
            "no-line-kept",
            f"No line is left to work with, of {read:,} read.",
            where=fates or "the files hold a header and nothing else",
            now="Look at the options that choose lines (--since, --where, …) and at the columns.",
        )


def _reduce(run: Run, files: Sequence[Written], ledger: Ledger) -> tuple[int, int]:
    """Sum up the customers bucket by bucket; return how many bought, and how many only returned.

    Enters in the ledger what could not be known before: duplicates, and the money of kept lines.
    """
    folders = run.work.room("exchange"), run.work.room("features")
    buckets = range(run.plan.buckets)

    def task(bucket: int) -> dict[str, int]:
        return exchange.reduce_bucket(files, run.plan, run.recipe, bucket, folders)

    total = returns_only = 0
    with run.progress.stage("features", "Summing up customers", len(buckets), "buckets") as advance:
        for _, counts in compute.run_tasks(task, buckets, at_once=run.plan.tasks):
            total += counts["customers"]
            returns_only += counts["returns_only"]
            ledger.money["kept"] += counts["money"]
            ledger.move(counts["duplicates"], counts["duplicate_money"], source="kept", target="duplicate")
            advance(1)
    return total, returns_only


def _features(run: Run) -> tuple[dt.date | None, pl.LazyFrame]:
    """Return the as-of day and all customers' features, in the order of customers."""
    parts = pl.scan_parquet(sorted(run.work.room("features").glob("part-*.parquet")), glob=False)
    as_of = run.settings.as_of
    if "invoice_date" in run.table.read:
        last = parts.select(pl.col("last_purchase").max()).collect().item().date()
        as_of = as_of or last + dt.timedelta(days=1)
        if as_of < last:
            raise InputError(
                "as-of-too-early",
                f"--as-of {as_of} is before the last purchase, {last}.",
                now="Leave later lines out with --until, or name a later day.",
            )
    return as_of, features.finish(parts, run.recipe, as_of)

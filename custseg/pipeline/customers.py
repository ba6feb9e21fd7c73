"""From transactions to customers: read and clean into the exchange, add up, finish the features."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from threading import Thread
from typing import Any, NamedTuple

import polars as pl

from custseg.customers import exchange, matrix, months
from custseg.customers.exchange_files import Written
from custseg.customers.features import Recipe
from custseg.customers.plan import Plan
from custseg.customers.table import CustomerTable
from custseg.errors import CustsegError, InputError
from custseg.running import outputs, places
from custseg.running.allocator import keeping_memory
from custseg.running.compute import Compute
from custseg.running.places import AnyPath
from custseg.running.progress import Progress
from custseg.running.workfolder import WorkFolder
from custseg.settings import Settings
from custseg.transactions import find, reading
from custseg.transactions.cleaning import Ledger
from custseg.transactions.reading import Table
from custseg.transactions.source import Surprise
from custseg.transactions.unreadable import Unreadable

FEW_INVALID = 0.1
"""Share of invalid lines up to which a user is told how to leave them out: more speak of a column misread."""

EXAMPLES_IN_ERROR = 3
NONE_KEPT = {
    "missing_customer": "Look at the customer's column; if another has the id: --column customer_id=HEADER.",
    "cancelled": "Look at the invoice column: numbers that begin with C are cancellations.",
    "non_positive": "Look at quantity and price: lines where one is not above zero are no purchases.",
    "excluded": "Look at the options that choose lines (--since, --where, …) and at the columns.",
}
"""What to do where no line is kept, by the fate of most."""

SUMMED = "summed.json"


@dataclass(frozen=True)
class Run:
    """What every step of a run may need."""

    transactions: Table
    recipe: Recipe
    plan: Plan
    work: WorkFolder
    settings: Settings
    progress: Progress
    compute: Compute


@dataclass(frozen=True)
class Customers:
    """All customers with their features.

    Attributes
    ----------
    transactions
        The input as it was read in the end.
    table
        The customers who bought.
    returns_only
        How many only returned; they are left out.
    ledger
        What became of every line.
    unreadable
        The first cells that made their lines invalid.
    """

    transactions: Table
    table: CustomerTable
    returns_only: int
    ledger: Ledger
    unreadable: Sequence[Unreadable]

    @property
    def count(self) -> int:
        """How many bought."""
        return len(self.table)


def sum_up(run: Run, earlier: dt.date | None = None) -> Customers:
    """Read, clean and add up everything.

    Parameters
    ----------
    earlier
        The day that an earlier run counted recency to: by itself this one counts to no day before it.

    Raises
    ------
    InputError
        A file cannot be read or was changed meanwhile, too many lines cannot be read, none is kept, or
        ``as_of`` is before the last purchase.
    """
    if not (summed := _recall(run.work)):
        with keeping_memory():
            try:
                files, ledger, unreadable = _map(run)
            except Surprise:
                run = _look_closer(run)
                files, ledger, unreadable = _map(run)
            find.refuse_changed(dict.fromkeys(source.file for source in run.transactions.sources))
            counts, returns_only = _reduce(run, files, ledger)
        summed = _Summed(counts, returns_only, ledger, unreadable)
        _remember(run.work, summed)
    # Half a second for a hundred million lines, beside what comes next; what is left goes with the folder.
    Thread(target=_clear, args=[run.work.room("exchange")], daemon=True).start()
    table = _features(run, summed.counts, earlier)
    return Customers(run.transactions, table, summed.returns_only, summed.ledger, summed.unreadable)


class _Summed(NamedTuple):
    """What is known once all buckets are reduced and the exchange has done its work.

    Attributes
    ----------
    counts
        How many customers of each bucket bought.
    """

    counts: Mapping[int, int]
    returns_only: int
    ledger: Ledger
    unreadable: Sequence[Unreadable]


def _remember(work: WorkFolder, summed: _Summed) -> None:
    outputs.write_json(work.room("features") / SUMMED, summed._asdict() | {"ledger": asdict(summed.ledger)})


def _recall(work: WorkFolder) -> _Summed | None:
    """Return what an interrupted run has summed up, if it came so far."""
    stored = outputs.read_json_if_there(work.room("features") / SUMMED)
    if stored is None:
        return None
    counts = {int(bucket): count for bucket, count in stored["counts"].items()}
    unreadable = [Unreadable(*cell) for cell in stored["unreadable"]]
    return _Summed(counts, stored["returns_only"], Ledger(**stored["ledger"]), unreadable)


def _clear(room: AnyPath) -> None:
    with contextlib.suppress(OSError, CustsegError):
        places.remove(room)


def _look_closer(run: Run) -> Run:
    """Look through all files for what their samples left in doubt, and begin anew with what that shows."""
    run.progress.say("The files differ from their samples: looking through all of them.")
    with run.progress.stage("find", "Looking through all files"):
        files = tuple({source.file: None for source in run.transactions.sources})
        read = reading.open_input(files, run.settings, thorough=True)
    exchange_room = run.work.room("exchange")
    places.remove(exchange_room)
    exchange_room.mkdir(mode=0o700)
    # Only now: a run that goes on from here must not find chunks that were read otherwise.
    run.work.remember(run.work.state | {"thorough": True})
    before = run.transactions
    return replace(run, transactions=replace(read, skipped=before.skipped, passed_over=before.passed_over))


def _map(run: Run) -> tuple[list[Written], Ledger, list[Unreadable]]:
    """Read and clean every chunk into the exchange.

    Returns its files, the ledger so far and the first cells that could not be read.
    """
    folder = run.work.room("exchange")
    written: dict[int, list[Written]] = {}
    chunks = range(len(run.plan.chunks))

    at_once = run.compute.within(len(chunks))
    task = partial(exchange.map_chunk, run.transactions, run.plan, run.recipe, folder=folder, at_once=at_once)
    with run.progress.stage("exchange", "Reading and cleaning", len(chunks), "chunks") as advance:
        for chunk, files in run.compute.run(task, chunks, at_once=run.compute.resources.tasks):
            written[chunk] = files
            advance(1)
    files = [file for chunk in chunks for file in written[chunk]]
    ledger = Ledger()
    for file in files:
        ledger.add(Ledger(**file.ledger))
    unreadable = exchange.find_unreadable(run.transactions, run.plan, written)
    check_lines(ledger, unreadable, run.settings)
    return files, ledger, unreadable


def check_lines(ledger: Ledger, unreadable: Sequence[Unreadable], settings: Settings) -> None:
    """Stop where too many lines are invalid, or none is kept.

    Raises
    ------
    InputError
        Either is so.
    """
    read, invalid = ledger.rows_read, ledger.lines["invalid"]
    if invalid > settings.max_invalid * read:
        few = invalid <= FEW_INVALID * read
        raise InputError(
            "too-many-invalid",
            f"{invalid:,} of {read:,} lines ({invalid / read:.1%}) have an empty or unreadable cell in a "
            f"needed column; more than {settings.max_invalid:.1%} end the run.",
            where="; ".join(str(cell) for cell in unreadable[:EXAMPLES_IN_ERROR]),
            now="Look at the column and its cells: --column NAME=HEADER reads another, --column NAME=- none"
            + (f"; or allow more: --max-invalid {int(100 * invalid / read) + 1}%." if few else "."),
        )
    if not ledger.lines["kept"]:
        fates = ", ".join(f"{fate} {lines:,}" for fate, lines in ledger.lines.items() if lines)
        raise InputError(
            "no-line-kept",
            f"No line is left to work with, of {read:,} read.",
            where=fates or "the files hold a header and nothing else",
            now=NONE_KEPT.get(max(ledger.lines, key=lambda fate: ledger.lines[fate]), NONE_KEPT["excluded"])
            if read
            else "Leave the file out, or export it again.",
        )


def _reduce(run: Run, files: Sequence[Written], ledger: Ledger) -> tuple[dict[int, int], int]:
    """Sum up the customers; return how many of each bucket bought, and how many in all only returned.

    Enters in the ledger what could not be known before: duplicates, and the money of kept lines.
    """
    folders = run.work.room("exchange"), run.work.room("features")
    buckets = range(run.plan.buckets)
    task = partial(exchange.reduce_bucket, files, run.plan, run.recipe, folders=folders)
    bought: dict[int, int] = {}
    returns_only = 0
    with run.progress.stage("features", "Summing up customers", len(buckets), "buckets") as advance:
        for bucket, counts in run.compute.run(task, buckets, at_once=run.compute.resources.tasks):
            bought[bucket] = counts["customers"]
            returns_only += counts["returns_only"]
            ledger.money["kept"] += counts["money"]
            ledger.move(counts["duplicates"], counts["duplicate_money"], source="kept", target="duplicate")
            advance(1)
    return bought, returns_only


def spend_by_month(
    table: CustomerTable, labelled: Sequence[AnyPath], compute: Compute
) -> list[dict[str, Any]]:
    """Add up what each segment bought in each month; nothing without dates.

    Parameters
    ----------
    labelled
        Files of the customers of the table, a block of the matrix each, in its order, with ``segment_id``.
    compute
        Where the work is done.
    """
    if table.as_of is None or "last_purchase" not in table.columns:
        return []
    segments = partial(_segments, labelled)
    return months.by_segment(table.parts, table.counts, segments, compute)


def _segments(labelled: Sequence[AnyPath], start: int, count: int) -> pl.Series:
    """Return the segments of so many customers from a place on, from those files only that hold them."""
    first, end = start // matrix.BLOCK_ROWS, -(-(start + count) // matrix.BLOCK_ROWS)
    rows = places.scan_parquet(labelled[first:end]).select("segment_id")
    return rows.slice(start - first * matrix.BLOCK_ROWS, count).collect().to_series()


def _features(run: Run, counts: Mapping[int, int], earlier: dt.date | None) -> CustomerTable:
    """Return all customers' features, recency counted to the day asked for or the one after the last line."""
    buckets = [bucket for bucket in sorted(counts) if counts[bucket]]
    parts = [exchange.part_path(run.work.room("features"), bucket) for bucket in buckets]
    as_of = run.settings.as_of
    if "invoice_date" in run.transactions.read:
        newest = places.scan_parquet(parts).select(pl.col("last_purchase").max())
        last = newest.collect(engine="streaming").item().date()
        following = last + dt.timedelta(days=1)
        as_of = as_of or max(following, earlier or following)
        refuse_early(as_of, last)
    return CustomerTable(parts, [counts[bucket] for bucket in buckets], run.recipe, as_of)


def refuse_early(as_of: dt.date, last: dt.date) -> None:
    """Stop where a purchase is of a later day than recency is counted to.

    Raises
    ------
    InputError
        It is.
    """
    if as_of < last:
        raise InputError(
            "as-of-too-early",
            f"--as-of {as_of} is before the last purchase, {last}.",
            now="Leave later lines out with --until, or name a later day.",
        )

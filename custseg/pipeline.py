"""The steps in order: transactions, customers, segments, report.

Whoever enters reads this first. Each step is a room of its own; here they only hand on what they make.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from custseg import record
from custseg._version import __version__
from custseg.customers import exchange, features, matrix, plan
from custseg.customers.exchange import Written
from custseg.customers.features import Recipe
from custseg.customers.plan import Plan
from custseg.errors import InputError
from custseg.running import compute, outputs, workfolder
from custseg.running.progress import PeakMemory, Progress
from custseg.running.workfolder import WorkFolder
from custseg.segments import choose_k, label, naming
from custseg.segments.model import Model, seen_features, write_model
from custseg.segments.profile import profile_segments
from custseg.segments.rules import find_rules
from custseg.segments.table import segment_records, write_segments
from custseg.settings import Settings
from custseg.transactions import find, reading
from custseg.transactions.cleaning import Ledger
from custseg.transactions.reading import Table
from custseg.transactions.source import Surprise
from custseg.transactions.unreadable import Unreadable

EXAMPLES_IN_ERROR = 3

Inputs = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pl.LazyFrame | pl.DataFrame


@dataclass(frozen=True)
class Segmentation:
    """A finished run: its folder and what stands in it.

    Attributes
    ----------
    folder
        The output folder.
    record
        What run.json holds.
    """

    folder: Path
    record: dict[str, Any]

    @cached_property
    def customers(self) -> pl.LazyFrame:
        """One row a customer: id, features, segment, distance to its centre and margin to the next."""
        return pl.scan_parquet(sorted((self.folder / "customers").glob("part-*.parquet")), glob=False)

    @cached_property
    def segments(self) -> pl.DataFrame:
        """One row a segment, the most valuable first."""
        return pl.read_csv(self.folder / "segments.csv")

    def summary(self) -> str:
        """Return the segments as a table for people, and where the report is."""
        from custseg.report.console import write_summary

        return write_summary(self.record, self.folder)

    @property
    def ledger(self) -> dict[str, int]:
        """What became of every line read."""
        return dict(self.record["ledger"])


def segment(
    inputs: Inputs,
    *,
    output: str | os.PathLike[str],
    settings: Settings | None = None,
    sources: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Segment every customer of the given transactions.

    Parameters
    ----------
    inputs
        Files, folders and globs, or a Polars frame.
    output
        Folder for the results: new, empty, or an earlier run's.
    settings
        What to compute and how; all defaults when None.
    sources
        Where each setting came from, for the record.
    progress
        Shows the stages; silent when None.

    Returns
    -------
    Segmentation
        What the files in `output` hold.

    Raises
    ------
    InputError, OutputError, MachineError
        As their messages say; see the list of errors in the documentation.

    Notes
    -----
    A run that was interrupted goes on when called again with the same inputs, settings and output.
    """
    settings = settings or Settings()
    if isinstance(inputs, pl.LazyFrame | pl.DataFrame):
        with tempfile.TemporaryDirectory(prefix="custseg-", dir=settings.work_dir) as folder:
            path = Path(folder, "lines.parquet")
            inputs.lazy().sink_parquet(path)
            return segment([path], output=output, settings=settings, sources=sources, progress=progress)
    paths = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    progress = progress or Progress(show=False)
    with PeakMemory() as memory:
        with progress.stage("find", "Finding files"):
            table = reading.open_input(find.find_files(paths), settings)
            recipe = features.make_recipe(table, settings)
        with workfolder.lock(Path(output)):
            identity = _identity(table, settings)
            found = _finished(Path(output), identity, settings)
            if found:
                progress.say("This run is finished already: nothing to do. --fresh starts it over.")
                return found
            work, chosen_plan = _take_up(Path(output), identity, settings, table)
            progress.explain(chosen_plan.describe())
            if work.state.get("thorough"):
                table = reading.open_input(find.find_files(paths), settings, thorough=True)
            run = _Run(table, recipe, chosen_plan, work, settings, progress)
            try:
                made = record.begin(settings, sources or {}, identity) | _steps(run)
            except InputError:
                # Going on would end the same way; the next run shall not find half of this one.
                work.remove()
                raise
            made |= {"seconds": progress.seconds, "peak_memory_bytes": memory.bytes}
            _write_results(run, made)
            work.publish(Path(output))
            work.remove()
    return Segmentation(Path(output), made)


@dataclass(frozen=True)
class _Run:
    """What every step of a run may need."""

    table: Table
    recipe: Recipe
    plan: Plan
    work: WorkFolder
    settings: Settings
    progress: Progress


def _steps(run: _Run) -> dict[str, Any]:
    """Do the steps in order; return what run.json says of them."""
    settings, progress, results = run.settings, run.progress, run.work.room("results")
    try:
        files, ledger, unreadable = _map(run)
    except Surprise:
        run = _look_closer(run)
        files, ledger, unreadable = _map(run)
    customers, returns_only = _reduce(run, files, ledger)
    as_of, table = _features(run)
    with progress.stage("matrix", "Scaling features"):
        points = matrix.build_matrix(
            table, customers, settings.features, settings.scale, run.work.room("matrix")
        )
    asked = None if settings.k == "auto" else settings.k_range
    with progress.stage("choose_k", "Choosing k", choose_k.count_steps(asked), "steps") as advance:
        selection = choose_k.choose_k(
            points,
            asked=asked,
            min_share=settings.min_share,
            seed=settings.seed,
            effort=choose_k.Effort(memory=run.plan.memory, advance=advance),
        )

    def rows(block: int) -> pl.DataFrame:
        return table.slice(block * matrix.BLOCK_ROWS, matrix.BLOCK_ROWS).collect(engine="streaming")

    with progress.stage("label", "Labelling customers"):
        tallies = label.tally_clusters(points, selection.centres, rows)
        order = label.number_segments(tallies)
        names = naming.name_segments([tallies[cluster] for cluster in order])
        centres = selection.centres[list(order)]
        (results / "customers").mkdir(exist_ok=True)
        parts = label.write_customers(points, centres, rows, names=names, folder=results / "customers")
    with progress.stage("outputs", "Describing segments"):
        labelled = pl.scan_parquet(parts, glob=False)
        profile = profile_segments(
            labelled, segments=selection.k, clustered=settings.features, scaling=points.scaling
        )
        rules = find_rules(labelled, features=settings.features, segments=selection.k)
        model = Model(
            features=settings.features,
            scaling=points.scaling,
            centres=centres,
            names=names,
            customers=customers,
            seen=seen_features(profile.features),
            settings=settings.identity(),
            versions=record.versions(),
        )
        write_model(results / "model.json", model)
        segments = segment_records(profile, model, rules, currency=settings.currency)
        write_segments(results / "segments.csv", segments, rules)
    return {
        "inputs": record.describe_inputs(run.table, labelled),
        **ledger.to_record(),
        "invalid_examples": [cell._asdict() for cell in unreadable],
        "customers": customers,
        "returns_only": returns_only,
        "rounded_lines": ledger.rounded,
        "as_of": as_of.isoformat() if as_of else None,
        "features": [summary.to_record() for summary in profile.features],
        "scaling": points.scaling.to_dict(),
        "k_selection": selection.to_record(order),
        "segments": segments,
    }


def _look_closer(run: _Run) -> _Run:
    """Look through all files for what their samples left in doubt, and begin anew with what that shows."""
    run.progress.say("The files differ from their samples: looking through all of them.")
    run.work.remember(run.work.state | {"thorough": True})
    with run.progress.stage("find", "Looking through all files"):
        files = tuple({source.file: None for source in run.table.sources})
        table = reading.open_input(files, run.settings, thorough=True)
    for file in run.work.room("exchange").iterdir():
        file.unlink()
    return replace(run, table=replace(table, skipped=run.table.skipped))


def _map(run: _Run) -> tuple[list[Written], Ledger, list[Unreadable]]:
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


def _reduce(run: _Run, files: Sequence[Written], ledger: Ledger) -> tuple[int, int]:
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


def _features(run: _Run) -> tuple[dt.date | None, pl.LazyFrame]:
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


def _write_results(run: _Run, made: dict[str, Any]) -> None:
    """Draw the report and write the record, whose seconds go up to this moment."""
    # Takes a second to load, and a run that fails before has no use for it.
    from custseg.report.write import write_report

    results = run.work.room("results")
    customers = pl.scan_parquet(sorted((results / "customers").glob("part-*.parquet")), glob=False)
    with run.progress.stage("report", "Drawing the report"):
        write_report(made, customers, results, currency=run.settings.currency)
    outputs.write_json(results / workfolder.RECORD, made, indent=1)


def _identity(table: Table, settings: Settings) -> dict[str, Any]:
    """Return what decides the answer; two runs with the same identity give the same."""
    return {
        "settings": settings.identity(),
        "inputs": [[s.file.path, s.file.size, s.file.modified] for s in table.sources],
        "versions": {"custseg": __version__, "polars": pl.__version__},
    }


def _finished(output: Path, identity: dict[str, Any], settings: Settings) -> Segmentation | None:
    """Return the run that stands finished in the output, if it is the one asked for."""
    stored = workfolder.finished(output, settings.work_dir)
    if stored is None or settings.fresh:
        return None
    different = workfolder.differences(stored.get("identity", {}), identity)
    if different:
        raise workfolder.refuse_other(output, different, is_finished=True)
    # Left over when a run was ended between its last file and its tidying up.
    workfolder.open_work(output, settings.work_dir).remove()
    return Segmentation(output, stored)


def _take_up(
    output: Path, identity: dict[str, Any], settings: Settings, table: Table
) -> tuple[WorkFolder, Plan]:
    """Open the work folder and return the plan stored in it, or a new one that is stored now."""
    work = workfolder.open_work(output, settings.work_dir)
    state = work.state
    if settings.fresh and state:
        work.remove()
        work, state = workfolder.open_work(output, settings.work_dir), {}
    if state:
        different = workfolder.differences(state["identity"], identity)
        if different:
            raise workfolder.refuse_other(output, different, is_finished=False)
        work.sweep()
        return work, Plan.from_dict(state["plan"])
    made = plan.make_plan(table.sources, memory_limit=settings.memory_limit, chunk_size=settings.chunk_size)
    work.remember({"identity": identity, "plan": asdict(made)})
    return work, made

"""A run from its first look at the input to its published results, whichever command it is of.

Who it is, whether it stands finished, what an interrupted one left, and putting the results in their place.
What is done in between is the command's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from custseg._version import __version__
from custseg.customers import features, plan
from custseg.customers.plan import Plan
from custseg.errors import InputError, MachineError, OutputError, from_here, size
from custseg.pipeline import record
from custseg.pipeline.customers import Run
from custseg.pipeline.inputs import Paths, list_paths
from custseg.pipeline.segmentation import Segmentation
from custseg.running import outputs, places, publishing, storage, workfolder
from custseg.running.compute import Resources, open_compute
from custseg.running.lock import lock, no_file_lost
from custseg.running.places import AnyPath, Remote, any_path
from custseg.running.progress import PeakMemory, Progress
from custseg.running.workfolder import WorkFolder
from custseg.settings import Settings
from custseg.transactions import find, reading
from custseg.transactions.reading import Table

Inputs = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pl.LazyFrame | pl.DataFrame


Again = Callable[[Segmentation, Settings, Mapping[str, str], Progress], Segmentation]


def nothing_to_do(
    found: Segmentation, _settings: Settings, _sources: Mapping[str, str], progress: Progress
) -> Segmentation:
    """Say that a run stands finished."""
    progress.say("This run is finished already: nothing to do. --fresh starts it over.")
    return found


@dataclass(frozen=True)
class Command:
    """What one command does of its own.

    Attributes
    ----------
    name
        Of the command.
    steps
        Does the steps in order and returns what run.json says of them.
    show
        Draws what is for people, once all else is known.
    again
        What is done with a run that stands finished.
    reads
        Files beside the transactions that the answer depends on, each with a hash of what counts in it.
    """

    name: str
    steps: Callable[[Run], dict[str, Any]]
    show: Callable[[Run, dict[str, Any]], None] = lambda _run, _made: None
    again: Again = nothing_to_do
    reads: Mapping[AnyPath, str] = field(default_factory=dict)


def carry_out(
    command: Command,
    inputs: Inputs,
    *,
    output: AnyPath,
    settings: Settings,
    sources: Mapping[str, str],
    progress: Progress | None,
) -> Segmentation:
    """Do a command's work in an output folder, or say that it is done.

    Parameters
    ----------
    command
        What is done, and what is read beside the transactions.
    inputs
        Files, folders and globs, or a Polars frame.
    output
        Folder for the results.
    settings
        What is computed and how, nothing left to be settled.
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
    InputError
        The transactions cannot be used; nothing is left for another run to go on from.
    OutputError, MachineError
        The output is in the way, or the machine failed; the next run goes on from what is whole.
    """
    progress = progress or Progress(show=False)
    record.say_settings(settings, sources, progress)
    for path in command.reads:
        if path.parent.resolve() == output.resolve():
            raise OutputError(
                "output-is-input",
                "The output would replace the run it is made from.",
                where=str(output),
                now="Name another folder with -o.",
            )
    own_places = (output, any_path(settings.work_dir)) if settings.work_dir else (output,)
    places.check_access(*own_places)
    with _as_paths(inputs, settings) as given, PeakMemory() as memory:
        with progress.stage("find", "Finding files"):
            table = _open(given.paths, settings)
            recipe = features.make_recipe(table, settings)
        for note in table.passed_over:
            progress.say(from_here(note))
        with ExitStack() as stack:
            stack.enter_context(places.clear_errors(*own_places))
            still_ours = stack.enter_context(lock(output))
            stack.enter_context(no_file_lost(output, workfolder.work_path(output, settings.work_dir)))
            identity = identify(table, settings, command, given.digest)
            found = finished(output, identity, settings)
            if found:
                return command.again(found, settings, sources, progress)
            compute = stack.enter_context(open_compute(settings, progress.explain))
            work, chosen_plan = take_up(output, identity, settings, table, compute.resources)
            first = table.sources[0].file.path
            compute.settle(work.room("tasks"), None if storage.is_remote(first) else Path(first))
            progress.explain(chosen_plan.describe())
            if work.state.get("thorough"):
                table = _open(given.paths, settings, thorough=True)
            run = Run(table, recipe, chosen_plan, work, settings, progress, compute)
            try:
                made = record.begin(command.name, settings, sources, identity) | command.steps(run)
                made |= {"seconds": progress.seconds, "peak_memory_bytes": memory.bytes}
                command.show(run, made)
                outputs.write_json(work.room("results") / publishing.RECORD, made, indent=1)
            except InputError:
                # Going on would end the same way; the next run shall not find half of this one.
                work.remove()
                raise
            except MachineError as error:
                if error.code == "disk-full":
                    error.where += f"; the whole exchange takes about {size(chosen_plan.disk)}"
                raise
            still_ours()
            work.publish(output)
            work.remove()
            # Of a run that was given up for one with another --work-dir.
            WorkFolder(output / workfolder.WORK).remove()
    return Segmentation(output, made)


def _open(paths: Sequence[str | os.PathLike[str]], settings: Settings, *, thorough: bool = False) -> Table:
    passed_over: list[str] = []
    files = find.find_files(paths, passed_over)
    table = reading.open_input(files, settings, thorough=thorough)
    return replace(table, passed_over=tuple(passed_over))


class _Given(NamedTuple):
    """The inputs as paths; of a frame what tells it from others, which files do by themselves."""

    paths: Paths
    digest: str = ""


@contextmanager
def _as_paths(inputs: Inputs, settings: Settings) -> Iterator[_Given]:
    """Give the inputs as paths; a frame is written to a file that is gone afterwards."""
    if not isinstance(inputs, pl.LazyFrame | pl.DataFrame):
        yield _Given(list_paths(inputs))
        return
    work_dir = any_path(settings.work_dir) if settings.work_dir else None
    if isinstance(work_dir, Remote):
        file = work_dir / f"lines-{secrets.token_hex(6)}.parquet"
        with outputs.whole(file) as temporary:
            digest = _write_frame(inputs, temporary)
        try:
            yield _Given([str(file)], digest)
        finally:
            file.unlink(missing_ok=True)
        return
    if work_dir:
        with outputs.disk_errors(work_dir):
            work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".custseg-", dir=work_dir) as folder:
        path = Path(folder, "lines.parquet")
        yield _Given([path], _write_frame(inputs, path))


def _write_frame(frame: pl.LazyFrame | pl.DataFrame, path: Path) -> str:
    """Write a frame and return a hash of it: the same frame given again is the same input."""
    frame.lazy().sink_parquet(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(content: Mapping[str, Any], *shown: str) -> str:
    """Return a hash of what a file of an earlier run says, but for what it says of how that run is shown."""
    counts = {name: value for name, value in content.items() if name not in shown}
    return hashlib.sha256(json.dumps(counts, sort_keys=True).encode()).hexdigest()


def identify(table: Table, settings: Settings, command: Command, digest: str) -> dict[str, Any]:
    """Return what decides the answer; two runs with the same identity give the same."""
    files: list[list[Any]] = [[s.file.path, s.file.size, s.file.modified] for s in table.sources]
    if digest:
        files = [["the frame", digest]]
    files += [[str(path.resolve()), content] for path, content in command.reads.items()]
    return {
        "command": command.name,
        "settings": settings.identity(),
        "inputs": files,
        "versions": {"custseg": __version__, "polars": pl.__version__},
    }


def finished(output: AnyPath, identity: dict[str, Any], settings: Settings) -> Segmentation | None:
    """Return the run that stands finished in the output, if it is the one asked for.

    Raises
    ------
    OutputError
        Another run stands there, or files that custseg did not write.
    """
    stored = workfolder.finished(output, settings.work_dir)
    if stored is None:
        return None
    if settings.fresh:
        workfolder.refuse_strange(output, settings.work_dir)
        return None
    different = workfolder.differences(stored.get("identity", {}), identity)
    if different:
        begun = workfolder.under_way(output, settings.work_dir)
        if begun.get("fresh") and not workfolder.differences(begun["identity"], identity):
            return None
        raise workfolder.refuse_other(output, different, is_finished=True)
    # Left over when a run was ended between its last file and its tidying up.
    workfolder.open_work(output, settings.work_dir).remove()
    return Segmentation(output, stored)


def take_up(
    output: AnyPath, identity: dict[str, Any], settings: Settings, table: Table, resources: Resources
) -> tuple[WorkFolder, Plan]:
    """Open the work folder and return the plan stored in it, or a new one that is stored now.

    Raises
    ------
    OutputError
        A run of another identity was interrupted there.
    MachineError
        The disk has no room for the plan.
    """
    work = workfolder.open_work(output, settings.work_dir)
    state = work.state
    different = workfolder.differences(state["identity"], identity) if state else []
    if different and not settings.fresh:
        raise workfolder.refuse_other(output, different, is_finished=False)
    # A run that was begun afresh goes on with the same command, as any other does.
    if state and not different and (state.get("fresh") or not settings.fresh):
        work.sweep()
        return work, Plan.from_dict(state["plan"])
    # What else stands there is of a run that is given up, or whose removal was stopped.
    work.remove()
    work = workfolder.open_work(output, settings.work_dir)
    made = plan.make_plan(table.sources, resources=resources, chunk_size=settings.chunk_size)
    work.require_space(made.disk)
    work.remember({"identity": identity, "plan": asdict(made), "fresh": settings.fresh})
    return work, made

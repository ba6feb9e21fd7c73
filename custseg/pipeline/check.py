"""Check: say what a run would do and come to, from samples; nothing is written."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from collections.abc import Iterable, Sequence

from custseg.columns import FATES
from custseg.customers import features, plan
from custseg.customers.plan import Plan
from custseg.errors import CustsegError, InputError, MachineError, SettingsError
from custseg.pipeline import lineup
from custseg.pipeline.checked import Check, Problem
from custseg.pipeline.customers import check_lines, refuse_early
from custseg.pipeline.estimate import Estimate, estimate
from custseg.pipeline.inputs import list_paths
from custseg.pipeline.kinds import describe_kinds
from custseg.running.compute import Resources, foresee
from custseg.running.places import any_path
from custseg.segments.earlier import read_previous
from custseg.settings import Settings
from custseg.transactions import find, overlooked, reading, streams, suspects, trial
from custseg.transactions.cleaning import FATE_CODES, Ledger
from custseg.transactions.csv_blocks import CsvFile
from custseg.transactions.find import InputFile
from custseg.transactions.pieces import Piece
from custseg.transactions.reading import Table
from custseg.transactions.source import Source, Surprise
from custseg.transactions.trial import Excerpt, Trial
from custseg.transactions.unreadable import Place, Unreadable, find_unreadable
from custseg.transactions.ways import say_ways

SHOWN_CELLS = 3
SHOWN_FILES = 3
FIRST_BLOCK = 1 << 20
"""Bytes of a CSV file looked at for examples of unreadable cells."""
COLUMN_PROBLEMS = {"no-customer-column", "no-measure", "column-missing", "two-meanings", "tables-to-join"}
COLUMN_PROBLEMS |= {"likely-quantity", "sheets-differ"}
"""Problems with columns, after which the features they would have made are none of their own."""
FEWEST_CUSTOMERS = 3
"""Fewer cannot be divided: with as many segments as customers nothing is said about anyone."""
LOOKED_THROUGH = 1 << 26
"""Bytes of compressed files that are read to their end, to see whether they are whole."""
SMALLEST_EXCERPT = 1 << 14
"""Bytes looked at in a file however many there are."""

Inputs = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def check(inputs: Inputs, *, settings: Settings | None = None) -> Check:
    """Look at transactions and say what `segment` would do with them; nothing is written.

    Parameters
    ----------
    inputs
        Files, folders and globs.
    settings
        What to compute and how; all defaults when None.

    Returns
    -------
    Check
        How each file is read and why, an estimate of ledger, customers and costs, and all problems at once.

    Notes
    -----
    Takes seconds whatever the size of the input, but for files in which only a look through all lines shows
    how dates and numbers are written.
    """
    start = time.perf_counter()
    settings = settings or Settings()
    paths = list_paths(inputs)
    met: list[CustsegError] = []
    settled = _settle(settings, met)
    passed_over: list[str] = []
    files = _find(paths, met, passed_over)
    table, trials, excerpts = _try(files, settings, met)
    made = _plan(table, settled, met) if table.sources else (None, None)
    guess = estimate(trials, table.sources, *made) if trials else None
    if guess:
        try:
            _look_at_lines(table, trials, guess, settled)
        except InputError as error:
            met.append(error)
    return Check(
        inputs=tuple(map(str, paths)),
        settings=settings,
        files=files,
        table=table if table.sources else None,
        kinds=describe_kinds(table.sources, excerpts, trials, settings),
        estimate=guess,
        problems=_grouped(met),
        suspects=(*suspects.find_suspects(trials), *overlooked.find_overlooked(trials, settings.column)),
        notes=(
            *passed_over,
            *(note for note in table.notes if note not in say_ways(table.sources)),
        ),
        seconds=time.perf_counter() - start,
        trials=tuple(trials),
    )


def _settle(settings: Settings, met: list[CustsegError]) -> Settings:
    """Take from the previous run what was not set, as a run does."""
    if not settings.previous:
        return settings
    try:
        return lineup.settle(settings, {}, read_previous(any_path(settings.previous)))[0]
    except CustsegError as error:
        met.append(error)
        return settings


def _find(
    paths: Sequence[str | os.PathLike[str]], met: list[CustsegError], passed_over: list[str]
) -> tuple[InputFile, ...]:
    with contextlib.suppress(InputError, SettingsError):
        return find.find_files(paths, passed_over)
    # Something is wrong with one of them, at least.
    found: dict[str, InputFile] = {}
    # No path at all is refused there, too.
    for some in [[path] for path in paths] or [[]]:
        try:
            found |= {file.path: file for file in find.find_files(some)}
        except (InputError, SettingsError) as error:
            met.append(error)
    return tuple(found[path] for path in sorted(found))


def _try(
    files: Sequence[InputFile], settings: Settings, met: list[CustsegError], *, thorough: bool = False
) -> tuple[Table, list[Trial], list[Excerpt]]:
    """Decide how files are read, take excerpts, and read those of files that nothing is wrong with."""
    first = len(met)
    table = reading.open_input(files, settings, thorough=thorough, meet=met.append)
    excerpts, trials = _take(table, met), []
    _look_through(table, met)
    for excerpt in excerpts:
        if _is_in_doubt(excerpt.source, met):
            continue
        try:
            trials.append(trial.read_excerpt(table, excerpt))
        except Surprise:
            # A line speaks against what the samples showed: a run would look through all files, and so do we.
            if not thorough:
                del met[first:]
                return _try(files, settings, met, thorough=True)
            raise
        except InputError as error:
            met.append(error)
    return table, trial.mark_duplicates(trials, drop=settings.duplicates == "drop"), excerpts


def _take(table: Table, met: list[CustsegError]) -> list[Excerpt]:
    chosen = trial.choose_sources(table.sources)
    size = max(SMALLEST_EXCERPT, trial.TRIED // max(1, len(chosen)))
    excerpts = []
    for source in chosen:
        try:
            excerpts.append(trial.take_excerpt(source, size))
        except InputError as error:
            met.append(error)
    return excerpts


def _look_through(table: Table, met: list[CustsegError]) -> None:
    """Read compressed files to their end, as far as that takes seconds: they may be cut off."""
    left = LOOKED_THROUGH
    for source in table.sources:
        contents = source.contents
        if (
            isinstance(contents, CsvFile)
            and streams.is_compressed(contents.path)
            and not table.skip_bad_files
        ):
            left -= source.file.size
            if left < 0:
                return
            try:
                contents.read_to_end()
            except InputError as error:
                met.append(error)


def _is_in_doubt(source: Source, met: Iterable[CustsegError]) -> bool:
    """Tell whether something is wrong with a file or sheet: what it says of itself begins with its place."""
    return any(error.where.startswith(source.contents.place) for error in met)


def _plan(table: Table, settings: Settings, met: list[CustsegError]) -> tuple[Plan | None, Resources | None]:
    """Say what it would be done with and how it would be cut up."""
    try:
        features.make_recipe(table, settings)
    except InputError as error:
        if not COLUMN_PROBLEMS & {problem.code for problem in met}:
            met.append(error)
    try:
        resources = foresee(settings)
    except (MachineError, SettingsError) as error:
        met.append(error)
        return None, None
    return plan.make_plan(table.sources, resources=resources, chunk_size=settings.chunk_size), resources


def _look_at_lines(table: Table, trials: Sequence[Trial], guess: Estimate, settings: Settings) -> None:
    """Stop where a run would: too many invalid lines, none kept, an early as-of day, too few customers."""
    ledger = Ledger()
    invalid = []
    for tried in trials:
        for fate, lines in tried.read.group_by("fate").len().iter_rows():
            ledger.lines[FATES[fate]] += lines
        if (tried.read["fate"] == FATE_CODES["invalid"]).any():
            invalid.append(tried)
    found: list[Unreadable] = []
    for tried in invalid[:SHOWN_FILES]:
        place = Place([Piece(table.sources.index(tried.excerpt.source))], FIRST_BLOCK, 0)
        found += find_unreadable(table, place, SHOWN_CELLS)
    check_lines(ledger, found, settings)
    if guess.exact and settings.as_of and guess.last:
        refuse_early(settings.as_of, dt.date.fromisoformat(guess.last[:10]))
    needed = settings.asked_k[1] if settings.asked_k else FEWEST_CUSTOMERS
    if guess.exact and guess.customers[0] < needed:
        raise InputError(
            "too-few-customers",
            f"There are {guess.customers[0]:,} customers, and {needed} are needed.",
            now="Ask for fewer segments (--k), or give more transactions.",
        )


def _grouped(met: Iterable[CustsegError]) -> tuple[Problem, ...]:
    """Say a problem once, with all its places."""
    groups: dict[tuple[str, str, str], list[CustsegError]] = {}
    for error in met:
        groups.setdefault((error.code, error.what, error.now), []).append(error)
    return tuple(
        Problem(group[0], tuple(dict.fromkeys(error.where for error in group if error.where)))
        for group in groups.values()
    )

"""The line-up: which cluster has which number and name, of this run alone or from a previous one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from custseg.customers.matrix import Matrix, Rows
from custseg.customers.table import CustomerTable
from custseg.errors import SettingsError, cut
from custseg.pipeline.customers import Run
from custseg.running.progress import Progress
from custseg.segments import continuity, label, naming
from custseg.segments.drift import measure_drift
from custseg.segments.earlier import EarlierCustomers, Previous
from custseg.segments.meeting import Meeting, meet
from custseg.segments.model import Model
from custseg.segments.selection import KSelection
from custseg.settings import Settings

CARRIED = ("features", "scale")
"""What must be as in the previous run for its centres to mean anything."""


@dataclass(frozen=True)
class Lineup:
    """Numbers and names of the segments.

    Attributes
    ----------
    clusters
        By the number of each segment, ascending, the cluster that it is.
    names
        In that order.
    rows
        The customers of one block of the matrix, with the segment of the previous run where there is one.
    meeting
        Who came from where, where there is a previous run.
    """

    clusters: dict[int, int]
    names: tuple[str, ...]
    rows: Rows
    meeting: Meeting | None

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the segments, ascending."""
        return tuple(self.clusters)


def settle(
    settings: Settings, sources: Mapping[str, str], previous: Previous | None
) -> tuple[Settings, dict[str, str]]:
    """Take from the previous run what was not set, and check what was set against it.

    Raises
    ------
    SettingsError
        Features or scale differ from those of the centres to go on with; names do not fit its segments.
    """
    known = dict(sources)
    if previous is None:
        return settings, known
    values = settings.model_dump(mode="json")
    explicit = {name for name in settings.model_fields_set if sources.get(name) != "default"}
    model, goes_on = previous.model, settings.k == "previous"
    # However it was named: the same run is the same previous run.
    own: dict[str, Any] = {"previous": str(previous.folder.resolve())}
    for name in CARRIED:
        before = model.settings[name]
        if name not in explicit:
            own[name] = tuple(before) if isinstance(before, list) else before
        elif goes_on and values[name] != before:
            raise SettingsError(
                "bad-setting",
                f"--{name}: the previous run had {cut(before)}, not {cut(values[name])}, and its centres "
                "mean nothing otherwise.",
                where=str(previous.folder),
                now="Leave the option out, or have k chosen anew: --k auto.",
            )
    if model.currency and not settings.currency:
        own["currency"] = model.currency
    if goes_on:
        _check_names(settings, previous)
    taken = {name: "previous run" for name in own if name != "previous"}
    return settings.model_copy(update=own), known | taken


def _check_names(settings: Settings, previous: Previous) -> None:
    """Check names against the segments that go on."""
    numbers = previous.model.numbers
    strange = [key for key in settings.names_by_key if key.isdecimal() and int(key) not in numbers]
    fewer = isinstance(settings.names, tuple) and len(settings.names) not in (0, len(numbers))
    if strange or fewer:
        raise SettingsError(
            "bad-setting",
            f"names: the previous run's segments have the numbers {', '.join(map(str, numbers))}.",
            where=str(previous.folder),
            now="Name each of them, or some by number: names.1 = …",
        )


def line_up(
    run: Run, customers: CustomerTable, points: Matrix, selection: KSelection, previous: Previous | None
) -> Lineup:
    """Give the clusters their numbers and names."""
    rows: Rows = customers.rows
    tallies = label.tally_clusters(points, selection.centres, rows, run.compute)
    order = label.number_segments(tallies)
    clusters, meeting = dict(enumerate(order, start=1)), None
    carried: dict[int, str] = {}
    if previous is not None:
        earlier = EarlierCustomers(previous, run.work.room("matrix"))
        rows = partial(_with_earlier, rows=customers.rows, earlier=earlier)
        meeting = meet(points, selection.centres, rows, previous, run.compute)
        matched = continuity.match(meeting, selection.places)
        numbers, last = previous.model.numbers, previous.model.last_number
        clusters = continuity.carry_numbers(matched, order, numbers, last)
        carried = dict(zip(numbers, previous.model.names, strict=True))
    names_now = naming.settle_names(
        [tallies[cluster] for cluster in clusters.values()],
        tuple(clusters),
        asked=run.settings.names_by_key,
        carried=carried,
    )
    return Lineup(clusters, names_now, rows, meeting)


def _with_earlier(block: int, *, rows: Rows, earlier: EarlierCustomers) -> pl.DataFrame:
    """Return the customers of a block with the segment each had in the previous run."""
    return earlier.beside(rows(block))


def tell_unused_names(settings: Settings, lineup: Lineup, progress: Progress) -> None:
    """Say which names no segment got."""
    unused = [name for name in settings.names_by_key.values() if name not in lineup.names]
    if unused:
        progress.say(f"No segment was named {', '.join(map(repr, unused))}: none has that number or name.")


def derived_otherwise(derived: Collection[str], model: Model, there: str) -> list[str]:
    """Say what was derived from what in one of two runs only."""
    return [
        f"{words} was derived {'here' if words in derived else there}, and not "
        f"{there if words in derived else 'here'}: features may mean something else."
        for words in sorted({*derived} ^ {*model.derived})
    ]


def describe_previous(
    previous: Previous,
    lineup: Lineup,
    selection: KSelection,
    settings: Settings,
    customers: pl.LazyFrame,
) -> dict[str, Any]:
    """Return the ``previous`` part of run.json."""
    assert lineup.meeting is not None, "with a previous run, customers of both have met"
    model = previous.model
    columns = customers.collect_schema().names()
    features = [name for name in model.features if name in columns]
    money = "spend" in columns and "spend" in model.seen
    drifts = measure_drift(customers, model, features)
    told = continuity.describe(previous, lineup.meeting, lineup.clusters, money=money)
    if settings.k == "previous":
        advice = continuity.advise(previous, selection, drifts, min_share=settings.min_share)
    else:
        advice = {"choose_again": False, "advice": "k was chosen anew in this run.", "looseness": None}
    changed = previous.changed_settings(settings.identity())
    return told | drifts.to_record() | {"changed_settings": changed} | advice

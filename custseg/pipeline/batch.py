"""Segment every customer: all steps of a run, in order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from custseg.customers import matrix
from custseg.customers.matrix import Matrix
from custseg.customers.table import CustomerTable
from custseg.pipeline import drawing, lineup, record, runs
from custseg.pipeline.customers import Run, spend_by_month, sum_up
from custseg.pipeline.runs import Command, Inputs
from custseg.pipeline.segmentation import Segmentation
from custseg.running import places, publishing
from custseg.running.places import AnyPath, any_path
from custseg.running.progress import Progress
from custseg.segments import choose_k, label, rfm
from custseg.segments.drift import refuse_other_money
from custseg.segments.earlier import Previous, read_previous
from custseg.segments.lists import write_lists
from custseg.segments.model import Model, seen_features, write_model
from custseg.segments.profiling import profile_segments
from custseg.segments.rules import find_rules
from custseg.segments.selection import KSelection
from custseg.segments.table import describe_segments
from custseg.settings import Settings


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
    previous = read_previous(any_path(settings.previous)) if settings.previous else None
    chosen, known = lineup.settle(settings, sources or {}, previous)
    reads: dict[AnyPath, str] = {}
    if previous:
        reads[previous.folder / publishing.RECORD] = runs.fingerprint(previous.record.get("identity", {}))
    return runs.carry_out(
        Command("batch", partial(_steps, previous=previous), _draw, drawing.draw_if_asked, reads),
        inputs,
        output=any_path(output),
        settings=chosen,
        sources=known,
        progress=progress,
    )


def _steps(run: Run, *, previous: Previous | None) -> dict[str, Any]:
    """Do the steps in order; return what run.json says of them."""
    settings, progress, results = run.settings, run.progress, run.work.room("results")
    customers = sum_up(run)
    table, compute = customers.table, run.compute
    if previous:
        refuse_other_money(table, previous.model, currency=settings.currency, compute=compute)
    going_on = previous if previous and settings.k == "previous" else None
    points, selection = _cluster(run, table, going_on)
    near = compute.near(points.nbytes)
    with progress.stage("label", "Labelling customers"):
        line = lineup.line_up(run, table, points, selection, previous)
        lineup.tell_unused_names(settings, line, progress)
        centres = selection.centres[list(line.clusters.values())]
        edges = rfm.score_edges(table, near)
        (results / "customers").mkdir(exist_ok=True)
        parts = label.write_customers(
            points,
            centres,
            partial(rfm.scored_rows, rows=line.rows, edges=edges),
            numbers=line.numbers,
            names=line.names,
            folder=results / "customers",
            compute=compute,
        )
    with progress.stage("outputs", "Describing segments"):
        labelled = places.scan_parquet(parts)
        profile = profile_segments(
            parts,
            numbers=line.numbers,
            clustered=settings.features,
            scaling=points.scaling,
            compute=near,
        )
        model = Model(
            features=settings.features,
            scaling=points.scaling,
            centres=centres,
            numbers=line.numbers,
            last_number=max(line.numbers[-1], previous.model.last_number if previous else 0),
            names=line.names,
            rules=find_rules(labelled, features=settings.features, numbers=line.numbers),
            scores=edges,
            customers=customers.count,
            seen=seen_features(profile.features),
            derived=customers.transactions.derived,
            currency=settings.currency,
            settings=settings.lasting(),
            versions=record.versions(),
            as_of=table.as_of,
        )
        write_model(results / "model.json", model)
        segments = describe_segments(
            labelled, profile, model, results / "segments.csv", currency=settings.currency
        )
        if settings.lists:
            write_lists(results / "lists", parts, numbers=line.numbers, names=line.names)
        told: dict[str, Any] = {"monthly": spend_by_month(table, parts, compute)}
        if previous:
            told["previous"] = lineup.describe_previous(previous, line, selection, settings, labelled)
            derived = customers.transactions.derived
            otherwise = lineup.derived_otherwise(derived, previous.model, "in the previous run")
            told["previous"]["changed_settings"] += otherwise
            for words in (*otherwise, told["previous"]["advice"]):
                progress.say(words)
    return record.describe_customers(customers, labelled, profile) | {
        "scaling": points.scaling.to_dict(),
        "k_selection": selection.to_record(line.clusters),
        "segments": segments,
        "rfm_scores": rfm.to_record(edges),
        **told,
    }


def _cluster(run: Run, table: CustomerTable, going_on: Previous | None) -> tuple[Matrix, KSelection]:
    """Scale the features and choose k, or go on with the scaling and centres of an earlier run."""
    settings, compute = run.settings, run.compute
    with run.progress.stage("matrix", "Scaling features"):
        points = matrix.build_matrix(
            table.rows,
            len(table),
            settings.features,
            going_on.model.scaling if going_on else settings.scale,
            run.work.room("matrix"),
            compute,
        )
    near = compute.near(points.nbytes)
    asked, steps = settings.asked_k, choose_k.count_steps(settings.asked_k)
    with run.progress.stage("choose_k", "Choosing k", steps, "steps") as advance:
        selection = choose_k.choose_k(
            points,
            asked=asked,
            min_share=settings.min_share,
            seed=settings.seed,
            effort=choose_k.Effort(memory=near.resources.spare, compute=near, advance=advance),
            carried=going_on.carried if going_on else None,
        )
    return points, selection


def _draw(run: Run, made: dict[str, Any]) -> None:
    """Draw the report."""
    results = run.work.room("results")
    with run.progress.stage("report", "Drawing the report"):
        drawing.draw(Segmentation(results, made), results)

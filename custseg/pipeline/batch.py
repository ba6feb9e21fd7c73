"""Segment every customer: all steps of a run, in order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from custseg.customers import matrix
from custseg.pipeline import drawing, record, runs
from custseg.pipeline.customers import Run, spend_by_month, sum_up
from custseg.pipeline.runs import Command, Inputs
from custseg.pipeline.segmentation import Segmentation
from custseg.running.progress import Progress
from custseg.segments import choose_k, label, naming, rfm
from custseg.segments.model import Model, seen_features, write_model
from custseg.segments.profile import profile_segments
from custseg.segments.rules import find_rules
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
    return runs.carry_out(
        Command("batch", _steps, show=_draw, again=drawing.draw_if_asked),
        inputs,
        output=Path(output),
        settings=settings or Settings(),
        sources=sources or {},
        progress=progress,
    )


def _steps(run: Run) -> dict[str, Any]:
    """Do the steps in order; return what run.json says of them."""
    settings, progress, results = run.settings, run.progress, run.work.room("results")
    customers = sum_up(run)
    table, compute = customers.features, run.compute
    with progress.stage("matrix", "Scaling features"):
        points = matrix.build_matrix(
            table.rows, len(table), settings.features, settings.scale, run.work.room("matrix"), compute
        )
    asked = None if settings.k == "auto" else settings.k_range
    with progress.stage("choose_k", "Choosing k", choose_k.count_steps(asked), "steps") as advance:
        selection = choose_k.choose_k(
            points,
            asked=asked,
            min_share=settings.min_share,
            seed=settings.seed,
            effort=choose_k.Effort(memory=compute.resources.spare, compute=compute, advance=advance),
        )

    with progress.stage("label", "Labelling customers"):
        tallies = label.tally_clusters(points, selection.centres, table.rows, compute)
        order = label.number_segments(tallies)
        numbers = tuple(range(1, selection.k + 1))
        names = naming.name_segments([tallies[cluster] for cluster in order])
        centres = selection.centres[list(order)]
        edges = rfm.score_edges(table.blocks, total=len(table), columns=table.columns)
        (results / "customers").mkdir(exist_ok=True)
        parts = label.write_customers(
            points,
            centres,
            partial(rfm.scored_rows, rows=table.rows, edges=edges),
            numbers=numbers,
            names=names,
            folder=results / "customers",
            compute=compute,
        )
    with progress.stage("outputs", "Describing segments"):
        labelled = pl.scan_parquet(parts, glob=False)
        profile = profile_segments(
            labelled, numbers=numbers, clustered=settings.features, scaling=points.scaling
        )
        model = Model(
            features=settings.features,
            scaling=points.scaling,
            centres=centres,
            numbers=numbers,
            names=names,
            rules=find_rules(labelled, features=settings.features, numbers=numbers),
            scores=edges,
            customers=customers.count,
            seen=seen_features(profile.features),
            derived=customers.table.derived,
            currency=settings.currency,
            settings=settings.identity(),
            versions=record.versions(),
        )
        write_model(results / "model.json", model)
        segments = describe_segments(
            labelled, profile, model, results / "segments.csv", currency=settings.currency
        )
    return record.describe_customers(customers, labelled, profile) | {
        "scaling": points.scaling.to_dict(),
        "k_selection": selection.to_record(dict(zip(numbers, order, strict=True))),
        "segments": segments,
        "rfm_scores": rfm.to_record(edges),
        "monthly": spend_by_month(table, labelled),
    }


def _draw(run: Run, made: dict[str, Any]) -> None:
    """Draw the report."""
    results = run.work.room("results")
    with run.progress.stage("report", "Drawing the report"):
        drawing.draw(made, results, results)

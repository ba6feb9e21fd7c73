"""``custseg batch``."""

from __future__ import annotations

import os

import typer

from custseg.cli import showing
from custseg.cli.options import (
    SETTINGS,
    Flags,
    Inputs,
    Job,
    Json,
    NoColor,
    NoProgress,
    Output,
    Quiet,
    Verbose,
    examples,
    takes,
)
from custseg.errors import from_here

HELP = """Segment every customer: Parquet, model, charts, report.

Reads all transactions, cleans them, sums up each customer, chooses the number of segments, and writes every \
customer's segment and a report that explains them. Given again after an interruption, the same command goes \
on where it was."""

EXAMPLES = examples(
    "custseg batch sales/ -o segments",
    "custseg batch 'till/*.csv' web.parquet -o out --features rfm --since 2025-01-01",
    "custseg batch sales.csv -o out --column customer_id=Loyalty --k 3-6",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("batch", help=HELP, epilog=EXAMPLES)(takes(*SETTINGS)(_batch))


def _batch(
    *,
    inputs: Inputs,
    output: Output,
    flags: Flags,
    job: Job = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    no_progress: NoProgress = False,
    no_color: NoColor = False,
) -> None:
    from custseg.pipeline.batch import segment
    from custseg.settings import resolve

    settings, sources = resolve(flags, job, os.environ)
    progress = showing.make_progress(quiet=quiet, no_progress=no_progress, no_color=no_color, verbose=verbose)
    result = segment(inputs, settings=settings, output=output, sources=sources, progress=progress)
    if json:
        showing.print_json(result.record)
    else:
        typer.echo(from_here(result.summary()))

"""``custseg assign``."""

from __future__ import annotations

import os
from typing import Annotated

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

HELP = """Put customers into the segments of an earlier run.

Sums up the customers of these transactions as that run did, and puts each into the nearest of its segments: \
nothing is fitted again. Settings that are not given are those of that run."""

EXAMPLES = examples("custseg assign new-sales.csv --model segments -o newcomers")

CHOSEN = ("returns", "duplicates", "features", "scale", "k", "min_share", "seed", "previous")
"""Settings that the model's run has decided."""

OF_REPORTS = ("small_cells", "pictures")
"""Settings of a report, which this command does not draw."""

Model = Annotated[
    str,
    typer.Option(
        "--model", help="Output folder of a finished 'custseg batch', or its model.json.", metavar="DIR"
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    own = [name for name in SETTINGS if name not in (*CHOSEN, *OF_REPORTS)]
    app.command("assign", help=HELP, epilog=EXAMPLES)(takes(*own)(_assign))


def _assign(
    *,
    inputs: Inputs,
    model: Model,
    output: Output,
    flags: Flags,
    job: Job = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    no_progress: NoProgress = False,
    no_color: NoColor = False,
) -> None:
    from custseg.pipeline.assign import assign
    from custseg.settings import resolve

    settings, sources = resolve(flags, job, os.environ)
    progress = showing.make_progress(quiet=quiet, no_progress=no_progress, no_color=no_color, verbose=verbose)
    result = assign(inputs, model=model, settings=settings, output=output, sources=sources, progress=progress)
    if json:
        showing.print_json(result.record)
    else:
        typer.echo(from_here(result.summary()))

"""``custseg check``."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
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
    Quiet,
    Verbose,
    examples,
    takes,
)

HELP = """Say what `batch` would do, in seconds; write nothing.

Looks at a sample of each file: how it is read and why, some lines before and after, what a run would find \
and take, what may not be what it seems, and all problems at once with the options that cure them. Ends with \
the code that `batch` would end with."""

EXAMPLES = examples(
    "custseg check sales/",
    "custseg check sales/ --date-format %d.%m.%Y --write-job shop.toml",
    "custseg batch sales/ -o segments --job shop.toml",
)

WriteJob = Annotated[
    Path | None,
    typer.Option(
        "--write-job",
        help="Save how the files are read as a job file for batch.",
        metavar="FILE.toml",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", help=HELP, epilog=EXAMPLES)(takes(*SETTINGS)(_check))


def _check(
    *,
    inputs: Inputs,
    flags: Flags,
    write_job: WriteJob = None,
    job: Job = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    no_progress: NoProgress = False,
    no_color: NoColor = False,
) -> None:
    from custseg.pipeline.check import check
    from custseg.pipeline.job_file import save_job
    from custseg.pipeline.record import say_settings
    from custseg.settings import resolve

    settings, sources = resolve(flags, job, os.environ)
    progress = showing.make_progress(quiet=quiet, no_progress=no_progress, no_color=no_color, verbose=verbose)
    say_settings(settings, sources, progress)
    found = replace(check(inputs, settings=settings), job=str(job or ""), sources=sources)
    if write_job and found.ok:
        save_job(found, write_job)
    if json:
        showing.print_json(found.to_record())
    else:
        typer.echo(str(found))
        if write_job and not found.ok:
            typer.echo(f"{write_job} was not written: solve the problems first.")
        elif write_job:
            job_option = shlex.join(["--job", str(write_job)])
            typer.echo(f"Saved in {write_job}:  custseg batch {shlex.join(inputs)} -o segments {job_option}")
    raise typer.Exit(found.exit_code)

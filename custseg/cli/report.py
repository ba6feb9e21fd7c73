"""``custseg report``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from custseg.cli import showing
from custseg.cli.options import PRESENTATION, Flags, Json, NoColor, NoProgress, Quiet, examples, takes
from custseg.errors import from_here

HELP = """Draw the report and the charts of a finished run again.

Reads the run's own results, not the transactions. Options that are not given stay as they were."""

EXAMPLES = examples("custseg report segments --currency GBP --pictures svg,png")

Run = Annotated[
    str,
    typer.Argument(metavar="DIR", help="Output folder of a finished 'custseg batch'.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", help=HELP, epilog=EXAMPLES)(takes(*PRESENTATION)(_report))


def _report(
    *,
    folder: Run,
    flags: Flags,
    json: Json = False,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
    no_color: NoColor = False,
) -> None:
    from custseg.pipeline.drawing import draw_report
    from custseg.settings import resolve

    settings, sources = resolve(flags, environment=os.environ)
    progress = showing.make_progress(quiet=quiet, no_progress=no_progress, no_color=no_color)
    result = draw_report(folder, settings=settings, sources=sources, progress=progress)
    if json:
        showing.print_json(result.record)
    else:
        typer.echo(from_here(f"Report: {result.folder / 'report.html'}\nCharts: {result.folder / 'charts'}"))

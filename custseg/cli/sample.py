"""``custseg sample``."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from custseg.cli import showing
from custseg.cli.options import Json, NoProgress, Quiet, examples
from custseg.errors import SettingsError, cut
from custseg.running.places import Remote, any_path

HELP = """Write synthetic transactions, as dirty as real ones.

They have the layout of the public Online Retail II data, with its missing customers, cancellations, \
returns, zero prices and repeated lines. 1e9 lines need no more memory than 1e6."""

EXAMPLES = examples("custseg sample -o transactions --rows 1e6 --customers 20000")


Output = Annotated[
    str,
    typer.Option(
        "-o", "--output", help="Folder for the files: new, empty or an earlier sample's.", metavar="DIR"
    ),
]


def _option(text: str, metavar: str, *, least: int | None = None) -> Any:
    return typer.Option(help=text, metavar=metavar, show_default=False, min=least)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sample", help=HELP, epilog=EXAMPLES)(_sample)


def _sample(
    *,
    output: Output,
    rows: Annotated[str, _option("Lines to write. Default: 1e6.", "N")] = "1e6",
    customers: Annotated[str, _option("Customers they are spread over. Default: 20000.", "N")] = "20000",
    seed: Annotated[int, _option("The same seed gives the same bytes. Default: 0.", "N", least=0)] = 0,
    file_type: Annotated[str, _option("Format of the files. Default: csv.", "csv|parquet")] = "csv",
    json: Json = False,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> None:
    count, people = _whole_number("--rows", rows), _whole_number("--customers", customers)
    if file_type not in ("csv", "parquet"):
        raise SettingsError("bad-setting", f"--file-type: '{cut(file_type)}' is neither csv nor parquet.")
    folder = any_path(output)
    if isinstance(folder, Remote):
        raise SettingsError("bad-setting", "Samples are written to disk only.", now="Name a folder with -o.")
    from custseg.transactions.sample import write_sample

    progress = showing.make_progress(quiet=quiet, no_progress=no_progress)
    with progress.stage("sample", "Writing transactions", count, "lines") as advance:
        summary = write_sample(
            folder,
            rows=count,
            customers=people,
            seed=seed,
            file_type="csv" if file_type == "csv" else "parquet",
            advance=advance,
        )
    if json:
        showing.print_json({"rows": summary.rows, "files": len(summary.files), "folder": str(output)})
    else:
        typer.echo(f"{summary.rows:,} lines in {len(summary.files)} files in {output}")
        typer.echo(f"Next: custseg batch {shlex.quote(output)} -o segments")


def _whole_number(option: str, text: str) -> int:
    """Read 1000000, 1_000_000 or 1e6."""
    try:
        number = float(text)
        if number < 1 or number != int(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise SettingsError("bad-setting", f"{option}: '{cut(text)}' is no whole number above 0.") from None
    return int(number)

"""The command line: text in, text out, exit codes. No rule of the trade is decided here."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from custseg._version import __version__
from custseg.errors import CustsegError, SettingsError, cut

if TYPE_CHECKING:
    from custseg.running.progress import Progress

INTERRUPTED = 130

GRACE = 3.0
"""Seconds that work under way has to end by itself once a run is stopped. Then the process ends all the same:
nothing is lost by it, since every file is whole or not there."""

app = typer.Typer(
    name="custseg",
    help="Customer segments from any number of retail transactions.",
    epilog="Example: custseg batch sales/ -o segments   ·   custseg COMMAND --help explains each command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

READING, LINES, FEATURES = "Reading", "Which lines", "Features"
SEGMENTS, SHOWING, RUNNING = "Segments", "Presentation", "How it is run"

Inputs = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders or globs of transactions: CSV (also .gz, .zst), Parquet, Excel; mixed."
    ),
]
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder for the results; new or custseg's own.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Show nothing but results and errors.")]
Verbose = Annotated[
    int, typer.Option("-v", "--verbose", count=True, help="Show the plan; -vv also tracebacks.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Plain lines instead of a moving bar.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR does).")]


def _text(panel: str, help_: str, *names: str, metavar: str = "TEXT") -> Any:
    return typer.Option(*names, help=help_, rich_help_panel=panel, metavar=metavar, show_default=False)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"custseg {__version__}")
        raise typer.Exit


@app.command(
    help="Segment every customer: Parquet, model, charts, report.\n\nReads all transactions, cleans them, "
    "sums up each customer, chooses the number of segments, and writes every customer's segment and a report "
    "that explains them. Given again after an interruption, the same command goes on where it was.",
    epilog="Examples:  custseg batch sales/ -o segments   ·   "
    "custseg batch 'till/*.csv' web.parquet -o out --features rfm --since 2025-01-01   ·   "
    "custseg batch sales.csv -o out --column customer_id=Loyalty --k 3-6",
)
def batch(  # noqa: PLR0913, PLR0917 - one parameter an option
    inputs: Inputs,
    output: Output,
    column: Annotated[
        list[str] | None,
        _text(READING, "Header of a column, where it is not found by its name.", metavar="NAME=HEADER"),
    ] = None,
    date_format: Annotated[
        str | None, _text(READING, "How dates are written, as strptime. Default: proved from the data.")
    ] = None,
    encoding: Annotated[
        str | None, _text(READING, "Encoding of CSV files. Default: detected.", metavar="NAME")
    ] = None,
    separator: Annotated[
        str | None, _text(READING, "What is between CSV cells. Default: detected.", metavar="SIGN")
    ] = None,
    decimal_comma: Annotated[
        bool | None,
        typer.Option(
            "--decimal-comma/--decimal-point",
            help="How numbers are written. Default: proved from the data.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None,
    no_header: Annotated[
        bool,
        typer.Option(
            "--no-header",
            help="The first line is a line like all others; columns are named by number: "
            "--column customer_id=1.",
            rich_help_panel=READING,
        ),
    ] = False,
    sheet: Annotated[
        list[str] | None,
        _text(READING, "Excel sheet to read. Repeatable. Default: each with a customer.", metavar="NAME"),
    ] = None,
    skip_bad_files: Annotated[
        bool,
        typer.Option(
            "--skip-bad-files",
            help="Go on without files that cannot be read, and record them.",
            rich_help_panel=READING,
        ),
    ] = False,
    max_invalid: Annotated[
        str | None,
        _text(READING, "Share of unreadable lines that ends the run. Default: 1%.", metavar="SHARE"),
    ] = None,
    since: Annotated[str | None, _text(LINES, "First day that counts.", metavar="DATE")] = None,
    until: Annotated[str | None, _text(LINES, "Last day that counts.", metavar="DATE")] = None,
    exclude_product: Annotated[
        list[str] | None,
        _text(LINES, "Products that are none: postage, fees. Repeatable.", metavar="REGEX"),
    ] = None,
    where: Annotated[
        str | None, _text(LINES, "Condition on the input's columns; other lines are left out.", metavar="SQL")
    ] = None,
    returns: Annotated[
        str | None,
        _text(LINES, "Leave returned goods out or subtract them. Default: exclude.", metavar="exclude|net"),
    ] = None,
    duplicates: Annotated[
        str | None, _text(LINES, "What to do with repeated lines. Default: drop.", metavar="drop|keep")
    ] = None,
    features: Annotated[
        str | None,
        _text(FEATURES, "What to cluster on: classic, rfm or names. Default: classic.", metavar="NAME,…"),
    ] = None,
    scale: Annotated[
        str | None,
        _text(FEATURES, "How to scale it. Default: log-standard.", metavar="log-standard|standard|none"),
    ] = None,
    as_of: Annotated[
        str | None,
        _text(FEATURES, "Day recency is counted to. Default: day after the last line.", metavar="DATE"),
    ] = None,
    k: Annotated[
        str | None, _text(SEGMENTS, "Number of segments. Default: auto: 2-10.", "--k", metavar="auto|N|LO-HI")
    ] = None,
    min_share: Annotated[
        str | None, _text(SEGMENTS, "Smallest share of customers in a segment. Default: 2%.", metavar="SHARE")
    ] = None,
    seed: Annotated[str | None, _text(SEGMENTS, "Seed of everything drawn. Default: 0.", metavar="N")] = None,
    currency: Annotated[
        str | None, _text(SHOWING, "Currency of the amounts, such as GBP.", metavar="CODE")
    ] = None,
    job: Annotated[
        Path | None, _text(RUNNING, "Job file with any of these settings.", metavar="FILE.toml")
    ] = None,
    memory_limit: Annotated[
        str | None,
        _text(RUNNING, "Memory for all processes together. Default: half of what is free.", metavar="SIZE"),
    ] = None,
    chunk_size: Annotated[
        str | None, _text(RUNNING, "Input read at once. Default: from the memory limit.", metavar="SIZE")
    ] = None,
    work_dir: Annotated[
        Path | None, _text(RUNNING, "Folder for temporary files. Default: inside the output.", metavar="DIR")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over and replace an earlier run.", rich_help_panel=RUNNING)
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    no_progress: NoProgress = False,
    no_color: NoColor = False,
) -> None:
    flags = {
        "column": _pairs(column),
        "date_format": date_format,
        "encoding": encoding,
        "separator": separator,
        "decimal_comma": decimal_comma,
        "no_header": no_header or None,
        "sheet": sheet,
        "skip_bad_files": skip_bad_files or None,
        "max_invalid": max_invalid,
        "since": since,
        "until": until,
        "exclude_product": exclude_product,
        "where": where,
        "returns": returns,
        "duplicates": duplicates,
        "features": features,
        "scale": scale,
        "as_of": as_of,
        "k": k,
        "min_share": min_share,
        "seed": seed,
        "currency": currency,
        "memory_limit": memory_limit,
        "chunk_size": chunk_size,
        "work_dir": work_dir,
        "fresh": fresh or None,
    }
    if no_color:
        os.environ["NO_COLOR"] = "1"
    from custseg import pipeline
    from custseg.settings import resolve

    settings, sources = resolve(flags, job, os.environ)

    progress = _progress(quiet=quiet, no_progress=no_progress, verbose=verbose > 0)
    if verbose:
        for name, setting in settings.to_record(sources).items():
            progress.explain(f"{name} = {setting['value']} ({setting['source']})")
    result = pipeline.segment(inputs, settings=settings, output=output, sources=sources, progress=progress)
    if json:
        _print_json(result.record)
    else:
        typer.echo(result.summary())


@app.command(
    help="Write synthetic transactions, as dirty as real ones.\n\nThey have the layout of the public Online "
    "Retail II data, with its missing customers, cancellations, returns, zero prices and repeated lines. 1e9 "
    "lines need no more memory than 1e6.",
    epilog="Example:  custseg sample -o transactions --rows 1e6 --customers 20000",
)
def sample(  # noqa: PLR0913, PLR0917
    output: Output,
    rows: Annotated[str, _text(LINES, "Lines to write. Default: 1e6.", metavar="N")] = "1e6",
    customers: Annotated[
        str, _text(LINES, "Customers they are spread over. Default: 20000.", metavar="N")
    ] = "20000",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 0,
    file_type: Annotated[str, _text(LINES, "csv or parquet. Default: csv.", metavar="csv|parquet")] = "csv",
    json: Json = False,
    quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> None:
    count, people = _whole_number("--rows", rows), _whole_number("--customers", customers)
    if file_type not in ("csv", "parquet"):
        raise SettingsError("bad-setting", f"--file-type: '{cut(file_type)}' is neither csv nor parquet.")
    from custseg.transactions.sample import write_sample

    progress = _progress(quiet=quiet, no_progress=no_progress)
    with progress.stage("sample", "Writing transactions", count, "lines") as advance:
        summary = write_sample(
            output,
            rows=count,
            customers=people,
            seed=seed,
            file_type="csv" if file_type == "csv" else "parquet",
            advance=advance,
        )
    if json:
        _print_json({"rows": summary.rows, "files": len(summary.files), "folder": str(output)})
    else:
        typer.echo(f"{summary.rows:,} lines in {len(summary.files)} files in {output}")
        typer.echo(f"Next: custseg batch {output} -o segments")


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    verbose = sum(word.count("v") for word in sys.argv[1:] if word in ("-v", "-vv")) + sys.argv.count(
        "--verbose"
    )
    try:
        app()
        sys.exit(0)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            sys.stderr.write("Interrupted. The same command goes on from what is whole.\n")
        raise
    except CustsegError as error:
        if verbose > 1:
            raise
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if verbose > 1:
            raise
        sys.stderr.write(
            f"Error: something went wrong in custseg itself: {type(error).__name__}: {cut(error)}\n"
            "  Now:   Run it again with -vv and report what it prints.\n"
        )
        sys.exit(1)


def _stop(number: int, _frame: object) -> NoReturn:
    """End the run soon, at a second signal at once."""
    code = 128 + number
    signal.signal(number, lambda *_: os._exit(code))
    end = threading.Timer(GRACE, os._exit, [code])
    end.daemon = True
    end.start()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(code)


def _progress(*, quiet: bool, no_progress: bool, verbose: bool = False) -> Progress:
    from custseg.running.progress import Progress

    return Progress(show=not quiet, bar=False if no_progress else None, verbose=verbose)


def _pairs(texts: list[str] | None) -> dict[str, str]:
    pairs = {}
    for text in texts or []:
        name, equals, header = text.partition("=")
        if not equals or not header:
            raise SettingsError(
                "bad-setting",
                f"--column: '{cut(text)}' is not NAME=HEADER.",
                now="Write --column invoice=Order.",
            )
        pairs[name.strip()] = header.strip()
    return pairs


def _whole_number(option: str, text: str) -> int:
    """Read 1000000, 1_000_000 or 1e6."""
    try:
        number = float(text)
        if number < 1 or number != int(number):
            raise ValueError
    except (ValueError, OverflowError):
        raise SettingsError("bad-setting", f"{option}: '{cut(text)}' is no whole number above 0.") from None
    return int(number)


def _print_json(value: Any) -> None:
    import json

    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")

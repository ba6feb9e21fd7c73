"""Every option once: its name, panel and help. Commands say which they take.

An option that sets a setting bears the setting's name; `takes` puts it into a command's signature and
hands the command what was given, so that no command repeats forty parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from custseg.columns import LINE_COLUMNS
from custseg.errors import SettingsError, cut

READING, LINES, FEATURES = "Reading", "Which lines", "Features"
SEGMENTS, SHOWING, RUNNING = "Segments", "Presentation", "How it is run"

Inputs = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders or globs of transactions: CSV (also .gz, .zst), Parquet, Excel; mixed."
    ),
]
Output = Annotated[
    str,
    typer.Option(
        "-o", "--output", help="Folder for the results, also on s3://; new or custseg's own.", metavar="DIR"
    ),
]
Job = Annotated[
    Path | None,
    typer.Option(
        help="Job file with any of these settings.",
        rich_help_panel=RUNNING,
        metavar="FILE.toml",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Show nothing but results and errors.")]
Verbose = Annotated[
    int, typer.Option("-v", "--verbose", count=True, help="Show the plan; -vv also tracebacks.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Plain lines instead of a moving bar.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours (as NO_COLOR does).")]


def text(panel: str, help_: str, metavar: str = "TEXT", *names: str) -> Any:
    """Return an option that takes one text."""
    return Annotated[str | None, _option(panel, help_, *names, metavar=metavar)]


def _texts(panel: str, help_: str, metavar: str) -> Any:
    return Annotated[list[str] | None, _option(panel, help_ + " Repeatable.", metavar=metavar)]


def _switch(panel: str, help_: str, *names: str) -> Any:
    return Annotated[bool | None, _option(panel, help_, *names)]


def _option(panel: str, help_: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help_, rich_help_panel=panel, metavar=metavar, show_default=False)


def examples(*commands: str) -> str:
    """Return the examples at the end of a command's help: a paragraph each, so that each has its own line."""
    return "\n\n".join(["Example:" if len(commands) == 1 else "Examples:", *commands])


SETTINGS: dict[str, Any] = {
    # Reading
    "column": _texts(
        READING,
        f"Header of a column, where it is not found by its name. NAME is {', '.join(LINE_COLUMNS)}; "
        "as HEADER, - says that there is none.",
        "NAME=HEADER",
    ),
    "date_format": text(READING, "How dates are written, as strptime. Default: proved from the data."),
    "encoding": text(READING, "Encoding of CSV files. Default: detected.", "NAME"),
    "separator": text(READING, "What is between CSV cells. Default: detected.", "SIGN"),
    "decimal_comma": _switch(
        READING,
        "How numbers are written. Default: proved from the data.",
        "--decimal-comma/--decimal-point",
    ),
    "no_header": _switch(
        READING,
        "The first line is a line like all others; columns are named by number: --column customer_id=1.",
        "--no-header",
    ),
    "sheet": _texts(READING, "Excel sheet to read. Default: each with a customer.", "NAME"),
    "skip_bad_files": _switch(
        READING, "Go on without files that cannot be read, and record them.", "--skip-bad-files"
    ),
    "max_invalid": text(READING, "Share of unreadable lines that is allowed. Default: 1%.", "SHARE"),
    # Which lines
    "since": text(LINES, "First day that counts.", "DATE"),
    "until": text(LINES, "Last day that counts.", "DATE"),
    "exclude_product": _texts(LINES, "Products that are none: postage, fees.", "REGEX"),
    "where": _texts(
        LINES, "Condition on the columns, by your headers or our names; other lines are left out.", "SQL"
    ),
    "returns": text(LINES, "Leave returned goods out or subtract them. Default: exclude.", "exclude|net"),
    "duplicates": text(LINES, "What to do with repeated lines. Default: drop.", "drop|keep"),
    # Features
    "features": text(FEATURES, "What to cluster on: classic, rfm or names. Default: classic.", "NAME,…"),
    "scale": text(FEATURES, "How to scale it. Default: log-standard.", "log-standard|standard|none"),
    "as_of": text(FEATURES, "Day recency is counted to. Default: day after the last line.", "DATE"),
    # Segments
    "k": text(
        SEGMENTS,
        "Number of segments, 2 to 50. Default: auto, the best of 2-10; with --previous that run's: previous.",
        "auto|N|LO-HI|previous",
        "--k",
    ),
    "min_share": text(SEGMENTS, "Smallest share of customers in a segment. Default: 2%.", "SHARE"),
    "seed": text(SEGMENTS, "Seed of everything drawn. Default: 0.", "N"),
    "previous": text(
        SEGMENTS, "Go on with the segments of this earlier run: numbers, names, who moved.", "DIR"
    ),
    # Presentation
    "currency": text(SHOWING, "Currency of the amounts, such as GBP.", "CODE"),
    "small_cells": _switch(
        SHOWING, "Show groups of fewer than ten customers too.", "--small-cells/--no-small-cells"
    ),
    "pictures": text(SHOWING, "Also write each chart as pictures, for slides.", "svg,png"),
    "lists": _switch(SHOWING, "Write each segment's customer ids, for a mailing tool.", "--lists"),
    # How it is run
    "memory_limit": text(
        RUNNING, "Memory for all processes together. Default: half of what is free.", "SIZE"
    ),
    "chunk_size": text(RUNNING, "Input read at once. Default: from the memory limit.", "SIZE"),
    "work_dir": text(
        RUNNING, "Folder for temporary files, also on s3://. Default: inside the output.", "DIR"
    ),
    "workers": text(RUNNING, "Run in N processes of this machine.", "N"),
    "scheduler": text(
        RUNNING, "Run on the workers of a Dask cluster: tcp://HOST:8786, or its scheduler file.", "ADDRESS"
    ),
    "fresh": _switch(RUNNING, "Start over and replace an earlier run.", "--fresh"),
}
"""Options by the name of the setting they set, in the order that help shows them."""

PRESENTATION = ("currency", "small_cells", "pictures")
"""Options of how results are shown."""

Flags = Mapping[str, Any]
Command = Callable[..., None]


def takes(*names: str) -> Callable[[Command], Command]:
    """Give a command the options of these settings; it gets their values together, as ``flags``."""

    def give(command: Command) -> Command:
        def run(**given: Any) -> None:
            flags = {name: given.pop(name) for name in names}
            if "column" in flags:
                flags["column"] = _pairs(flags["column"])
            command(flags=flags, **given)

        signature = inspect.signature(command, eval_str=True)
        own = [parameter for name, parameter in signature.parameters.items() if name != "flags"]
        required = [parameter for parameter in own if parameter.default is inspect.Parameter.empty]
        optional = [parameter for parameter in own if parameter.default is not inspect.Parameter.empty]
        given = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=SETTINGS[name])
            for name in names
        ]
        parameters = [*required, *given, *optional]
        # Typer reads a command's options from these two.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__name__ = command.__name__
        return run

    return give


def _pairs(texts: list[str] | None) -> dict[str, str]:
    pairs = {}
    for pair in texts or []:
        name, equals, header = pair.partition("=")
        if not equals or not header:
            raise SettingsError(
                "bad-setting",
                f"--column: '{cut(pair)}' is not NAME=HEADER.",
                now="Write --column invoice=Order.",
            )
        pairs[name.strip()] = header.strip()
    return pairs

"""The command itself, before it has any commands."""

from __future__ import annotations

from typing import Annotated

import typer

from custseg._version import __version__

app = typer.Typer(
    name="custseg",
    help="Customer segments from any number of retail transactions.",
    epilog="Example: custseg batch sales/ -o segments\n\ncustseg COMMAND --help explains each command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"custseg {__version__}")
        raise typer.Exit

"""Write what the documentation takes from the code: docs/command-line.md, and the keys in docs/job-files.md.

With --check tell whether both are up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from custseg.cli import app
from custseg.settings import ENVIRONMENT_PREFIX, Settings

PAGE = Path(__file__).with_name("command-line.md")
JOB_PAGE = Path(__file__).with_name("job-files.md")

INTRODUCTION = """# The command line

This page is made from the commands themselves (`make command-line`); `custseg COMMAND --help` shows the same.

Results, and JSON with `--json`, go to stdout, all else to stderr. Exit codes and messages are in
[errors.md](errors.md).

An option with a variable beside it can also stand in the environment (`CUSTSEG_MIN_SHARE=5%`) and in a job
file (`min_share = "5%"`, given with `--job`). A flag wins over the environment, that over the job file, that
over the default; `-v` and run.json show each setting with where it came from. Colours are left out where
stderr is no terminal, with `--no-color` and with `NO_COLOR`. `custseg --install-completion` completes
commands and options in bash, zsh, fish and PowerShell, `custseg --version` says which custseg it is, and `-h`
is short for `--help`."""


def page() -> str:
    """Return the page."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    parts = [INTRODUCTION]
    for name, command in commands.items():
        parts.append("\n".join(_command(name, command)))
    return "\n\n".join(parts) + "\n"


def keys() -> str:
    """Return the table of the keys of a job file."""
    rows = ["| key | default | kind | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = Settings().model_dump(mode="json")[name]
        shown = "" if default in (None, [], {}) else f"`{json.dumps(default)}`"
        kind = (field.json_schema_extra or {"kind": "answer"})["kind"]  # type: ignore[index, call-overload]
        rows.append(f"| `{name}` | {shown} | {kind} | {str(field.description).replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def job_page() -> str:
    """Return the page of job files with the table as it should be."""
    head, begin, rest = JOB_PAGE.read_text("utf-8").partition("<!-- settings: begin")
    note, _, rest = rest.partition(" -->\n")
    _, end, tail = rest.partition("<!-- settings: end -->")
    return f"{head}{begin}{note} -->\n{keys()}\n{end}{tail}"


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## custseg {name}"
    yield ""
    yield _flat(command.help)
    yield ""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    required = [p for p in command.params if p.param_type_name == "option" and p.required]
    shown = [p.name.upper().removesuffix("S") + ("..." if p.nargs == -1 else "") for p in arguments]
    yield "```text"
    yield " ".join(["custseg", name, *shown, *(f"{p.opts[0]} {_metavar(p)}" for p in required), "[OPTIONS]"])
    yield "```"
    if command.epilog:
        yield ""
        yield "<!-- not run: examples of --help, for files of many kinds; a test reads their options -->"
        yield "```sh"
        yield from command.epilog.split("\n\n")[1:]
        yield "```"
    panels: dict[str, list[Any]] = {}
    for option in command.params:
        if option.param_type_name == "option" and not option.hidden and "--help" not in option.opts:
            panels.setdefault(getattr(option, "rich_help_panel", None) or "Options", []).append(option)
    for panel, options in panels.items():
        yield ""
        yield f"**{panel}**"
        yield ""
        yield "| option | meaning |"
        yield "|---|---|"
        yield from (_option(option) for option in options)


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    metavar = "" if option.is_flag or option.count else f" `{_metavar(option)}`".replace("|", "\\|")
    # Those that set a setting are in panels; --seed of `sample` is none.
    known = option.name in Settings.model_fields and option.rich_help_panel
    sets = f" (`{ENVIRONMENT_PREFIX}{option.name.upper()}`)" if known else ""
    return f"| {names}{metavar} | {_flat(option.help or '').replace('|', chr(92) + '|')}{sets} |"


def _metavar(option: Any) -> str:
    return str(option.metavar or max(option.opts, key=len).strip("-").upper())


def _flat(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


if __name__ == "__main__":
    for path, text in ((PAGE, page()), (JOB_PAGE, job_page())):
        if "--check" not in sys.argv:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            sys.exit(f"docs/{path.name} is not as the commands are: run 'make command-line'.")

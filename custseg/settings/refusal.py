"""What pydantic finds wrong with a setting, as an error of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from custseg.errors import SettingsError, cut, nearest, told


def refusal(error: ValidationError, known: Iterable[str]) -> SettingsError:
    """Return the error for settings given from Python, by their names there."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        return SettingsError(
            "unknown-setting", f"There is no setting '{cut(name)}'.", now=nearest(name, known)
        )
    if not name:
        return SettingsError("bad-setting", _message(error))
    return SettingsError("bad-setting", f"{name}: {_message(error)}", where=f"value '{told(first['input'])}'")


def refusal_of_option(error: ValidationError, sources: Mapping[str, str], job: Path | None) -> SettingsError:
    """Return the error for settings from the command line, the environment or a job file."""
    first = error.errors()[0]
    if not first["loc"]:
        return SettingsError("bad-setting", _message(error))
    name = str(first["loc"][0])
    source = sources.get(name, "given")
    return SettingsError(
        "bad-setting",
        f"--{name.replace('_', '-')}: {_message(error)}",
        where=f"{f'{source} {job}' if source == 'job file' else source}, value '{told(first['input'])}'",
        now="'custseg batch --help' lists the options and their limits.",
    )


def _message(error: ValidationError) -> str:
    message = error.errors()[0]["msg"]
    return cut(message.removeprefix("Value error, ").replace("Input should", "it should"))

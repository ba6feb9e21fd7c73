"""Where settings come from: flags, the environment, a job file, defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from custseg.errors import InputError, SettingsError, cut, nearest
from custseg.settings.refusal import refusal_of_option
from custseg.settings.settings import Settings
from custseg.settings.values import parse_columns

ENVIRONMENT_PREFIX = "CUSTSEG_"


def read_job(path: Path) -> dict[str, Any]:
    """Read a job file: TOML whose keys are the names of settings, hyphens as good as underscores.

    Raises
    ------
    InputError
        There is no such file.
    SettingsError
        It cannot be read, or is no TOML.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError("no-such-file", f"There is no job file '{path}'.", now="Check the path.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            "bad-job-file",
            f"The job file cannot be read: {cut(error)}.",
            where=str(path),
            now="Mend the file.",
        ) from None
    return {key.replace("-", "_"): value for key, value in values.items()}


def resolve(
    flags: Mapping[str, Any], job: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Settings, dict[str, str]]:
    """Make the settings from all their sources.

    Parameters
    ----------
    flags
        Values given by name; None means not given.
    job
        A job file.
    environment
        Environment variables; those that start with ``CUSTSEG_`` and name a setting count.

    Returns
    -------
    settings
        The checked settings.
    sources
        For each setting ``flag``, ``environment``, ``job file`` or ``default``.

    Raises
    ------
    SettingsError
        An unknown key, or a value outside its limits.
    """
    known = Settings.model_fields
    from_job = read_job(job) if job else {}
    for key in from_job:
        if key not in known:
            raise SettingsError(
                "unknown-setting",
                f"There is no setting '{cut(key)}'.",
                where=str(job),
                now=nearest(key, known),
            )
    from_environment = {
        name: (environment or {})[ENVIRONMENT_PREFIX + name.upper()]
        for name in known
        if ENVIRONMENT_PREFIX + name.upper() in (environment or {})
    }
    given = {name: value for name, value in flags.items() if value not in (None, [], {})}
    layers = (("job file", from_job), ("environment", from_environment), ("flag", given))
    values: dict[str, Any] = {}
    sources = dict.fromkeys(known, "default")
    for source, layer in layers:
        columns = _over(values.get("column", {}), layer.get("column", {}))
        values |= layer
        if "column" in layer:
            values["column"] = columns
        sources |= dict.fromkeys(layer, source)
    return _checked(values, sources, job), sources


def _over(earlier: Any, later: Any) -> Any:
    """Return headers by column: what is said later of one column leaves the others as they were."""
    try:
        return parse_columns(earlier) | parse_columns(later)
    except (TypeError, ValueError):
        # One of the two is no such thing, and is told as that.
        return later if isinstance(earlier, dict) else earlier


def _checked(values: Mapping[str, Any], sources: Mapping[str, str], job: Path | None) -> Settings:
    try:
        return Settings(**values)
    except SettingsError as error:
        if isinstance(error.__cause__, ValidationError):
            raise refusal_of_option(error.__cause__, sources, job) from None
        raise

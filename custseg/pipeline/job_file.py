"""Job files: what a check found out, saved so that a later run need not find it again."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from custseg.columns import LINE_COLUMNS
from custseg.errors import OutputError
from custseg.pipeline.checked import Check
from custseg.running import outputs, places
from custseg.transactions.numerals import COMMA, MarkEvidence
from custseg.transactions.reasons import date_formats
from custseg.transactions.source import NUMBERS

FIRST_LINE = "# Written by custseg check"


def save_job(found: Check, path: Path) -> None:
    """Save how the files of a check are read, and the settings it was made with.

    A column is written where all files have it under one header, the format of dates where all files have
    one, the decimal mark where all show the same; what differs by file stays to be found by file.

    Raises
    ------
    OutputError
        Another file than one written by this function stands there, or one that was completed by hand and
        would lose settings.
    """
    text, path = "\n".join(_lines(found)) + "\n", places.local_path(path)
    if path.exists() and not _is_ours(path):
        raise OutputError(
            "job-exists",
            "There is a file of this name that custseg check did not write.",
            where=str(path),
            now="Name another with --write-job.",
        )
    if lost := _lost(path, text):
        raise OutputError(
            "job-exists",
            f"The job file was completed by hand, and these settings would be lost: {', '.join(lost)}.",
            where=str(path),
            now="Give it with --job, too, or name another with --write-job.",
        )
    outputs.write_text(path, text)


def _lost(path: Path, text: str) -> list[str]:
    """Return the settings of a file that a new text for it does not have."""
    try:
        before = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return []
    return sorted(_keys(before) - _keys(tomllib.loads(text)))


def _keys(settings: Mapping[str, Any]) -> set[str]:
    columns = settings.get("column")
    return {*settings, *(f"column.{name}" for name in (columns if isinstance(columns, dict) else ()))}


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline().startswith(FIRST_LINE)
    except (OSError, UnicodeDecodeError):
        return False


def _lines(found: Check) -> Iterator[str]:
    yield f"{FIRST_LINE}: how the files were read. Take lines out that shall not hold for others."
    yield "#"
    # A comment holds no signs that cannot be printed, such as the end of a line.
    inputs = "".join(sign if sign.isprintable() else "?" for sign in shlex.join(found.inputs))
    yield f"#     custseg batch {inputs} -o segments --job THIS_FILE"
    yield ""
    settings = found.settings.model_dump(mode="json", exclude_defaults=True)
    columns, comments = _columns(found)
    settings |= {name: value for name, value in _proved(found).items() if name not in settings}
    settings.pop("column", None)
    names = settings.pop("names", None)
    if isinstance(names, list):
        settings["names"] = names
    yield from (f"{name} = {_toml(value)}" for name, value in settings.items() if value is not None)
    for suspect in found.suspects:
        if suspect.code == "charges":
            yield ""
            yield f"# {suspect.what}"
            yield f"# exclude_product = {_toml(_pattern(suspect.flag))}"
    yield ""
    yield "[column]"
    yield from (f"{name} = {_toml(header)}" for name, header in columns.items())
    yield from (f"# {comment}" for comment in comments)
    if isinstance(names, dict):
        yield ""
        yield "[names]"
        yield from (f"{_toml(key)} = {_toml(name)}" for key, name in names.items())


def _columns(found: Check) -> tuple[dict[str, str], list[str]]:
    """Return the header of each column that has the same in all files, and what is to say of the others."""
    columns, comments = dict(found.settings.column), []
    for name in LINE_COLUMNS:
        if name in columns or found.table is None:
            continue
        headers = {s.header[s.columns[name]] if name in s.columns else None for s in found.table.sources}
        if len(headers) == 1 and (only := headers.pop()):
            columns[name] = only
        elif headers:
            written = ", ".join(sorted(header or "(none)" for header in headers))
            comments.append(f"{name}: found by name in each file: {written}")
    return columns, comments


def _proved(found: Check) -> dict[str, Any]:
    """Return the format of dates and the decimal mark that all files have."""
    made: dict[str, Any] = {}
    excerpts = [tried.excerpt for tried in found.trials]
    orders = {e.source.date_order for e in excerpts if "invoice_date" in e.source.columns}
    formats = set().union(*(date_formats(excerpt) for excerpt in excerpts))
    if len(orders) == 1 and orders != {""} and len(formats) == 1 and "" not in formats:
        made["date_format"] = formats.pop()
    marks = set()
    for excerpt in excerpts:
        source = excerpt.source
        for name in NUMBERS:
            if name in source.columns and source.is_text(name):
                cells = excerpt.raw[f"c{source.columns[name]}"].drop_nulls().unique()
                marks |= {source.mark} if MarkEvidence.of(cells).seen.get(source.mark) else set()
    if len(marks) == 1:
        made["decimal_comma"] = marks == {COMMA}
    return made


def _pattern(flag: str) -> str:
    return shlex.split(flag)[1]


def _toml(value: Any) -> str:
    """Write a value as TOML; JSON's texts, numbers, booleans and lists are TOML's."""
    return json.dumps(value, ensure_ascii=False)

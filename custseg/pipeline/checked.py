"""What a check found: how files are read, what a run would come to, and what it would stop at."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from custseg.errors import CustsegError
from custseg.pipeline.estimate import Estimate
from custseg.settings import Settings
from custseg.transactions import find, suspects
from custseg.transactions.find import InputFile
from custseg.transactions.reading import Table
from custseg.transactions.reasons import Reason
from custseg.transactions.suspects import Suspect
from custseg.transactions.trial import Trial

OPPOSITES = {"decimal_comma": "--decimal-point", "small_cells": "--no-small-cells"}
"""The flags that say no."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a run would stop at.

    Attributes
    ----------
    error
        The error it would stop with.
    places
        Where it is, if in several files.
    """

    error: CustsegError
    places: tuple[str, ...]

    def to_record(self) -> dict[str, Any]:
        """Return it as plain values."""
        e = self.error
        return {
            "code": e.code,
            "what": e.what,
            "where": list(self.places),
            "now": e.now,
            "exit_code": e.exit_code,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """Files that came out of one program, and how they are read.

    Attributes
    ----------
    places
        The files (and sheets).
    text_bytes
        Bytes of text in them, about.
    reasons
        What was decided, and what shows it.
    columns
        For each canonical column its header and how it was found.
    unused
        Further headers.
    lines
        Some lines: the cells as they stand and as they are read, by canonical column, and ``fate``.
    """

    places: tuple[str, ...]
    format: str
    text_bytes: int
    reasons: tuple[Reason, ...]
    columns: Mapping[str, tuple[str, str]]
    unused: tuple[str, ...]
    lines: tuple[dict[str, Any], ...]

    def to_record(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "places": list(self.places),
            "format": self.format,
            "text_bytes": self.text_bytes,
            "found": {r.topic: {"value": r.found, "why": r.why} for r in self.reasons},
            "columns": {name: {"header": h, "by": by} for name, (h, by) in self.columns.items()},
            "only_compared": list(self.unused),
            "lines": list(self.lines),
        }


@dataclass(frozen=True, kw_only=True)
class Check:
    """What a run would do and come to.

    Attributes
    ----------
    inputs
        What was named.
    files
        The files found.
    kinds
        Files alike, and how they are read.
    estimate
        What the run would come to; None where no file can be read.
    problems
        What it would stop at: none, and it would go through, as far as samples tell.
    suspects
        What may not be what it seems.
    notes
        What else was seen.
    job
        The job file that some of the settings came from; empty where there was none.
    sources
        Where each setting came from.
    """

    inputs: tuple[str, ...]
    settings: Settings
    files: tuple[InputFile, ...]
    table: Table | None
    kinds: tuple[Kind, ...]
    estimate: Estimate | None
    problems: tuple[Problem, ...]
    suspects: tuple[Suspect, ...]
    notes: tuple[str, ...]
    seconds: float
    trials: tuple[Trial, ...] = field(repr=False)
    job: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether a run would go through, as far as samples tell."""
        return not self.problems

    @property
    def exit_code(self) -> int:
        """What the command ends with: that of the first problem."""
        return self.problems[0].error.exit_code if self.problems else 0

    @property
    def command(self) -> str:
        """The command of the run that was checked."""
        given = self.settings.model_dump(mode="json", exclude_defaults=not self.job)
        words = [*map(shlex.quote, self.inputs), "-o segments"]
        if self.job:
            words.append(f"--job {shlex.quote(self.job)}")
            given = {n: value for n, value in given.items() if self.sources[n] in ("flag", "environment")}
        # There is no option for them.
        given.pop("names", None)
        for name, value in given.items():
            flag = f"--{name.replace('_', '-')}"
            if isinstance(value, bool):
                words += [flag] if value else [OPPOSITES[name]] if name in OPPOSITES else []
            elif isinstance(value, dict):
                words += [f"{flag} {suspects.quoted(f'{key}={text}')}" for key, text in value.items()]
            elif name in ("features", "pictures"):
                words.append(f"{flag} {','.join(value)}")
            else:
                texts = value if isinstance(value, list) else [value]
                words += [f"{flag} {shlex.quote(str(text))}" for text in texts]
        return " ".join(["custseg batch", *words])

    def to_record(self) -> dict[str, Any]:
        """Return it as plain values, as ``--json`` prints it."""
        return {
            "ok": self.ok,
            "command": self.command,
            "inputs": list(self.inputs),
            "files": len(self.files),
            "bytes": find.total_bytes(self.files),
            "problems": [problem.to_record() for problem in self.problems],
            "kinds": [kind.to_record() for kind in self.kinds],
            "derived": list(self.table.derived) if self.table else [],
            "estimate": self.estimate.to_record() if self.estimate else None,
            "suspects": [suspect._asdict() for suspect in self.suspects],
            "skipped": [file._asdict() for file in self.table.skipped] if self.table else [],
            "notes": list(self.notes),
            "settings": self.settings.to_record(self.sources),
            "seconds": round(self.seconds, 2),
        }

    def __str__(self) -> str:
        """Return it as text for people."""
        from custseg.report.check_text import write_check

        return write_check(self.to_record())

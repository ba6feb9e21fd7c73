"""Everything that can go wrong in a way custseg understands, and its exit code.

::

    CustsegError            1  a fault of custseg itself
      SettingsError         2  an option, a job file or an environment variable
      InputError            3  the input, or a model or run given as input, cannot be used
      OutputError           4  the output is in the way
      MachineError          5  the machine or the cluster failed us

Each error has one form: *what* is wrong, *where* (file, line, column, value) and what to do *now*,
and a ``code`` under which the documentation lists it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

FOREIGN_TEXT_LIMIT = 300


class CustsegError(Exception):
    """Base of all errors custseg raises on purpose.

    Parameters
    ----------
    code
        Short name of the error, as the documentation lists it (``no-such-file``).
    what
        What is wrong, one sentence.
    where
        The place: file, line, column, value.
    now
        What the user can do about it.
    """

    exit_code = 1

    def __init__(self, code: str, what: str, *, where: str = "", now: str = "") -> None:
        super().__init__(code, what, where, now)
        self.code = code
        self.what = what
        self.where = where
        self.now = now

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (Dask workers); keyword arguments would be lost by default.
        return _rebuild, (type(self), self.code, self.what, self.where, self.now)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  Where: {self.where}")
        if self.now:
            lines.append(f"  Now:   {self.now}")
        return "\n".join(lines)


class SettingsError(CustsegError):
    """An option, a job file or an environment variable cannot be used."""

    exit_code = 2


class InputError(CustsegError):
    """The transactions, or an earlier run or model given as input, cannot be used."""

    exit_code = 3


class OutputError(CustsegError):
    """The output folder is in the way."""

    exit_code = 4


class MachineError(CustsegError):
    """Disk, memory, workers, scheduler or storage failed."""

    exit_code = 5


Meet = Callable[[InputError], None]
"""What is done with a fault of the input: `stop` raises it, a check gathers it and goes on."""


def stop(error: InputError) -> None:
    """Raise the error."""
    raise error


def _rebuild(kind: type[CustsegError], code: str, what: str, where: str, now: str) -> CustsegError:
    return kind(code, what, where=where, now=now)


def cut(text: object) -> str:
    """Text from elsewhere (a library, a file) on one line, short enough to print and safe for a terminal."""
    flat = "".join(sign if sign.isprintable() else "\ufffd" for sign in " ".join(str(text).split()))
    return flat if len(flat) <= FOREIGN_TEXT_LIMIT else flat[: FOREIGN_TEXT_LIMIT - 1] + "…"


def in_shell(text: object) -> str:
    """Text from elsewhere, cut, in quotes as a shell takes it."""
    flat = cut(text)
    if "'" not in flat:
        return f"'{flat}'"
    return shlex.quote(flat) if re.search(r'["$`\\!]', flat) else f'"{flat}"'


def size(number: float) -> str:
    """Return bytes with a decimal unit: ``94 MB``."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= least:
            return f"{number / least:.3g} {unit}"
    return f"{number:.0f} B"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` with the known word nearest to `word`, or an empty text."""
    match = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"Did you mean '{match[0]}'?" if match else ""


def told(setting: object) -> str:
    """Return the value of a setting as a user knows it, safe as `cut` makes it."""
    if setting is None or setting in ([], (), {}):
        return "not given"
    if isinstance(setting, dict):
        return cut(", ".join(f"{name}={text}" for name, text in setting.items()))
    return cut(", ".join(map(str, setting)) if isinstance(setting, list | tuple) else setting)


def from_here(text: str) -> str:
    """Return a text with the paths of the current folder's files as one would type them there."""
    try:
        return text.replace(str(Path.cwd()) + os.sep, "")
    except FileNotFoundError:
        return text

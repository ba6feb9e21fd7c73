"""Search what the user named: folders, globs and addresses, for files that may hold transactions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import glob, has_magic
from pathlib import Path

from custseg.errors import InputError, cut, nearest
from custseg.running import storage
from custseg.running.places import local_path
from custseg.running.storage import RemoteFile
from custseg.running.workfolder import holds_run

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
ENDINGS = (
    *(text + packed for text in TEXT_ENDINGS for packed in ("", ".gz", ".zst")),
    ".parquet",
    ".pq",
    *EXCEL_ENDINGS,
)
"""Files taken when a folder is searched; a file named outright is told by its content."""


def expand(given: str, left_out: list[str]) -> Iterator[Path]:
    """Find the files of this machine that an input names.

    Parameters
    ----------
    left_out
        Gets the files of folders that are not read for their endings.

    Raises
    ------
    InputError
        There are none.
    """
    path = local_path(given)
    if path.is_dir():
        found = list(_below(path, left_out))
        if not found:
            there = sorted(entry.name for entry in path.iterdir() if not _hidden(entry.name))
            raise InputError(
                "nothing-matched",
                f"The folder '{given}' holds no file that custseg reads.",
                where=f"searched for {', '.join(ENDINGS)}"
                + (f"; there are: {cut(', '.join(there))}" if there else ""),
                now="Name the files themselves: custseg reads them whatever their ending, or says why not.",
            )
        yield from found
    elif path.exists():
        yield path
    elif has_magic(given):
        matches = [Path(match) for match in glob(os.fspath(path), recursive=True)]  # noqa: PTH207
        found = [match for match in matches if match.is_file() and not _hidden(match.name)]
        if "**" not in given:
            # As where the shell expands it; two stars reach into folders by themselves.
            folders = [match for match in matches if match.is_dir() and not _hidden(match.name)]
            found += [path for folder in folders for path in _below(folder, left_out)]
        if not found:
            raise InputError(
                "nothing-matched",
                f"Nothing matches '{given}'.",
                now="Check the pattern; quote it so that custseg, not the shell, expands it.",
            )
        yield from found
    else:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(
            "no-such-file",
            f"There is no file or folder '{given}'.",
            where=f"in the folder {path.parent.resolve()}",
            now="It is a link that leads to no file."
            if path.name in siblings
            else nearest(path.name, siblings) or "Check the path.",
        )


def expand_remote(given: str) -> Iterator[RemoteFile]:
    """Find objects: one by its name, those below a folder, those that match a pattern."""
    if has_magic(given):
        folder = given[: min(given.find(sign) for sign in "*?[" if sign in given)].rpartition("/")[0]
        # As in a shell, a single star does not reach into folders.
        pattern = re.compile(_as_expression(given))
        found = [file for file in storage.below(folder) if pattern.fullmatch(file.url)]
        found = [file for file in found if not any(map(_hidden, file.url.removeprefix(folder).split("/")))]
    else:
        found = [file for file in storage.below(given) if _is_usable(file.url.removeprefix(given))]
        if not found and given.count("/") > 2 and not given.endswith("/"):
            found = [storage.look_at(given)]
    if not found:
        raise InputError(
            "nothing-matched",
            f"'{cut(given)}' names no object that custseg reads.",
            where="searched for " + ", ".join(ENDINGS),
            now="Check the address; name objects themselves if they have other endings.",
        )
    yield from found


def _as_expression(pattern: str) -> str:
    """Return a glob as a regular expression."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern)
    return "".join(
        parts.get(piece, piece if piece.startswith("[") and piece.endswith("]") else re.escape(piece))
        for piece in pieces
    )


def _is_usable(path: str) -> bool:
    names = [name for name in path.split("/") if name]
    return bool(names) and not any(map(_hidden, names)) and names[-1].lower().endswith(ENDINGS)


def _below(folder: Path, left_out: list[str]) -> Iterator[Path]:
    been: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        # A link may lead back to where it is.
        if (real := os.path.realpath(root)) in been:
            folders.clear()
            continue
        been.add(real)
        if holds_run({*names, *folders}):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in names:
            if _hidden(name):
                continue
            if name.lower().endswith(ENDINGS):
                yield Path(root, name)
            else:
                left_out.append(os.path.realpath(Path(root, name)))


def _hidden(name: str) -> bool:
    # ~$ begins the names of Excel's lock files.
    return name.startswith((".", "_", "~$"))

"""Find the input files: what the user named, searched, told apart by content, in a fixed order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Literal

from custseg.errors import InputError, nearest

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".csv.gz": "csv",
    ".tsv.gz": "csv",
    ".txt.gz": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""Files taken when a folder is searched; a file named outright is told by its content."""

PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of transactions.

    Attributes
    ----------
    path
        Absolute path.
    format
        What its content is.
    size
        Bytes on disk.
    modified
        Time of the last change, nanoseconds since 1970: with the size it tells whether a file changed.
    """

    path: str
    format: Literal["csv", "parquet"]
    size: int
    modified: int


def find_files(inputs: Sequence[str | os.PathLike[str]]) -> tuple[InputFile, ...]:
    """Find all files that the inputs name.

    Parameters
    ----------
    inputs
        Files, folders (searched below; names starting with ``.`` or ``_`` left out) and globs.

    Returns
    -------
    tuple of InputFile
        Each real file once, ordered by path.

    Raises
    ------
    InputError
        A path that is not there, a glob or folder without any usable file, an empty or damaged file.
    """
    paths: dict[str, None] = {}
    for given in inputs:
        for path in _expand(str(given)):
            paths[str(path.resolve())] = None
    if not paths:
        raise InputError("no-input", "No input was named.", now="Name files, folders or globs.")
    return tuple(_look_at(Path(path)) for path in sorted(paths))


def _expand(given: str) -> Iterator[Path]:
    path = Path(given).expanduser()
    if path.is_dir():
        found = list(_below(path))
        if not found:
            raise InputError(
                "nothing-matched",
                f"The folder '{given}' holds no file that custseg reads.",
                where="searched for " + ", ".join(sorted(ENDINGS)),
                now="Name the files themselves if they have other endings.",
            )
        yield from found
    elif path.exists():
        yield path
    elif has_magic(given):
        matches = [Path(match) for match in glob(os.fspath(path), recursive=True)]  # noqa: PTH207
        found = [match for match in matches if match.is_file() and not _hidden(match.name)]
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
            now=nearest(path.name, siblings) or "Check the path.",
        )


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in names:
            if not _hidden(name) and _ending(name) in ENDINGS:
                yield Path(root, name)


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _ending(name: str) -> str:
    return (
        "".join(Path(name.lower()).suffixes[-2:])
        if name.lower().endswith(".gz")
        else Path(name).suffix.lower()
    )


def _look_at(path: Path) -> InputFile:
    """Tell the format by content, and refuse what cannot be read before any work is done."""
    try:
        facts = path.stat()
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(-min(4, facts.st_size), os.SEEK_END)
            end = file.read(4)
    except OSError as error:
        raise InputError(
            "unreadable-file", f"The file cannot be read: {error.strerror}.", where=str(path)
        ) from None
    if facts.st_size == 0:
        raise InputError("empty-file", "The file is empty.", where=str(path), now="Remove it from the input.")
    if start == PARQUET_MAGIC and end == PARQUET_MAGIC:
        return InputFile(str(path), "parquet", facts.st_size, facts.st_mtime_ns)
    if start == PARQUET_MAGIC or path.suffix.lower() in (".parquet", ".pq"):
        raise InputError(
            "damaged-file",
            "The file is no whole Parquet file: it does not begin and end with 'PAR1'.",
            where=str(path),
            now="Copy it again from where it came from; it may have been cut off.",
        )
    if start[:2] == b"PK":
        raise InputError(
            "unknown-format",
            "The file is a zip archive or an Excel workbook, which custseg does not read.",
            where=str(path),
            now="Unzip it, or save the sheet as CSV.",
        )
    return InputFile(str(path), "csv", facts.st_size, facts.st_mtime_ns)


def total_bytes(files: Iterable[InputFile]) -> int:
    """Sum of the files' sizes in bytes."""
    return sum(file.size for file in files)

"""Find the input files: what the user named, searched, told apart by content, in a fixed order."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from custseg.errors import InputError, cut
from custseg.running import storage
from custseg.running.storage import RemoteFile
from custseg.transactions import searching
from custseg.transactions.searching import EXCEL_ENDINGS

SHOWN = 3
"""Files shown of those that are left out."""

REQUESTS = 32
"""Objects looked at at once: each answer is short and long on its way."""

ZIPPED_EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".ods")
PARQUET_MAGIC = b"PAR1"
ZIP_MAGIC = b"PK\x03\x04"
OLD_EXCEL_MAGIC = b"\xd0\xcf\x11\xe0"


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
    problem
        Why it cannot be read, if so.
    """

    path: str
    format: Literal["csv", "parquet", "excel"]
    size: int = 0
    modified: int = 0
    problem: InputError | None = None


def find_files(
    inputs: Sequence[str | os.PathLike[str]], notes: list[str] | None = None
) -> tuple[InputFile, ...]:
    """Find all files that the inputs name.

    Parameters
    ----------
    inputs
        Files, folders (searched below; names starting with ``.`` or ``_`` left out) and globs.
    notes
        Gets which files of folders were left out by their endings.

    Returns
    -------
    tuple of InputFile
        Each real file once, ordered by path. Files that are there but empty or damaged have a `problem`.

    Raises
    ------
    InputError
        A path that is not there, a glob or folder without any usable file.
    """
    paths: dict[str, None] = {}
    remote: dict[str, RemoteFile] = {}
    left_out: list[str] = []
    for given in inputs:
        if storage.is_remote(str(given)):
            remote |= {file.url: file for file in searching.expand_remote(str(given))}
            continue
        for path in searching.expand(str(given), left_out):
            real = os.path.realpath(path)
            # A link to nothing goes by its own name.
            paths[real if os.path.exists(real) else os.path.abspath(path)] = None  # noqa: PTH100, PTH110
    if not paths and not remote:
        raise InputError("no-input", "No input was named.", now="Name files, folders or globs.")
    if notes is not None:
        notes += _say_left_out(sorted({*left_out} - {*paths}))
    with ThreadPoolExecutor(REQUESTS) as pool:
        looked = list(pool.map(_look_at_remote, (remote[url] for url in sorted(remote))))
    return (*(_look_at(path) for path in sorted(paths)), *looked)


def _say_left_out(paths: Sequence[str]) -> list[str]:
    """Say which files of folders are not read."""
    if not paths:
        return []
    shown = cut(", ".join(paths[:SHOWN]) + (", …" if len(paths) > SHOWN else ""))
    files = "1 file was" if len(paths) == 1 else f"{len(paths):,} files were"
    return [f"{files} left out by the ending, and would be read if named: {shown}."]


def refuse_changed(files: Iterable[InputFile]) -> None:
    """Stop if a local file is no longer what it was when it was found.

    Raises
    ------
    InputError
        Something was written to it, or it is gone.
    """
    for file in files:
        if storage.is_remote(file.path):
            continue
        now = os.stat(file.path) if os.path.exists(file.path) else None  # noqa: PTH110, PTH116
        if now is None or (now.st_size, now.st_mtime_ns) != (file.size, file.modified):
            raise InputError(
                "changed-file",
                "The file was changed while it was read, so that nothing made from it can be trusted.",
                where=file.path,
                now="Run the same command again once nothing writes to it.",
            )


def _look_at_remote(file: RemoteFile) -> InputFile:
    """Tell an object's format by content."""
    facts = file.size, file.modified
    try:
        with storage.open_binary(file.url) as data:
            start = data.read(4)
            data.seek(-min(4, file.size), os.SEEK_END)
            return InputFile(file.url, _format(file.url, start, data.read(4)), *facts)
    except InputError as problem:
        return InputFile(file.url, "csv", *facts, problem)


def _look_at(path: str) -> InputFile:
    """Tell the format by content."""
    facts = 0, 0
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            # A pipe or a device: it could be read once, or for ever.
            raise InputError(
                "unreadable-file",
                "This is no file: custseg reads what it can read more than once.",
                where=path,
                now="Write it to a file first, or leave it out.",
            )
        with open(path, "rb") as file:  # noqa: PTH123 - paths are text here, for speed with many files
            known = os.fstat(file.fileno())
            facts = known.st_size, known.st_mtime_ns
            start = file.read(4)
            file.seek(-min(4, known.st_size), os.SEEK_END)
            end = file.read(4)
        return InputFile(path, _format(path, start, end), *facts)
    except OSError as error:
        problem = InputError(
            "unreadable-file",
            f"The file cannot be read: {error.strerror}.",
            where=path,
            now="If it is a link, what it points to is gone. --skip-bad-files goes on without it."
            if isinstance(error, FileNotFoundError)
            else "Give yourself the right to read it, or leave it out; --skip-bad-files goes on without it.",
        )
        return InputFile(path, "csv", problem=problem)
    except InputError as problem:
        return InputFile(path, "csv", *facts, problem)


def _format(path: str, start: bytes, end: bytes) -> Literal["csv", "parquet", "excel"]:
    if not start:
        raise InputError("empty-file", "The file is empty.", where=path, now="Remove it from the input.")
    if start == PARQUET_MAGIC and end == PARQUET_MAGIC:
        return "parquet"
    if start == PARQUET_MAGIC or path.lower().endswith((".parquet", ".pq")):
        raise InputError(
            "damaged-file",
            "The file is no whole Parquet file: it does not begin and end with 'PAR1'.",
            where=path,
            now="Copy it again from where it came from; it may have been cut off.",
        )
    if start == OLD_EXCEL_MAGIC:
        return "excel"
    if start == ZIP_MAGIC:
        if path.lower().endswith(EXCEL_ENDINGS) or _is_workbook(path):
            return "excel"
        raise InputError(
            "unknown-format",
            "The file is a zip archive, which custseg does not read.",
            where=path,
            now="Unzip it and name the files in it.",
        )
    if path.lower().endswith(ZIPPED_EXCEL_ENDINGS):
        raise InputError(
            "damaged-file",
            "The file is no Excel workbook, whatever its name says.",
            where=path,
            now="If it is text, give it the ending .csv; else copy it again from where it came from.",
        )
    return "csv"


def _is_workbook(path: str) -> bool:
    try:
        with storage.open_binary(path) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
    return any(name.startswith("xl/") or name == "mimetype" for name in names)


def total_bytes(files: Iterable[InputFile]) -> int:
    """Sum of the files' sizes in bytes, each file once."""
    return sum({file.path: file.size for file in files}.values())

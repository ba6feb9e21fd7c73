"""Find the input files: what the user named, searched, told apart by content, in a fixed order."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Literal

from custseg.errors import InputError, cut, nearest
from custseg.running import storage
from custseg.running.places import local_path
from custseg.running.storage import RemoteFile
from custseg.running.workfolder import holds_run

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
ZIPPED_EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".ods")
ENDINGS = (
    *(text + packed for text in TEXT_ENDINGS for packed in ("", ".gz", ".zst")),
    ".parquet",
    ".pq",
    *EXCEL_ENDINGS,
)
"""Files taken when a folder is searched; a file named outright is told by its content."""

REQUESTS = 32
"""Objects looked at at once: each answer is short and long on its way."""

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


def find_files(inputs: Sequence[str | os.PathLike[str]]) -> tuple[InputFile, ...]:
    """Find all files that the inputs name.

    Parameters
    ----------
    inputs
        Files, folders (searched below; names starting with ``.`` or ``_`` left out) and globs.

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
    for given in inputs:
        if storage.is_remote(str(given)):
            remote |= {file.url: file for file in _expand_remote(str(given))}
            continue
        for path in _expand(str(given)):
            paths[os.path.realpath(path)] = None
    if not paths and not remote:
        raise InputError("no-input", "No input was named.", now="Name files, folders or globs.")
    with ThreadPoolExecutor(REQUESTS) as pool:
        looked = list(pool.map(_look_at_remote, (remote[url] for url in sorted(remote))))
    return (*(_look_at(path) for path in sorted(paths)), *looked)


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


def _expand(given: str) -> Iterator[Path]:
    path = local_path(given)
    if path.is_dir():
        found = list(_below(path))
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


def _expand_remote(given: str) -> Iterator[RemoteFile]:
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


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        if holds_run({*names, *folders}):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in names:
            if not _hidden(name) and name.lower().endswith(ENDINGS):
                yield Path(root, name)


def _hidden(name: str) -> bool:
    # ~$ begins the names of Excel's lock files.
    return name.startswith((".", "_", "~$"))


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

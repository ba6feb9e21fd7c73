"""Where a run's own files are: a folder on disk, or one in a bucket, under one face.

A bucket has neither folders nor renaming, but a file put there appears whole or not at all. So a file is made
on disk first and put there at once (`outputs.whole`), and everything else that the rooms do with paths is
here: name, look, read, list, remove.
"""

from __future__ import annotations

import fnmatch
import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from custseg.errors import CustsegError, OutputError, SettingsError, cut
from custseg.running import access, storage
from custseg.running.access import SCHEME

if TYPE_CHECKING:
    import polars as pl

LARGEST_PUT = 100_000_000
"""Bytes sent as one request, from memory; larger files go in parts, which the store joins at the end."""

LONGEST_PART, LONGEST_PATH = 255, 4095
"""Bytes of a name, and of all names of a path together."""


class Known(NamedTuple):
    """What is known of a file, by the names that `os.stat` gives."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, order=True, slots=True)
class Remote:
    """A file or folder in a bucket, with those methods of `pathlib.Path` that the rooms use."""

    url: str

    def __truediv__(self, name: str) -> Remote:
        return Remote(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def bucket(self) -> str:
        """The bucket it is in."""
        return access.split(self.url)[0]

    @property
    def name(self) -> str:
        """Its last part."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> Remote:
        """The folder it is in."""
        return Remote(self.url.rpartition("/")[0])

    def with_name(self, name: str) -> Remote:
        """Return another file of the same folder."""
        return self.parent / name

    def resolve(self) -> Remote:
        """Return itself: an address is absolute."""
        return self

    absolute = resolve

    def mkdir(self, mode: int = 0o777, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a folder is there once a file is in it."""

    def stat(self) -> Known:
        """Return size and time of change.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        """
        with self._errors():
            found = access.library().head(*access.locate(self.url))
        return Known(found["size"], storage.nanoseconds(found["last_modified"]))

    def exists(self) -> bool:
        """Tell whether there is such a file, or any file below such a folder."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Tell whether there is such a file."""
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """Tell whether there is any file below."""
        return next(storage.below(self.url), None) is not None

    def read_bytes(self) -> bytes:
        """Read all of it."""
        with self._errors():
            return bytes(access.library().get(*access.locate(self.url)).bytes())

    def read_text(self, encoding: str) -> str:
        """Read all of it as text."""
        return self.read_bytes().decode(encoding)

    def read_range(self, start: int, length: int) -> bytes:
        """Read some of it."""
        with self._errors():
            return bytes(access.library().get_range(*access.locate(self.url), start=start, length=length))

    def write_bytes(self, data: bytes | memoryview) -> None:
        """Put bytes there at once."""
        with self._errors(writing=True):
            access.library().put(*access.locate(self.url), bytes(data), use_multipart=False)

    def put(self, file: Path) -> None:
        """Put a file of this machine there at once."""
        in_parts = file.stat().st_size > LARGEST_PUT
        with self._errors(writing=True):
            access.library().put(*access.locate(self.url), file, use_multipart=in_parts)

    def copy_to(self, target: Remote) -> None:
        """Copy it to a place in the same bucket, without its bytes coming by here."""
        store, key = access.locate(self.url)
        with target._errors(writing=True):
            access.library().copy(store, key, access.split(target.url)[1])

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove the file; it is no error if there is none."""
        with self._errors(writing=True):
            access.library().delete(*access.locate(self.url))

    def iterdir(self) -> Iterator[Remote]:
        """List what is directly in the folder."""
        store, key = access.locate(self.url)
        with self._errors():
            found = access.library().list_with_delimiter(store, f"{key}/" if key else None)
        keys = [*found["common_prefixes"], *(each["path"] for each in found["objects"])]
        yield from (Remote(f"{SCHEME}{self.bucket}/{each.rstrip('/')}") for each in sorted(keys))

    def glob(self, pattern: str) -> Iterator[Remote]:
        """List what is directly in the folder and fits a pattern of names."""
        yield from (each for each in self.iterdir() if fnmatch.fnmatchcase(each.name, pattern))

    @contextmanager
    def _errors(self, *, writing: bool = False) -> Iterator[None]:
        """Let a missing file be Python's own error, and say what all others mean."""
        try:
            yield
        except CustsegError:
            raise
        except Exception as error:
            if storage.is_missing(error) and not writing:
                raise FileNotFoundError(self.url) from None
            raise storage.explain(self.url, error, writing=writing) from None


AnyPath = Path | Remote


def any_path(path: str | os.PathLike[str] | Remote) -> AnyPath:
    """Return a path or an address as a place; `Path` makes one slash of an address' two."""
    if isinstance(path, Remote):
        return path
    match = re.match(r"s3:/+", text := os.fspath(path))
    return Remote(SCHEME + text[match.end() :].rstrip("/")) if match else local_path(text)


def local_path(path: str | os.PathLike[str]) -> Path:
    """Return a path of this machine, ``~`` at its beginning as the folder it stands for.

    Raises
    ------
    SettingsError
        No file can have such a name: it is too long.
    """
    found = Path(path)
    if os.fspath(path).startswith("~"):
        # Of a user that is not known it is a letter, as in a shell.
        with suppress(RuntimeError):
            found = found.expanduser()
    longest = max((len(os.fsencode(part)) for part in found.parts), default=0)
    if longest > LONGEST_PART or len(os.fsencode(found)) > LONGEST_PATH:
        raise SettingsError("bad-setting", f"No file can have so long a name: '{cut(path)}'.")
    return found


def open_binary(path: AnyPath) -> BinaryIO:
    """Open a file for reading; a remote one is fetched whole: the run's own files are of bounded size."""
    return io.BytesIO(path.read_bytes()) if isinstance(path, Remote) else path.open("rb")


def read_range(path: AnyPath, start: int, length: int) -> bytes:
    """Read some bytes of a file."""
    if isinstance(path, Remote):
        return path.read_range(start, length)
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def scan_parquet(parts: Sequence[AnyPath]) -> pl.LazyFrame:
    """Return the rows of Parquet files, in their order.

    A query on remote files holds credentials: it may be run, but never sent anywhere.
    """
    import polars as pl

    options = storage.scan_options(str(parts[0])) if parts else {}
    return pl.scan_parquet([str(part) for part in parts], glob=False, **options)


def files_below(folder: AnyPath) -> list[AnyPath]:
    """List all files below a folder; none when there is no such folder."""
    if isinstance(folder, Remote):
        return [Remote(found.url) for found in storage.below(folder.url)]
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def remove(path: AnyPath) -> None:
    """Remove a file, or a folder with all in it, if it is there."""
    if isinstance(path, Remote):
        path.unlink(missing_ok=True)
        keys = [access.split(found.url)[1] for found in storage.below(path.url)]
        with path._errors(writing=True):
            if keys:
                access.library().delete(access.open_store(path.bucket), keys)
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def parts_in(folder: AnyPath) -> list[AnyPath]:
    """Return the Parquet files of a folder of customers, in order."""
    return [folder / name for name in sorted(found.name for found in folder.glob("part-*.parquet"))]


@contextmanager
def clear_errors(*paths: AnyPath) -> Iterator[None]:
    """Say what the error of any library means that could not read the run's own files in a bucket.

    Raises
    ------
    MachineError
        Instead of that error, whose text may name keys.
    """
    import polars as pl

    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        remote = [path for path in paths if isinstance(path, Remote)]
        if remote and ("s3" in str(error).lower() or "http" in str(error).lower()):
            raise storage.explain(remote[0].url, error, writing=True) from None
        raise


def check_access(*paths: AnyPath) -> None:
    """Refuse at once what could not be reached later.

    Raises
    ------
    OutputError, MachineError
        The name of a place is no text. Or it is in a bucket, which is not there, or cannot be reached by who
        asks, or nobody does.
    """
    for path in paths:
        if isinstance(path, Remote):
            with path._errors(writing=True):
                store, key = access.locate(path.url)
                access.library().list_with_delimiter(store, f"{key}/" if key else None)
        elif not is_text(path.absolute()):
            raise OutputError(
                "output-name",
                "The name of the output folder, or of a folder it is in, is no UTF-8.",
                where=cut(path.absolute()),
                now="Name another folder, or rename that one.",
            )


def is_text(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is text, so that Polars can open it, and not any bytes."""
    return re.search(r"[\ud800-\udfff]", os.fspath(path)) is None

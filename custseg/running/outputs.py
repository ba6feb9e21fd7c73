"""Writing files so that none appears under its name before it is whole."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custseg.errors import CustsegError, InputError, MachineError, cut, size
from custseg.running.places import AnyPath, Remote

if TYPE_CHECKING:
    import polars as pl

TEMPORARY = ".tmp-"

DISK_FAILED = {
    errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN,
    errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
}  # fmt: skip
"""What the system says when a disk, the way to it or the machine failed, and no file is at fault."""


@contextmanager
def whole(path: AnyPath, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `path`; put what was written there in its place when all went well.

    Of a place in a bucket the temporary path is in this machine's folder for such (``TMPDIR``).

    Parameters
    ----------
    durable
        Whether to wait until the disk has it, so that it is whole after a power cut too.

    Raises
    ------
    MachineError
        The disk is full or cannot be written; or the bucket.
    """
    if isinstance(path, Remote):
        with tempfile.TemporaryDirectory(prefix="custseg-") as folder:
            temporary = Path(folder, path.name)
            with disk_errors(temporary):
                yield temporary
            path.put(temporary)
        return
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{path.name}")
    try:
        with disk_errors(path):
            yield temporary
            if durable:
                with temporary.open("rb+") as file:
                    os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def disk_errors(path: AnyPath) -> Iterator[None]:
    """Turn a full or broken disk into one clear error, whichever library met it.

    Raises
    ------
    MachineError
        The disk is full, or writing failed.
    """
    try:
        yield
    except Exception as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        if full:
            folder = Path(tempfile.gettempdir()) if isinstance(path, Remote) else path.parent
            free = os.statvfs(folder)
            raise MachineError(
                "disk-full",
                "The disk is full.",
                where=f"{folder}, {size(free.f_bavail * free.f_frsize)} free",
                now="Make room, or put the temporary files elsewhere (--work-dir), and run the same command "
                "again: it goes on from what is whole.",
            ) from error
        if isinstance(error, OSError):
            raise MachineError("disk-error", f"Writing failed: {cut(error)}.", where=str(path)) from error
        raise


def reading_failed(path: str, error: BaseException) -> CustsegError | None:
    """Return the error for a file that is gone, or a disk that failed; None where the fault is the file's."""
    said = re.search(r"\(os error (\d+)\)", str(error))
    number = getattr(error, "errno", None) or (int(said[1]) if said else 0)
    if number == errno.ENOENT:
        return InputError(
            "changed-file",
            "The file was taken away while it was read.",
            where=path,
            now="Put it back, and run the same command again.",
        )
    if number not in DISK_FAILED:
        return None
    return MachineError(
        "disk-error",
        f"Reading failed: {cut(error)}.",
        where=path,
        now="When the disk is there again, run the same command again: it goes on from what is whole.",
    )


def write_bytes(path: AnyPath, data: bytes | memoryview) -> None:
    """Write bytes."""
    if isinstance(path, Remote):
        path.write_bytes(data)
        return
    with whole(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: AnyPath, text: str) -> None:
    """Write text as UTF-8; bytes of a file name that are none become escapes, which JSON reads back."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: AnyPath, value: Any, *, indent: int | None = None) -> None:
    """Write plain values as JSON."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False) + "\n")


def read_json(path: AnyPath) -> Any:
    """Read JSON."""
    return json.loads(path.read_text("utf-8"))


def read_json_if_there(path: AnyPath) -> Any:
    """Read JSON; None where there is no such file."""
    try:
        return read_json(path)
    except FileNotFoundError:
        return None


def copy(file: AnyPath, target: AnyPath) -> None:
    """Copy a file, so that it appears whole."""
    if isinstance(file, Remote) and isinstance(target, Remote) and file.bucket == target.bucket:
        file.copy_to(target)
        return
    with whole(target) as temporary:
        if isinstance(file, Remote):
            temporary.write_bytes(file.read_bytes())
        else:
            shutil.copyfile(file, temporary)


def write_parquet(path: AnyPath, frame: pl.DataFrame, *, passing: bool = False) -> None:
    """Write a table; one that is only passing is less pressed, in half the time."""
    with whole(path) as temporary:
        if passing:
            frame.write_parquet(temporary, compression="lz4", statistics=False)
        else:
            frame.write_parquet(temporary, compression="zstd", compression_level=1)


def write_arrow(path: AnyPath, frame: pl.DataFrame) -> None:
    """Write a table that only custseg reads again: less pressed than Parquet, in a third of the time."""
    with whole(path) as temporary:
        frame.write_ipc(temporary, compression="lz4")

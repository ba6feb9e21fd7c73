"""The lock of an output: one run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from custseg.errors import CustsegError, MachineError, OutputError
from custseg.running import outputs
from custseg.running.lease import hold
from custseg.running.places import AnyPath, Remote

LOCK = ".custseg-lock"


@contextmanager
def lock(output: AnyPath) -> Iterator[Callable[[], None]]:
    """Make the output folder if need be and hold it for this process alone.

    Gives what makes sure that it is still held; on disk the kernel holds the lock, and a process that died
    holds none.

    Raises
    ------
    OutputError
        Another run is at work in it, or it is no folder.
    """
    if isinstance(output, Remote):
        with hold(output / LOCK) as require:
            yield require
        return
    if output.exists() and not output.is_dir():
        raise OutputError("output-no-folder", f"'{output}' is a file.", now="Name a folder with -o.")
    made = not output.exists()
    with outputs.disk_errors(output):
        output.mkdir(parents=True, exist_ok=True)
    path = output / LOCK
    try:
        with _held(path):
            try:
                yield lambda: None
            finally:
                path.unlink(missing_ok=True)
    except BaseException:
        if made:
            # Refused where something is in it, or where it is gone.
            with suppress(OSError):
                output.rmdir()
        raise


@contextmanager
def no_file_lost(*folders: AnyPath) -> Iterator[None]:
    """Say it where somebody took away the folders that a run is at work in, or files in them.

    Raises
    ------
    MachineError
        Instead of the error that a library met then.
    """
    try:
        yield
    except Exception as error:
        # Other errors in our form say more.
        if isinstance(error, CustsegError) and error.code != "disk-error":
            raise
        for folder in folders:
            is_gone = isinstance(folder, Path) and not folder.is_dir()
            if "No such file" in str(error) and (is_gone or str(folder) in str(error)):
                raise MachineError(
                    "output-lost",
                    "Files were taken away that the run was at work with.",
                    where=str(folder),
                    now="Run the same command again, and let nothing else write or remove files there.",
                ) from error
        raise


@contextmanager
def _held(path: Path) -> Iterator[None]:
    while True:
        with outputs.disk_errors(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(
                    "output-busy",
                    "Another custseg run is at work in this folder.",
                    where=str(path.parent),
                    now="Wait for it, or name another folder with -o.",
                ) from None
            # A run that just ended may have removed the file this handle is of.
            if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                yield
                return
        finally:
            os.close(handle)

"""Reading files wherever they are: on disk, or in an object store (``s3://bucket/key``).

No text of the store's own reaches a message, since such texts may name keys.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from custseg.errors import CustsegError, InputError, MachineError, OutputError
from custseg.running import access
from custseg.running.access import SCHEME

READ_AHEAD = 1 << 20
"""Bytes asked for at once where a file is read through: fewer, and each request costs more than its bytes."""


class RemoteFile(NamedTuple):
    """An object; `modified` in nanoseconds since 1970."""

    url: str
    size: int
    modified: int


def is_remote(path: str) -> bool:
    """Tell whether a path is one of an object store."""
    return path.startswith(SCHEME)


def open_binary(path: str) -> io.BufferedReader:
    """Open a file for reading; any place of it can be gone to."""
    if is_remote(path):
        return io.BufferedReader(_Ranges(path), READ_AHEAD)
    return Path(path).open("rb")


def size(path: str) -> int:
    """Return the bytes of a file."""
    return look_at(path).size if is_remote(path) else Path(path).stat().st_size


def look_at(url: str) -> RemoteFile:
    """Return what is known of one object.

    Raises
    ------
    InputError, MachineError
        There is none, or it cannot be reached.
    """
    try:
        found = access.library().head(*access.locate(url))
    except Exception as error:
        raise explain(url, error) from None
    return RemoteFile(url, found["size"], nanoseconds(found["last_modified"]))


def below(url: str) -> Iterator[RemoteFile]:
    """List all objects below a folder.

    Raises
    ------
    InputError, MachineError
        There is no such bucket, or it cannot be reached.
    """
    bucket, key = access.split(url)
    prefix = key if key.endswith("/") or not key else f"{key}/"
    try:
        for batch in access.library().list(access.open_store(bucket), prefix or None):
            for found in batch:
                place = f"{SCHEME}{bucket}/{found['path']}"
                yield RemoteFile(place, found["size"], nanoseconds(found["last_modified"]))
    except CustsegError:
        raise
    except Exception as error:
        raise explain(url, error) from None


def scan_options(path: str) -> dict[str, Any]:
    """Return what a Polars scan of a file needs to know beside its path."""
    if not is_remote(path):
        return {}
    options: dict[str, Any] = {f"aws_{name}": value for name, value in access.find_access().items()}
    options |= {"max_retries": access.RETRIES}
    # Given so that Polars does not look for more, which would ask the network.
    return {"storage_options": options, "credential_provider": None}


def explain(place: str, error: BaseException, *, writing: bool = False) -> CustsegError:
    """Say in our own words what an object store's error means.

    Parameters
    ----------
    place
        What was to be read, or written.
    writing
        Whether it is of the run's own files, output and work folder.
    """
    text = f"{type(error).__name__} {error}"
    bucket, _ = access.split(place)
    if "NoSuchBucket" in text:
        what, now = f"There is no bucket '{bucket}'.", "Check the address, or make the bucket."
        if writing:
            return OutputError("no-such-bucket", what, where=place, now=now)
        return InputError("no-such-bucket", what, where=place, now=now)
    rights = ("AccessDenied", "Forbidden", "403", "PermissionDenied", "PermissionError", "Unauthenticated")
    if any(word in text for word in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")):
        return MachineError(
            "storage-credentials",
            "The object store does not know these credentials.",
            where=place,
            now="Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; they may have expired.",
        )
    if any(word in text for word in rights):
        return MachineError(
            "storage-rights",
            f"The object store does not let us {'write' if writing else 'read'} this.",
            where=place,
            now="Ask for the rights to list the bucket and to read its objects"
            f"{', to write and to delete them' if writing else ''}, or use another profile.",
        )
    if not writing and (isinstance(error, FileNotFoundError) or "NotFound" in text or "404" in text):
        return InputError("no-such-file", "There is no such object.", where=place, now="Check the address.")
    return MachineError(
        "storage-failed",
        "The object store cannot be reached, or broke off.",
        where=place,
        now="Check the network and AWS_ENDPOINT_URL; then run the same command again: it goes on from what "
        "is whole.",
    )


def is_missing(error: BaseException) -> bool:
    """Tell whether an error says that there is no such object, in a bucket that is there."""
    return isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error)


class _Ranges(io.RawIOBase):
    """An object as a file, read range by range."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.length = look_at(url).size
        self.position = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any place of it can be gone to."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.length}[whence]
        self.position = max(0, origin + offset)
        return self.position

    def tell(self) -> int:
        """Return the place."""
        return self.position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what is at the place."""
        data = self._fetch(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read all there is from the place on."""
        return self._fetch(self.length)

    def _fetch(self, wanted: int) -> bytes:
        wanted = min(wanted, self.length - self.position)
        if wanted <= 0:
            return b""
        try:
            store, key = access.locate(self.url)
            data = bytes(access.library().get_range(store, key, start=self.position, length=wanted))
        except Exception as error:
            raise explain(self.url, error) from None
        self.position += len(data)
        return data


def nanoseconds(moment: dt.datetime) -> int:
    """Return a moment as nanoseconds since 1970."""
    return int(moment.timestamp() * 1e6) * 1000

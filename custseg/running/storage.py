"""Reading files wherever they are: on disk, or in an object store (``s3://bucket/key``).

Who may read and where the store is come from the environment and ``~/.aws`` alone, as they do for all
programs of the AWS kind. Nothing of that is ever written anywhere, and no text of the store's own reaches a
message, since such texts may name keys.
"""

from __future__ import annotations

import configparser
import datetime as dt
import io
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from custseg.errors import CustsegError, InputError, MachineError

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3://"

READ_AHEAD = 1 << 20
"""Bytes asked for at once where a file is read through: fewer, and each request costs more than its bytes."""

RETRIES = 3
RETRY_SECONDS = 20


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
    bucket, key = _split(url)
    try:
        found = _library().head(_store(bucket), key)
    except Exception as error:
        raise explain(url, error) from None
    return RemoteFile(url, found["size"], _nanoseconds(found["last_modified"]))


def below(url: str) -> Iterator[RemoteFile]:
    """List all objects below a folder.

    Raises
    ------
    InputError, MachineError
        There is no such bucket, or it cannot be reached.
    """
    bucket, key = _split(url)
    prefix = key if key.endswith("/") or not key else f"{key}/"
    try:
        for batch in _library().list(_store(bucket), prefix or None):
            for found in batch:
                place = f"{SCHEME}{bucket}/{found['path']}"
                yield RemoteFile(place, found["size"], _nanoseconds(found["last_modified"]))
    except CustsegError:
        raise
    except Exception as error:
        raise explain(url, error) from None


def scan_options(path: str) -> dict[str, Any]:
    """Return what a Polars scan of a file needs to know beside its path."""
    if not is_remote(path):
        return {}
    options: dict[str, Any] = {f"aws_{name}": value for name, value in _access().items()}
    options |= {"max_retries": RETRIES}
    # Given so that Polars does not look for more, which would ask the network.
    return {"storage_options": options, "credential_provider": None}


def explain(place: str, error: BaseException) -> CustsegError:
    """Say in our own words what an object store's error means."""
    text = f"{type(error).__name__} {error}"
    bucket, _ = _split(place)
    if "NoSuchBucket" in text:
        return InputError(
            "no-such-bucket", f"There is no bucket '{bucket}'.", where=place, now="Check the address."
        )
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
            "The object store does not let us read this.",
            where=place,
            now="Ask for the rights to list the bucket and to read its objects, or use another profile.",
        )
    if isinstance(error, FileNotFoundError) or "NotFound" in text or "404" in text:
        return InputError("no-such-file", "There is no such object.", where=place, now="Check the address.")
    return MachineError(
        "storage-failed",
        "The object store cannot be reached, or broke off.",
        where=place,
        now="Check the network and AWS_ENDPOINT_URL; then run the same command again: it goes on from what "
        "is whole.",
    )


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
        bucket, key = _split(self.url)
        try:
            data = bytes(_library().get_range(_store(bucket), key, start=self.position, length=wanted))
        except Exception as error:
            raise explain(self.url, error) from None
        self.position += len(data)
        return data


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    return bucket, key


def _nanoseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000


def _library() -> Any:
    """Return the module that speaks with object stores; it is an extra."""
    try:
        import obstore
    except ImportError:
        raise MachineError(
            "storage-missing", "Reading s3:// needs obstore.", now="Install it: pip install 'custseg[s3]'."
        ) from None
    return obstore


def _store(bucket: str) -> S3Store:
    access = _access()
    return _open_store(bucket, tuple(sorted(access.items())))


@lru_cache(maxsize=16)
def _open_store(bucket: str, access: tuple[tuple[str, str], ...]) -> S3Store:
    _library()
    from obstore.store import S3Store

    config: dict[str, Any] = dict(access)
    options = {"allow_http": True} if config.pop("allow_http", "") == "true" else {}
    if config.pop("skip_signature", "") == "true":
        config["skip_signature"] = True
    retry = {"max_retries": RETRIES, "retry_timeout": dt.timedelta(seconds=RETRY_SECONDS)}
    return S3Store(bucket, config=config, client_options=options, retry_config=retry)  # type: ignore[arg-type]


def _access(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return where the store is and who asks, from the environment and ``~/.aws``.

    Raises
    ------
    MachineError
        Nothing says who asks. Libraries would then ask the cloud's own network for a machine's rights, which
        on any other machine waits for an address that does not answer; so that is done only on request.
    """
    told = {
        "access_key_id": environment.get("AWS_ACCESS_KEY_ID"),
        "secret_access_key": environment.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": environment.get("AWS_SESSION_TOKEN"),
        "region": environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"),
        "endpoint_url": environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL"),
    }
    profile = _profile(environment)
    if not told["access_key_id"] or environment.get("AWS_PROFILE"):
        told |= {name: profile[f"aws_{name}"] for name in told if profile.get(f"aws_{name}")}
    told["region"] = told["region"] or profile.get("region") or "us-east-1"
    told["endpoint_url"] = told["endpoint_url"] or profile.get("endpoint_url")
    access = {name: value for name, value in told.items() if value}
    if access.get("endpoint_url", "").startswith("http://"):
        access["allow_http"] = "true"
    if environment.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true"):
        return {"skip_signature": "true"} | {
            name: value for name, value in access.items() if name in ("region", "endpoint_url", "allow_http")
        }
    if "access_key_id" in access and "secret_access_key" in access:
        return access
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "false":
        return access
    raise MachineError(
        "storage-no-credentials",
        "Nothing says who asks the object store.",
        now="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile of "
        "~/.aws/credentials; AWS_SKIP_SIGNATURE=true for a public bucket; AWS_EC2_METADATA_DISABLED=false to "
        "use the machine's role.",
    )


def _profile(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what ``~/.aws`` says of the profile."""
    name = environment.get("AWS_PROFILE") or "default"
    home = Path(environment.get("HOME", "~")).expanduser() / ".aws"
    config = environment.get("AWS_CONFIG_FILE") or home / "config"
    credentials = environment.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"
    found: dict[str, str] = {}
    for file, section in ((config, name if name == "default" else f"profile {name}"), (credentials, name)):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(file)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            found |= dict(parser[section])
    return found

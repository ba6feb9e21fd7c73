"""Who asks an object store, and where it is: from the environment and ``~/.aws`` alone.

As all programs of the AWS kind do it. Nothing of that is ever written anywhere.
"""

from __future__ import annotations

import configparser
import contextlib
import datetime as dt
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from custseg.errors import MachineError

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3://"

RETRIES = 3
RETRY_SECONDS = 20


def library() -> Any:
    """Return the module that speaks with object stores.

    Raises
    ------
    MachineError
        It is not installed: it is an extra.
    """
    try:
        import obstore
    except ImportError:
        raise MachineError(
            "storage-missing",
            "Files on s3:// need the library obstore, which is not installed.",
            now="Install it: pip install 'custseg[s3]'.",
        ) from None
    return obstore


def split(url: str) -> tuple[str, str]:
    """Return bucket and key of an address."""
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    return bucket, key


def open_store(bucket: str) -> S3Store:
    """Return what speaks with a bucket.

    Raises
    ------
    MachineError
        Nothing says who asks.
    """
    access = find_access()
    return _open_store(bucket, tuple(sorted(access.items())))


@lru_cache(maxsize=16)
def _open_store(bucket: str, access: tuple[tuple[str, str], ...]) -> S3Store:
    library()
    from obstore.store import S3Store

    config: dict[str, Any] = dict(access)
    options = {"allow_http": True} if config.pop("allow_http", "") == "true" else {}
    if config.pop("skip_signature", "") == "true":
        config["skip_signature"] = True
    retry = {"max_retries": RETRIES, "retry_timeout": dt.timedelta(seconds=RETRY_SECONDS)}
    return S3Store(bucket, config=config, client_options=options, retry_config=retry)  # type: ignore[arg-type]


def locate(url: str) -> tuple[S3Store, str]:
    """Return what speaks with the bucket of an address, and the key in it."""
    bucket, key = split(url)
    return open_store(bucket), key


def find_access() -> dict[str, str]:
    """Return where the store is and who asks.

    Raises
    ------
    MachineError
        Nothing says who asks. Libraries would then ask the cloud's own network for a machine's rights, which
        on any other machine waits for an address that does not answer; so that is done only on request.
    """
    environment = os.environ
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
    home = Path(environment.get("HOME", "~")) / ".aws"
    with contextlib.suppress(RuntimeError):
        home = home.expanduser()
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

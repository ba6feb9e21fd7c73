"""The JavaScript that draws the charts: Vega, Vega-Lite and Vega-Embed in one text of 0.9 MB.

vl-convert holds it but takes over a second to put it together, so that it is made in a second process
while the charts are drawn in this one, and kept in the user's cache folder for the next run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import vl_convert

NEEDED = "window.vegaEmbed=vegaEmbed;"
MAKE = f"import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle({NEEDED!r}).encode())"


def start_bundle() -> Callable[[], str]:
    """Start to fetch the bundle; the function returned waits for it.

    Cost: 1.2 s on another core the first time, 0.01 s when it is in the cache.
    """
    kept = _place()
    if (text := _recall(kept)) is not None:
        return lambda: text
    try:
        process = subprocess.Popen(
            # -P: a file called vl_convert.py in the caller's folder is not to be taken for the library.
            [sys.executable, "-P", "-c", MAKE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError):
        return lambda: _keep(kept, vl_convert.javascript_bundle(NEEDED))

    def wait() -> str:
        with process:
            made = process.communicate()[0].decode()
        return _keep(kept, made if process.returncode == 0 and made else vl_convert.javascript_bundle(NEEDED))

    return wait


def _place() -> Path | None:
    """Return where the bundle of this version of vl-convert is kept; None for a user without a home."""
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    except RuntimeError:
        return None
    return Path(home) / "custseg" / f"vega-{version('vl-convert-python')}.js"


def _recall(place: Path | None) -> str | None:
    """Return the bundle that is kept, if it is as it was written."""
    if place is None:
        return None
    try:
        first, _, kept = place.read_bytes().partition(b"\n")
    except OSError:
        return None
    return kept.decode() if first == _stamp(kept) else None


def _stamp(bundle: bytes) -> bytes:
    """Return the line before the bundle in its file, a comment in JavaScript: a file may be damaged."""
    return b"//" + hashlib.sha256(bundle).hexdigest().encode()


def _keep(place: Path | None, bundle: str) -> str:
    """Return the bundle and try to keep it: a cache that cannot be written is no fault."""
    if place is None:
        return bundle
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=place.parent, delete=False) as file:
            file.write(_stamp(bundle.encode()) + b"\n" + bundle.encode())
        Path(file.name).replace(place)
    return bundle

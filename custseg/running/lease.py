"""One run's hold on an output in a bucket.

On disk the kernel holds a lock and a process that died holds none. A bucket offers only to put an object if
there is none, or if it is still the one last seen. So the hold is an object that one run alone can make,
that it must renew, and that another may take over once it was not renewed for long; at once if its process
was of this machine and has ended. Times are the store's own, so clocks need not agree.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from custseg.errors import MachineError, OutputError, cut
from custseg.running import access, storage
from custseg.running.places import Remote

LEASE_SECONDS = 60
"""A hold that was not renewed for so long is given up."""

RENEW_SECONDS = 15
"""Between renewals: a few may fail before the hold is given up."""

CLOCK_SECONDS = 5
"""By which the beginning of a process may be read differently: clocks are put right."""


@contextmanager
def hold(file: Remote) -> Iterator[Callable[[], None]]:
    """Hold what a file stands for, for this run alone; give what makes sure that it still does.

    Raises
    ------
    OutputError
        Another run holds it.
    MachineError
        The store cannot be reached or does not let us write; from the check, that the hold was lost.
    """
    lease = _Lease(file)
    lease.take()
    ended = threading.Event()
    renewing = threading.Thread(target=lease.renew_until, args=[ended], name="lease", daemon=True)
    renewing.start()
    try:
        yield lease.require
    finally:
        ended.set()
        renewing.join()
        lease.give_up()


class _Lease:
    """The object that says who holds an output."""

    def __init__(self, file: Remote) -> None:
        self.file = file
        self.token = secrets.token_hex(8)
        self.beats = 0
        self.tag: str | None = None
        self.renewed = time.monotonic()

    def take(self) -> None:
        """Make the object, or take it over from a run that has ended."""
        while not self._put("create"):
            try:
                holder, found = self._read()
            except FileNotFoundError:
                continue
            # A request that was repeated, since its answer was lost, meets its own object.
            if holder.get("token") != self.token and not self._ended(holder, found):
                raise OutputError(
                    "output-busy",
                    "Another custseg run is at work in this folder.",
                    where=f"{self.file.parent}: process {cut(holder.get('process'))} on "
                    f"{cut(holder.get('host'))}",
                    now="Wait for it, or name another folder with -o. A run that was killed on another "
                    f"machine holds it for {LEASE_SECONDS} s more.",
                )
            if self._put({"e_tag": found["e_tag"]}):
                return

    def renew_until(self, ended: threading.Event) -> None:
        """Show every some seconds that the run is alive."""
        while not ended.wait(RENEW_SECONDS):
            try:
                if not self._put({"e_tag": self.tag}):
                    self.tag = None
                    return
            except (MachineError, OutputError):
                # Tried again next time; for how long that may go on, `require` sees.
                continue

    def require(self) -> None:
        """Make sure that no other run may have taken over.

        Raises
        ------
        MachineError
            One may have.
        """
        if self.tag is None or time.monotonic() - self.renewed > LEASE_SECONDS:
            raise MachineError(
                "output-lost",
                f"The output could not be held: for {LEASE_SECONDS} s the object store was out of reach, or "
                "this process stood still.",
                where=str(self.file.parent),
                now="Run the same command again: it goes on from what is whole.",
            )

    def give_up(self) -> None:
        """Remove the object, if it is still ours."""
        try:
            if self.tag is not None and self._read()[1]["e_tag"] == self.tag:
                self.file.unlink()
        except (OSError, MachineError, OutputError):
            # The results stand; the hold ends by itself.
            return

    def _put(self, mode: Any) -> bool:
        """Write who holds it, if the condition is met."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        self.beats += 1
        holder = {"token": self.token, "beat": self.beats, "host": platform.node()} | _this_process()
        began = time.monotonic()
        try:
            put = access.library().put(
                *access.locate(self.file.url), json.dumps(holder).encode(), mode=mode, use_multipart=False
            )
        except (AlreadyExistsError, PreconditionError):
            return False
        except Exception as error:
            if storage.is_missing(error):
                return False
            raise storage.explain(self.file.url, error, writing=True) from None
        self.tag, self.renewed = put["e_tag"], began
        return True

    def _read(self) -> tuple[dict[str, Any], Any]:
        """Return who holds it, and what the store says of the object."""
        try:
            found = access.library().get(*access.locate(self.file.url))
            holder = json.loads(bytes(found.bytes()))
        except FileNotFoundError:
            raise
        except ValueError:
            holder = {}
        except Exception as error:
            raise storage.explain(self.file.url, error, writing=True) from None
        return holder if isinstance(holder, dict) else {}, found.meta

    def _ended(self, holder: dict[str, Any], found: Any) -> bool:
        """Tell whether a hold is that of a run that is no more."""
        own = _this_process()
        if holder.get("machine") == own["machine"]:
            return not _is_running(str(holder.get("process")))
        probe = self.file.with_name(f"{self.file.name}-{self.token}")
        probe.write_bytes(b"")
        now = probe.stat().st_mtime_ns
        probe.unlink()
        return now - storage.nanoseconds(found["last_modified"]) > LEASE_SECONDS * 1e9


def _this_process() -> dict[str, str]:
    """Return which process this is, and of which machine: numbers of processes are counted on each."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        machine = f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        machine = platform.node()
    return {"machine": machine, "process": f"{os.getpid()} since {psutil.Process().create_time():.2f}"}


def _is_running(process: str) -> bool:
    number, _, since = process.partition(" since ")
    try:
        began = float(psutil.Process(int(number)).create_time())
        return abs(began - float(since)) < CLOCK_SECONDS
    except (psutil.NoSuchProcess, ValueError):
        return False

"""A Dask cluster as its users start it: scheduler and workers as processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any


class Process:
    """One process of Dask's; ready once it has written a certain line."""

    def __init__(
        self,
        kind: str,
        *arguments: object,
        ready: str,
        env: dict[str, str] | None = None,
        before: Sequence[str] = (),
        folder: Path | None = None,
    ) -> None:
        command = [*before, sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, arguments)]
        self.popen = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}, cwd=folder
        )
        self.lines: list[str] = []
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.lines.append(line)
            if match := re.search(ready, line):
                self.found = match[1]
                break
        else:
            raise AssertionError(f"dask {kind} did not start:\n{''.join(self.lines)}")
        # Read on, or the process would stop at a full pipe.
        self._reader = threading.Thread(target=self.lines.extend, args=[self.popen.stderr], daemon=True)
        self._reader.start()

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self._reader.join(timeout=10)
        assert self.popen.stderr is not None
        self.popen.stderr.close()


class DaskCluster:
    """A scheduler and workers, killed at the end."""

    def __init__(self, *options: object, host: str = "127.0.0.1", env: dict[str, str] | None = None) -> None:
        self.options, self.env, self.host = options, env, host
        self.workers: list[Process] = []

    def __enter__(self) -> DaskCluster:
        self.scheduler = self.start_scheduler(0)
        self.address = self.scheduler.found
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (*self.workers, self.scheduler):
            process.end()

    def start_scheduler(self, port: int) -> Process:
        return Process(
            "scheduler",
            *("--host", self.host, "--port", port, "--dashboard-address", "127.0.0.1:0"),
            *self.options,
            ready=r"Scheduler at: +(\S+)",
            env=self.env,
        )

    def add_worker(self, *arguments: object, **chosen: Any) -> Process:
        """Start a worker without a nanny, so that the process is the worker."""
        process = Process(
            "worker",
            self.address,
            *("--no-nanny", "--dashboard-address", "127.0.0.1:0", "--nthreads", 1),
            *self.options,
            *arguments,
            ready=r"Registered to: +(\S+)",
            **{"env": self.env, **chosen},
        )
        self.workers.append(process)
        return process

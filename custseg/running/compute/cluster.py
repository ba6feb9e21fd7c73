"""Tasks on the workers of a Dask cluster.

A task's function is stored in the work folder once and loaded by each worker once; only the name of that
file, the item and the small result pass through the scheduler.
"""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker
from distributed.comm import CommClosedError

from custseg.errors import CustsegError, MachineError
from custseg.running.compute import worker
from custseg.running.compute.base import PROGRAM, Compute, Item, Resources, Result
from custseg.running.compute.here import HERE
from custseg.running.places import AnyPath

AHEAD = 3
"""Tasks sent for each thread of a worker: enough that none waits for the next, few enough that the scheduler
never holds millions."""

LOOK_SECONDS = 1.0
"""How often a run that waits looks whether the scheduler is still there."""

ALONE_SECONDS = 300.0
"""How long a run waits for a worker where all have gone: one that a cluster starts anew takes minutes."""

WITHOUT_LIMIT = 4_000_000_000
"""Bytes counted on for a worker that has no memory limit of its own."""

SMALL = 50_000_000
"""Bytes of scaled features up to which this process goes over them for a cluster: four million customers with
three features. Each worker would load scikit-learn and dask-ml, and some hundred passes go through the
scheduler (docs/decisions/0020)."""

USABLE = 0.75
"""Part of a worker's memory limit that is used: at 0.8 Dask pauses a worker."""


class Cluster(Compute):
    """The workers of a Dask scheduler.

    Parameters
    ----------
    client
        Connected to the scheduler; at least one worker is there.
    memory_limit
        Bytes that the workers may hold together; what they say when None.
    small
        Bytes up to which this process goes over them itself, many times.
    """

    def __init__(self, client: Client, memory_limit: int | None = None, small: int = SMALL) -> None:
        self.client = client
        self.small = small
        self._folder: AnyPath | None = None
        with self._clear_errors():
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
        limits = [(each["memory_limit"] or WITHOUT_LIMIT, each["nthreads"]) for each in workers]
        tasks = sum(threads for _, threads in limits)
        memory = memory_limit or sum(limit for limit, _ in limits)
        # A task may go to any worker, so the tightest decides.
        least = min((limit * USABLE - PROGRAM) / threads for limit, threads in limits)
        spare = min(least * tasks, memory - PROGRAM * len(limits))
        self._resources = Resources(tasks, memory, int(spare))
        self._check_same_versions()

    @property
    def resources(self) -> Resources:
        """What there is to work with."""
        return self._resources

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, at_once: int | None = None
    ) -> Iterator[tuple[Item, Result]]:
        """Run a task for every item; workers that join meanwhile get some too."""
        file = self._store(task)
        label = f"{_label(task)}-{secrets.token_hex(4)}"
        waiting = enumerate(items)
        under_way: dict[Future, Item] = {}
        done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        with self._clear_errors():
            while True:
                room = AHEAD * max(1, sum(self.client.nthreads().values())) - len(under_way)
                for number, item in islice(waiting, max(0, room)):
                    # Errors of a task are final; for a lost worker's tasks the scheduler has its own count.
                    future = self.client.submit(
                        worker.run_stored, file, item, key=(label, number), pure=False, retries=0
                    )
                    under_way[future] = item
                    future.add_done_callback(done.put)
                if not under_way:
                    return
                for future in self._finished(done):
                    yield under_way.pop(future), future.result()

    def within(self, tasks: int) -> int:
        """Return one: a worker has memory for the tasks it may be sent, and no more."""
        return 1

    def near(self, size: int) -> Compute:
        """Return this process for few bytes, the workers for many."""
        return HERE if size <= self.small else self

    @contextmanager
    def arrays(self) -> Iterator[None]:
        """Compute Dask arrays on the workers."""
        with self._clear_errors(), self.client.as_current():
            yield

    def settle(self, folder: AnyPath, witness: Path | None = None) -> None:
        """Let every worker prove that it sees the folder.

        Raises
        ------
        MachineError
            One does not.
        """
        folder.mkdir(exist_ok=True)
        token = f"seen-{secrets.token_hex(6)}"
        (folder / token).write_bytes(token.encode())
        with self._clear_errors():
            answers = self.client.run(worker.show, folder, token, witness, on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, MachineError):
                raise answer
            if isinstance(answer, OSError):
                # It ended this moment. If it comes back, its first task will tell.
                continue
            if isinstance(answer, BaseException) or not (folder / worker.reply_name(token, address)).exists():
                raise MachineError(
                    "worker-cannot-see",
                    "A worker does not see the work folder.",
                    where=f"worker {address}: {folder} there is another folder",
                    now=worker.REMEDY,
                )
        self._folder = folder

    def _store(self, task: Callable[[Any], Any]) -> AnyPath:
        assert self._folder is not None, "settle comes first"
        file = self._folder / f"{_label(task)}-{secrets.token_hex(6)}.task"
        file.write_bytes(worker.store(task))
        return file

    def _finished(self, done: queue.SimpleQueue[Future]) -> Iterator[Future]:
        """Wait for the next task to end; yield it and all others that have."""
        last_seen = time.monotonic()
        while True:
            try:
                yield done.get(timeout=LOOK_SECONDS)
                break
            except queue.Empty:
                # A future that was sent while the connection broke would be waited for for ever.
                if self.client.status != "running":
                    raise scheduler_lost() from None
                if self.client.nthreads():
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > ALONE_SECONDS:
                    raise _workers_gone() from None
        while not done.empty():
            yield done.get()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Say what Dask's errors mean."""
        try:
            yield
        except KilledWorker as error:
            raise MachineError(
                "workers-died",
                f"{error.allowed_failures + 1} workers ended, one after the other, at the same task.",
                where=f"task {error.task}; the last worker was {error.last_worker.address}, see its log",
                now="Most likely they ran out of memory: give workers more, or fewer threads each, and "
                "run the same command again; or start over in smaller steps with --fresh --chunk-size 50MB.",
            ) from None
        except (CancelledError, CommClosedError):
            raise scheduler_lost() from None
        except CustsegError:
            raise
        except Exception:
            # A task's own, such as that of a full disk; or a call whose connection has gone, which ends in
            # more ways than Dask names: a plain OSError, an attribute of the scheduler that is not there.
            if self.client.status != "running":
                raise scheduler_lost() from None
            raise

    def _check_same_versions(self) -> None:
        """Refuse workers with other versions, and those without custseg."""

        # Defined here so that it goes to the workers as code: there may be no custseg to import it from.
        def found(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
            from importlib import import_module

            versions = []
            for name in names:
                try:
                    versions.append((name, str(import_module(name).__version__)))
                except ImportError:
                    versions.append((name, "not installed"))
            return tuple(versions)

        wanted = worker.versions()
        with self._clear_errors():
            answers = self.client.run(found, tuple(name for name, _ in wanted), on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, OSError):
                continue
            if isinstance(answer, BaseException):
                raise MachineError(
                    "worker-versions",
                    "A worker cannot be asked for its versions.",
                    where=f"worker {address}: {type(answer).__name__}: {answer}",
                    now="Install the same versions of Python and of custseg there, or leave that worker out.",
                )
            worker.check_versions(wanted, answer, address)


def scheduler_lost() -> MachineError:
    """Return the error for a scheduler that has gone."""
    return MachineError(
        "scheduler-lost",
        "The connection to the Dask scheduler was lost.",
        now="When it is back, run the same command again: it goes on from what is whole.",
    )


def _workers_gone() -> MachineError:
    return MachineError(
        "workers-gone",
        f"The scheduler has had no worker for {ALONE_SECONDS / 60:.0f} minutes.",
        now="Start some and run the same command again: it goes on from what is whole.",
    )


def _label(task: Callable[[Any], Any]) -> str:
    """Name a task as the dashboard shows it."""
    function = getattr(task, "func", task)
    return str(getattr(function, "__name__", "task")).strip("_")

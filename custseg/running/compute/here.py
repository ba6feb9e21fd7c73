"""Tasks in threads of this process.

BLAS and OpenMP add numbers in an order that depends on how many threads they have, so their last bits do
too. With one thread each, and the work spread over threads of ours, the answer is the same whatever the
machine has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

from custseg.running.compute.base import PROGRAM, Compute, Item, Resources, Result
from custseg.running.places import AnyPath

TASKS = 2
"""Heavy tasks at once: while one waits for disk or runs Python, the other keeps Polars busy; more only cost
memory (docs/decisions/0003)."""

LISTEN = 0.2
"""Seconds after which waiting for tasks is taken up anew. With Polars loaded, Ctrl-C does not end a wait, and
Python hears of it only between two: otherwise not before a long file is read to its end."""

LIGHT = 100_000_000
"""Bytes that a light task may hold: a block of customers, twice."""


def available_threads() -> int:
    """Return how many threads this process may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Here(Compute):
    """Threads of this process.

    Parameters
    ----------
    memory
        Bytes the process may hold.
    threads
        Light tasks at once.
    """

    def __init__(self, memory: int = 2**30, threads: int | None = None) -> None:
        self.memory = memory
        self.threads = threads or available_threads()

    @property
    def resources(self) -> Resources:
        """What there is to work with."""
        return Resources(TASKS, self.memory, self.memory - PROGRAM)

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, at_once: int | None = None
    ) -> Iterator[tuple[Item, Result]]:
        """Run a task for every item; no more are waiting than under way, so that nothing piles up."""
        at_once = at_once or max(1, min(self.threads, self.resources.spare // LIGHT))
        waiting = iter(items)
        under_way: dict[Future[Result], Item] = {}
        with _pool(at_once) as pool:
            while True:
                for item in waiting:
                    under_way[pool.submit(task, item)] = item
                    if len(under_way) >= at_once:
                        break
                if not under_way:
                    return
                while not (done := wait(under_way, LISTEN, FIRST_COMPLETED).done):
                    pass
                for future in done:
                    yield under_way.pop(future), future.result()

    def within(self, tasks: int) -> int:
        """Return the share of each in all that may be under way."""
        return max(1, TASKS // max(1, tasks))

    def near(self, size: int) -> Here:
        """Return this process: nothing is nearer."""
        return self

    @contextmanager
    def arrays(self) -> Iterator[None]:
        """Compute Dask arrays in threads like those of all tasks."""
        import dask

        with _pool(self.threads) as pool, dask.config.set(scheduler="threads", pool=pool):
            yield

    def settle(self, folder: AnyPath, witness: Path | None = None) -> None:
        """Do nothing: this process sees what it sees."""


HERE = Here()
"""This process, for who asks for nothing else."""


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    # OpenMP keeps its number of threads for each calling thread, so the limit is set in every one of them;
    # BLAS keeps one for the process, which the outer limit sets and puts back.
    with threadpool_limits(1):
        pool = ThreadPoolExecutor(threads, thread_name_prefix="task", initializer=limit_this_thread)
        try:
            yield pool
        finally:
            # A task under way ends within seconds, and its file is whole or not there.
            pool.shutdown(cancel_futures=True)


def limit_this_thread() -> None:
    """Give BLAS and OpenMP one thread each where they are called from this thread."""
    threadpool_limits(1)

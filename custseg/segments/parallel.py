"""The threads of this room: a few of our own, while the libraries beneath keep to one each.

BLAS and OpenMP add numbers in an order that depends on how many threads they have, so their last bits
do too. With one thread each, and the blocks of the work spread over threads of ours, the answer is the
same whatever the machine has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def available_threads() -> int:
    """Return how many threads this process may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def single_threaded_pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Open a pool of `threads` threads in which BLAS and OpenMP have one thread each."""
    # OpenMP keeps its number of threads for each calling thread, so the limit is set in every one of them;
    # BLAS keeps one for the process, which the outer limit sets and puts back.
    with threadpool_limits(1):
        pool = ThreadPoolExecutor(threads, initializer=_limit_this_thread)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def in_threads(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    threads: int,
    advance: Callable[[int], None] | None = None,
) -> list[Result]:
    """Apply `function` to every item; the results are in the order of the items.

    `advance` is called with 1 after each result, by the calling thread.
    """
    with ExitStack() as stack:
        if threads == 1 or len(items) < 2:
            stack.enter_context(threadpool_limits(1))
            results: Iterable[Result] = map(function, items)
        else:
            results = stack.enter_context(single_threaded_pool(threads)).map(function, items)
        done = []
        for result in results:
            done.append(result)
            if advance:
                advance(1)
        return done


def _limit_this_thread() -> None:
    threadpool_limits(1)

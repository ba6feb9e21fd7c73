"""Where tasks run: here, in threads that Polars and NumPy leave free to work side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_tasks(
    task: Callable[[Item], Result], items: Iterable[Item], *, at_once: int
) -> Iterator[tuple[Item, Result]]:
    """Run a task for every item, a few at once.

    Parameters
    ----------
    task
        Pure and idempotent: it may run again after an interruption.
    at_once
        Tasks under way at any time; no more are waiting than that, so that nothing piles up.

    Yields
    ------
    item, result
        As they are done, in any order.
    """
    waiting = iter(items)
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="task")
    under_way: dict[Future[Result], Item] = {}
    try:
        while True:
            for item in waiting:
                under_way[pool.submit(task, item)] = item
                if len(under_way) >= at_once:
                    break
            if not under_way:
                return
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield under_way.pop(future), future.result()
    finally:
        # A task under way ends within seconds, and its file is whole or not there.
        pool.shutdown(cancel_futures=True)

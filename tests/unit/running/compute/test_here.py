"""Tasks: each once, few at a time, errors as they are."""

from __future__ import annotations

import threading

import pytest

from custseg.running.compute import HERE, PROGRAM, Here
from custseg.running.compute.here import LIGHT


def test_every_item_once_and_never_too_many() -> None:
    under_way, most = 0, 0
    lock = threading.Lock()
    both = threading.Barrier(2)

    def task(item: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        # Passes only when two are at work at the same time.
        both.wait(timeout=30)
        with lock:
            under_way -= 1
        return item * item

    done = dict(HERE.run(task, range(10), at_once=2))
    assert done == {item: item * item for item in range(10)}
    assert most == 2


def test_many_processors_do_not_mean_more_memory() -> None:
    most, under_way = 0, 0
    lock, together = threading.Lock(), threading.Barrier(2)

    def task(item: int) -> None:
        nonlocal most, under_way
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait(timeout=30)
        with lock:
            under_way -= 1

    list(Here(PROGRAM + 2 * LIGHT, threads=64).run(task, range(10)))
    assert most == 2
    assert list(Here(PROGRAM, threads=64).run(str, [1])) == [(1, "1")]


def test_the_first_error_ends_the_run() -> None:
    started = []

    def task(item: int) -> None:
        started.append(item)
        if item == 1:
            raise ValueError("poison")

    with pytest.raises(ValueError, match="poison"):
        list(HERE.run(task, range(100), at_once=1))
    assert started == [0, 1]

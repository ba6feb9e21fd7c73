"""Tasks: each once, few at a time, errors as they are."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from custseg.running.compute import HERE, PROGRAM, Here, here
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


def test_a_signal_is_heard_while_tasks_are_under_way() -> None:
    heard = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: heard.set())
    # As Polars does it with Ctrl-C: the system takes up waiting by itself, and Python is not asked.
    signal.siginterrupt(signal.SIGUSR1, False)
    try:

        def task(_: int) -> bool:
            os.kill(os.getpid(), signal.SIGUSR1)
            return heard.wait(timeout=30)

        assert dict(HERE.run(task, [1])) == {1: True}
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_waiting_long_takes_up_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "LISTEN", 0.001)
    taken, done = 0, 0
    never = threading.Event()

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(4):
            taken += 1
            assert taken - done <= 2
            yield item

    def task(_: int) -> bool:
        return never.wait(timeout=0.05)

    for _, result in HERE.run(task, items(), at_once=2):
        done += 1
        assert not result
    assert done == 4

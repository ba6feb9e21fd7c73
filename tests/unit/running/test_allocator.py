"""Memory kept for the next array: for as long as asked, and never in the way."""

from __future__ import annotations

import ctypes
import os

import pytest

from custseg.running import allocator
from custseg.running.allocator import POLARS_ALLOCATOR, keeping_memory, share_memory


class Library:
    """A C library that takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, ...]] = []

    def mallopt(self, option: int, value: int) -> None:
        self.told.append((option, value))

    def malloc_trim(self, pad: int) -> None:
        self.told.append((pad,))


def test_memory_is_given_back_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    with pytest.raises(AttributeError, match="of its own"), keeping_memory():
        assert library.told == [(-3, allocator.KEPT[0]), (-1, allocator.KEPT[1])]
        raise AttributeError("of its own")
    assert library.told[2:] == [(-3, allocator.AFTERWARDS[0]), (-1, allocator.AFTERWARDS[1]), (0,)]


def test_where_there_is_no_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    with keeping_memory():
        pass
    with pytest.raises(TypeError), keeping_memory():
        raise TypeError


def test_polars_is_told_how_to_keep_memory_unless_the_user_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(POLARS_ALLOCATOR, raising=False)
    share_memory()
    assert f"narenas:{os.cpu_count()}" in os.environ[POLARS_ALLOCATOR].split(",")
    monkeypatch.setenv(POLARS_ALLOCATOR, "narenas:7")
    share_memory()
    assert os.environ[POLARS_ALLOCATOR] == "narenas:7"

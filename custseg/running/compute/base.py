"""What every place to compute offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from custseg.running.places import AnyPath

Item = TypeVar("Item")
Result = TypeVar("Result")

PROGRAM = 250_000_000
"""Resident bytes of the program itself in each process that maps and reduces."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What there is to work with.

    Attributes
    ----------
    tasks
        Heavy tasks at once, in all processes together.
    memory
        Bytes all processes that run tasks may hold together.
    spare
        What is left of it for the tasks themselves.
    """

    tasks: int
    memory: int
    spare: int


class Compute(ABC):
    """A place where tasks run."""

    @property
    @abstractmethod
    def resources(self) -> Resources:
        """What there is to work with."""

    @abstractmethod
    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item], *, at_once: int | None = None
    ) -> Iterator[tuple[Item, Result]]:
        """Run a task for every item.

        Parameters
        ----------
        task
            Pure and idempotent: it may run again after an interruption, or twice at the same time.
            BLAS and OpenMP have one thread in it, so that sums do not depend on the machine.
        items
            Small; there may be millions.
        at_once
            Tasks under way on one machine; when None one a processor, as far as memory goes. Workers have a
            number of their own.

        Yields
        ------
        item, result
            As they are done, in any order. The first error of a task is raised as it is.
        """

    @abstractmethod
    def within(self, tasks: int) -> int:
        """Return how many parts of its work each of so few heavy tasks may do at once, memory allowing."""

    @abstractmethod
    def near(self, size: int) -> Compute:
        """Return where many quick passes over so many bytes take least time: here, or in this process."""

    @abstractmethod
    def arrays(self) -> AbstractContextManager[None]:
        """Compute Dask arrays here for the length of the context."""

    @abstractmethod
    def settle(self, folder: AnyPath, witness: Path | None = None) -> None:
        """Take up work in a folder, once its place is known.

        Parameters
        ----------
        folder
            For what workers must be told; they all have to see it.
        witness
            A file of the input, which they have to see too.
        """

    def map(
        self,
        task: Callable[[Item], Result],
        items: Sequence[Item],
        *,
        at_once: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> list[Result]:
        """Run a task for every item, all of them different; return the results in the order of the items.

        `advance` is called with 1 after each, by the calling thread.
        """
        done: dict[Item, Result] = {}
        for item, result in self.run(task, items, at_once=at_once):
            done[item] = result
            if advance:
                advance(1)
        return [done[item] for item in items]

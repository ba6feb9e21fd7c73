"""What the user sees meanwhile, on stderr: a bar in a terminal, plain lines elsewhere.

Also the seconds of each stage and the highest memory of all processes together.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SAMPLE_SECONDS = 0.1
"""Between two looks at the memory; a shorter peak may be missed."""

SAMPLES_A_FAMILY = 10
"""Samples taken before the children are looked for again: that asks after every process of the machine (20 µs
each, meanwhile no Python runs), where a sample takes 8 µs."""

LINE_SECONDS = 10.0
"""Between two lines of a stage that goes on, where there is no bar."""

Advance = Callable[[int], None]


class Progress:
    """Stages of a run, shown as they go.

    Parameters
    ----------
    show
        Whether to show anything.
    bar
        Whether stderr takes a moving bar; plain lines otherwise.
    verbose
        Whether to show what `explain` is told.

    Attributes
    ----------
    seconds
        Seconds each stage took, by name; stages of one name add up.
    """

    def __init__(self, *, show: bool = True, bar: bool | None = None, verbose: bool = False) -> None:
        self.show = show
        self.verbose = verbose
        self.bar = sys.stderr.isatty() if bar is None else bar
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, text: str, total: int | None = None, unit: str = "") -> Iterator[Advance]:
        """Show a stage while it lasts; yields a function to call with the units just done."""
        start = time.perf_counter()
        shown = self._bar if self.bar else self._lines
        with shown(text, total, unit) if self.show else _silence() as advance:
            yield advance
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def say(self, text: str) -> None:
        """Print one line."""
        if self.show:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def explain(self, text: str) -> None:
        """Print one line for those who asked for more."""
        if self.verbose:
            self.say(text)

    @contextmanager
    def _bar(self, text: str, total: int | None, unit: str) -> Iterator[Advance]:
        with _rich() as bar:
            task = bar.add_task(text, total=total, unit=unit)
            yield lambda units: bar.update(task, advance=units)
            if total is None:
                bar.update(task, total=1, completed=1)

    @contextmanager
    def _lines(self, text: str, total: int | None, unit: str) -> Iterator[Advance]:
        start = said = time.perf_counter()
        done = 0

        def advance(units: int) -> None:
            nonlocal done, said
            done += units
            now = time.perf_counter()
            if total and now - said >= LINE_SECONDS:
                said = now
                left = (now - start) / done * (total - done) if done else 0.0
                self.say(f"{text}: {done:,} of {total:,} {unit}, about {duration(left)} left")

        yield advance
        units = unit.removesuffix("s") if total == 1 else unit
        number = f" {total:,} {units}," if total else ""
        self.say(f"{text}:{number} {duration(time.perf_counter() - start)}")


@contextmanager
def _silence() -> Iterator[Advance]:
    yield lambda _units: None


def _rich() -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
    )


def duration(seconds: float) -> str:
    """Write a duration for people: ``0.4 s``, ``3 min 20 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


class PeakMemory:
    """The highest resident memory of this process and its children together, sampled in a thread."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        members = [process]
        for sample in count():
            if sample % SAMPLES_A_FAMILY == 0:
                members = [process, *process.children(recursive=True)]
            self.bytes = max(self.bytes, _resident(members))
            if self._stop.wait(SAMPLE_SECONDS):
                return


def _resident(members: Iterable[psutil.Process]) -> int:
    total = 0
    for member in members:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total

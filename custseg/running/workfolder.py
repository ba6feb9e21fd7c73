"""The output folder and the work folder in it: whose they are, what stands in them, who is at work.

A work folder holds everything a run has finished so far. Every task writes its file whole or not at all and
skips what stands, so going on after any end is nothing but running again in the same folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custseg.errors import CustsegError, MachineError, OutputError, cut, size, told
from custseg.running import outputs, places, publishing
from custseg.running.lock import LOCK
from custseg.running.places import AnyPath, Remote, any_path
from custseg.running.publishing import FOLDERS, RECORD, RESULTS

STATE = "state.json"
WORK = ".custseg-work"
ROOMS = ("exchange", "features", "matrix", "results", "tasks")


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """A folder for temporary files, private to the user; its rooms are there."""

    path: AnyPath

    def room(self, name: str) -> AnyPath:
        """Return one of its folders."""
        return self.path / name

    @property
    def state(self) -> dict[str, Any]:
        """What was stored with `remember`; empty at the start."""
        return dict(outputs.read_json_if_there(self.path / STATE) or {})

    def remember(self, state: Mapping[str, Any]) -> None:
        """Store the identity and plan of the run, so that it can be taken up again."""
        outputs.write_json(self.path / STATE, dict(state))

    def sweep(self) -> None:
        """Remove what an interrupted run left half-written, and its results, which are made anew anyway."""
        with outputs.disk_errors(self.path):
            places.remove(self.room("results"))
            self.room("results").mkdir(mode=0o700)
        if isinstance(self.path, Remote):
            # Nothing there is ever half-written.
            return
        for file in self.path.rglob(f"{outputs.TEMPORARY}*"):
            file.unlink(missing_ok=True)

    def require_space(self, needed: int) -> None:
        """Refuse to begin what will not fit, and leave no folder behind.

        Raises
        ------
        MachineError
            Fewer bytes are free than needed. A bucket has no bounds.
        """
        if isinstance(self.path, Remote):
            return
        free = shutil.disk_usage(self.path).free
        if free < needed:
            self.remove()
            raise MachineError(
                "too-little-disk",
                f"The work needs about {size(needed)} of disk, and {size(free)} are free.",
                where=str(self.path.parent),
                now="Make room, or name a folder on another disk with --work-dir.",
            )

    def remove(self) -> None:
        """Remove the folder and all in it, as far as it lets itself be removed.

        Without its state, which goes first, what may be left is taken for no run's.
        """
        with contextlib.suppress(OSError, CustsegError):
            (self.path / STATE).unlink(missing_ok=True)
        if isinstance(self.path, Path):
            shutil.rmtree(self.path, ignore_errors=True)
            return
        with contextlib.suppress(CustsegError):
            places.remove(self.path)

    def publish(self, output: AnyPath) -> None:
        """Move the results into the output folder, the record last: where it stands, all else stands.

        What an earlier run left there is replaced, once all that could fail is done.

        Raises
        ------
        MachineError
            The output's disk has no room, or writing failed; the earlier run is as it was.
        """
        arrived = publishing.bring(self.room("results"), output)
        (output / RECORD).unlink(missing_ok=True)
        for name in {*RESULTS} - {*arrived}:
            publishing.remove_own(output / name)
        publishing.place(arrived, output)


def holds_run(entries: Set[str]) -> bool:
    """Tell from the names in a folder whether it is the output of a run, finished or interrupted."""
    return {RECORD, "customers"} <= entries or not entries.isdisjoint({WORK, LOCK})


def finished(output: AnyPath, work_dir: str | os.PathLike[str] | None) -> dict[str, Any] | None:
    """Return the record of the finished run in a folder, None when there is none.

    A run that was interrupted while it moved its results there has left some, and a work folder.

    Raises
    ------
    OutputError
        The folder holds files that custseg did not write.
    """
    try:
        found = outputs.read_json_if_there(output / RECORD)
    except ValueError:
        found = None
    if isinstance(found, dict) and "custseg" in found:
        return found
    _refuse_strange(output, work_dir, {*RESULTS} if _is_begun(output, work_dir) else set())
    return None


def refuse_strange(output: AnyPath, work_dir: str | os.PathLike[str] | None) -> None:
    """Refuse to replace a finished run that has other files than its own beside it or in its folders.

    Raises
    ------
    OutputError
        It has.
    """
    _refuse_strange(output, work_dir, {RECORD, *RESULTS})


def _is_begun(output: AnyPath, work_dir: str | os.PathLike[str] | None) -> bool:
    return any(folder.is_dir() for folder in {work_path(output, work_dir), output / WORK})


def _refuse_strange(output: AnyPath, work_dir: str | os.PathLike[str] | None, results: Set[str]) -> None:
    own = {LOCK, WORK, *results}
    work = work_path(output, work_dir)
    if isinstance(work, Path) and isinstance(output, Path) and work.is_relative_to(output.absolute()):
        own.add(work.relative_to(output.absolute()).parts[0])
    strange = []
    for entry in output.iterdir():
        if entry.name in FOLDERS and entry.name in own and entry.is_dir():
            strange += [
                f"{entry.name}/{file.name}" for file in entry.iterdir() if not publishing.is_own(file)
            ]
        elif entry.name not in own and not (results and entry.name.startswith(outputs.TEMPORARY)):
            strange.append(entry.name)
    if strange:
        raise OutputError(
            "output-not-ours",
            "The output folder holds files that custseg did not write.",
            where=f"{output}: {cut(', '.join(sorted(strange)[:5]))}",
            now="Name an empty or a new folder with -o.",
        )


def open_work(output: AnyPath, work_dir: str | os.PathLike[str] | None) -> WorkFolder:
    """Make or find the work folder of an output: inside it, or in `work_dir` under a name of its own."""
    path = work_path(output, work_dir)
    with outputs.disk_errors(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for room in ROOMS:
            (path / room).mkdir(exist_ok=True, mode=0o700)
    return WorkFolder(path)


def under_way(output: AnyPath, work_dir: str | os.PathLike[str] | None) -> dict[str, Any]:
    """Return the state of the run that was interrupted in an output; empty where there is none."""
    return dict(outputs.read_json_if_there(work_path(output, work_dir) / STATE) or {})


def work_path(output: AnyPath, work_dir: str | os.PathLike[str] | None) -> AnyPath:
    """Return where the work folder of an output is, or would be."""
    # Absolute, since workers are at home in other folders.
    if work_dir is None:
        return (output / WORK).absolute()
    # Hidden, so that no folder of transactions is searched through it.
    name = f".custseg-{hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:12]}"
    return (any_path(work_dir) / name).absolute()


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Say in words how the identity of a stored run differs from the one wanted now."""
    found = []
    before, now = stored.get("command", "batch"), wanted.get("command", "batch")
    if before != now:
        found.append(f"it is of custseg {cut(before)}, not {now}")
    for name in sorted({*stored.get("settings", {}), *wanted["settings"]}):
        before, now = stored.get("settings", {}).get(name), wanted["settings"].get(name)
        if before != now:
            found.append(f"--{name.replace('_', '-')} was {told(before)}, is {told(now)}")
    before_files = {file[0]: file[1:] for file in stored.get("inputs", [])}
    now_files = {file[0]: file[1:] for file in wanted["inputs"]}
    for path in sorted({*before_files, *now_files}):
        if path not in now_files:
            found.append(f"input gone: {path}")
        elif path not in before_files:
            found.append(f"input new: {path}")
        elif before_files[path] != now_files[path]:
            found.append(f"input changed: {path}")
    for name, version in wanted["versions"].items():
        if stored.get("versions", {}).get(name) != version:
            found.append(f"{name} was {stored.get('versions', {}).get(name)}, is {version}")
    return found


def refuse_other(output: AnyPath, found: list[str], *, is_finished: bool) -> OutputError:
    """Return the error for a folder that holds a run of another identity."""
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return OutputError(
        "output-other-run",
        f"The output folder holds {'another run' if is_finished else 'an unfinished run of another kind'}.",
        where=f"{output}: {'; '.join(found[:3])}{more}",
        now="Name another folder with -o, or replace what is there with --fresh.",
    )

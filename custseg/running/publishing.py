"""The results of a run: what they are called, and how they come to stand in the output folder."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Mapping, Set
from pathlib import Path

from custseg.errors import CustsegError, MachineError, size
from custseg.running import outputs, places
from custseg.running.places import AnyPath, Remote, any_path

RECORD = "run.json"
RESULTS = ("customers", "segments.csv", "model.json", "report.html", "charts", "lists")
CHARTS = (
    "choice_of_k", "customers", "ledger", "migration", "monthly", "profiles", "recency_frequency",
    "silhouettes", "sizes", "strips",
)  # fmt: skip
"""Names that charts have, or had in an earlier version."""
FOLDERS = {
    "customers": r"part-\d+\.parquet",
    "charts": rf"({'|'.join(CHARTS)})\.(html|vl\.json|svg|png)",
    "lists": r"\d{1,3}(-[^\W_]+)*\.csv",
}
"""The folders of a run, and the names of the files that custseg writes into them."""


def put_in_place(made: AnyPath, output: AnyPath) -> None:
    """Move what is in a folder into the output, the record last, in place of what custseg wrote there."""
    place(bring(made, output), output)


def bring(made: AnyPath, output: AnyPath) -> dict[str, AnyPath]:
    """Bring results to the disk or the bucket of the output; return, by name, where they are now.

    From another disk that is copying, and may fail for want of room: nothing has changed then.

    Raises
    ------
    MachineError
        No room, or writing failed.
    """
    entries: list[AnyPath] = sorted(made.iterdir(), key=lambda entry: entry.name == RECORD)
    arrived: dict[str, AnyPath] = {}
    try:
        for entry in entries:
            if isinstance(entry, Remote) and isinstance(output, Remote) and entry.bucket == output.bucket:
                arrived[entry.name] = entry
                continue
            arriving = arrived[entry.name] = output / f"{outputs.TEMPORARY}{entry.name}"
            places.remove(arriving)
            if isinstance(entry, Remote) or isinstance(arriving, Remote):
                _put(entry, arriving)
                continue
            with outputs.disk_errors(arriving):
                shutil.move(entry, arriving)
    except BaseException as error:
        if isinstance(error, MachineError) and error.code == "disk-full":
            left = [entry if entry.exists() else arrived[entry.name] for entry in entries]
            taken = sum(file.stat().st_size for entry in left for file in _files(entry))
            error.where += f"; the results take {size(taken)}"
            error.now = "Make room there, and run the same command again. An earlier run there is as it was."
        for arriving in arrived.values():
            with contextlib.suppress(OSError, CustsegError):
                places.remove(arriving)
        raise
    return arrived


def place(arrived: Mapping[str, AnyPath], output: AnyPath) -> None:
    """Give what was brought its name, in the order given, in place of what custseg wrote under that name."""
    for name, entry in arrived.items():
        put = _put(entry, output / name)
        if entry.parent == output:
            places.remove(entry)
        if name in FOLDERS:
            remove_own(output / name, put)


def _put(entry: AnyPath, target: AnyPath) -> set[AnyPath]:
    """Put a file, or those of a folder, where each appears whole; return where they are now."""
    put = set()
    for file in _files(entry):
        goal = any_path(f"{target}{str(file).removeprefix(str(entry))}")
        put.add(goal)
        with outputs.disk_errors(goal):
            goal.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(file, Path) and isinstance(goal, Path):
                file.replace(goal)
            else:
                outputs.copy(file, goal)
    return put


def _files(entry: AnyPath) -> list[AnyPath]:
    is_folder = isinstance(entry, Path) and entry.is_dir()
    return places.files_below(entry) or ([] if is_folder else [entry])


def remove_own(target: AnyPath, but: Set[AnyPath] = frozenset()) -> None:
    """Remove a result, of a folder those files only that custseg wrote, but for some; then it if empty."""
    if target.name not in FOLDERS or not target.is_dir():
        places.remove(target)
        return
    entries: list[AnyPath] = list(target.iterdir())
    for entry in entries:
        if is_own(entry) and entry not in but:
            places.remove(entry)
    if isinstance(target, Path) and not any(target.iterdir()):
        target.rmdir()


def is_own(entry: AnyPath) -> bool:
    """Tell from its name whether custseg wrote a file of one of its folders."""
    if entry.name.startswith(outputs.TEMPORARY):
        return True
    return re.fullmatch(FOLDERS[entry.parent.name], entry.name) is not None

"""What happens on a worker: show what it is, take a task from the work folder, run it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from custseg.errors import CustsegError, MachineError, cut
from custseg.running.places import AnyPath

REMEDY = (
    "Put input, output and work folder (-o, --work-dir) on storage that every worker sees under the same "
    "path, or leave that worker out; then run the same command again: it goes on from what is whole."
)

Versions = tuple[tuple[str, str], ...]


def versions() -> Versions:
    """Return the versions that must be the same everywhere: hashes may change between those of Polars."""
    from importlib.metadata import version

    from custseg._version import __version__

    return ("custseg", __version__), *((name, version(name)) for name in ("polars", "numpy", "dask"))


def reply_name(token: str, address: str) -> str:
    """Return the name of the file in which a worker answers."""
    return f"{token}-{address.replace('/', '_')}"


def run_stored(path: AnyPath, item: Any) -> Any:
    """Run the task stored in a file for one item."""
    task = _load(path)
    # Every time, since a library that was loaded meanwhile has a limit of its own.
    threadpool_limits(1)
    return task(item)


def store(task: Callable[[Any], Any]) -> bytes:
    """Return a task as bytes, with the versions it was made by."""
    import cloudpickle

    return pickle.dumps((versions(), cloudpickle.dumps(task)))


def show(folder: AnyPath, token: str, witness: Path | None, dask_worker: Any = None) -> None:
    """Prove that this worker sees a folder: answer the question that stands there.

    Parameters
    ----------
    dask_worker
        The worker; Dask gives it by this name.

    Raises
    ------
    MachineError
        It does not see the folder, or not the witness.
    """
    try:
        seen = (folder / token).read_bytes()
        (folder / reply_name(token, dask_worker.address)).write_bytes(seen)
    except (OSError, CustsegError) as error:
        raise _unseen("work folder", folder, error, dask_worker.address) from None
    if witness is not None and not witness.exists():
        raise _unseen("input", witness, "no such file", dask_worker.address)


@lru_cache(maxsize=4)
def _load(path: AnyPath) -> Callable[[Any], Any]:
    """Load a task, once for all its items."""
    try:
        made_by, task = pickle.loads(path.read_bytes())
    except (OSError, CustsegError) as error:
        raise _unseen("work folder", path, error, _address()) from None
    check_versions(made_by, versions(), _address())
    loaded: Callable[[Any], Any] = pickle.loads(task)
    return loaded


def check_versions(wanted: Versions, found: Versions, worker: str) -> None:
    """Refuse a worker that runs other versions.

    Raises
    ------
    MachineError
        It does.
    """
    differ = [
        f"{name} {dict(found).get(name, 'not installed')} and not {version}"
        for name, version in wanted
        if dict(found).get(name) != version
    ]
    if differ:
        raise MachineError(
            "worker-versions",
            "A worker runs other versions than this process.",
            where=f"worker {worker}: {', '.join(differ)}",
            now="Install the same versions there (constraints.txt names them), or leave that worker out.",
        )


def _address() -> str:
    """Return the address of the worker that runs this task."""
    from distributed import get_worker

    return str(get_worker().address)


def _unseen(what: str, path: AnyPath, error: object, worker: str) -> MachineError:
    return MachineError(
        "worker-cannot-see",
        f"A worker does not see the {what}.",
        where=f"worker {worker}: {path} ({cut(error)})",
        now=REMEDY,
    )

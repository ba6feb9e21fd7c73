"""Opening the place where a run computes: this process, workers of its own, or a cluster that is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from custseg.errors import MachineError, SettingsError, cut
from custseg.running.compute.base import PROGRAM, Compute, Resources
from custseg.running.compute.here import Here, available_threads
from custseg.running.places import local_path
from custseg.settings import Settings, memory_floor

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

CONNECT_SECONDS = 10
WORKERS_SECONDS = 60
"""How long to wait for the first worker: a batch system may start it after the scheduler."""

OWN_SHARE = memory_floor()
"""Bytes of the memory limit that stay with this process where it has local workers."""

OWN_SMALL = OWN_SHARE // 4
"""Bytes that this process goes over itself where it has local workers, whose processors are its own: 20
million customers with three scaled features."""

DISK_AND_DEATHS = {
    # Tasks bound their memory themselves; a paused worker would wait for memory that nobody frees.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    # A worker's share counts the pages of libraries that all of them hold in common, and a worker that was
    # stopped for them would be stopped again. One that holds twice its share is out of hand.
    "distributed.worker.memory.terminate": 2.0,
}

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1)


@contextmanager
def open_compute(settings: Settings, explain: Callable[[str], None] = lambda _: None) -> Iterator[Compute]:
    """Open the place the settings ask for.

    Parameters
    ----------
    explain
        Is told what is there.

    Raises
    ------
    MachineError
        Too little memory is free; the scheduler cannot be reached, has no workers, or one that cannot take
        part.
    """
    if settings.scheduler:
        with _existing(settings.scheduler) as client:
            yield _cluster(client, explain, settings.memory_limit)
    elif settings.workers:
        memory = settings.memory_limit or _half_of_free(memory_floor(settings.workers))
        share = (memory - OWN_SHARE) // settings.workers
        with _local(settings.workers, share) as client:
            yield _cluster(client, explain, share * settings.workers, small=OWN_SMALL)
    else:
        yield Here(settings.memory_limit or _half_of_free(memory_floor()))


def foresee(settings: Settings) -> Resources:
    """Return what a run would have to work with, without starting or asking anyone.

    A cluster is taken to be as this machine is.

    Raises
    ------
    MachineError
        Too little memory is free.
    SettingsError
        There is no scheduler file of that name.
    """
    if settings.scheduler:
        _where(settings.scheduler)
    memory = settings.memory_limit or _half_of_free(memory_floor(settings.workers or 0))
    if not settings.workers:
        return Here(memory).resources
    memory -= OWN_SHARE
    return Resources(settings.workers, memory, memory - settings.workers * PROGRAM)


def _half_of_free(floor: int) -> int:
    half: int = psutil.virtual_memory().available // 2
    if half < floor:
        raise MachineError(
            "too-little-memory",
            f"custseg needs {floor / 1e9:.1f} GB and half of what is free is {half / 1e9:.1f} GB.",
            now=f"Close other programs, or give it more than half: --memory-limit {floor / 1e9:.1f}GB.",
        )
    return half


def _cluster(
    client: Client, explain: Callable[[str], None], memory_limit: int | None, **limits: int
) -> Compute:
    from custseg.running.compute.cluster import Cluster

    cluster = Cluster(client, memory_limit, **limits)
    workers = len(client.nthreads())
    explain(f"Workers: {workers} with {cluster.resources.tasks} threads; dashboard {client.dashboard_link}")
    return cluster


@contextmanager
def _local(workers: int, memory: int) -> Iterator[Client]:
    """Start workers on this machine, which end with this process."""
    import dask
    from distributed import Client

    # Before the process starts, since Polars reads it when it is loaded. In place of Dask's own list, which
    # also has memory given back at once (MALLOC_TRIM_THRESHOLD_): every array is then paid for page by page.
    environ = ONE_THREAD | {"POLARS_MAX_THREADS": -(-available_threads() // workers)}
    with (
        dask.config.set(DISK_AND_DEATHS | {"distributed.nanny.pre-spawn-environ": environ}),
        _started(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=memory,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs="CRITICAL",
            preload="custseg.running.compute.quiet",
        ) as cluster,
        Client(cluster, set_as_default=False, timeout=CONNECT_SECONDS) as client,
    ):
        yield client


def _started(**options: Any) -> LocalCluster:
    from distributed import LocalCluster

    try:
        return LocalCluster(**options)
    except RuntimeError as error:
        raise MachineError(
            "no-workers",
            "The workers of this machine did not start.",
            where=cut(error),
            now='In a script of your own, call custseg below  if __name__ == "__main__":  since each worker '
            "reads the script again. Otherwise look at what is written above.",
        ) from None


def _where(scheduler: str) -> dict[str, str]:
    """Return what Dask's client is to be given for an address, or for the file of a scheduler.

    Raises
    ------
    SettingsError
        There is no such file.
    """
    if "://" in scheduler or not Path(scheduler).suffix:
        return {"address": scheduler}
    if (file := local_path(scheduler)).exists():
        return {"scheduler_file": str(file)}
    raise SettingsError(
        "no-scheduler-file",
        f"There is no scheduler file '{cut(scheduler)}'.",
        now="Name an address such as tcp://host:8786, or the file of dask scheduler --scheduler-file.",
    )


@contextmanager
def _existing(scheduler: str) -> Iterator[Client]:
    """Connect to a scheduler: an address, or the file it writes (``dask scheduler --scheduler-file``)."""
    import logging

    from distributed import Client

    from custseg.running.compute.cluster import scheduler_lost

    # Broken connections come back as errors of ours. Dask gives its client a level of its own.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    where = _where(scheduler)
    client = Client.__new__(Client)
    try:
        client.__init__(**where, set_as_default=False, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        # Or its end would wait for a connection that never was, and complain.
        client.status = "closed"
        raise MachineError(
            "no-scheduler",
            "The Dask scheduler cannot be reached.",
            where=f"{cut(scheduler)}: {cut(error)}",
            now="Check the address, and Dask's own configuration where it uses TLS (distributed.comm.tls).",
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise MachineError(
                "no-workers",
                f"The Dask scheduler has no workers, and got none within {WORKERS_SECONDS} s.",
                where=cut(scheduler),
                now=f"Start some: dask worker {cut(scheduler)}",
            ) from None
        except OSError:
            raise scheduler_lost() from None
        yield client

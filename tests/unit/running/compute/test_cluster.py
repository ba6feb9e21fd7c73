"""Tasks on workers of this machine: each once, errors as they are, no endless retries, no process left."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from distributed import Client

from custseg.errors import InputError, MachineError
from custseg.running.compute import Compute, cluster, open_compute
from custseg.running.compute.opening import OWN_SMALL
from custseg.settings import Settings

pytestmark = pytest.mark.xdist_group("workers")


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compute]:
    before = {child.pid for child in psutil.Process().children()}
    with open_compute(Settings(workers=2, memory_limit="2.2GB")) as compute:
        compute.settle(tmp_path_factory.mktemp("tasks"))
        yield compute
    # Processes of other tests, such as a browser, start and end their own; Python's that tidies up stays.
    left = [child for child in psutil.Process().children() if child.pid not in before]
    assert not [child for child in left if "resource_tracker" not in " ".join(child.cmdline())]


def test_resources_are_shared_out(workers: Compute) -> None:
    assert workers.resources.tasks == 2
    assert workers.resources.memory == 1_200_000_000
    assert 0 < workers.resources.spare < workers.resources.memory


def test_every_item_once_in_the_order_of_the_items(workers: Compute) -> None:
    held = np.arange(1000)
    seen: list[int] = []
    found = workers.map(lambda item: int(held[item]) ** 2, range(100), advance=seen.append)
    assert found == [item**2 for item in range(100)]
    assert seen == [1] * 100


def test_tasks_run_elsewhere_with_one_thread_for_blas_and_a_share_for_polars(workers: Compute) -> None:
    def look(_item: int) -> tuple[int, int, int]:
        import polars as pl
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        return os.getpid(), max(pool["num_threads"] for pool in threadpool_info()), pl.thread_pool_size()

    pids, blas, polars = zip(*workers.map(look, range(20)), strict=True)
    assert os.getpid() not in pids
    assert set(blas) == {1}
    assert set(polars) == {-(-len(os.sched_getaffinity(0)) // 2)}


def test_an_error_comes_back_as_itself_and_is_not_tried_again(workers: Compute, tmp_path: Path) -> None:
    def fail(item: int, *, folder: Path) -> None:
        (folder / f"{item}-{os.urandom(4).hex()}").touch()
        raise InputError("damaged-file", "It cannot be read.", where="sales.csv", now="Copy it again.")

    with pytest.raises(InputError, match=r"cannot be read.\n  Where: sales.csv\n  Now:   Copy it again."):
        workers.map(partial(fail, folder=tmp_path), [7])
    assert len(list(tmp_path.iterdir())) == 1


def test_few_bytes_are_gone_over_here_and_many_by_the_workers(workers: Compute) -> None:
    who = dask.delayed(os.getpid, pure=False)
    for place, most in ((workers, OWN_SMALL), (cluster.Cluster(workers.client), cluster.SMALL)):
        for size in (most, most + 1):
            with place.near(size).arrays():
                assert (who().compute() == os.getpid()) == (size == most)


def test_a_run_without_any_worker_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deserted:
        status = "running"

        def nthreads(self) -> dict[str, int]:
            return {}

    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(cluster, "ALONE_SECONDS", 0.02)
    alone = object.__new__(cluster.Cluster)
    alone.client = Deserted()
    with pytest.raises(MachineError, match="has had no worker"):
        next(alone._finished(queue.SimpleQueue()))


def test_a_call_to_a_scheduler_that_has_gone_says_so(workers: Compute) -> None:
    with Client(workers.client.scheduler.address, set_as_default=False) as client:
        left = cluster.Cluster(client)
        left._folder = workers._folder
    with pytest.raises(MachineError, match="connection to the Dask scheduler was lost"):
        left.map(abs, [1])


def test_a_task_that_ends_its_workers_is_given_up(workers: Compute) -> None:
    def die(_item: int) -> None:
        os._exit(1)

    with pytest.raises(MachineError, match="4 workers ended, one after the other") as error:
        workers.map(die, [1])
    assert "die" in error.value.where
    assert "memory" in error.value.now
    # The workers are back, and work.
    assert workers.map(abs, [-1, -2]) == [1, 2]

"""Workers and schedulers that end in the middle: what it costs, what is said, and that the answer stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from command import run_custseg, run_until, same_answer
from dask_cluster import DaskCluster

pytestmark = pytest.mark.xdist_group("workers")

MAP, REDUCE, SCALE = "Reading and cleaning", "Summing up customers", "Scaling features"
SCHEDULER_LOST_SECONDS = 30


@pytest.fixture
def cluster() -> Iterator[DaskCluster]:
    with DaskCluster() as started:
        started.add_worker()
        started.add_worker()
        yield started


@pytest.mark.parametrize("stage", [MAP, pytest.param(SCALE, marks=pytest.mark.slow)])
def test_a_killed_worker_costs_its_tasks_only(
    stage: str, lines: Path, undisturbed: Path, cluster: DaskCluster, tmp_path: Path
) -> None:
    options = ("--scheduler", cluster.address, "--chunk-size", "300kB", "--k", "3")
    code, messages, _ = run_until(
        stage, lambda _: cluster.workers[0].popen.kill(), lines, "-o", tmp_path / "out", *options
    )
    assert code == 0, messages
    same_answer(tmp_path / "out", undisturbed)


def test_a_lost_scheduler_ends_the_run_and_the_same_command_finishes_it(
    lines: Path, undisturbed: Path, cluster: DaskCluster, tmp_path: Path
) -> None:
    command = (lines, "-o", tmp_path / "out", "--scheduler", cluster.address, "--k", "3")
    code, messages, seconds = run_until(MAP, lambda _: cluster.scheduler.popen.kill(), *command)
    assert code == 5, messages
    assert "The connection to the Dask scheduler was lost." in messages
    assert "Traceback" not in messages
    assert seconds < SCHEDULER_LOST_SECONDS
    cluster.scheduler.end()
    cluster.scheduler = cluster.start_scheduler(int(cluster.address.rpartition(":")[2]))
    cluster.add_worker()
    done = run_custseg("batch", *command)
    assert done.code == 0, done.err
    same_answer(tmp_path / "out", undisturbed)


def test_a_scheduler_lost_in_the_sweep(lines: Path, cluster: DaskCluster, tmp_path: Path) -> None:
    command = (lines, "-o", tmp_path / "out", "--scheduler", cluster.address)
    code, messages, seconds = run_until(SCALE, lambda _: cluster.scheduler.popen.kill(), *command)
    assert code == 5, messages
    assert "Traceback" not in messages
    assert seconds < SCHEDULER_LOST_SECONDS


def test_a_poisoned_file_ends_the_run_with_its_name(
    lines: Path, cluster: DaskCluster, tmp_path: Path
) -> None:
    frame = pl.concat([pl.read_csv(file, infer_schema=False) for file in sorted(lines.glob("*.csv"))])
    poison = tmp_path / "poison.parquet"
    frame.write_parquet(poison, compression="uncompressed", row_group_size=1000)
    data = bytearray(poison.read_bytes())
    # Not where the samples are taken, so that only a task meets it.
    quarter = len(data) // 4
    data[quarter : quarter + 20_000] = bytes(20_000)
    poison.write_bytes(data)
    alone = run_custseg("batch", poison, "-o", tmp_path / "alone")
    done = run_custseg("batch", poison, "-o", tmp_path / "out", "--scheduler", cluster.address)
    assert (done.code, done.err.splitlines()[-3:]) == (alone.code, alone.err.splitlines()[-3:])
    assert done.code == 3
    assert str(poison) in done.err

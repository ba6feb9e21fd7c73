"""The same run on workers: the same answer to the last bit, and clear words where one cannot take part."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import run_custseg, same_answer
from dask_cluster import DaskCluster

import custseg
from custseg.transactions.sample import write_sample

pytestmark = pytest.mark.xdist_group("workers")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    write_sample(folder, rows=60_000, customers=900, seed=5)
    return folder


@pytest.fixture(scope="module")
def here(quick: None, lines: Path, tmp_path_factory: pytest.TempPathFactory) -> custseg.Segmentation:
    return custseg.segment(lines, output=tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler and two workers, at home in other folders; one with threads for BLAS and OpenMP."""
    with DaskCluster() as started:
        for threads in ("1", "4"):
            env = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), threads)
            started.add_worker("--memory-limit", "2GB", env=env, folder=tmp_path_factory.mktemp("home"))
        yield started


def same(one: custseg.Segmentation, other: custseg.Segmentation) -> None:
    same_answer(one.folder, other.folder)
    assert one.record["ledger"] == other.record["ledger"]
    assert one.record["k_selection"] == other.record["k_selection"]


def test_local_workers(lines: Path, here: custseg.Segmentation, tmp_path: Path) -> None:
    settings = custseg.Settings(workers=2, memory_limit="2GB", chunk_size="500kB")
    same(custseg.segment(lines, output=tmp_path / "out", settings=settings), here)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        path.name for path in here.folder.iterdir()
    }


def test_a_script_that_its_workers_would_run_again(lines: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import custseg\n"
        f"lines, output = {str(lines)!r}, {str(tmp_path / 'out')!r}\n"
        "custseg.segment(lines, output=output, settings=custseg.Settings(workers=1))\n"
    )
    done = subprocess.run(
        [sys.executable, script], check=False, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 1
    assert "MachineError: The workers of this machine did not start." in done.stderr
    assert 'call custseg below  if __name__ == "__main__":' in done.stderr


def test_a_cluster_that_is_there(
    lines: Path,
    here: custseg.Segmentation,
    cluster: DaskCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = custseg.Settings(scheduler=cluster.address, chunk_size="500kB")
    same(custseg.segment(lines, output="out", settings=settings), here)


def test_a_worker_with_another_version(lines: Path, tmp_path: Path) -> None:
    (tmp_path / "older.py").write_text("import custseg\ncustseg.__version__ = '0.0.1'\n")
    with DaskCluster() as cluster:
        cluster.add_worker("--preload", tmp_path / "older.py")
        done = run_custseg("batch", lines, "-o", tmp_path / "out", "--scheduler", cluster.address)
    assert done.code == 5
    assert "A worker runs other versions than this process." in done.err
    assert "worker tcp://127.0.0.1:" in done.err and "custseg 0.0.1 and not" in done.err


@pytest.mark.parametrize("hidden", ["work folder", "input"])
def test_a_worker_that_does_not_see(hidden: str, lines: Path, tmp_path: Path) -> None:
    """As on a machine without that share: an empty folder is mounted over it for this worker alone."""
    (tmp_path / "out").mkdir()
    folder = lines if hidden == "input" else tmp_path / "out"
    cover = ("unshare", "--mount", "sh", "-c", f"mount -t tmpfs none '{folder}' && exec \"$@\"", "sh")
    if subprocess.run([*cover, "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounts for one process alone take root")
    with DaskCluster() as cluster:
        cluster.add_worker()
        cluster.add_worker(before=cover)
        done = run_custseg("batch", lines, "-o", tmp_path / "out", "--scheduler", cluster.address)
    assert done.code == 5
    assert f"A worker does not see the {hidden}." in done.err
    assert str(folder) in done.err
    assert "storage that every worker sees" in done.err


def test_no_scheduler(lines: Path, tmp_path: Path) -> None:
    done = run_custseg("batch", lines, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")
    assert done.code == 5
    assert "The Dask scheduler cannot be reached." in done.err
    assert not (tmp_path / "out").exists()
    done = run_custseg("batch", lines, "-o", tmp_path / "out", "--scheduler", tmp_path / "none.json")
    assert done.code == 2
    assert "There is no scheduler file" in done.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--workers", 2, "--scheduler", "tcp://127.0.0.1:1"), "give one"),
        (("--workers", 2, "--memory-limit", "1.9GB"), "at least 2GB with 2 workers"),
        (("--workers", 0), "--workers"),
        (("--memory-limit", "0.9GB"), "at least 1GB"),
    ],
)
def test_settings_that_cannot_be(
    lines: Path, tmp_path: Path, options: tuple[object, ...], words: str
) -> None:
    done = run_custseg("batch", lines, "-o", tmp_path / "out", *options)
    assert done.code == 2
    assert words in done.err

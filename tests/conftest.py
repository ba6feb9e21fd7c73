"""What all tests share. To import: `command` (runs custseg), `oracle` (what must come out), `made`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import command
import hypothesis
import pytest
from buckets import environment

REAL_DATA = "CUSTSEG_REAL_DATA"

# Examples read and write files: how long one takes says more of the machine than of custseg.
hypothesis.settings.register_profile("custseg", deadline=None)
hypothesis.settings.load_profile("custseg")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with online_retail_II.csv and online_retail_by_day/ (UCI 502 and 352)."""
    folder = os.environ.get(REAL_DATA)
    if not folder:
        pytest.skip(f"{REAL_DATA} does not name the folder of the real transactions")
    path = Path(folder).resolve()
    assert (path / "online_retail_II.csv").is_file(), f"{REAL_DATA}={folder} lacks online_retail_II.csv"
    return path


@pytest.fixture(scope="session")
def run_custseg() -> Callable[..., command.Done]:
    """Run the command line as a process of its own."""
    return command.run_custseg


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Spend little on the choice of k and nothing on the report, in this process: for tests of the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("custseg.segments.kmeans.MANY_STARTS", 1)
        patch.setattr("custseg.segments.structure.REPLICATES", 2)
        patch.setattr("custseg.report.write.write_report", lambda *arguments, **options: [])
        yield


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """Address of an object store of moto's on loopback."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def access(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a program that may use it."""
    return environment(endpoint, tmp_path_factory.mktemp("home"))

"""Workers over networks: encrypted connections, addresses of their own, a link that is cut."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import run_custseg, run_until, same_answer
from dask_cluster import DaskCluster
from test_faults import MAP

pytestmark = pytest.mark.xdist_group("workers")

BRIDGE, NETWORK = "custsegbr", "10.77.93"


def sh(*commands: str, folder: Path | None = None) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True, capture_output=True, cwd=folder)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority and a certificate of it, and a certificate of another authority."""
    folder = tmp_path_factory.mktemp("certificates")
    for authority, name in (("ca", "node"), ("other-ca", "stranger")):
        sh(
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN={authority} "
            f"-keyout {authority}.key -out {authority}.pem",
            f"openssl req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr",
            f"openssl x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -days 1 "
            f"-out {name}.pem",
            folder=folder,
        )
    return folder


def tls(folder: Path, name: str) -> dict[str, str]:
    """Dask's own settings, as an administrator makes them."""
    settings = {"COMM__REQUIRE_ENCRYPTION": "true", "COMM__TLS__CA_FILE": f"{folder}/ca.pem"}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"COMM__TLS__{role}__CERT"] = f"{folder}/{name}.pem"
        settings[f"COMM__TLS__{role}__KEY"] = f"{folder}/{name}.key"
    return {f"DASK_DISTRIBUTED__{key}": value for key, value in settings.items()}


@pytest.mark.slow
def test_encrypted(lines: Path, undisturbed: Path, certificates: Path, tmp_path: Path) -> None:
    good = tls(certificates, "node")
    with DaskCluster("--protocol", "tls", env=good) as cluster:
        assert cluster.address.startswith("tls://")
        cluster.add_worker()
        command = ("batch", lines, "--scheduler", cluster.address, "--k", "3", "-o")
        done = run_custseg(*command, tmp_path / "out", env=good)
        assert done.code == 0, done.err
        for env in (tls(certificates, "stranger"), {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}):
            refused = run_custseg(*command, tmp_path / "refused", env=env)
            assert refused.code == 5
            assert "The Dask scheduler cannot be reached." in refused.err
            assert "Traceback" not in refused.err
    same_answer(tmp_path / "out", undisturbed)


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[str]]:
    """Two network namespaces, each with an address and a cable to a bridge of ours."""
    names = ["custseg1", "custseg2"]
    if os.geteuid():
        pytest.skip("network namespaces take root")
    try:
        sh(f"ip link add {BRIDGE} type bridge")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("no network namespaces here")
    try:
        sh(f"ip addr add {NETWORK}.1/24 dev {BRIDGE}", f"ip link set {BRIDGE} up")
        for number, name in enumerate(names, 11):
            sh(
                f"ip netns add {name}",
                f"ip link add {name}v type veth peer name eth0 netns {name}",
                f"ip link set {name}v master {BRIDGE} up",
                f"ip -n {name} addr add {NETWORK}.{number}/24 dev eth0",
                f"ip -n {name} link set eth0 up",
                f"ip -n {name} link set lo up",
            )
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)


def start_on(cluster: DaskCluster, hosts: list[str]) -> None:
    for number, name in enumerate(hosts, 11):
        worker = cluster.add_worker(before=("ip", "netns", "exec", name))
        assert worker.found.startswith(f"tcp://{NETWORK}.") or f"{NETWORK}.{number}" in "".join(worker.lines)


@pytest.mark.slow
def test_workers_with_addresses_of_their_own(
    lines: Path, undisturbed: Path, hosts: list[str], tmp_path: Path
) -> None:
    with DaskCluster(host=f"{NETWORK}.1") as cluster:
        start_on(cluster, hosts)
        command = ("batch", lines, "--scheduler", cluster.address, "--k", "3", "--chunk-size", "300kB")
        done = run_custseg(*command, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    same_answer(tmp_path / "out", undisturbed)


@pytest.mark.slow
@pytest.mark.campaign
def test_a_worker_cut_off(lines: Path, undisturbed: Path, hosts: list[str], tmp_path: Path) -> None:
    # The shortest that Dask takes; with its default of 30 s the run waits so much longer.
    quick = {f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{name}": "12s" for name in ("TCP", "CONNECT")}
    with DaskCluster(host=f"{NETWORK}.1", env=quick) as cluster:
        start_on(cluster, hosts)
        command = (lines, "-o", tmp_path / "out", "--scheduler", cluster.address, "--k", "3")
        code, messages, _ = run_until(MAP, lambda _: sh(f"ip link set {hosts[0]}v down"), *command)
    assert code == 0, messages
    same_answer(tmp_path / "out", undisturbed)

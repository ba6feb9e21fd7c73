"""Output and work folder in a bucket: the same files as on disk, one run at a time, and clear errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import boto3
import obstore
import pytest
from buckets import KEY, SECRET, Server, environment, make_bucket, refuse, without_secrets
from command import Done, run_custseg, run_until, same_answer
from dask_cluster import DaskCluster
from obstore.store import S3Store

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("s3")]

OPTIONS = ("--k", "3", "--chunk-size", "500kB", "--no-progress")


@pytest.fixture(scope="module")
def bucket(endpoint: str, access: dict[str, str], lines: Path) -> S3Store:
    """A bucket that forgets nothing, with the transactions in it."""
    store = make_bucket(endpoint, "shop")
    ask(endpoint).put_bucket_versioning(Bucket="shop", VersioningConfiguration={"Status": "Enabled"})
    for file in lines.glob("*.csv"):
        obstore.put(store, f"lines/{file.name}", file)
    return store


def names(store: S3Store, prefix: str) -> set[str]:
    return {found["path"].removeprefix(prefix) for batch in obstore.list(store, prefix) for found in batch}


def fetch(store: S3Store, prefix: str, folder: Path) -> Path:
    """Bring what is below a prefix to disk."""
    for name in names(store, prefix):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bytes(obstore.get(store, prefix + name).bytes()))
    return folder


def ask(endpoint: str) -> Any:
    """What speaks with the store in all its words: obstore knows no versions."""
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=endpoint, **keys)


def ever_written(endpoint: str, prefix: str = "") -> list[tuple[str, str]]:
    """Keys and versions of all objects there ever were."""
    pages = ask(endpoint).get_paginator("list_object_versions").paginate(Bucket="shop", Prefix=prefix)
    return [(each["Key"], each["VersionId"]) for page in pages for each in page.get("Versions", [])]


def test_input_work_and_output_in_a_bucket(
    endpoint: str, undisturbed: Path, bucket: S3Store, access: dict[str, str], tmp_path: Path
) -> None:
    """Workers that share no folder with the run, nor with each other."""
    command = ("batch", "s3://shop/lines", "-o", "s3://shop/all/out", *OPTIONS)
    with DaskCluster(env=access) as cluster:
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            home = tmp_path / name
            cluster.add_worker(env=access | {"TMPDIR": str(home)}, folder=home)
        done = run_custseg(*command, "--scheduler", cluster.address, "-v", env=access)
    assert done.code == 0, done.err
    assert "Report:    s3://shop/all/out/report.html" in done.out
    result = fetch(bucket, "all/out/", tmp_path / "out")
    same_answer(result, undisturbed)
    assert {path.name for path in (result / "charts").iterdir()} == {
        path.name for path in (undisturbed / "charts").iterdir()
    }
    again = run_custseg(*command, env=access)
    assert again.code == 0
    assert "nothing to do" in again.err
    other = run_custseg(*command, "--seed", "1", env=access)
    assert other.code == 4
    assert "--seed was 0, is 1" in other.err
    drawn = run_custseg("report", "s3://shop/all/out", "--currency", "GBP", env=access)
    assert drawn.code == 0, drawn.err
    assert json.loads(bytes(obstore.get(bucket, "all/out/run.json").bytes()))["settings"]["currency"]
    assert names(bucket, "all/out/") == {
        str(path.relative_to(undisturbed)) for path in undisturbed.rglob("*") if path.is_file()
    }
    newcomers = ("assign", "s3://shop/lines", "--model", "s3://shop/all/out", "-o", tmp_path / "newcomers")
    assert run_custseg(*newcomers, env=access).code == 0
    without_secrets(done, tmp_path)
    written = ever_written(endpoint)
    assert any(".custseg-work/tasks/" in key for key, _ in written)
    for key, version in written:
        data = ask(endpoint).get_object(Bucket="shop", Key=key, VersionId=version)["Body"].read()
        assert KEY.encode() not in data and SECRET.encode() not in data, key


@pytest.mark.parametrize("stage", ["Reading and cleaning", "Labelling customers"])
def test_killed_and_run_again(
    stage: str, endpoint: str, undisturbed: Path, bucket: S3Store, access: dict[str, str], tmp_path: Path
) -> None:
    prefix = f"killed/{stage.split(maxsplit=1)[0].lower()}/"
    command = ("s3://shop/lines", "-o", f"s3://shop/{prefix}", *OPTIONS)
    run = subprocess.Popen(
        [sys.executable, "-m", "custseg", "batch", *command], stderr=subprocess.PIPE, text=True, env=access
    )
    with run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith(stage):
                break
        # Of the same machine and at work, though it is held here, or it might end meanwhile: refused at once.
        run.send_signal(signal.SIGSTOP)
        busy = run_custseg("batch", *command, env=access)
        assert busy.code == 4
        assert "Another custseg run" in busy.err
        run.send_signal(signal.SIGKILL)
    assert "run.json" not in names(bucket, prefix)
    assert ".custseg-lock" in names(bucket, prefix)
    done = run_custseg("batch", *command, env=access)
    assert done.code == 0, done.err
    chunks = [key for key, _ in ever_written(endpoint, f"{prefix}.custseg-work/exchange/")]
    # What stood whole was not made again.
    assert chunks and len(chunks) == len(set(chunks))
    same_answer(fetch(bucket, prefix, tmp_path / "out"), undisturbed)


def test_output_here_and_work_there_and_the_other_way_round(
    lines: Path, undisturbed: Path, bucket: S3Store, access: dict[str, str], tmp_path: Path
) -> None:
    there = ("batch", lines, "-o", "s3://shop/there", "--work-dir", tmp_path / "work", *OPTIONS)
    assert run_custseg(*there, env=access).code == 0
    same_answer(fetch(bucket, "there/", tmp_path / "there"), undisturbed)
    here = ("batch", lines, "-o", tmp_path / "here", "--work-dir", "s3://shop/work", *OPTIONS)
    done = run_custseg(*here, env=access)
    assert done.code == 0, done.err
    same_answer(tmp_path / "here", undisturbed)
    assert not names(bucket, "work/") and not list((tmp_path / "work").iterdir())


def test_without_credentials_nobody_is_asked(lines: Path, tmp_path: Path) -> None:
    with Server(lambda handler: handler.send_error(500)) as server:
        env = {"AWS_ENDPOINT_URL": server.url, "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": ""}
        done = run_custseg("batch", lines, "-o", "s3://shop/out", env=env)
    assert done.code == 5
    assert "Nothing says who asks the object store." in done.err
    assert "Finding files" not in done.err
    assert server.asked == []


def test_a_bucket_that_is_not_there(lines: Path, access: dict[str, str], tmp_path: Path) -> None:
    for places in (("-o", "s3://shpo/out"), ("-o", tmp_path / "out", "--work-dir", "s3://shpo/work")):
        done = run_custseg("batch", lines, *places, env=access)
        assert done.code == 4
        assert "There is no bucket 'shpo'." in done.err
        assert "Reading and cleaning" not in done.err
        without_secrets(done, tmp_path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "does not let us write this"),
        ("InvalidAccessKeyId", "does not know these credentials"),
    ],
)
def test_missing_rights(code: str, words: str, lines: Path, tmp_path: Path) -> None:
    with Server(lambda handler: refuse(handler, code)) as server:
        done = run_custseg(
            "batch", lines, "-o", "s3://shop/out", "-vv", env=environment(server.url, tmp_path)
        )
    assert done.code == 5
    assert words in done.err
    without_secrets(done, tmp_path)


def test_writes_that_break_off(
    endpoint: str, undisturbed: Path, bucket: S3Store, access: dict[str, str], tmp_path: Path
) -> None:
    """The store goes away once the exchange stands; when it is back, the same command goes on."""
    with Gate(endpoint) as gate:
        env = access | {"AWS_ENDPOINT_URL": gate.server.url}
        command = ("s3://shop/lines", "-o", "s3://shop/broken", *OPTIONS, "-vv")
        code, messages, _ = run_until("Reading and cleaning", lambda _: gate.close(), *command, env=env)
        assert code == 5, messages
        assert "The object store cannot be reached, or broke off." in messages
        without_secrets(Done(code, "", messages), tmp_path)
        assert "run.json" not in names(bucket, "broken/")
        gate.open()
        done = run_custseg("batch", *command, env=env)
        assert done.code == 0, done.err
    same_answer(fetch(bucket, "broken/", tmp_path / "out"), undisturbed)


class Gate:
    """Hands requests on to a store, until it is closed: then what is written breaks off half-way."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint, self.closed = endpoint, False
        self.server = Server(self.hand_on)

    def __enter__(self) -> Gate:
        self.server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def open(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def hand_on(self, handler: BaseHTTPRequestHandler) -> None:
        import http.client

        length = int(handler.headers.get("Content-Length", 0))
        if self.closed:
            handler.rfile.read(length // 2)
            handler.close_connection = True
            return
        body = handler.rfile.read(length)
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"))
        connection.request(handler.command, handler.path, body, dict(handler.headers))
        answer = connection.getresponse()
        data = answer.read()
        handler.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                handler.send_header(name, value)
        length = answer.getheader("Content-Length") if handler.command == "HEAD" else str(len(data))
        handler.send_header("Content-Length", length or "0")
        handler.end_headers()
        handler.wfile.write(data)
        connection.close()


def test_a_hold_ends_by_itself(
    bucket: S3Store, access: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run killed on another machine: refused at first, and taken over once its hold is old."""
    from custseg.errors import MachineError, OutputError
    from custseg.running import lease
    from custseg.running.places import Remote

    for name, value in access.items():
        monkeypatch.setenv(name, value)
    file = Remote("s3://shop/held/.custseg-lock")
    obstore.put(bucket, "held/.custseg-lock", b'{"token": "1", "machine": "another", "process": "1 since 2"}')
    with pytest.raises(OutputError) as met, lease.hold(file):
        pass
    assert met.value.code == "output-busy"
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with lease.hold(file) as require:
                monkeypatch.setattr(lease, "LEASE_SECONDS", 60)
                require()
                # Another took over, though this run is still there.
                obstore.put(bucket, "held/.custseg-lock", b"{}")
                monkeypatch.setattr(lease, "LEASE_SECONDS", -1)
                with pytest.raises(MachineError) as lost:
                    require()
            break
        except OutputError:
            continue
    assert lost.value.code == "output-lost"
    # Not removed by who no longer holds it.
    assert ".custseg-lock" in names(bucket, "held/")

"""Input in a bucket: moto's server, and servers of ours that refuse or break off; no other is asked."""

from __future__ import annotations

import gzip
import io
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import obstore
import polars as pl
import pytest
from buckets import KEY, SECRET, Server, environment, make_bucket, refuse, without_secrets
from command import run_custseg
from obstore.store import S3Store
from polars.testing import assert_frame_equal

from custseg.running import storage

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("s3")]


@pytest.fixture(scope="module")
def bucket(endpoint: str, lines: Path) -> S3Store:
    store = make_bucket(endpoint, "sales")
    files = sorted(lines.glob("*.csv"))
    for number, file in enumerate(files):
        data = file.read_bytes()
        if number % 3 == 0:
            frame, parquet = pl.read_csv(file, infer_schema=False), io.BytesIO()
            frame.write_parquet(parquet)
            obstore.put(store, f"2026/{file.stem}.parquet", parquet.getvalue())
        elif number % 3 == 1:
            obstore.put(store, f"2026/more/{file.stem}.csv.gz", gzip.compress(data))
        else:
            obstore.put(store, f"2026/more/{file.name}", data)
    obstore.put(store, "2026/_SUCCESS", b"")
    obstore.put(store, "2026/.hidden/lines.csv", b"x")
    return store


def customers(folder: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(part) for part in sorted((folder / "customers").iterdir())])


def test_input_in_a_bucket_gives_the_same(
    undisturbed: Path, bucket: S3Store, access: dict[str, str], tmp_path: Path
) -> None:
    options = ("--k", "3", "-vv", "--workers", 2, "--memory-limit", "2GB", "--chunk-size", "300kB")
    done = run_custseg("batch", "s3://sales/2026", "-o", tmp_path / "out", *options, env=access)
    assert done.code == 0, done.err
    assert_frame_equal(customers(tmp_path / "out"), customers(undisturbed), check_exact=True)
    without_secrets(done, tmp_path)


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("s3://sales/2025", 3, "There is no such object."),
        ("s3://sales/2026/*.xlsx", 3, "names no object that custseg reads"),
        ("s3://slaes/2026", 3, "There is no bucket 'slaes'."),
    ],
)
def test_wrong_addresses(
    address: str, code: int, words: str, bucket: S3Store, access: dict[str, str], tmp_path: Path
) -> None:
    done = run_custseg("batch", address, "-o", tmp_path / "out", env=access)
    assert done.code == code
    assert words in done.err and address.split("/")[2] in done.err
    without_secrets(done, tmp_path)


def test_patterns_and_folders(
    bucket: S3Store, access: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from custseg.transactions.find import find_files

    for name, value in access.items():
        monkeypatch.setenv(name, value)
    everything = {file.path for file in find_files(["s3://sales/2026/"])}
    assert {path.rpartition(".")[2] for path in everything} == {"parquet", "gz", "csv"}
    assert not [path for path in everything if "hidden" in path or "SUCCESS" in path]
    flat = {file.path for file in find_files(["s3://sales/2026/*.parquet"])}
    assert flat == {path for path in everything if path.endswith(".parquet")}
    assert {file.path for file in find_files(["s3://sales/2026/**/*.csv"])} == {
        path for path in everything if path.endswith(".csv")
    }
    one = sorted(everything)[0]
    assert [file.path for file in find_files([one])] == [one]


def test_ten_thousand_objects(
    endpoint: str, bucket: S3Store, access: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: obstore.put(bucket, f"many/{n:05d}.csv", b"a"), range(10_000)))
    for name, value in access.items():
        monkeypatch.setenv(name, value)
    found = [file.url for file in storage.below("s3://sales/many")]
    assert found == [f"s3://sales/many/{n:05d}.csv" for n in range(10_000)]


def test_without_credentials_nobody_is_asked(tmp_path: Path) -> None:
    with Server(lambda handler: handler.send_error(500)) as server:
        env = {"AWS_ENDPOINT_URL": server.url, "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": ""}
        done = run_custseg("batch", "s3://sales/2026", "-o", tmp_path / "out", env=env)
    assert done.code == 5
    assert "Nothing says who asks the object store." in done.err
    assert server.asked == []


def test_a_profile_of_the_home_folder(bucket: S3Store, access: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        f"[shop]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    )
    (tmp_path / ".aws/config").write_text(
        f"[profile shop]\nregion = eu-west-2\nendpoint_url = {access['AWS_ENDPOINT_URL']}\n"
    )
    env = {"HOME": str(tmp_path), "AWS_PROFILE": "shop"}
    done = run_custseg("check", "s3://sales/2026", env=env)
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("AccessDenied", "does not let us read this"),
        ("InvalidAccessKeyId", "does not know these credentials"),
        ("SignatureDoesNotMatch", "does not know these credentials"),
    ],
)
def test_missing_rights(code: str, words: str, tmp_path: Path) -> None:
    with Server(lambda handler: refuse(handler, code)) as server:
        env = environment(server.url, tmp_path)
        done = run_custseg("batch", "s3://sales/2026", "-o", tmp_path / "out", "-v", env=env)
    assert done.code == 5
    assert words in done.err
    without_secrets(done, tmp_path)


@pytest.mark.parametrize("name", ["lines.csv", "lines.parquet"])
def test_reads_that_break_off(name: str, lines: Path, tmp_path: Path) -> None:
    """Every answer ends before all it promised has come, beyond the first kilobytes."""
    data = b"".join(file.read_bytes() for file in sorted(lines.glob("*.csv"))[:1])
    if name.endswith("parquet"):
        table = io.BytesIO()
        pl.read_csv(data, infer_schema=False).write_parquet(table)
        data = table.getvalue()

    def break_off(handler: BaseHTTPRequestHandler) -> None:
        first, _, last = (
            handler.headers.get("Range", f"bytes=0-{len(data) - 1}").removeprefix("bytes=").partition("-")
        )
        start = int(first) if first else len(data) - int(last)
        end = min(int(last), len(data) - 1) if first and last else len(data) - 1
        handler.send_response(206 if "Range" in handler.headers else 200)
        handler.send_header("Content-Length", str(end - start + 1))
        handler.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
        handler.send_header("Last-Modified", "Mon, 23 Nov 2026 10:00:00 GMT")
        handler.end_headers()
        if handler.command == "GET":
            whole = data[start : end + 1]
            handler.wfile.write(whole if len(whole) < 10_000 else whole[:5_000])
            handler.close_connection = True

    with Server(break_off) as server:
        env = environment(server.url, tmp_path)
        done = run_custseg("batch", f"s3://sales/{name}", "-o", tmp_path / "out", env=env)
    assert done.code == 5, done.err
    assert "The object store cannot be reached, or broke off." in done.err
    assert f"s3://sales/{name}" in done.err
    without_secrets(done, tmp_path)

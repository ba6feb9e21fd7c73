"""The command line: help that is quick and has examples, results on stdout, progress on stderr."""

import json
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from command import Done, run_custseg
from made import write_transactions

pytestmark = pytest.mark.xdist_group("command line")

HEAVY = {"polars", "dask", "distributed", "dask_ml", "sklearn", "altair", "vl_convert", "kneed"}
HEAVY |= {"numpy", "pandas", "scipy", "numba"}


def imported(*arguments: str) -> set[str]:
    """Return the packages that `python ARGUMENTS` imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], check=True, capture_output=True, encoding="utf-8"
    )
    return {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_help_waits_for_no_heavy_library() -> None:
    assert not imported("-m", "custseg", "--help") & (HEAVY | {"pydantic"})


@pytest.mark.parametrize(
    "arguments", [["batch", "--help"], ["assign", "--help"], ["sample", "--help"], ["--version"]]
)
def test_nor_does_the_help_of_a_command(arguments: list[str]) -> None:
    # Typer itself takes pydantic to read the options before a command.
    assert not imported("-m", "custseg", *arguments) & HEAVY


def test_import_custseg_is_light() -> None:
    packages = imported("-c", "import custseg; custseg.__version__; dir(custseg)")
    assert not packages & (HEAVY | {"typer", "rich", "click"})


def test_the_face_of_the_package() -> None:
    import custseg

    assert set(custseg.__all__) <= set(dir(custseg))
    for name in custseg.__all__:
        assert getattr(custseg, name) is not None


@pytest.mark.parametrize("command", ["batch", "assign", "sample"])
def test_each_command_has_help_with_an_example(command: str) -> None:
    assert re.search(rf"\b{command}\b", run_custseg("--help").out)
    done = run_custseg(command, "--help", env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.code == 0
    assert f"custseg {command} " in done.out[done.out.index("Example") :]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_under_what_is_printed_is_told_as_that() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "custseg", "--version"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    assert done.returncode == 5
    assert done.stderr.startswith("Error: What custseg prints cannot be written: no room is left")


def test_version() -> None:
    import custseg

    assert run_custseg("--version").out.strip() == f"custseg {custseg.__version__}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path, Path]:
    """A run without options: how it ended, its input, its output."""
    folder = tmp_path_factory.mktemp("run")
    path = write_transactions(folder / "sales.csv")
    done = run_custseg("batch", path, "-o", folder / "segments")
    assert done.code == 0, done.err
    return done, path, folder / "segments"


def test_results_go_to_stdout_and_progress_to_stderr(run: tuple[Done, Path, Path]) -> None:
    done, _, output = run
    assert "High-Value" in done.out
    assert str(output / "report.html") in done.out
    assert "\x1b" not in done.out + done.err
    assert "\r" not in done.err
    assert len(done.err.splitlines()) >= 3


def test_a_finished_run_is_not_done_again(run: tuple[Done, Path, Path]) -> None:
    done, path, output = run
    before = {file: file.stat().st_mtime_ns for file in output.rglob("*")}
    again = run_custseg("batch", path, "-o", output)
    assert again.code == 0
    assert "finished already" in again.err
    assert again.out == done.out
    assert {file: file.stat().st_mtime_ns for file in output.rglob("*")} == before


def test_json_on_stdout_is_the_record(run: tuple[Done, Path, Path]) -> None:
    _, path, output = run
    done = run_custseg("batch", path, "-o", output, "--json", "-q")
    assert done.err == ""
    assert json.loads(done.out) == json.loads((output / "run.json").read_text("utf-8"))


def test_all_files_of_a_run(run: tuple[Done, Path, Path]) -> None:
    _, _, output = run
    names = {file.relative_to(output).as_posix() for file in output.rglob("*") if file.is_file()}
    single = {"segments.csv", "model.json", "run.json", "report.html"}
    charts = {name.removesuffix(".html") for name in names if re.fullmatch(r"charts/[a-z_]+\.html", name)}
    assert len(charts) >= 6
    parts = {name for name in names if re.fullmatch(r"customers/part-\d{5}\.parquet", name)}
    assert names == single | parts | {f"{chart}{end}" for chart in charts for end in (".html", ".vl.json")}
    columns = pl.scan_parquet(output / "customers" / "part-*.parquet").collect_schema().names()
    assert columns[0] == "customer_id"
    assert {"segment_id", "segment", "distance", "margin", "spend", "last_purchase"} <= set(columns)
    segments = pl.read_csv(output / "segments.csv")
    assert segments["segment_id"].to_list() == [1, 2]
    assert segments["customers"].sum() == 40


def test_a_sample_can_be_segmented_as_it_is(tmp_path: Path) -> None:
    done = run_custseg(
        "sample", "-o", tmp_path / "shop", "--rows", "2e4", "--customers", "400", "--seed", "1"
    )
    assert done.code == 0, done.err
    assert "20,000" in done.out
    done = run_custseg("batch", tmp_path / "shop", "-o", tmp_path / "segments", "--json", "-q")
    assert done.code == 0, done.err
    ledger = json.loads(done.out)["ledger"]
    assert ledger["rows_read"] == 20_000
    assert all(ledger[fate] > 0 for fate in ("missing_customer", "cancelled", "non_positive", "duplicate"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "job", sorted((Path(__file__).parents[2] / "jobs").glob("*.toml")), ids=lambda p: p.name
)
def test_each_job_file_runs(tmp_path: Path, job: Path) -> None:
    assert (
        run_custseg("sample", "-o", tmp_path / "shop", "--rows", "20000", "--customers", "400", "-q").code
        == 0
    )
    done = run_custseg("batch", tmp_path / "shop", "-o", tmp_path / "segments", "--job", job, "--json", "-q")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert (record["ledger"]["excluded"] > 0) == (job.name == "online_retail.toml")


def test_from_python(quick: None, tmp_path: Path) -> None:
    import custseg

    path = write_transactions(tmp_path / "sales.csv")
    found = custseg.segment([path], settings=custseg.Settings(k="3"), output=tmp_path / "one")
    lines = pl.scan_csv(path, schema_overrides={"Invoice": pl.String, "StockCode": pl.String})
    frame = custseg.segment(lines, settings=custseg.Settings(k="3"), output=tmp_path / "two")
    assert found.segments.height == 3
    assert len(repr(found)) < 200
    assert found.record == json.loads((tmp_path / "one" / "run.json").read_text("utf-8"))
    assert found.customers.collect().equals(frame.customers.collect())


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_no_run_and_nothing_is_written_into_others(tmp_path: Path, closed: str) -> None:
    lines = write_transactions(tmp_path / "a.csv")
    shell = f'"$0" -m custseg "$@" {closed}'

    def ended(*command: object) -> int:
        called = ["sh", "-c", shell, sys.executable, *map(str, command)]
        return subprocess.run(called, check=False).returncode

    assert ended("batch", lines, "-o", tmp_path / "out", "--k", "2", "-vv", "--work-dir", tmp_path) == 0
    assert (tmp_path / "out" / "report.html").exists()
    assert ended("batch", tmp_path / "not-there.csv", "-o", tmp_path / "other") == 3

"""Bad input and outputs in the way: a clear message, the documented exit code, nothing written."""

import json
import os
from pathlib import Path

import polars as pl
import pytest
from command import Done, run_custseg
from made import HEADER, write_transactions

import custseg

LINE = "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"


def refused(done: Done, code: int, *words: str) -> None:
    """The command ended with `code`; its message says what, and each of `words`; nothing else was printed."""
    assert done.code == code, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    message = done.err[done.err.index("Error") :]
    for word in words:
        assert word in message
    assert len(message) < 2_000


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "segments"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_transactions(tmp_path / "good.csv")


def file(tmp_path: Path, *lines: str, name: str = "bad.csv") -> Path:
    path = tmp_path / name
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


def test_no_such_file(tmp_path: Path, good: Path, output: Path) -> None:
    done = run_custseg("batch", tmp_path / "goood.csv", "-o", output)
    refused(done, 3, "goood.csv", "good.csv")
    assert not output.exists()


def test_a_glob_that_matches_nothing(tmp_path: Path, output: Path) -> None:
    refused(run_custseg("batch", tmp_path / "*.parquet", "-o", output), 3, "*.parquet")
    assert not output.exists()


def test_a_folder_without_transactions(tmp_path: Path, output: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "readme.md").write_text("nothing here", "utf-8")
    refused(run_custseg("batch", folder, "-o", output), 3, str(folder))
    assert not output.exists()


def test_no_column_for_the_customer(tmp_path: Path, output: Path) -> None:
    path = file(tmp_path, HEADER.replace("Customer ID", "Who"), LINE)
    refused(run_custseg("batch", path, "-o", output), 3, "customer", "Who", "--column customer_id=")
    assert not output.exists()


def test_two_columns_for_the_customer(tmp_path: Path, output: Path) -> None:
    path = file(tmp_path, HEADER.replace("Country", "Client ID").replace("Customer ID", "Member"), LINE)
    refused(run_custseg("batch", path, "-o", output), 3, "Member", "Client ID", "--column customer_id=")
    assert not output.exists()


def test_only_customers(tmp_path: Path, output: Path) -> None:
    path = file(tmp_path, "Customer ID,Country", "17850,France")
    refused(run_custseg("batch", path, "-o", output), 3, "quantity", "Country")
    assert not output.exists()


@pytest.mark.parametrize("name", ["empty.csv", "empty.parquet"])
def test_an_empty_file(tmp_path: Path, output: Path, name: str) -> None:
    refused(run_custseg("batch", file(tmp_path, name=name), "-o", output), 3, name, "empty")
    assert not output.exists()


def test_an_empty_file_among_good_ones(tmp_path: Path, good: Path, output: Path) -> None:
    refused(run_custseg("batch", good, file(tmp_path), "-o", output), 3, "bad.csv", "empty")
    assert not output.exists()


def test_a_damaged_parquet_file(tmp_path: Path, output: Path) -> None:
    path = tmp_path / "cut.parquet"
    pl.DataFrame({"Customer ID": range(1000), "Quantity": 1}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    refused(run_custseg("batch", path, "-o", output), 3, "cut.parquet")
    assert not output.exists()


def test_only_a_header(tmp_path: Path, output: Path) -> None:
    refused(run_custseg("batch", file(tmp_path, HEADER), "-o", output), 3)
    assert not output.exists()


def test_all_lines_rejected(tmp_path: Path, output: Path) -> None:
    path = file(tmp_path, HEADER, *[LINE.replace(",6,", ",-6,")] * 30)
    refused(run_custseg("batch", path, "-o", output), 3, "non_positive")
    assert not output.exists()


def test_too_many_invalid_lines(tmp_path: Path, good: Path, output: Path) -> None:
    lines = good.read_text("utf-8").splitlines()
    path = file(tmp_path, *lines, *[LINE.replace(",6,", ",six,")] * 10)
    refused(run_custseg("batch", path, "-o", output), 3, "invalid", "--max-invalid")
    assert not output.exists()


def test_lines_that_are_mostly_invalid_are_no_lines_to_allow(tmp_path: Path, output: Path) -> None:
    path = file(tmp_path, HEADER, *[LINE.replace(",6,", ",6 pcs,")] * 10)
    done = run_custseg("batch", path, "-o", output)
    refused(done, 3, "10 of 10 lines", "6 pcs", "--column NAME=HEADER")
    assert "allow more" not in done.err
    assert not output.exists()


@pytest.mark.parametrize("k", ["5", "3-5"])
def test_fewer_customers_than_k(tmp_path: Path, output: Path, k: str) -> None:
    path = write_transactions(tmp_path / "few.csv", customers=2)
    refused(run_custseg("batch", path, "-o", output, "--k", k), 3, "2 customers", "--k")
    assert not output.exists()


def test_dates_whose_order_nothing_proves(tmp_path: Path, output: Path) -> None:
    lines = [
        LINE.replace("2010-12-01", f"0{day}/03/2011").replace("17850", f"1785{day}") for day in range(1, 6)
    ]
    refused(run_custseg("batch", file(tmp_path, HEADER, *lines), "-o", output), 3, "--date-format")
    assert not output.exists()


def test_a_feature_the_input_cannot_give(tmp_path: Path, output: Path) -> None:
    path = file(tmp_path, "Customer ID,Quantity", *[f"{n},{n % 3 + 1}" for n in range(30)])
    refused(run_custseg("batch", path, "-o", output, "--features", "rfm"), 3, "recency_days", "--features")
    assert not output.exists()


def test_a_folder_with_files_of_someone_else(good: Path, output: Path) -> None:
    output.mkdir()
    (output / "thesis.txt").write_text("years of work", "utf-8")
    refused(run_custseg("batch", good, "-o", output), 4, str(output))
    refused(run_custseg("batch", good, "-o", output, "--fresh"), 4, str(output))
    assert [(path.name, path.read_text("utf-8")) for path in output.iterdir()] == [
        ("thesis.txt", "years of work")
    ]


def test_an_output_that_is_a_file(good: Path, output: Path) -> None:
    output.write_text("mine", "utf-8")
    refused(run_custseg("batch", good, "-o", output), 4, str(output))
    assert output.read_text("utf-8") == "mine"


@pytest.mark.slow
def test_a_run_of_another_identity(quick: None, good: Path, output: Path) -> None:
    custseg.segment(good, settings=custseg.Settings(k="2"), output=output)
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    refused(run_custseg("batch", good, "-o", output, "--k", "3"), 4, "--fresh")
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    again = run_custseg("batch", good, "-o", output, "--k", "3", "--fresh", "-q")
    assert again.code == 0, again.err
    assert pl.read_csv(output / "segments.csv").height == 3


def test_a_bad_input_leaves_an_earlier_run_alone(
    quick: None, tmp_path: Path, good: Path, output: Path
) -> None:
    custseg.segment(good, output=output)
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    refused(run_custseg("batch", file(tmp_path), "-o", output, "--fresh"), 3, "empty")
    rejected = file(tmp_path, HEADER, LINE.replace(",6,", ",-6,"), name="rejected.csv")
    refused(run_custseg("batch", rejected, "-o", output, "--fresh"), 3)
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kk", "3"], ["--kk"]),
        (["--k", "1"], ["--k", "2 to 50"]),
        (["--k", "many"], ["--k", "many"]),
        (["--min-share", "3"], ["--min-share"]),
        (["--features", "rmf"], ["rmf", "rfm"]),
        (["--features", "last_purchase"], ["last_purchase", "recency_days"]),
        (["--scale", "log"], ["--scale"]),
        (["--since", "yesterday"], ["--since", "yesterday"]),
        (["--column", "customer=Who"], ["--column", "customer_id"]),
        (["--column", "customer_id"], ["--column", "NAME=HEADER"]),
        (["--exclude-product", "(POST"], ["--exclude-product", "(POST"]),
        (["--exclude-product", "^(?!POST)"], ["--exclude-product", "^(?!POST)", "look-ahead"]),
        (["--memory-limit", "10MB"], ["--memory-limit", "1GB"]),
        (["--seed", "-1"], ["--seed"]),
    ],
)
def test_bad_options(good: Path, output: Path, options: list[str], words: list[str]) -> None:
    refused(run_custseg("batch", good, "-o", output, *options), 2, *words)
    assert not output.exists()


def test_an_unknown_key_in_a_job_file(tmp_path: Path, good: Path, output: Path) -> None:
    job = file(tmp_path, 'min_shar = "5%"', name="job.toml")
    refused(run_custseg("batch", good, "-o", output, "--job", job), 2, "min_shar", "min_share", str(job))
    assert not output.exists()


def test_a_bad_value_in_the_environment(good: Path, output: Path) -> None:
    done = run_custseg("batch", good, "-o", output, env={"CUSTSEG_MIN_SHARE": "lots"})
    refused(done, 2, "min-share", "lots", "environment")
    assert not output.exists()


def test_a_job_file_that_is_no_toml(tmp_path: Path, good: Path, output: Path) -> None:
    job = file(tmp_path, "k = = 3", name="job.toml")
    refused(run_custseg("batch", good, "-o", output, "--job", job), 2, str(job))
    assert not output.exists()


def test_a_flag_wins_over_environment_over_job_over_default(tmp_path: Path, good: Path, output: Path) -> None:
    job = file(tmp_path, "k = 3", "seed = 5", 'min-share = "1%"', name="job.toml")
    env = {"CUSTSEG_SEED": "6", "CUSTSEG_MIN_SHARE": "0"}
    done = run_custseg("batch", good, "-o", output, "-q", "--job", job, "--min-share", "10%", env=env)
    assert done.code == 0, done.err
    settings = json.loads((output / "run.json").read_text("utf-8"))["settings"]
    assert settings["min_share"] == {"value": 0.1, "source": "flag"}
    assert settings["seed"] == {"value": 6, "source": "environment"}
    assert settings["k"] == {"value": "3", "source": "job file"}
    assert settings["scale"] == {"value": "log-standard", "source": "default"}


def test_names_that_are_no_text(good: Path, output: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"o_\xe9")
    odd.mkdir()
    refused(run_custseg("batch", good, "-o", odd / "out"), 4, "is no UTF-8", "another folder")
    assert list(odd.iterdir()) == []
    copied = odd / "lines.csv"
    copied.write_bytes(good.read_bytes())
    assert run_custseg("batch", copied, "-o", output, "--k", "2").code == 0
    with (odd / "lines.parquet").open("wb") as parquet:
        pl.read_csv(good).write_parquet(parquet)
    refused(run_custseg("batch", odd / "lines.parquet", "-o", output), 3, "is no UTF-8", "Rename")

"""From Python: settings and inputs that are none are told as on the command line, in the same form."""

import tomllib
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from made import write_transactions

import custseg
from custseg.settings import resolve

JOB = 'date-format = "%Y-%m-%d %H:%M:%S"\nmin-share = "1%"\nk = 3\n[column]\ninvoice = "Invoice"\n'


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ({"k": 1}, "bad-setting", "k: k goes from 2 to 50"),
        ({"seed": -1}, "bad-setting", "seed: it should be greater than or equal to 0"),
        ({"k": "previous"}, "bad-setting", "k = previous needs a previous run"),
        ({"feature": "rfm"}, "unknown-setting", "There is no setting 'feature'"),
    ],
)
def test_settings_that_are_none_are_errors_of_ours(given: dict[str, object], code: str, told: str) -> None:
    with pytest.raises(custseg.CustsegError) as caught:
        custseg.Settings(**given)
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert told in caught.value.what


def test_a_job_file_says_the_same_from_python(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text(JOB, "utf-8")
    assert custseg.Settings(**tomllib.loads(JOB)) == resolve({}, job)[0]
    assert custseg.Settings(k=2, names={1: "VIP"}).names_by_key == {"1": "VIP"}


def test_what_is_no_input_is_told(tmp_path: Path) -> None:
    frame = pl.read_csv(write_transactions(tmp_path / "sales.csv"), infer_schema=False)
    table = pd.DataFrame(frame.to_dict(as_series=False))
    for inputs, now in (
        (table, "pl.from_pandas(frame)"),
        (frame.to_arrow(), "pl.from_arrow(table)"),
        ([frame, frame], "pl.concat(frames)"),
        (7, "one Polars frame"),
    ):
        with pytest.raises(custseg.CustsegError) as caught:
            custseg.segment(inputs, output=tmp_path / "out")
        assert (caught.value.code, caught.value.exit_code) == ("unknown-format", 3)
        assert now in caught.value.now or now in caught.value.what
    with pytest.raises(custseg.CustsegError, match="write_parquet"):
        custseg.check(frame)
    assert [problem.error.code for problem in custseg.check([]).problems] == ["no-input"]
    assert custseg.check(path for path in [tmp_path / "sales.csv"]).ok

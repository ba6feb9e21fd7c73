"""Sample: exact size, same bytes, the dirt of real transactions, customers who stay themselves."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from custseg.errors import MachineError, OutputError, SettingsError
from custseg.transactions.sample import MARKER, FileType, SampleSummary, write_sample

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    return write_sample(tmp_path_factory.mktemp("sample"), rows=200_000, customers=2_000, seed=3)


@pytest.fixture(scope="module")
def lines(sample: SampleSummary) -> pd.DataFrame:
    texts = dict.fromkeys(("Invoice", "StockCode", "Customer ID"), str)
    frames = [pd.read_csv(path, dtype=texts, parse_dates=["InvoiceDate"]) for path in sample.files]
    return pd.concat([frame.assign(file=i) for i, frame in enumerate(frames)], ignore_index=True)


def checksum(summary: SampleSummary) -> str:
    whole = hashlib.sha256()
    for path in summary.files:
        whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()


def test_layout_is_that_of_online_retail_ii(sample: SampleSummary) -> None:
    with sample.files[0].open(encoding="utf-8") as file:
        assert file.readline().rstrip("\n") == HEADER
        assert file.readline().split(",")[4].startswith("2009-12-01 0")


def test_files_are_months_and_hold_exactly_the_rows(sample: SampleSummary, lines: pd.DataFrame) -> None:
    assert len(lines) == sample.rows == 200_000
    assert [path.name for path in sample.files[:2]] == [
        "transactions-2009-12.csv",
        "transactions-2010-01.csv",
    ]
    assert len(sample.files) == 25
    assert sample.bytes == sum(path.stat().st_size for path in sample.files)
    assert sorted(path.name for path in sample.output.iterdir()) == [MARKER, *(p.name for p in sample.files)]


@pytest.mark.parametrize("rows", [1, 2, 37, 1_000])
@pytest.mark.parametrize("customers", [1, 2, 17, 5_000])
def test_small_samples_are_exact_too(tmp_path: Path, rows: int, customers: int) -> None:
    summary = write_sample(tmp_path, rows=rows, customers=customers, file_type="parquet")
    lines = pl.concat([pl.read_parquet(path) for path in summary.files])
    assert lines.height == rows
    ids = lines["Customer ID"].drop_nulls()
    assert ids.is_between(12_346, 12_345 + customers).all()


def test_a_month_of_many_rows_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custseg.transactions.sample.FILE_ROWS", 1_000)
    summary = write_sample(tmp_path, rows=30_000, customers=500, file_type="parquet")
    heights = {path.stem: pl.read_parquet(path).height for path in summary.files}
    assert sum(heights.values()) == 30_000
    assert max(heights.values()) <= 1_000
    assert "transactions-2009-12-part-0001" in heights


def test_same_seed_same_bytes_other_seed_others(tmp_path: Path, sample: SampleSummary) -> None:
    again = write_sample(tmp_path / "again", rows=200_000, customers=2_000, seed=3)
    other = write_sample(tmp_path / "other", rows=200_000, customers=2_000, seed=4)
    assert checksum(again) == checksum(sample) != checksum(other)


def test_csv_and_parquet_hold_the_same(tmp_path: Path, lines: pd.DataFrame) -> None:
    summary = write_sample(tmp_path, rows=200_000, customers=2_000, seed=3, file_type="parquet")
    parquet = pd.concat([pd.read_parquet(path) for path in summary.files], ignore_index=True)
    csv = lines.drop(columns="file")
    assert csv["Customer ID"].dropna().str.endswith(".0").all()
    csv["Customer ID"] = csv["Customer ID"].str.removesuffix(".0").astype("float")
    pd.testing.assert_frame_equal(csv, parquet, check_dtype=False)


def test_it_has_the_dirt_of_real_transactions(lines: pd.DataFrame) -> None:
    invoices = lines.drop_duplicates("Invoice")
    cancelled = lines["Invoice"].str.startswith("C")
    ordinary = lines[~cancelled & lines["Customer ID"].notna()]
    assert 0.15 < invoices["Customer ID"].isna().mean() < 0.25
    assert 0.02 < invoices["Invoice"].str.startswith("C").mean() < 0.1
    assert (lines.loc[cancelled, "Quantity"] < 0).all()
    assert (ordinary["Quantity"] < 0).sum() > 100
    assert (ordinary["Price"] == 0).sum() > 100
    assert (lines["Quantity"] != 0).all()
    codes = set(lines["StockCode"])
    assert {"POST", "DOT", "M", "D", "ADJUST", "BANK CHARGES"} <= codes
    charges_only = ordinary.groupby("Customer ID")["StockCode"].agg(
        lambda codes: not codes.str.match(r"\d").any()
    )
    assert charges_only.sum() > 3


def test_lines_repeat_within_a_file_and_at_the_start_of_the_next(lines: pd.DataFrame) -> None:
    columns = HEADER.split(",")
    within = lines.duplicated([*columns, "file"])
    first_of = lines.groupby(columns, dropna=False)["file"].transform("min")
    across = lines["file"] != first_of
    assert 0.005 < within.mean() < 0.03
    assert 0.005 < across.mean() < 0.02
    assert (lines["file"] - first_of).max() == 1


def test_cancellations_undo_the_invoice_before(lines: pd.DataFrame) -> None:
    cancelled = lines[lines["Invoice"].str.startswith("C") & (lines["StockCode"] != "D")]
    number = cancelled["Invoice"].str.removeprefix("C").astype(int)
    undone = cancelled.assign(Invoice=(number - 1).astype(str), Quantity=cancelled["Quantity"].abs())
    bought = lines.assign(Quantity=lines["Quantity"].abs())
    keys = ["Invoice", "StockCode", "Quantity", "Price"]
    found = undone.merge(bought[keys].drop_duplicates(), on=keys, how="left", indicator=True)
    assert (found["_merge"] == "both").mean() > 0.99


def test_trade_rises_towards_christmas_and_rests_on_saturdays(lines: pd.DataFrame) -> None:
    month = lines["InvoiceDate"].dt.month.value_counts()
    assert month.idxmax() == 11
    assert not (lines["InvoiceDate"].dt.day_of_week == 5).any()
    assert lines["InvoiceDate"].min() >= pd.Timestamp("2009-12-01")
    assert lines["InvoiceDate"].max() < pd.Timestamp("2011-12-10")


def test_customers_stay_themselves(lines: pd.DataFrame) -> None:
    """Who buys much in the first year does so in the second; the wholesale few make much of the trade."""
    bought = lines[lines["Customer ID"].notna() & (lines["Quantity"] > 0)].drop_duplicates("Invoice")
    year = bought["InvoiceDate"] < pd.Timestamp("2010-12-01")
    counts = pd.crosstab(bought["Customer ID"], year)
    lasting = counts[(counts > 0).all(axis=1)]
    assert lasting[True].corr(lasting[False], method="spearman") > 0.4
    assert (bought.groupby("Customer ID")["Country"].nunique() == 1).all()
    spend = (lines["Quantity"] * lines["Price"]).groupby(lines["Customer ID"]).sum().sort_values()
    assert spend.tail(len(spend) // 5).sum() > 0.6 * spend.sum()
    purchases = bought["Customer ID"].value_counts()
    assert 0.2 < (purchases == 1).mean() < 0.5


def test_an_earlier_sample_is_replaced(tmp_path: Path) -> None:
    write_sample(tmp_path, rows=5_000, customers=50)
    fewer = write_sample(tmp_path, rows=3, customers=5, file_type="parquet")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / MARKER, *fewer.files])


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a,b\n", "utf-8")
    with pytest.raises(OutputError, match="not an earlier sample") as error:
        write_sample(tmp_path, rows=10, customers=5)
    assert error.value.exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="is a file"):
        write_sample(path, rows=10, customers=5)
    assert path.read_text("utf-8") == "mine"


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"customers": 0}, {"seed": -1}])
def test_numbers_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    values = {"rows": 10, "customers": 5, "seed": 0} | wrong
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        write_sample(tmp_path / "new", **values)
    assert not (tmp_path / "new").exists()


def test_progress_adds_up(tmp_path: Path) -> None:
    seen: list[int] = []
    write_sample(tmp_path, rows=50_001, customers=100, file_type="parquet", advance=seen.append)
    assert sum(seen) == 50_001


def test_an_interrupted_sample_leaves_no_half_file(tmp_path: Path) -> None:
    calls = 0

    def stop(rows: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 30:
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_sample(tmp_path, rows=50_000, customers=100, advance=stop)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left[0] == MARKER
    assert all(name.startswith("transactions-20") and name.endswith(".csv") for name in left[1:])
    assert len(left) < 20


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("file_type", ["csv", "parquet"])
def test_a_full_disk_is_named(tmp_path: Path, file_type: FileType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custseg.running.outputs.secrets.token_hex", lambda size: "full")
    monkeypatch.setattr("custseg.transactions.sample._take_folder", lambda output, about: None)
    (tmp_path / f".tmp-full-transactions-2009-12.{file_type}").symlink_to("/dev/full")
    with pytest.raises(MachineError) as error:
        write_sample(tmp_path, rows=50_000, customers=100, file_type=file_type)
    assert error.value.exit_code == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_rows(tmp_path: Path) -> None:
    code = """if True:
        import resource, sys
        from pathlib import Path
        from custseg.transactions.sample import write_sample
        output, rows, customers = sys.argv[1:]
        write_sample(Path(output), rows=int(rows), customers=int(customers), file_type="parquet")
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """

    def peak(rows: int, customers: int) -> float:
        command = [sys.executable, "-c", code, str(tmp_path / str(rows)), str(rows), str(customers)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1e3

    assert peak(8_000_000, 3_000_000) < peak(1_000_000, 5_000) + 64

"""A check says beforehand what a run finds out: reading, ledger, customers, and all it would stop at."""

import contextlib
import gzip
from pathlib import Path

import polars as pl
import pytest
from made import write_transactions
from summed import sum_up
from tills import HEADER, codes, till

import custseg
from custseg.pipeline.estimate import count_customers
from custseg.settings import Settings
from custseg.transactions.charges import exact_pattern, is_charge
from custseg.transactions.sample import write_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, rows=40_000, customers=1_500, seed=3)
    return folder


def test_what_is_looked_at_whole_is_exact(sample: Path) -> None:
    found = custseg.check(sample)
    summed = sum_up(sample)
    assert found.ok
    assert found.estimate is not None
    assert found.estimate.exact
    assert found.estimate.lines == summed.ledger["ledger"]
    for fate, amount in found.estimate.money.items():
        assert amount == pytest.approx(summed.ledger["ledger_amount"][fate], abs=0.01)
    assert found.estimate.customers == (summed.customers.height,) * 3


def test_an_estimate_from_samples_is_near(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custseg.transactions.trial.TRIED", 1 << 20)
    found = custseg.check(sample)
    summed = sum_up(sample)
    assert found.estimate is not None
    assert not found.estimate.exact
    assert found.estimate.looked_at < 20_000
    for fate in ("rows_read", "kept", "missing_customer"):
        assert found.estimate.lines[fate] == pytest.approx(summed.ledger["ledger"][fate], rel=0.25)
    likely, least, most = found.estimate.customers
    assert least < summed.customers.height <= most
    assert likely == pytest.approx(summed.customers.height, rel=0.3)


def test_it_writes_nothing(tmp_path: Path) -> None:
    path = write_transactions(tmp_path / "sales.csv")
    before = path.stat()
    assert custseg.check(path).ok
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_how_files_are_read_and_why(tmp_path: Path) -> None:
    till(tmp_path / "a.csv", "02")
    found = custseg.check(tmp_path)
    (kind,) = found.kinds
    reasons = {reason.topic: reason for reason in kind.reasons}
    assert reasons["separator"].found == ";"
    assert reasons["dates"].found == "day first, %d.%m.%Y"
    assert reasons["dates"].why == "'13.02.2024' proves it"
    assert reasons["numbers"].found == "decimal comma"
    assert kind.columns["invoice"] == ("Belegnr", "name")
    cells = kind.lines[0]["cells"]
    assert cells["invoice_date"] == {"written": "01.02.2024", "read": "2024-02-01 00:00:00"}
    assert cells["unit_price"] == {"written": "1,10", "read": "1.1"}
    assert str(found).endswith(found.command)


def test_a_date_format_that_reads_nothing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("customer,date,qty,price\n1,2024-01-05,1,2.50\n2,2024-01-06,3,1.50\n", "utf-8")

    def dates(told: str) -> tuple[str, str]:
        (kind,) = custseg.check(path, settings=Settings(date_format=told)).kinds
        return next((reason.found, reason.why) for reason in kind.reasons if reason.topic == "dates")

    assert dates("%Y-%m-%d") == ("%Y-%m-%d", "--date-format says so")
    assert dates("%d/%m/%Y") == (
        "%Y-%m-%d",
        "'2024-01-05' says so; no date looked at is as in --date-format",
    )


def test_all_problems_at_once(tmp_path: Path) -> None:
    till(tmp_path / "jan.csv", "01", days=12)
    till(tmp_path / "who.csv", "02", header=HEADER.replace("Kundennr", "Wer"))
    till(tmp_path / "when.csv", "02", header=HEADER.replace("Datum", "Wann"))
    till(tmp_path / "twice.csv", "02", header=HEADER.replace("Währung", "Anzahl"))
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no end")
    whole = till(tmp_path / "gz.csv", "02").read_bytes()
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(whole)[:-20])
    found = custseg.check([tmp_path, "no such file.csv"])
    assert sorted(codes(found)) == [
        "column-missing",
        "damaged-file",
        "empty-file",
        "no-customer-column",
        "no-such-file",
        "two-meanings",
        "unreadable-file",
    ]
    assert found.exit_code == 3
    # The month that cannot prove its order has it from the others; what is whole is estimated.
    assert found.estimate is not None
    text = str(found)
    for name in (
        "who.csv",
        "when.csv",
        "twice.csv",
        "empty.csv",
        "cut.parquet",
        "cut.csv.gz",
        "no such file",
    ):
        assert name in text
    assert "--column customer_id=" in text


def test_dates_and_numbers_in_doubt_come_together(tmp_path: Path) -> None:
    rows = [f'{n},{n % 50},{n % 9 + 1}/{n % 12 + 1}/2024,"1,{n % 900 + 100}"' for n in range(200)]
    path = tmp_path / "doubt.csv"
    path.write_text("\n".join(["invoice,customer,date,price", *rows]), "utf-8")
    found = custseg.check(path)
    assert codes(found) == ["date-order", "decimal-mark"]
    assert "--date-format" in str(found)
    assert "--decimal-comma" in str(found)


def test_too_many_invalid_lines_are_foreseen(tmp_path: Path) -> None:
    path = till(tmp_path / "a.csv", "02")
    path.write_bytes(path.read_bytes().replace(b";3;", b";drei;"))
    found = custseg.check(path)
    assert codes(found) == ["too-many-invalid"]
    assert "line 4, column Menge: 'drei'" in str(found)
    assert custseg.check(path, settings=custseg.Settings(max_invalid=0.5)).ok


def test_a_surprise_leads_to_a_closer_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custseg.transactions.reading.SAMPLE", 1 << 10)
    # One price in the middle has a mark, which nothing proves; the samples show none.
    rows = [f"{n};{n % 50};{'1,250' if n == 2500 else '250'}" for n in range(5000)]
    path = tmp_path / "late.csv"
    path.write_text("\n".join(["invoice;customer;price", *rows]), "utf-8")
    assert codes(custseg.check(path)) == ["decimal-mark"]


def test_what_is_no_product(sample: Path) -> None:
    found = custseg.check(sample)
    (charges,) = [suspect for suspect in found.suspects if suspect.code == "charges"]
    for code in ("POST", "M", "BANK CHARGES"):
        assert code in charges.flag
    lines = pl.concat(pl.read_csv(file, infer_schema=False) for file in sample.glob("*.csv"))
    pattern = charges.flag.split(" ", 1)[1].strip("'")
    left_out = lines.filter(pl.col("StockCode").str.contains(pattern))["StockCode"].unique()
    assert not left_out.str.contains(r"^\d{5}").any()


@pytest.mark.parametrize(
    ("code", "name", "are_codes", "charge"),
    [
        ("POST", "POSTAGE", True, True),
        ("C2", "CARRIAGE", True, True),
        ("23444", "Next Day Carriage", True, True),
        ("gift_0001_20", "Voucher", True, True),
        ("22303", "COFFEE MUG APPLES DESIGN", True, False),
        ("22637", "PIGGY BANK RETROSPOT", True, False),
        ("85123A", "CARRIAGE CLOCK", True, False),
        ("Versandkosten", "", False, True),
        ("Mahngebühr", "", False, True),
        ("Gastos de envío", "", False, True),
        ("Frais de port", "", False, True),
        ("送料", "", False, True),
        ("Wooden delivery van with six doors", "", False, False),
    ],
)
def test_what_looks_like_a_charge(code: str, name: str, are_codes: bool, charge: bool) -> None:
    assert is_charge(code, name, are_codes=are_codes) == charge


def test_a_pattern_matches_its_codes_and_no_other() -> None:
    pattern = exact_pattern(["A+B", "M", "C (x)"])
    kept = pl.Series(["A+B", "M", "C (x)", "AAB", "m", "MM", "C x"]).str.contains(pattern)
    assert kept.to_list() == [True] * 3 + [False] * 4


def test_currencies_and_guests(tmp_path: Path) -> None:
    found = custseg.check(till(tmp_path / "a.csv", "02", currencies="EUR EUR CHF"))
    (currencies,) = [suspect for suspect in found.suspects if suspect.code == "currencies"]
    assert currencies.flag == "--where \"Währung = 'EUR'\""
    path = write_transactions(tmp_path / "b.csv", customers=60)
    lines = path.read_text("utf-8").splitlines()
    lines += [lines[-1].rsplit(",", 2)[0].replace("SET", f"SET {n}") + ",GUEST,France" for n in range(200)]
    path.write_text("\n".join(lines), "utf-8")
    (guest,) = [suspect for suspect in custseg.check(path).suspects if suspect.code == "guest"]
    assert guest.flag == "--where \"customer_id <> 'GUEST'\""


@pytest.mark.parametrize("product", ["sku", "sku,item", "colour"])
def test_the_total_of_an_order_on_each_line(product: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    for per_order, found in ((True, True), (False, False)):
        totals = [100 + (n // 3 if per_order else n) for n in range(300)]
        rows = [
            ",".join([f"{n // 3},{n // 3 % 50}", *[f"X{n % 17}"] * len(product.split(",")), f"{total}.5"])
            for n, total in enumerate(totals)
        ]
        path.write_text("\n".join([f"order,customer,{product},total", *rows]), "utf-8")
        codes = [suspect.code for suspect in custseg.check(path).suspects]
        assert ("order-totals" in codes) == found


def test_equal_lines_that_are_dropped_are_no_totals_of_an_order(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    rows = [f"{n // 2},{n // 2 % 50},{100 + n // 2}.5" for n in range(200)]
    path.write_text("\n".join(["order,customer,total", *rows]), "utf-8")
    assert "order-totals" not in [suspect.code for suspect in custseg.check(path).suspects]


def test_customers_seen_and_unseen() -> None:
    kept = pl.DataFrame({"customer_id": ["a", "a", "b", "c", "d"], "invoice": ["1", "2", "3", "4", "5"]})
    assert count_customers(kept, 1.0) == (4, 4, 4)
    # Chao: 4 seen, three once, one twice: 3² / 2 more.
    assert count_customers(kept, 10.0) == (max(8, 10), 4, 31)


def test_lines_without_any_number(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text("customer,invoice\n" + "".join(f"{n % 9},{n}\n" for n in range(60)), "utf-8")
    found = custseg.check(path, settings=custseg.Settings(features=("lines",)))
    assert found.ok
    assert found.estimate is not None
    assert found.estimate.money["kept"] == 0


def test_what_a_run_would_not_begin_with_is_told(quick: None, tmp_path: Path) -> None:
    path = write_transactions(tmp_path / "sales.csv", customers=60)
    fewer = tmp_path / "fewer.csv"
    pl.read_csv(path, infer_schema=False).drop("InvoiceDate").write_csv(fewer)
    before = tmp_path / "before"
    custseg.segment(path, output=before, settings=Settings(k="2", features="rfm"))

    def codes(inputs: Path, **given: object) -> list[str]:
        settings = Settings(**given)
        found = [problem.error.code for problem in custseg.check(inputs, settings=settings).problems]
        with pytest.raises(custseg.CustsegError) if found else contextlib.nullcontext() as met:
            custseg.segment(inputs, output=tmp_path / str(len(list(tmp_path.iterdir()))), settings=settings)
        assert not found or met.value.code == found[0]
        return found

    assert codes(path, previous=before) == []
    assert codes(path, previous=tmp_path / "nowhere") == ["no-such-file"]
    assert codes(path, previous=before, features="classic") == ["bad-setting"]
    assert codes(fewer, previous=before) == ["feature-needs-column"]
    assert codes(path, as_of="2011-06-30") == ["as-of-too-early"]
    assert codes(path, scheduler=str(tmp_path / "none.json")) == ["no-scheduler-file"]
    assert custseg.check(path, settings=Settings(previous=before)).command.endswith(f"--previous {before}")

"""A check's text, and the job file and command that come of it."""

import json
import shlex
from pathlib import Path

import pytest
from command import run_custseg
from tills import HEADER, codes, till

import custseg
from custseg.errors import InputError, OutputError
from custseg.pipeline.job_file import save_job
from custseg.settings import resolve


def test_the_job_file_is_what_batch_needs(tmp_path: Path) -> None:
    found = custseg.check(till(tmp_path / "feb.csv", "02"))
    job = tmp_path / "till.toml"
    save_job(found, job)
    save_job(found, job)
    settings, _ = resolve({}, job)
    assert settings.date_format == "%d.%m.%Y"
    assert settings.decimal_comma is True
    assert settings.column["customer_id"] == "Kundennr"
    with pytest.raises(InputError) as lacking:
        custseg.segment(
            tmp_path / "feb.csv",
            settings=custseg.Settings(features="rfm", column={"invoice_date": "-"}),
            output=tmp_path / "none",
        )
    assert lacking.value.where.endswith(f"feb.csv; it has: {HEADER.replace(';', ', ')}")
    assert "--column invoice_date=HEADER" in lacking.value.now
    # Alone, the first days of January prove nothing; with the job they need not.
    january = till(tmp_path / "jan.csv", "01", days=12)
    assert codes(custseg.check(january)) == ["date-order"]
    assert custseg.check(january, settings=settings).ok
    (tmp_path / "mine.toml").write_text("k = 3")
    with pytest.raises(OutputError):
        save_job(found, tmp_path / "mine.toml")


def test_the_command_of_a_check_with_a_job_names_the_job(tmp_path: Path) -> None:
    path, job = till(tmp_path / "feb.csv", "02"), tmp_path / "my till.toml"
    job.write_text('features = "rfm"\npictures = "svg,png"\nlists = true\n[names]\n1 = "VIP"\n', "utf-8")
    done = run_custseg("check", path, "--job", job, "--k", 3, "--pictures", "png,svg", "--json")
    found = json.loads(done.out)
    assert found["settings"]["k"]["source"] == "flag"
    assert found["settings"]["features"]["source"] == "job file"
    said = f"custseg batch {path} -o segments --job '{job}' --k 3 --pictures png,svg"
    assert sorted(shlex.split(found["command"])) == sorted(shlex.split(said))
    # From Python there is no job file, and no option for names.
    settings, _ = resolve({}, job)
    assert custseg.check(path, settings=settings).command == (
        f"custseg batch {path} -o segments --features recency_days,purchases,spend --pictures svg,png --lists"
    )


@pytest.mark.parametrize("names", ['names = ["A", "B"]\n', '[names]\n1 = "VIP"\nHibernating = "Asleep"\n'])
def test_a_job_with_names_is_saved_as_it_can_be_read(tmp_path: Path, names: str) -> None:
    path, job, saved = till(tmp_path / "feb.csv", "02"), tmp_path / "names.toml", tmp_path / "saved.toml"
    job.write_text(f"k = 2\n{names}", "utf-8")
    settings, _ = resolve({}, job)
    save_job(custseg.check(path, settings=settings), saved)
    assert resolve({}, saved)[0].names == settings.names


def test_a_job_completed_by_hand_is_not_lost(tmp_path: Path) -> None:
    path, job = till(tmp_path / "feb.csv", "02"), tmp_path / "till.toml"
    save_job(custseg.check(path), job)
    complete = job.read_text("utf-8").replace("[column]", "k = 3\nlists = true\n[column]")
    job.write_text(complete, "utf-8")
    with pytest.raises(OutputError, match="would be lost: k, lists"):
        save_job(custseg.check(path), job)
    assert job.read_text("utf-8") == complete
    settings, _ = resolve({}, job)
    save_job(custseg.check(path, settings=settings), job)
    assert resolve({}, job)[0] == settings


def test_a_column_written_by_hand_is_not_lost(tmp_path: Path) -> None:
    path, job = till(tmp_path / "feb.csv", "02"), tmp_path / "till.toml"
    save_job(custseg.check(path), job)
    assert "amount" not in resolve({}, job)[0].column
    complete = job.read_text("utf-8").replace("[column]\n", '[column]\namount = "-"\n')
    job.write_text(complete, "utf-8")
    with pytest.raises(OutputError, match=r"would be lost: column\.amount"):
        save_job(custseg.check(path), job)
    assert job.read_text("utf-8") == complete


def test_columns_that_were_not_found_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    header = "Ticket,Stamped,SKU,Each,Line total,Paw card,Paid by"
    rows = [f"{n},{1 + n % 28:02d}/03/2025 10:00,HAY,4.20,8.40,P{n % 40},cash" for n in range(200)]
    path = tmp_path / "pets.csv"
    path.write_text("\n".join([header, *rows]), "utf-8")

    def said(**column: str) -> str:
        found = str(
            custseg.check(path, settings=custseg.Settings(column={"customer_id": "Paw card"} | column))
        )
        return "".join(line for line in found.splitlines() if line.startswith("   not found"))

    hint = "; if a header below is one of them: --column NAME=HEADER"
    assert said() == f"   not found: quantity, unit_price, invoice_date{hint}"
    assert said(invoice_date="Stamped", unit_price="Each") == f"   not found: quantity{hint}"
    assert said(invoice_date="-", quantity="Each") == ""


def test_files_of_this_folder_are_named_as_one_types_them(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    till(tmp_path / "shop" / "feb.csv", "02")
    (tmp_path / "shop" / "who.csv").write_text("Who,Qty\n1,2\n", "utf-8")
    done = run_custseg("check", "shop", cwd=tmp_path)
    assert "\n1. shop/feb.csv\n" in done.out
    assert "Where: shop/who.csv; it has: Who, Qty" in done.out
    done = run_custseg("batch", "shop", "-o", "segments", cwd=tmp_path)
    assert "Where: shop/who.csv; it has: Who, Qty\n" in done.err

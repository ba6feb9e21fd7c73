"""Every setting has an option, every command --json, every option a line in the page; shells complete."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from command import run_custseg

from custseg.cli import app
from custseg.cli.options import PRESENTATION, SETTINGS
from custseg.errors import CustsegError
from custseg.pipeline.assign import CHOICES, FIXED
from custseg.settings import Settings, resolve

ROOT = Path(__file__).parents[3]
ONLY_IN_JOB_FILES = {"names"}
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_setting_has_an_option_and_every_option_a_setting() -> None:
    assert set(SETTINGS) == set(Settings.model_fields) - ONLY_IN_JOB_FILES


def test_batch_and_check_take_every_setting() -> None:
    for name in ("batch", "check"):
        assert set(SETTINGS) <= {option.name for option in COMMANDS[name].params}


def test_assign_and_report_take_what_is_left_to_them() -> None:
    taken = {name: {option.name for option in COMMANDS[name].params} & set(SETTINGS) for name in COMMANDS}
    assert taken["assign"] == set(SETTINGS) - {*FIXED, *CHOICES, "small_cells", "pictures"}
    assert taken["report"] == set(PRESENTATION) == set(Settings.presentation()) - {"lists"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_help_with_examples(name: str) -> None:
    options = {word for option in COMMANDS[name].params for word in option.opts}
    assert "--json" in options
    assert "Example" in COMMANDS[name].epilog
    for option in COMMANDS[name].params:
        assert getattr(option, "help", None), option.name


def test_the_page_of_commands_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "command_line.py", "--check"],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["bacth"], "batch"),
        (["batch", "a.csv", "-o", "b", "--date-fromat", "x"], "--date-format"),
        (["check", "a.csv", "--seperator", "x"], "--separator"),
    ],
)
def test_the_nearest_word_to_an_unknown_one(words: list[str], nearest: str) -> None:
    done = run_custseg(*words)
    assert done.code == 2
    assert nearest in done.err


def complete(words: str) -> list[str]:
    start = "import sys; sys.argv = ['custseg']; from custseg.cli import main; main()"
    asked = {"_CUSTSEG_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", start],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | asked,
    )
    return done.stdout.split()


def test_shells_complete_commands_and_options() -> None:
    assert complete("custseg ch") == ["check"]
    assert complete("custseg batch --dec") == ["--decimal-comma", "--decimal-point"]


def test_each_example_of_help_has_a_line_of_its_own() -> None:
    lines = [line.strip() for line in run_custseg("batch", "--help", env={"COLUMNS": "110"}).out.splitlines()]
    for example in COMMANDS["batch"].epilog.split("\n\n")[1:]:
        assert example in lines


def test_the_seed_of_a_sample_is_no_setting() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    assert "CUSTSEG_" not in page.partition("## custseg sample")[2]
    assert "`--seed` `N` | Seed of everything drawn. Default: 0. (`CUSTSEG_SEED`)" in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--features", "monetary"], "no feature 'monetary' among classic, rfm, total_quantity"),
        (["--column", "client=Who"], "no column 'client' among customer_id, invoice"),
        (["--max-invalid", "5"], "'5' is no share: write 5% or 0.05"),
        (["--min-share", "few"], "'few' is no share"),
        (["--returns", "add"], "--returns: it should be 'exclude' or 'net'"),
    ],
)
def test_a_wrong_value_is_told_with_the_right_ones(words: list[str], told: str) -> None:
    done = run_custseg("batch", "a.csv", "-o", "b", *words)
    assert done.code == 2
    assert told in done.err
    assert f"flag, value '{words[1]}'" in done.err


def test_commands_that_are_printed_can_be_typed(tmp_path: Path) -> None:
    done = run_custseg("sample", "-o", "my demo", "--rows", 300, "--customers", 30, cwd=tmp_path)
    assert "Next: custseg batch 'my demo' -o segments" in done.out
    done = run_custseg("check", "my demo", "--write-job", "my job.toml", cwd=tmp_path)
    command = "custseg batch 'my demo' -o segments --job"
    assert f"{command} 'my job.toml'" in done.out
    assert f"#     {command} THIS_FILE" in (tmp_path / "my job.toml").read_text("utf-8")


def test_a_setting_under_the_columns_of_a_job_file(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text('[column]\ninvoice = "Slip"\nfeatures = "rfm"\n')
    done = run_custseg("batch", "a.csv", "-o", "b", "--job", job)
    assert done.code == 2
    assert "'features' is no column but a setting: in a job file it stands above [column]" in done.err
    assert f"job file {job}, value 'invoice=Slip, features=rfm'" in done.err
    job.write_text('[column]\ninvoice = "Slip"\nk = 3\n')
    assert "'k' is no column but a setting" in run_custseg("batch", "a.csv", "-o", "b", "--job", job).err


def test_verbose_shows_each_setting_and_its_source(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text("k = 3")
    (tmp_path / "a.csv").write_text("customer,invoice\n1,2\n2,3\n3,4\n4,5\n")
    done = run_custseg(
        "check", tmp_path / "a.csv", "-v", "--job", tmp_path / "job.toml", "--features", "lines",
        env={"CUSTSEG_SEED": "7"},
    )  # fmt: skip
    assert done.code == 0, done.err
    for line in ("k = 3 (job file)", "seed = 7 (environment)", "scale = log-standard (default)"):
        assert line in done.err
    assert "features = ['lines'] (flag)" in done.err
    assert "\x1b" not in done.out + done.err


def test_of_several_conditions_all_have_to_hold(tmp_path: Path) -> None:
    rows = [f"{n},c{n % 5},{n % 4},2.50,{'XYZ'[n % 3]}" for n in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["invoice,customer,quantity,price,country", *rows]) + "\n")
    conditions = ["quantity > 1", "country = 'X' or country = 'Y'"]
    (tmp_path / "job.toml").write_text(f"where = {json.dumps(conditions)}")
    flags = [word for text in conditions for word in ("--where", text)]
    for words in (flags, ["--job", tmp_path / "job.toml"]):
        done = run_custseg("check", tmp_path / "a.csv", "--json", *words)
        assert done.code == 0, done.err
        kept = sum(n % 4 > 1 and n % 3 < 2 for n in range(60))
        assert json.loads(done.out)["estimate"]["ledger"]["kept"] == kept
    # One is one, however it is given: the run is the same.
    once = [resolve({"where": given})[0].identity() for given in ("a = 1", ["a = 1"])]
    assert once[0] == once[1] and once[0]["where"] == "a = 1"


def test_columns_may_come_from_the_environment() -> None:
    settings, _ = resolve({}, None, {"CUSTSEG_COLUMN": "customer_id=Who, invoice=Order No"})
    assert settings.column == {"customer_id": "Who", "invoice": "Order No"}


def test_a_column_said_later_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text('[column]\ninvoice = "Slip"\nproduct = "Art"\n')
    here = {"CUSTSEG_COLUMN": "product=SKU,quantity=Units"}
    settings, sources = resolve({"column": {"customer_id": "Who", "quantity": "Qty"}}, job, here)
    assert settings.column == {"invoice": "Slip", "product": "SKU", "quantity": "Qty", "customer_id": "Who"}
    assert sources["column"] == "flag"
    for wrong in ("column = 3", '[column]\nclient = "Who"'):
        job.write_text(wrong)
        with pytest.raises(CustsegError, match="--column"):
            resolve({"column": {"invoice": "Slip"}}, job)


def test_blanks_count_in_expressions_and_names_of_sheets(tmp_path: Path) -> None:
    read = Settings(exclude_product=("^GIFT ", " SET$"), sheet="Sales ", date_format=" %d.%m.%Y ")
    assert (read.exclude_product, read.sheet) == (("^GIFT ", " SET$"), ("Sales ",))
    assert read.date_format == "%d.%m.%Y"
    lines = ["Customer ID,Invoice,StockCode,Quantity,Price"]
    lines += [f"C{n},{n},{product},1,2.5" for n in range(30) for product in ("GIFT CARD", "GIFTWRAP")]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    done = run_custseg("check", tmp_path / "a.csv", "--exclude-product", "^GIFT ", "--json")
    assert json.loads(done.out)["estimate"]["ledger"]["excluded"] == 30


@pytest.mark.parametrize(
    ("given", "read"), [("gbp", "GBP"), (" EUR ", "EUR"), ("£", "£"), ("Kč", "Kč"), ("kr", "kr")]
)
def test_a_currency_is_a_code_or_a_sign(given: str, read: str) -> None:
    assert Settings(currency=given).currency == read


@pytest.mark.parametrize("given", ["", " ", "pounds sterling"])
def test_what_is_no_currency_is_refused(given: str) -> None:
    with pytest.raises(CustsegError, match="no currency"):
        Settings(currency=given)

"""Every error has one form and stands in docs/errors.md; every error listed there can be met."""

import ast
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import hostile
import polars as pl
import pytest
from dask_cluster import DaskCluster
from hostile import HOSTILE
from made import write_transactions

import custseg
from custseg import errors
from custseg.errors import CustsegError, InputError, cut, nearest
from custseg.pipeline.drawing import draw_report
from custseg.pipeline.job_file import save_job
from custseg.running import outputs, workfolder
from custseg.running.compute import foresee, open_compute, opening
from custseg.running.lock import lock
from custseg.running.places import check_access
from custseg.settings import resolve
from custseg.transactions.cleaning import where_expression
from custseg.transactions.excel_sheets import open_workbook
from custseg.transactions.find import find_files
from custseg.transactions.heads import clean_heads
from custseg.transactions.reading import open_input
from custseg.transactions.sample import write_sample

ROOT = Path(__file__).parents[2]
KINDS = {kind.__name__: kind for kind in (CustsegError, *CustsegError.__subclasses__())} | {
    "Surprise": InputError
}
PASSING_ON = {"kind": InputError, "_refused": InputError}
"""Functions that are handed the kind, or the code, of an error."""


def raised() -> dict[str, set[int]]:
    """The codes in the source and the exit codes they are raised with."""
    found: dict[str, set[int]] = {}
    for path in (ROOT / "custseg").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            kind = (KINDS | PASSING_ON).get(call.func.id)
            for word in ast.walk(ast.Tuple(call.args[:2], ast.Load())) if kind else ():
                if isinstance(word, ast.Constant) and re.fullmatch(r"[a-z]+(-[a-z]+)+", str(word.value)):
                    found.setdefault(word.value, set()).add(kind.exit_code)
    return found


def listed() -> dict[str, set[int]]:
    """The codes in the documentation, each under its exit code."""
    found: dict[str, set[int]] = {}
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    for section in text.split("\n## ")[1:]:
        number = re.search(r"exit code (\d)", section.splitlines()[0])
        for code in re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE):
            assert number
            found.setdefault(code, set()).add(int(number[1]))
    return found


def test_the_documentation_lists_what_the_source_raises() -> None:
    assert listed() == raised()


def test_each_kind_of_error_has_its_exit_code() -> None:
    assert {kind.exit_code for kind in KINDS.values()} == {1, 2, 3, 4, 5}


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def read_heads(folder: Path, *ids: str) -> None:
    path = written(folder / "a.csv", "customer,invoice\n" + "".join(f"{id_},1\n" for id_ in ids))
    table = open_input(find_files([path]), custseg.Settings(features=("lines",)))
    heads = pl.DataFrame({"customer_id": ids, "invoice": "1"})
    clean_heads(replace(table, exponents=False), heads, table.sources[0])


def sample(folder: Path) -> None:
    write_sample(folder, rows=10, customers=2, seed=0)


def locked(path: Path) -> None:
    with lock(path):
        pass


def other_run(folder: Path) -> None:
    path = write_transactions(folder / "a.csv")
    for seed in (1, 2):
        custseg.segment(path, output=folder / "out", settings=custseg.Settings(seed=seed, k="2"))


def no_workers(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, DaskCluster() as cluster:
        patch.setattr(opening, "WORKERS_SECONDS", 1)
        with open_compute(custseg.Settings(scheduler=cluster.address)):
            pass


def without_obstore(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "obstore", None)
        find_files(["s3://sales"])


PROVOKED: dict[str, Callable[[Path], object]] = {
    "as-of-too-early": lambda folder: custseg.segment(
        write_transactions(folder / "a.csv"),
        output=folder / "out",
        settings=custseg.Settings(as_of="2001-01-01"),  # type: ignore[arg-type]
    ),
    "bad-job-file": lambda folder: resolve({}, written(folder / "job.toml", "k = = 3")),
    "bad-where": lambda folder: where_expression("this is ("),
    "disk-error": lambda folder: outputs.write_text(folder / "missing" / "a.txt", "a"),
    "exponent-ids": lambda folder: read_heads(folder, "K1", "1.5e4"),
    "foreign-folder": lambda folder: sample(written(folder / "mine.txt", "mine").parent),
    "job-exists": lambda folder: save_job(
        custseg.check(write_transactions(folder / "a.csv")), written(folder / "job.toml", "k = 3")
    ),
    "no-input": lambda folder: find_files([]),
    "no-such-folder": lambda folder: draw_report(folder / "none"),
    "no-such-sheet": lambda folder: open_workbook(
        str(hostile.bad(folder, hostile.workbook(), "a.xlsx")[0]), ["Sales"], bool
    ),
    "no-workers": no_workers,
    "not-a-folder": lambda folder: sample(written(folder / "file", "mine")),
    "output-name": lambda folder: check_access(folder / os.fsdecode(b"o_\xe9")),
    "output-no-folder": lambda folder: locked(written(folder / "file", "mine")),
    "output-not-ours": lambda folder: workfolder.finished(written(folder / "mine.txt", "mine").parent, None),
    "output-other-run": other_run,
    "storage-missing": without_obstore,
    "sum-too-large": lambda folder: custseg.segment(
        written(folder / "a.csv", "customer,amount\n" + "".join(f"{n % 9},3e11\n" for n in range(40_000))),
        output=folder / "out",
        settings=custseg.Settings(duplicates="keep"),
    ),
    "too-little-memory": lambda folder: foresee(custseg.Settings(workers=1_024)),
    "unknown-setting": lambda folder: resolve({}, written(folder / "job.toml", "min_shar = 3")),
}
"""Errors that neither a hostile input nor a test which names their code meets."""

BY_WORDS = {
    "no-scheduler": "The Dask scheduler cannot be reached.",
    "no-scheduler-file": "There is no scheduler file",
    "scheduler-lost": "The connection to the Dask scheduler was lost.",
    "no-such-bucket": "There is no bucket",
    "storage-credentials": "does not know these credentials",
    "storage-failed": "The object store cannot be reached, or broke off.",
    "storage-no-credentials": "Nothing says who asks the object store.",
    "storage-rights": "does not let us read this",
    "too-little-disk": "B are free",
    "worker-cannot-see": "A worker does not see the",
    "worker-versions": "A worker runs other versions than this process.",
    "workers-died": "workers ended, one after the other",
    "workers-gone": "has had no worker",
}
"""Errors that take a cluster or a disk of their own: the words by which tests know them."""


@pytest.mark.parametrize("code", PROVOKED)
def test_an_error_is_met(code: str, quick: None, tmp_path: Path) -> None:
    with pytest.raises(CustsegError) as met:
        PROVOKED[code](tmp_path)
    assert met.value.code == code


def test_each_error_is_met_in_some_test() -> None:
    tests = "".join(p.read_text("utf-8") for p in (ROOT / "tests").rglob("test_*.py") if p != Path(__file__))
    met = {case.error for case in HOSTILE.values()} | set(PROVOKED)
    met |= {code for code, words in BY_WORDS.items() if words in tests}
    assert {code for code in raised() if code not in met and f'"{code}"' not in tests} == set()


def test_the_form_of_an_error() -> None:
    error = InputError("empty-file", "The file is empty.", where="a.csv", now="Remove it.")
    assert str(error) == "The file is empty.\n  Where: a.csv\n  Now:   Remove it."


def test_foreign_text_is_cut_and_safe_to_print() -> None:
    assert len(cut("x" * 10_000)) == errors.FOREIGN_TEXT_LIMIT
    assert cut("a\n b\x1b[2Jc\x9bd") == "a b\ufffd[2Jc\ufffdd"


def test_the_nearest_word() -> None:
    assert nearest("min_shar", ["min_share", "seed"]) == "Did you mean 'min_share'?"
    assert nearest("xyz", ["min_share"]) == ""

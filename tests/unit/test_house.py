"""The house: files a reader can hold, a light door, and what stands open said in one place."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
"""Lines; of a function without its docstring."""

LONGER = {
    "custseg/pipeline/batch.py": {"_steps": "the steps of a run in order: to be read from top to bottom"},
    "custseg/pipeline/runs.py": {"carry_out": "a run's life in order, each line within the one before it"},
    "custseg/report/theme.py": {
        "": "all that charts share: colours, texts and sizes are looked up in one place",
        "config": "a table of settings: one line a mark of a chart",
    },
    "custseg/segments/choose_k.py": {"choose_k": "the rule in order, each step on those before it"},
    "tests/made_run.py": {"_record": "a record of a run, written out"},
    "tests/hostile.py": {"": "a corpus: one entry a hostile input"},
    "tests/unit/transactions/test_rewritten.py": {"": "25 ways of writing one table, one function each"},
}
"""By file the functions that may be longer, and why; an empty name stands for the file itself."""


def too_long(path: Path) -> set[str]:
    text = path.read_text("utf-8")
    found = {""} if len(text.splitlines()) > LONGEST_FILE else set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            told = len((ast.get_docstring(node, clean=False) or "").splitlines())
            if (node.end_lineno or 0) - node.lineno + 1 - told > LONGEST_FUNCTION:
                found.add(node.name)
    return found


def test_no_file_and_no_function_is_too_long_without_a_reason() -> None:
    found = {}
    for folder in ("custseg", "tests", "jobs", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            place = path.relative_to(ROOT).as_posix()
            if more := too_long(path) - set(LONGER.get(place, {})):
                found[place] = more
    assert found == {}


def test_importing_custseg_is_light() -> None:
    heavy = {"polars", "numpy", "dask", "sklearn", "altair", "pydantic", "typer", "rich"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys, custseg; print(*sys.modules)"],
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    assert not heavy & set(done.stdout.split())


def test_nothing_is_left_to_do() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    for path in (ROOT / "custseg").rglob("*.py"):
        assert not any(mark in path.read_text("utf-8") for mark in marks), path

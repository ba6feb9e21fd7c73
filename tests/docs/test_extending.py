"""The worked examples of docs/extending.md: each is applied to a copy of custseg and tried."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, set_stage

PAGE = PAGES["docs/extending.md"]


def hunks(diff: str) -> Iterator[tuple[str, str, str]]:
    """The file, the lines before and the lines after of each hunk; without line numbers, which would age."""
    file, lines = "", diff.splitlines()
    for place, line in enumerate(lines):
        if line.startswith("+++ b/"):
            file = line.removeprefix("+++ b/")
        elif line.startswith("@@"):
            body = []
            for inner in lines[place + 1 :]:
                if inner.startswith(("@@", "--- ")):
                    break
                body.append(inner)
            before = [text[1:] for text in body if not text.startswith("+")]
            after = [text[1:] for text in body if not text.startswith("-")]
            yield file, "\n".join(before) + "\n", "\n".join(after) + "\n"


@pytest.mark.slow
def test_each_change_applies_and_works(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "custseg", tmp_path / "custseg", ignore=shutil.ignore_patterns("__pycache__"))
    set_stage(tmp_path)
    code = []
    for block in blocks(PAGE):
        if block.language == "diff":
            for file, before, after in hunks(block.text):
                text = (tmp_path / file).read_text("utf-8")
                assert text.count(before) == 1, f"docs/extending.md:{block.line}: {file} has changed here"
                (tmp_path / file).write_text(text.replace(before, after), "utf-8")
        elif block.language == "python":
            code.append(block.text)
    assert len(code) == 3
    (tmp_path / "tried.py").write_text("\n".join(code), "utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "tried.py"],
        check=False,
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr

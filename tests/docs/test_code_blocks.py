"""Every code block of the documentation runs, page by page, each page in a folder of its own.

A command of custseg is run in this process, which spares two seconds of loading each time; all other lines of
a shell block go to bash, with `custseg` on the path. Less is spent on the choice of k.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pages import LANGUAGES, PAGES, ROOT, Block, blocks, set_stage

from custseg.cli import app
from custseg.settings import resolve

SHELL_SIGNS = re.compile(r"[|<>;&$`]")
APART = {"docs/extending.md", "docs/command-line.md"}
"""Pages with a test of their own."""

RUN = {"sh", "python", "toml"}
READ = {page for page in PAGES if not page.startswith("docs/decisions/")}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a reader."""
    set_stage(tmp_path)
    command = tmp_path / ".bin" / "custseg"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m custseg "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("custseg.segments.kmeans.MANY_STARTS", 1)
    monkeypatch.setattr("custseg.segments.structure.REPLICATES", 2)
    return tmp_path


def run_shell(block: Block) -> None:
    for command in block.commands():
        words = shlex.split(command, comments=True)
        if words[0] == "custseg" and not SHELL_SIGNS.search(command.partition(" #")[0]):
            app(words[1:], standalone_mode=False)
        else:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                check=False,
                capture_output=True,
                encoding="utf-8",
                timeout=120,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def run(page: str, block: Block, names: dict[str, Any]) -> None:
    if block.language == "sh":
        run_shell(block)
    elif block.language == "python":
        exec(compile("\n" * block.line + block.text, page, "exec"), names)
    else:
        tomllib.loads(block.text)
        job = Path("a-job-of-the-page.toml")
        job.write_text(block.text, "utf-8")
        resolve({}, job)


@pytest.mark.parametrize("page", sorted(READ - APART))
def test_the_blocks_of_a_page_run(page: str, request: pytest.FixtureRequest) -> None:
    found = [block for block in blocks(PAGES[page]) if block.language in RUN and not block.skipped]
    if found:
        request.getfixturevalue("stage")
    names: dict[str, Any] = {}
    for block in found:
        try:
            run(page, block, names)
        except Exception as error:
            error.add_note(f"in the block at {page}:{block.line}")
            raise


def test_what_the_tutorial_shows_of_a_check_is_printed(
    stage: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    for block in blocks(PAGES["docs/tutorial.md"]):
        if block.language == "text":
            break
        if not block.skipped:
            capsys.readouterr()
            run("docs/tutorial.md", block, {})
    printed = {" ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    shown = [" ".join(line.split()) for line in block.text.splitlines()]
    assert [line for line in shown if line not in printed] == []


@pytest.mark.parametrize("page", sorted(READ))
def test_every_block_says_its_language(page: str) -> None:
    assert {block.language for block in blocks(PAGES[page])} <= LANGUAGES
    text = PAGES[page].read_text("utf-8")
    assert not re.search(r"(?:^|[^\n-].*)\n\n {4}(?! *[-*\d<`])\S", re.sub(r"(?s)```.*?```", "", text)), (
        "an indented block"
    )


def test_few_blocks_are_not_run() -> None:
    skipped = {f"{page}: {b.skipped}" for page, path in PAGES.items() for b in blocks(path) if b.skipped}
    runs = sum(b.language in RUN for path in PAGES.values() for b in blocks(path))
    assert len(skipped) < runs / 4
    assert all(len(reason) > 20 for reason in skipped)

"""Nothing a user can say or meet is missing in the documentation, and no link leads nowhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pages import PAGES, ROOT, blocks

from custseg.cli import app
from custseg.columns import FATES, FEATURES, LINE_COLUMNS, PRESETS, SCORES
from custseg.settings import Settings

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(path: Path) -> str:
    return re.sub(r"(?s)```.*?```", "", path.read_text("utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors a forge makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: str) -> Iterator[str]:
    path = PAGES[page]
    for link in LINK.findall(prose(path)):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            yield link


@pytest.mark.parametrize("page", PAGES)
def test_no_link_leads_nowhere(page: str) -> None:
    assert list(broken(page)) == []


def test_every_page_is_in_the_index() -> None:
    index = PAGES["docs/README.md"]
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(index))}
    pages = {path for page, path in PAGES.items() if not page.startswith("docs/decisions/")}
    assert pages - linked - {index, PAGES["README.md"]} == set()


def test_every_command_and_option_is_told() -> None:
    text = PAGES["docs/command-line.md"].read_text("utf-8")
    for name, command in COMMANDS.items():
        section = text.partition(f"## custseg {name}\n")[2].partition("\n## ")[0]
        assert section, name
        for option in command.params:
            if option.param_type_name == "option" and "--help" not in option.opts:
                assert all(f"`{word}`" in section for word in option.opts), (name, option.name)


def test_every_setting_is_told() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGES["docs/job-files.md"].read_text("utf-8"), re.MULTILINE)
    assert rows == list(Settings.model_fields)


def test_every_column_feature_fate_and_preset_is_told() -> None:
    text = PAGES["docs/meaning.md"].read_text("utf-8")
    names = {*LINE_COLUMNS, *FEATURES, *FATES, *PRESETS, *SCORES}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_the_examples_of_help_can_be_read() -> None:
    for block in blocks(PAGES["docs/command-line.md"]):
        for command in block.commands() if block.language == "sh" else ():
            words = shlex.split(command)
            COMMANDS[words[1]].make_context(words[1], words[2:])


def test_the_pictures_are_there() -> None:
    for path in PAGES.values():
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", path.read_text("utf-8")):
            assert (path.parent / name).stat().st_size > 10_000
    assert (ROOT / "LICENSE").exists()

"""Hostile input: the documented exit code, one message that says what, where and what now; nothing left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import HOSTILE

MEMORY = 1_000_000_000
SECONDS = 30
EXIT_CODES = {"bad-setting": 2}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hostile")]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each, in one process of its own, whose memory is thus known."""
    script = Path(__file__).parents[1] / "hostile.py"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CUSTSEG_")}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("hostile"))],
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
        env=clean | {"PYTHONWARNINGS": "error"},
        timeout=1_200,
    )
    return dict(json.loads(done.stdout))


def test_there_are_many() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("name", HOSTILE)
def test_batch(outcomes: dict[str, Any], name: str) -> None:
    case, found = HOSTILE[name], outcomes[name]
    done = found["batch"]
    assert done["seconds"] < SECONDS
    assert found["peak"] < MEMORY
    if not case.error:
        assert done["code"] == 0, done["err"]
        assert done["err"] == ""
        assert "report.html" in found["left"]
        return
    assert done["code"] == EXIT_CODES.get(case.error, 3), done["err"]
    assert done["out"] == ""
    assert found["left"] == []
    message = done["err"]
    assert message.startswith("Error: ")
    assert message.count("Error: ") == 1
    for word in (*case.names, "Now:"):
        assert word in message
    assert "Traceback" not in message
    assert len(message) < 1_500
    assert all(sign.isprintable() or sign == "\n" for sign in message)


@pytest.mark.parametrize("name", HOSTILE)
def test_check_foresees_it(outcomes: dict[str, Any], name: str) -> None:
    case, done = HOSTILE[name], outcomes[name]["check"]
    assert done["seconds"] < SECONDS
    assert done["code"] == outcomes[name]["batch"]["code"], done["err"]
    if done["code"] == 2:
        assert done["out"] == ""
        return
    assert done["err"] == ""
    problems = [problem["code"] for problem in json.loads(done["out"])["problems"]]
    assert problems == ([case.error] if case.error else [])

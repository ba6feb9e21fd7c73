"""Runs of every kind, drawn once a process."""

from typing import Any

import polars as pl
import pytest
from made_run import made_run

Run = tuple[dict[str, Any], pl.DataFrame]

KINDS: dict[str, dict[str, Any]] = {
    "two segments": {"k": 2},
    "three segments, previous run": {"k": 3, "previous": True},
    "ten segments": {"k": 10},
    "no money": {"k": 3, "money": False},
    "no dates": {"k": 3, "dates": False},
    "neither, k forced": {"k": 2, "money": False, "dates": False, "forced": True},
}


@pytest.fixture(params=KINDS)
def run(request: pytest.FixtureRequest) -> Run:
    """Each kind of run in turn."""
    return made_run(**KINDS[request.param])


@pytest.fixture
def three() -> Run:
    """Three segments and a previous run."""
    return made_run(3, previous=True)

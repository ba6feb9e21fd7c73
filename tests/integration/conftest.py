"""Inputs that several tests read, and what comes of one when nothing disturbs the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import run_custseg

from custseg.transactions.sample import write_sample


@pytest.fixture(scope="session")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Transactions of 900 customers."""
    folder = tmp_path_factory.mktemp("sample") / "lines"
    assert run_custseg("sample", "-o", folder, "--rows", 60_000, "--customers", 900).code == 0
    return folder


@pytest.fixture(scope="session")
def undisturbed(lines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their three segments, made in one go."""
    output = tmp_path_factory.mktemp("whole") / "out"
    assert run_custseg("batch", lines, "-o", output, "--k", "3").code == 0
    return output


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two years of transactions of 800 customers."""
    folder = tmp_path_factory.mktemp("shop")
    write_sample(folder, rows=40_000, customers=800, seed=9)
    return folder

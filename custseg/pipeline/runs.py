"""Taking up a run: who it is, whether it stands finished, and what an interrupted one left."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from custseg._version import __version__
from custseg.customers import plan
from custseg.customers.plan import Plan
from custseg.pipeline.segmentation import Segmentation
from custseg.running import workfolder
from custseg.running.workfolder import WorkFolder
from custseg.settings import Settings
from custseg.transactions.reading import Table


def identify(table: Table, settings: Settings) -> dict[str, Any]:
    """Return what decides the answer; two runs with the same identity give the same."""
    return {
        "settings": settings.identity(),
        "inputs": [[s.file.path, s.file.size, s.file.modified] for s in table.sources],
        "versions": {"custseg": __version__, "polars": pl.__version__},
    }


def finished(output: Path, identity: dict[str, Any], settings: Settings) -> Segmentation | None:
    """Return the run that stands finished in the output, if it is the one asked for."""
    stored = workfolder.finished(output, settings.work_dir)
    if stored is None or settings.fresh:
        return None
    different = workfolder.differences(stored.get("identity", {}), identity)
    if different:
        raise workfolder.refuse_other(output, different, is_finished=True)
    # Left over when a run was ended between its last file and its tidying up.
    workfolder.open_work(output, settings.work_dir).remove()
    return Segmentation(output, stored)


def take_up(
    output: Path, identity: dict[str, Any], settings: Settings, table: Table
) -> tuple[WorkFolder, Plan]:
    """Open the work folder and return the plan stored in it, or a new one that is stored now."""
    work = workfolder.open_work(output, settings.work_dir)
    state = work.state
    if settings.fresh and state:
        work.remove()
        work, state = workfolder.open_work(output, settings.work_dir), {}
    if state:
        different = workfolder.differences(state["identity"], identity)
        if different:
            raise workfolder.refuse_other(output, different, is_finished=False)
        work.sweep()
        return work, Plan.from_dict(state["plan"])
    made = plan.make_plan(table.sources, memory_limit=settings.memory_limit, chunk_size=settings.chunk_size)
    work.remember({"identity": identity, "plan": asdict(made)})
    return work, made

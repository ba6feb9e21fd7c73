"""The record of a run, run.json: the parts that no room makes by itself."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import polars as pl

from custseg._version import __version__
from custseg.pipeline.customers import Customers
from custseg.running.progress import Progress
from custseg.segments.profile import Profile
from custseg.settings import Settings
from custseg.transactions import find
from custseg.transactions.reading import Table

FORMAT = 1
PATHS_IN_RECORD = 20


def begin(
    command: str, settings: Settings, sources: Mapping[str, str], identity: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is known of a run before it begins."""
    return {
        "format": FORMAT,
        "command": command,
        "custseg": __version__,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "settings": settings.to_record(sources),
        "identity": identity,
        "versions": versions(),
    }


def say_settings(settings: Settings, sources: Mapping[str, str], progress: Progress) -> None:
    """Say each setting and where it came from, to those who asked for more."""
    for name, setting in settings.to_record(sources).items():
        progress.explain(f"{name} = {setting['value']} ({setting['source']})")


def versions() -> dict[str, str]:
    """Return the versions that the answer may depend on."""
    names = ("polars", "dask", "dask-ml", "scikit-learn", "numpy")
    made_by = {"custseg": __version__, "python": platform.python_version()}
    return made_by | {name.replace("-", "_"): version(name) for name in names}


def describe_customers(customers: Customers, labelled: pl.LazyFrame, profile: Profile) -> dict[str, Any]:
    """Return what was read, what became of it, and how the features are spread."""
    as_of = customers.table.as_of
    return {
        "inputs": _describe_inputs(customers.transactions, labelled),
        **customers.ledger.to_record(),
        "invalid_examples": [cell._asdict() for cell in customers.unreadable],
        "customers": customers.count,
        "returns_only": customers.returns_only,
        "rounded_lines": customers.ledger.rounded,
        "as_of": as_of.isoformat() if as_of else None,
        "features": [summary.to_record() for summary in profile.features],
    }


def _describe_inputs(transactions: Table, customers: pl.LazyFrame) -> dict[str, Any]:
    """Return what was read: files, headers of the columns, what was derived, first and last purchase."""
    headers: dict[str, dict[str, None]] = {}
    for source in transactions.sources:
        for column, position in source.columns.items():
            headers.setdefault(column, {})[source.header[position]] = None
    first = last = None
    if "invoice_date" in transactions.read:
        ends = customers.select(pl.col("first_purchase").min(), pl.col("last_purchase").max())
        first, last = ends.collect(engine="streaming").row(0)
    files = {source.file.path: source.file for source in transactions.sources}
    return {
        "files": len(files),
        "bytes": find.total_bytes(files.values()),
        "paths": list(files)[:PATHS_IN_RECORD],
        "columns": {column: list(names) for column, names in headers.items()},
        "derived": list(transactions.derived),
        "first_date": first.isoformat() if first else None,
        "last_date": last.isoformat() if last else None,
        "notes": [*transactions.passed_over, *transactions.notes],
        "skipped": [skipped._asdict() for skipped in transactions.skipped],
    }

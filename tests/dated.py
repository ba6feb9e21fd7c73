"""Lines that differ in their dates, and two ways of reading them: in one chunk, and in many."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

TOGETHER, APART = {"chunk_size": 10_000_000}, {"chunk_size": 2_000}


def lines(count: int, day: str, **columns: str) -> list[dict[str, str]]:
    """Return lines that all differ, dates written as `day` says."""
    first = dt.date(2011, 1, 1)
    return [
        {
            "customer_id": f"c{number % 7}",
            "invoice": str(number),
            "quantity": str(1 + number % 4),
            "price": "2.50",
            "date": (first + dt.timedelta(days=number)).strftime(day),
            **columns,
        }
        for number in range(count)
    ]


def write(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    folder.mkdir(exist_ok=True)
    pl.DataFrame(rows).write_csv(folder / name)

"""Transactions summed up by customer and no further: what the tests of reading compare."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from custseg.customers import exchange, features, plan
from custseg.running.compute import Here
from custseg.settings import Settings
from custseg.transactions import find, reading
from custseg.transactions.cleaning import Ledger
from custseg.transactions.reading import Table
from custseg.transactions.source import Surprise


@dataclass(frozen=True)
class Summed:
    """What became of the lines, and one row a customer, ordered by id."""

    table: Table
    ledger: dict[str, Any]
    customers: pl.DataFrame
    unreadable: list[Any]


def sum_up(*inputs: Path | str, **settings: Any) -> Summed:
    """Read, clean, exchange and add up, with everything in a folder that is gone afterwards."""
    chosen = Settings(**settings)
    files = find.find_files(list(inputs))
    try:
        return _sum_up(reading.open_input(files, chosen), chosen)
    except Surprise:
        return _sum_up(reading.open_input(files, chosen, thorough=True), chosen)


def _sum_up(table: Table, chosen: Settings) -> Summed:
    recipe = features.make_recipe(table, chosen)
    made = plan.make_plan(
        table.sources, resources=Here(2_000_000_000).resources, chunk_size=chosen.chunk_size
    )
    with tempfile.TemporaryDirectory() as name:
        lines, parts = Path(name, "lines"), Path(name, "parts")
        lines.mkdir()
        parts.mkdir()
        written = {
            chunk: exchange.map_chunk(table, made, recipe, chunk, lines) for chunk in range(len(made.chunks))
        }
        files = [file for chunk in written.values() for file in chunk]
        ledger = Ledger()
        for file in files:
            ledger.add(Ledger(**file.ledger))
        for bucket in range(made.buckets):
            counts = exchange.reduce_bucket(files, made, recipe, bucket, (lines, parts))
            ledger.money["kept"] += counts["money"]
            ledger.move(counts["duplicates"], counts["duplicate_money"], source="kept", target="duplicate")
        unreadable = exchange.find_unreadable(table, made, written)
        found = sorted(parts.glob("*.parquet"))
        customers = _finish(found, recipe) if found else pl.DataFrame()
    return Summed(table, ledger.to_record(), customers, unreadable)


def _finish(parts: Sequence[Path], recipe: features.Recipe) -> pl.DataFrame:
    scan = pl.scan_parquet(parts)
    as_of = None
    if "last_purchase" in recipe.features:
        last = scan.select(pl.col("last_purchase").max()).collect().item()
        as_of = last.date() + dt.timedelta(days=1)
    return features.finish(scan, recipe, as_of).collect().drop("key").sort("customer_id")

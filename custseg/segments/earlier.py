"""An earlier run as input: what it left, and its customers looked up beside this run's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from custseg.customers.keys import key
from custseg.errors import InputError, told
from custseg.running import outputs, places
from custseg.running.places import AnyPath
from custseg.segments.carrying import Carried
from custseg.segments.model import Model, read_model

ROW_GROUP = 1 << 14
"""Rows that are read or left together when the customers of one block are looked up."""

MEANING = ("features", "scale", "returns", "duplicates", "exclude_product", "where")
"""Settings that change what a customer's features mean."""


@dataclass(frozen=True)
class Previous:
    """An earlier run.

    Attributes
    ----------
    folder
        Its output folder.
    model
        Its model.
    record
        Its run.json.
    parts
        Its customers.
    """

    folder: AnyPath
    model: Model
    record: dict[str, Any]
    parts: tuple[AnyPath, ...]

    @property
    def carried(self) -> Carried:
        """Its centres, to go on from."""
        sizes = [segment["customers"] for segment in self.record["segments"]]
        return Carried(self.model.centres, np.array(sizes, np.float64))

    def changed_settings(self, settings: dict[str, Any]) -> list[str]:
        """Say which settings that change what features mean differ from the earlier run's."""
        before = self.model.settings
        return [
            f"--{name.replace('_', '-')} was {told(before.get(name))}, is {told(settings[name])}"
            for name in MEANING
            if before.get(name) != settings[name]
        ]


def read_previous(folder: AnyPath) -> Previous:
    """Read what an earlier run left, and check that it is whole.

    Raises
    ------
    InputError
        There is no finished run of ``custseg batch``, or what it left does not fit together.
    """

    def refused(what: str) -> InputError:
        return InputError(
            "bad-previous",
            what,
            where=str(folder),
            now="Name the output folder of a finished 'custseg batch', as it was written.",
        )

    model = read_model(folder)
    parts = tuple(places.parts_in(folder / "customers"))
    try:
        record = dict(outputs.read_json(folder / "run.json"))
        rows = sum(places.scan_parquet([part]).select(pl.len()).collect().item() for part in parts)
        numbers = tuple(segment["id"] for segment in record["segments"])
        whole = rows == record["customers"] == model.customers and numbers == model.numbers
    except FileNotFoundError:
        raise refused("There is no finished run here.") from None
    except (ValueError, KeyError, TypeError, pl.exceptions.PolarsError):
        whole = False
    if not whole:
        raise refused("The files of the previous run do not fit together.")
    return Previous(folder, model, record, parts)


class EarlierCustomers:
    """The customers of an earlier run, to be looked up block by block of this one.

    They are laid out anew by the hash that this run's customers are ordered by, so a look-up reads only what
    may be in the block, and memory does not grow with either run.
    """

    def __init__(self, previous: Previous, folder: AnyPath) -> None:
        money = "spend" in places.scan_parquet(previous.parts[:1]).collect_schema()
        columns = ["customer_id", "segment_id", "segment", *(["spend"] if money else [])]
        self._parts: list[AnyPath] = []
        for part in previous.parts:
            table = places.scan_parquet([part]).select(columns).collect()
            table = table.rename({"segment_id": "previous_segment_id", "segment": "previous_segment"})
            if money:
                table = table.rename({"spend": "previous_spend"})
            table = table.with_columns(key(table["customer_id"]).alias("key")).sort("key")
            path = folder / f"earlier-{part.name}"
            with outputs.whole(path, durable=False) as temporary:
                table.write_parquet(temporary, compression="lz4", row_group_size=ROW_GROUP, statistics=True)
            self._parts.append(path)

    def beside(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Add previous_segment_id, previous_segment and, with money, previous_spend; null for new customers.

        Parameters
        ----------
        rows
            Customers with ``key``, in the order of customers.
        """
        if rows.is_empty():
            return rows
        first, last = rows["key"][0], rows["key"][-1]
        near = places.scan_parquet(self._parts).filter(pl.col("key").is_between(first, last))
        found = near.drop("key").collect(engine="streaming")
        return rows.join(found, on="customer_id", how="left", maintain_order="left")

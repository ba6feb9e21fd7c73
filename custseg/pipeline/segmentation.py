"""A finished run, as the library hands it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from custseg.running import places
from custseg.running.places import AnyPath


@dataclass(frozen=True)
class Segmentation:
    """A finished run: its folder and what stands in it.

    Attributes
    ----------
    folder
        The output folder.
    record
        What run.json holds.
    """

    folder: AnyPath
    record: dict[str, Any] = field(repr=False)

    def __post_init__(self) -> None:
        # The caller may be at home in another folder once the customers are read.
        object.__setattr__(self, "folder", self.folder.absolute())

    @cached_property
    def customers(self) -> pl.LazyFrame:
        """One row a customer: id, features, segment, distance to its centre and margin to the next."""
        return places.scan_parquet(places.parts_in(self.folder / "customers"))

    @cached_property
    def segments(self) -> pl.DataFrame:
        """One row a segment, the most valuable first."""
        with places.open_binary(self.folder / "segments.csv") as file:
            return pl.read_csv(file)

    def summary(self) -> str:
        """Return the segments as a table for people, and where the report is."""
        from custseg.report.console import write_summary

        return write_summary(self.record, self.folder)

    @property
    def ledger(self) -> dict[str, int]:
        """What became of every line read."""
        return dict(self.record["ledger"])

"""What a figure is: a chart, its table and two sentences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import polars as pl
from altair.utils.schemapi import debug_mode

from custseg.report import formats, tables
from custseg.report.cells import Column
from custseg.report.tables import Record
from custseg.report.theme import Look

Drawing = Callable[[pl.DataFrame, Look], Any]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart with everything said about it.

    Attributes
    ----------
    name
        Name of its file and of its data in the charts.
    title
        What it is about.
    read, shows
        How to read it; what it shows here.
    coarser
        Data of fewer rows, the finer first, for a picture that must be small.
    hint
        What a hand can do with it, said only where it can.
    data
        The rows the chart draws, raw values and ready texts.
    table, columns
        What people see beneath it and download.
    draw
        Function from the data and a look to the chart.
    """

    name: str
    title: str
    read: str
    shows: str
    data: pl.DataFrame
    table: pl.DataFrame
    columns: tuple[Column, ...]
    draw: Drawing
    coarser: tuple[pl.DataFrame, ...] = ()
    hint: str = ""

    def chart(self, look: Look) -> dict[str, Any]:
        """Return the chart as Vega-Lite without its data and theme."""
        with debug_mode(False):  # Tests check every chart against the schema; here it would cost seconds.
            spec: dict[str, Any] = self.draw(self.data, look).to_dict(validate=False)
        return {"$schema": alt.SCHEMA_URL, "description": f"{self.title}. {self.shows}", **spec}


@dataclass(frozen=True)
class Source:
    """What all figures are made from."""

    record: Record
    customers: pl.LazyFrame
    currency: str | None
    small_cells: bool

    @cached_property
    def spread(self) -> pl.DataFrame:
        """The quantiles of the features in each segment."""
        return tables.strips(self.record, small_cells=self.small_cells)

    def money(self, amount: float | None) -> str:
        """Return an amount in the report's currency."""
        return formats.money(amount, self.currency)


def written(**columns: tuple[str, Callable[[Any], str]]) -> list[pl.Expr]:
    """Return expressions that write columns as texts: ``new=(old, function)``."""
    return [
        pl.col(old).map_elements(write, return_dtype=pl.String, skip_nulls=False).alias(new)
        for new, (old, write) in columns.items()
    ]

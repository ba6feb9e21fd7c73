"""Heads: what the lines of an invoice share, made canonical once a stretch of equal ones."""

from __future__ import annotations

import polars as pl

from custseg.transactions import cleaning, dates, values
from custseg.transactions.dates import DateForm
from custseg.transactions.reading import Table
from custseg.transactions.source import HEAD, Source

MOST_UNREAD_DATES = 10_000
"""Different dates looked at one by one to see how they are written."""


def head_columns(table: Table) -> list[str]:
    """Return those columns of `HEAD` that are read."""
    return [name for name in HEAD if name in table.read]


def clean_heads(table: Table, heads: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Make heads as they stand in a source canonical, and tell the fate they call for as ``fate`` (uint8)."""
    names = head_columns(table)
    dtypes = heads.schema

    def canonical(name: str) -> pl.Expr:
        cell, dtype = pl.col(name), dtypes[name]
        if name == "customer_id":
            return values.customer_id(cell, dtype, exponents=table.exponents)
        if name == "invoice_date":
            return values.moment(cell, dtype, source.date_forms)
        return values.text(cell, dtype)

    frame = heads.select(canonical(name).alias(name) for name in names)
    if "invoice_date" in names and not dtypes["invoice_date"].is_temporal():
        further = _further_forms(heads["invoice_date"], frame["invoice_date"], source)
        if further:
            every = (*source.date_forms, *further)
            cell = values.moment(pl.col("invoice_date"), dtypes["invoice_date"], every)
            frame = frame.with_columns(heads.select(cell).to_series())
    return frame.with_columns(cleaning.head_fate(names, table.rules).alias("fate"))


def _further_forms(cells: pl.Series, read: pl.Series, source: Source) -> list[DateForm]:
    """Return ways of writing dates that no sample showed, for cells that could not be read."""
    unread = cells.filter(read.is_null()).drop_nulls().unique()
    further: dict[DateForm, None] = {}
    few = unread.head(MOST_UNREAD_DATES).to_frame("cell")
    for text in few.select(values.as_text(pl.col("cell"), unread.dtype)).to_series():
        shape = dates.read_shape(text)
        form = shape.ordered(source.date_order) if shape else None
        if form and form not in source.date_forms:
            further[form] = None
    return list(further)

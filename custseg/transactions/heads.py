"""Heads: what the lines of an invoice share, made canonical once a stretch of equal ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from custseg.errors import cut
from custseg.transactions import cleaning, date_orders, dates, values
from custseg.transactions.dates import DateForm
from custseg.transactions.distinct import read_each_once
from custseg.transactions.reading import Table
from custseg.transactions.source import HEAD, Source, Surprise

MOST_UNREAD_DATES = 10_000
"""Different dates looked at one by one to see how they are written."""


def head_columns(table: Table) -> list[str]:
    """Return those columns of `HEAD` that are read."""
    return [name for name in HEAD if name in table.read]


def clean_heads(table: Table, heads: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Make heads as they stand in a source canonical, and tell the fate they call for as ``fate`` (uint8).

    Raises
    ------
    Surprise
        A date or an id speaks against what the samples showed.
    """
    names = head_columns(table)
    dtypes = heads.schema
    columns = {}
    for name in names:
        cell, dtype = pl.col(name), dtypes[name]
        if name == "customer_id":
            columns[name] = pl.lit(read_ids(heads[name], exponents=table.exponents))
        elif name == "invoice":
            columns[name] = pl.lit(read_invoices(heads[name]))
        elif name == "invoice_date":
            columns[name] = values.moment(cell, dtype, source.date_forms)
        else:
            columns[name] = values.text(cell, dtype)
    frame = heads.select(**columns)
    if not table.thorough and not table.exponents and dtypes["customer_id"] == pl.String:
        _check_ids(frame["customer_id"], source)
    if "invoice_date" in names and not dtypes["invoice_date"].is_temporal():
        forms = source.date_forms
        while further := _further_forms(heads["invoice_date"], frame["invoice_date"], source, forms):
            forms = (*forms, *further)
            cell = values.moment(pl.col("invoice_date"), dtypes["invoice_date"], forms)
            frame = frame.with_columns(heads.select(cell).to_series())
    return frame.with_columns(cleaning.head_fate(names, table.rules).alias("fate"))


def read_ids(ids: pl.Series, *, exponents: bool) -> pl.Series:
    """Read ids as `values.customer_id` does; the plainest by what is said of them all."""
    if ids.dtype == pl.String and ids.str.contains(values.PLAIN_ID).all():
        return ids.str.strip_suffix(".0")
    return read_each_once(ids, partial(values.customer_id, dtype=ids.dtype, exponents=exponents))


def read_invoices(invoices: pl.Series) -> pl.Series:
    """Read invoices as text, one invoice one text whatever program wrote it; empty is null."""
    plain = invoices.to_frame().select(values.text(pl.first(), invoices.dtype)).to_series()
    if invoices.dtype.is_decimal():
        return read_each_once(plain, values.code)
    if invoices.dtype.is_numeric():
        return plain
    # Asked first, since most files have none and many an invoice on every line.
    odd = plain.str.ends_with(".0") | plain.str.ends_with(".00")
    odd |= plain.str.starts_with('="') | plain.str.starts_with("\ufeff")
    return read_each_once(plain, values.code).zip_with(odd, plain) if odd.any() else plain


def _check_ids(ids: pl.Series, source: Source) -> None:
    """Stop at an id that is a number with an exponent, if all are numbers, and a text, if not."""
    found = ids.filter(ids.str.contains(values.EXPONENT_ID)).head(1)
    if len(found):
        raise Surprise(
            "exponent-ids",
            f"The id '{cut(found[0])}' may be a number that a spreadsheet wrote with an exponent.",
            where=source.contents.place,
            now="Write the ids of this file out in full.",
        )


def _further_forms(
    cells: pl.Series, read: pl.Series, source: Source, known: Sequence[DateForm]
) -> list[DateForm]:
    """Return ways of writing dates beyond those known, for the first of the cells that could not be read."""
    unread = cells.filter(read.is_null()).drop_nulls().unique(maintain_order=True)
    further: dict[DateForm, None] = {}
    few = unread.head(MOST_UNREAD_DATES).to_frame("cell")
    for text in few.select(values.as_text(pl.col("cell"), unread.dtype)).to_series():
        shape = dates.read_shape(text)
        if shape is None:
            continue
        if not source.date_proved and date_orders.speaks_against(text, source.date_order):
            raise Surprise(
                "date-order",
                f"The date '{cut(text)}' does not have the order of day and month that other files prove.",
                where=source.contents.place,
                now="Say which holds: --date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'.",
            )
        form = shape.ordered(source.date_order)
        if form and form not in known and not form.is_rival(known):
            further[form] = None
    return list(further)

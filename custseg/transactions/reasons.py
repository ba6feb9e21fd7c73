"""Reasons: how a source is read, and what shows that it is so."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from custseg.errors import cut
from custseg.settings import Settings
from custseg.transactions import streams
from custseg.transactions.csv_blocks import CsvFile
from custseg.transactions.date_orders import ORDERS, DateEvidence
from custseg.transactions.dates import PACKED, DateForm, read_shape
from custseg.transactions.dialects import RARE_SEPARATORS, SEPARATORS
from custseg.transactions.excel_sheets import ExcelSheet
from custseg.transactions.layouts import LAYOUTS, describe_layout
from custseg.transactions.numerals import COMMA, MarkEvidence
from custseg.transactions.source import NUMBERS, Source
from custseg.transactions.trial import Excerpt

UNITS = {"excel": "days as Excel counts them", "s": "seconds", "ms": "ms", "us": "µs", "ns": "ns"}


class Reason(NamedTuple):
    """One thing that was decided about a source.

    Attributes
    ----------
    topic
        ``encoding``, ``separator``, ``header``, ``dates`` or ``numbers``.
    found
        What was decided.
    why
        What shows it.
    """

    topic: str
    found: str
    why: str


def explain_source(excerpt: Excerpt, settings: Settings) -> list[Reason]:
    """Say how a source is read and why."""
    source = excerpt.source
    reasons = []
    if isinstance(source.contents, CsvFile):
        reasons += [_encoding(excerpt, source.contents, settings), _separator(source.contents, settings)]
    reasons.append(_header(source, settings))
    if "invoice_date" in source.columns:
        reasons.append(_dates(excerpt, settings))
    if any(name in source.columns for name in NUMBERS):
        reasons.append(_numbers(excerpt, settings))
    return reasons


def explain_column(source: Source, column: str, settings: Settings) -> str:
    """Say how the header of a canonical column was found."""
    if column in settings.column:
        return "told"
    if source.layout and any(x.name == source.layout and column in x.columns for x in LAYOUTS):
        return "layout"
    return "name"


def _encoding(excerpt: Excerpt, contents: CsvFile, settings: Settings) -> Reason:
    name = contents.dialect.encoding
    if settings.encoding:
        return Reason("encoding", name, "--encoding says so")
    if name != streams.UNKNOWN:
        marked = name in ("utf-16", "utf-32")
        why = "the file begins with its byte order mark" if marked else "every second byte is null"
        return Reason("encoding", name, why)
    if excerpt.encoded.isascii():
        return Reason("encoding", "UTF-8", "nothing but ASCII in the lines looked at")
    lines = [line for line in excerpt.encoded.split(contents.dialect.marks.eol) if not line.isascii()]
    other = sum(1 for line in lines if not streams.is_utf8(line))
    if not other:
        return Reason("encoding", "UTF-8", _all_utf8(len(lines)))
    found = "cp1252" if other == len(lines) else "UTF-8 and cp1252, line by line"
    return Reason("encoding", found, f"{other:,} of {len(lines):,} lines with more than ASCII are not UTF-8")


def _all_utf8(lines: int) -> str:
    return (
        f"so are all {lines:,} lines with more than ASCII"
        if lines > 1
        else "so is the line with more than ASCII"
    )


def _separator(contents: CsvFile, settings: Settings) -> Reason:
    sign = contents.dialect.separator
    shown = {"\t": "tab", "\x01": "Ctrl-A", "\x1f": "unit separator"}.get(sign, sign)
    if settings.separator:
        return Reason("separator", shown, "--separator says so")
    header = "".join(contents.header)
    rivals = [other for other in (*SEPARATORS, *RARE_SEPARATORS) if other != sign and other in header]
    cells = f"{len(contents.header)} cells"
    if rivals:
        return Reason("separator", shown, f"cuts the first lines most evenly, into {cells}")
    return Reason("separator", shown, f"the only sign in the header that can be one; {cells}")


def _header(source: Source, settings: Settings) -> Reason:
    contents = source.contents
    if settings.no_header:
        return Reason("header", "none", "--no-header says so; columns are numbered from 1")
    if source.layout:
        place = _header_line(source)
        return Reason("header", place, f"the layout of {describe_layout(source.layout, source.header)}")
    if contents.format == "parquet":
        return Reason("header", "column names", "they are part of the file")
    known = (
        "it names the customer and more" if "customer_id" in source.columns else "no line names a customer"
    )
    return Reason("header", _header_line(source), known)


def _header_line(source: Source) -> str:
    contents = source.contents
    if isinstance(contents, CsvFile):
        return f"line {contents.dialect.header_line}"
    return f"row {contents.header_line}" if isinstance(contents, ExcelSheet) else "column names"


def _cells(excerpt: Excerpt, column: str) -> list[str]:
    place = excerpt.source.columns[column]
    return excerpt.raw[f"c{place}"].cast(pl.String).drop_nulls().unique(maintain_order=True).to_list()


def _dates(excerpt: Excerpt, settings: Settings) -> Reason:
    source = excerpt.source
    if not source.is_text("invoice_date"):
        dtype = source.contents.dtypes[source.columns["invoice_date"]]
        return Reason("dates", str(dtype), "the file says so itself")
    cells = _cells(excerpt, "invoice_date")
    evidence = DateEvidence()
    shapes = evidence.add(cells, packed=PACKED.forms[0][1] in source.date_forms)
    forms = [
        shape.ordered(source.date_order) for shape in sorted(shapes, key=shapes.__getitem__, reverse=True)
    ]
    written = " or ".join(dict.fromkeys(_form(form) for form in forms if form))
    if settings.date_format:
        if evidence.example or not written or _any_read(cells, settings.date_format):
            return Reason("dates", settings.date_format, "--date-format says so")
        return Reason(
            "dates", written, f"'{cut(cells[0])}' says so; no date looked at is as in --date-format"
        )
    if not evidence.example:
        why = f"'{cut(cells[0])}' can be read in one way only" if cells else "there are none"
        return Reason(
            "dates", written or "unknown", why if written or not cells else f"such as '{cut(cells[0])}'"
        )
    order = source.date_order
    if not order:
        return Reason("dates", "day and month in doubt", f"such as '{cut(evidence.example)}'")
    # The other order of day and month is what is in question, not where the year is.
    rivals = {"dmy": ["mdy"], "mdy": ["dmy"]}.get(order, ["dmy", "mdy"])
    against = [evidence.against[rival][1] for rival in rivals if evidence.against[rival][0]]
    proof = f"'{cut(against[0])}' proves it" if against else "other lines or files prove it"
    return Reason("dates", f"{ORDERS[order]}, {written}", proof)


def _any_read(cells: list[str], strptime: str) -> bool:
    """Tell whether a format reads any of the cells."""
    stripped = pl.lit(pl.Series(cells, dtype=pl.String)).str.strip_chars()
    return pl.select(DateForm(strptime).read(stripped)).to_series().is_not_null().any()


def _form(form: DateForm) -> str:
    if form.unit:
        return UNITS[form.unit] + ("" if form.unit == "excel" else " since 1970")
    return form.strptime + (" and a zone" if form.zone else "")


def date_formats(excerpt: Excerpt) -> set[str]:
    """Return the formats its dates have, in strptime's language; an empty one for what has none."""
    source = excerpt.source
    if "invoice_date" not in source.columns or not source.is_text("invoice_date"):
        return set()
    shapes = {read_shape(cell) for cell in _cells(excerpt, "invoice_date")} - {None}
    forms = {shape.ordered(source.date_order) for shape in shapes if shape}
    return {form.strptime if form and not form.zone else "" for form in forms}


def _numbers(excerpt: Excerpt, settings: Settings) -> Reason:
    source = excerpt.source
    texts = [name for name in NUMBERS if name in source.columns and source.is_text(name)]
    if not texts:
        return Reason("numbers", "typed", "the file says so itself")
    found = "decimal comma" if source.mark == COMMA else "decimal point"
    if settings.decimal_comma is not None:
        flag = "--decimal-comma" if settings.decimal_comma else "--decimal-point"
        return Reason("numbers", found, f"{flag} says so")
    evidence = MarkEvidence.of(cell for name in texts for cell in _cells(excerpt, name))
    if not source.mark:
        if evidence.seen:
            return Reason(
                "numbers", "decimal mark in doubt", f"such as '{cut(next(iter(evidence.examples.values())))}'"
            )
        return Reason("numbers", "whole", "no number looked at has a mark")
    proof = evidence.examples.get(source.mark)
    if proof:
        return Reason("numbers", found, f"'{cut(proof)}' proves it")
    if isinstance(source.contents, ExcelSheet):
        why = "cells that are numbers say so themselves"
    else:
        why = "other lines or files prove it" if evidence.seen else "no other mark was seen"
    return Reason("numbers", found, why)

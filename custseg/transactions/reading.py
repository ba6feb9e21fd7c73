"""Reading: how each file will be read, decided before any work is done.

`open_input` looks at every file once (header, types, a sample of the dates); `lines` then scans any piece
of any file by what was decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from custseg.columns import LINE_COLUMNS
from custseg.errors import InputError, cut, nearest
from custseg.settings import Settings
from custseg.transactions import cleaning, csv_blocks, dates, layouts
from custseg.transactions.find import InputFile

DATE_SAMPLE = 500
"""Parquet rows looked at, at each end of a file, to see how dates in text are written."""

BLOCK = 1 << 26
"""Bytes of a CSV file looked through at once for a date that proves the order."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file and how to read it.

    Attributes
    ----------
    columns
        Canonical name to position of the column.
    others
        Name to position of all further columns; they count when lines are compared.
    rows
        Rows, where the file says it (Parquet).
    """

    file: InputFile
    header: tuple[str, ...]
    columns: dict[str, int]
    others: dict[str, int]
    separator: str = ","
    header_end: int = 0
    rows: int | None = None

    def scan_csv(self, data: bytes) -> pl.LazyFrame:
        """Scan CSV records as text, columns named by position: no inference, no surprise."""
        schema = {f"c{position}": pl.String for position in range(len(self.header))}
        if not data.strip():
            return pl.LazyFrame(schema=schema)
        return pl.scan_csv(data, has_header=False, separator=self.separator, schema=schema)


@dataclass(frozen=True, slots=True)
class Table:
    """All files as one table of lines.

    Attributes
    ----------
    read
        Canonical columns that every line has, read or derived by file.
    compared
        Columns of the input, by name and in a fixed order, that make two lines equal or not.
    derived
        What was derived from what, in words.
    date_formats
        How dates in text are written, in strptime's language; tried in this order.
    """

    sources: tuple[Source, ...]
    read: tuple[str, ...]
    compared: tuple[str, ...]
    derived: tuple[str, ...]
    rules: cleaning.Rules
    date_formats: tuple[str, ...] = ()

    @property
    def has_money(self) -> bool:
        """Whether lines have an amount, read or computed."""
        return "amount" in self.read or "unit_price" in self.read


def open_input(files: Sequence[InputFile], settings: Settings) -> Table:
    """Look at every file and decide how it is read.

    Raises
    ------
    InputError
        No or two columns for one meaning, a file that lacks a column the others have, dates whose order
        nothing proves, a file that cannot be read.
    """
    sources = [_look_at(file, settings) for file in files]
    read, derived = _decide_columns(sources)
    date_formats = _prove_dates(sources, settings) if "invoice_date" in read else ()
    rules = cleaning.Rules(
        since=settings.since,
        until=settings.until,
        exclude_product=settings.exclude_product,
        where=settings.where,
    )
    names = {name for source in sources for name in (*source.columns, *source.others)}
    _check_rules(rules, read, sources)
    return Table(tuple(sources), read, tuple(sorted(names)), derived, rules, date_formats)


def _look_at(file: InputFile, settings: Settings) -> Source:
    separator, header_end, rows = ",", 0, None
    if file.format == "parquet":
        try:
            header = tuple(pl.read_parquet_schema(file.path))
            rows = pl.scan_parquet(file.path).select(pl.len()).collect().item()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise InputError(
                "damaged-file", f"The Parquet file cannot be read: {cut(error)}.", where=file.path
            ) from None
    else:
        dialect = csv_blocks.read_dialect(file.path)
        separator, header, header_end = dialect
    columns = layouts.map_columns(header, settings.column, file.path)
    others: dict[str, int] = {}
    for position, name in enumerate(header):
        if position not in columns.values():
            label = name.strip() or f"column {position + 1}"
            others[label if label not in others else f"{label} ({position + 1})"] = position
    return Source(file, header, columns, others, separator, header_end, rows)


def _decide_columns(sources: Sequence[Source]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the canonical columns all files have or can derive, and the derivations in words."""
    derived: dict[str, None] = {}
    have = []
    for source in sources:
        names = set(source.columns)
        if not names & {"quantity", "unit_price", "amount", "invoice"}:
            raise InputError(
                "no-measure",
                "The file has a customer column but none for quantity, unit_price, amount or invoice.",
                where=f"{source.file.path}; it has: {cut(', '.join(source.header))}",
                now="Say which column it is: --column quantity=HEADER.",
            )
        if "quantity" not in names and names & {"unit_price", "amount"}:
            names.add("quantity")
            derived["quantity = 1"] = None
        if {"amount", "quantity"} <= names and "unit_price" not in names:
            names.add("unit_price")
            derived["unit_price = amount / quantity"] = None
        have.append(names)
    every, some = set.intersection(*have), set.union(*have)
    for name in sorted(some - every - {"product", "amount"}):
        lacking = next(s for s, names in zip(sources, have, strict=True) if name not in names)
        raise InputError(
            "column-missing",
            f"Other files have a column for {name}; this one does not.",
            where=f"{lacking.file.path}; it has: {cut(', '.join(lacking.header))}",
            now=f"Say which column it is (--column {name}=HEADER), or leave the file out.",
        )
    if "unit_price" in every and not all("amount" in source.columns for source in sources):
        every.discard("amount")
        derived["amount = quantity × unit_price"] = None
    if "invoice" not in every:
        day = "a customer and day" if "invoice_date" in every else "a line"
        derived[f"invoice = one {day}"] = None
    return tuple(name for name in LINE_COLUMNS if name in every), tuple(derived)


def _prove_dates(sources: Sequence[Source], settings: Settings) -> tuple[str, ...]:
    """Return the formats in which dates are written as text, proved from the data of all files."""
    evidence = dates.DateEvidence()
    shapes: dict[dates.DateShape, None] = {}
    doubtful = []
    for source in sources:
        cells = _date_cells(source)
        if cells is None:
            continue
        if settings.date_format:
            return (settings.date_format,)
        seen = evidence.add(cells)
        unknown = next(filter(None, cells), None)
        if not seen and unknown:
            raise InputError(
                "date-format",
                f"The dates are written in a way custseg does not know: '{cut(unknown)}'.",
                where=f"{source.file.path}, column {source.header[source.columns['invoice_date']]}",
                now="Say how: --date-format '%d %b %Y %H:%M' (strptime).",
            )
        shapes |= dict.fromkeys(seen)
        if not all(shape.year_first for shape in seen):
            doubtful.append(source)
    for source in doubtful:
        if evidence.day_first is None:
            _look_through(source, evidence)
    day_first = evidence.require_order(doubtful[0].file.path) if doubtful else True
    return dates.formats(tuple(shapes), day_first)


def _date_cells(source: Source) -> list[str | None] | None:
    """Return a sample of the date cells of a file; None when they are typed."""
    position = source.columns["invoice_date"]
    if source.file.format == "parquet":
        dtype = pl.read_parquet_schema(source.file.path)[source.header[position]]
        if dtype.is_temporal():
            return None
        column = pl.scan_parquet(source.file.path).select(pl.col(source.header[position]).cast(pl.String))
        ends = [column.head(DATE_SAMPLE).collect(), column.tail(DATE_SAMPLE).collect()]
        return pl.concat(ends).to_series().to_list()
    dialect = csv_blocks.Dialect(source.separator, source.header, source.header_end)
    records = csv_blocks.sample_records(source.file.path, dialect)
    return [record[position] for record in records if len(record) > position]


def _look_through(source: Source, evidence: dates.DateEvidence) -> None:
    """Look at every date of a file for one that proves the order: costs a pass, only when in doubt."""
    position = source.columns["invoice_date"]
    for frame in _frames(source):
        cells = pl.nth(position).cast(pl.String)
        parts = [cells.str.extract(pattern).cast(pl.Int64).max() for pattern in dates.PARTS_IN_DOUBT]
        first, second = (
            frame.select(*(p.alias(str(i)) for i, p in enumerate(parts))).collect(engine="streaming").row(0)
        )
        evidence.first, evidence.second = max(evidence.first, first or 0), max(evidence.second, second or 0)
        if evidence.day_first is not None:
            return


def _frames(source: Source) -> Iterator[pl.LazyFrame]:
    """Yield the whole file as raw frames of bounded size."""
    if source.file.format == "parquet":
        yield pl.scan_parquet(source.file.path, glob=False, hive_partitioning=False)
        return
    for block in csv_blocks.read_blocks(source.file.path, BLOCK, source.header_end):
        yield source.scan_csv(block.data)


def _check_rules(rules: cleaning.Rules, read: Sequence[str], sources: Sequence[Source]) -> None:
    needs = {
        "--since": "invoice_date" if rules.since else "",
        "--until": "invoice_date" if rules.until else "",
    }
    needs["--exclude-product"] = "product" if rules.exclude_product else ""
    for option, column in needs.items():
        if column and column not in read:
            lacking = next((s for s in sources if column not in s.columns), sources[0])
            raise InputError(
                "column-missing",
                f"{option} needs a column for {column}, and not every file has one.",
                where=f"{lacking.file.path}; it has: {cut(', '.join(lacking.header))}",
                now=f"Say which column it is: --column {column}=HEADER.",
            )
    if rules.where:
        known = {*read, *(name for source in sources for name in source.header)}
        for name in cleaning.where_expression(rules.where).meta.root_names():
            if name not in known:
                raise InputError(
                    "no-such-column",
                    f"--where names a column '{cut(name)}' that the input does not have.",
                    where=f"it has: {cut(', '.join(sorted(known)))}",
                    now=nearest(name, known),
                )

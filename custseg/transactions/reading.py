"""Reading: how each file will be read, decided before any work is done.

`open_input` looks at every file once (header, types, a sample of its lines); `lines` then scans any piece
of any file by what was decided here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import NamedTuple

import polars as pl

from custseg.columns import LINE_COLUMNS
from custseg.errors import InputError, Meet, cut, stop
from custseg.settings import Settings
from custseg.transactions import cleaning, date_proofs, letters, number_proofs
from custseg.transactions.csv_blocks import CsvFile, open_csv
from custseg.transactions.dialects import Told, read_dialect
from custseg.transactions.excel_sheets import (
    ExcelSheet,
    Workbook,
    open_workbook,
    refuse_unknown_sheets,
    refuse_unsaved_formulas,
)
from custseg.transactions.find import InputFile
from custseg.transactions.parquet_files import open_parquet
from custseg.transactions.shared_columns import ask_for_sheets, check_rules, compared_columns, decide_columns
from custseg.transactions.source import Cells, Contents, Source, line_bytes, stretch
from custseg.transactions.streams import UNKNOWN
from custseg.transactions.vocabulary import is_header, map_columns, refuse_second_header
from custseg.transactions.ways import say_ways
from custseg.transactions.words import plain

SAMPLE = 1 << 18
"""Bytes of samples looked at in a file, if there are few files; `SAMPLES` in all."""

SAMPLES = 1 << 21
SMALLEST_SAMPLE = 1 << 13

BAD_FILE = (
    "damaged-file",
    "empty-file",
    "no-sheet",
    "one-column",
    "ragged-lines",
    "unknown-format",
    "unreadable-file",
    "wrong-encoding",
)
"""Codes of errors that ``--skip-bad-files`` passes over."""


class SkippedFile(NamedTuple):
    """A file that was left out because it cannot be read."""

    path: str
    code: str
    problem: str


@dataclass(frozen=True, slots=True)
class Table:
    """All files as one table of lines.

    Attributes
    ----------
    read
        Canonical columns that every line has, read or derived by file.
    compared
        Columns of the input, by name and in a fixed order, that make two lines equal or not.
    kinds
        As what those are compared that files store in different types.
    derived
        What was derived from what, in words.
    exponents
        Whether ids such as ``1.7850e4`` are numbers.
    thorough
        Whether all files were looked through for what samples left in doubt.
    skip_bad_files
        Whether a file that turns out to be damaged is left out.
    skipped
        Files that were left out already.
    passed_over
        What is said of files in folders that were not taken for transactions.
    notes
        What was seen and decided that a user may want to know.
    """

    sources: tuple[Source, ...]
    read: tuple[str, ...]
    compared: tuple[str, ...]
    kinds: dict[str, str]
    derived: tuple[str, ...]
    rules: cleaning.Rules
    exponents: bool = False
    thorough: bool = False
    skip_bad_files: bool = False
    skipped: tuple[SkippedFile, ...] = ()
    passed_over: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_money(self) -> bool:
        """Whether lines have an amount, read or computed."""
        return "amount" in self.read or "unit_price" in self.read


def open_input(
    files: Sequence[InputFile], settings: Settings, *, thorough: bool = False, meet: Meet = stop
) -> Table:
    """Look at every file and decide how it is read.

    Parameters
    ----------
    thorough
        Whether to look through all files for what their samples leave in doubt: costs a pass, and is needed
        once reading has met a `Surprise`.
    meet
        What is done with each fault that is found; where it gathers them, the table is what could be decided.

    Raises
    ------
    InputError
        Unless `meet` gathers them: no or two columns for one meaning, a file that lacks a column the others
        have, dates or numbers whose reading nothing proves, a file that cannot be read.
    """
    sources, samples, skipped, notes = _open_all(files, settings, meet)
    if not settings.sheet:
        ask_for_sheets(sources, meet)
    read, derived = decide_columns(sources, meet)
    if "invoice_date" in read:
        told = settings.date_format
        sources = date_proofs.prove_dates(sources, samples, told, thorough=thorough, meet=meet)
    comma, where = settings.decimal_comma, settings.where or ""
    sources = number_proofs.prove_marks(sources, samples, comma, thorough=thorough, where=where, meet=meet)
    rules = cleaning.Rules(
        since=settings.since,
        until=settings.until,
        exclude_product=settings.exclude_product,
        where=settings.where,
    )
    if sources:
        check_rules(rules, read, sources, meet)
    return Table(
        tuple(sources),
        read,
        *compared_columns(sources),
        derived,
        rules,
        exponents=number_proofs.prove_ids(sources, samples, thorough=thorough, meet=meet),
        thorough=thorough,
        skip_bad_files=settings.skip_bad_files,
        skipped=tuple(skipped),
        notes=(*notes, *say_ways(sources)),
    )


def _open_all(
    files: Sequence[InputFile], settings: Settings, meet: Meet
) -> tuple[list[Source], list[dict[str, Cells]], list[SkippedFile], list[str]]:
    """Look at every file; return the sources, cells of each, the files that were left out, and notes."""
    size = min(SAMPLE, max(SMALLEST_SAMPLE, SAMPLES // max(1, len(files))))
    sources: list[Source] = []
    samples: list[dict[str, Cells]] = []
    skipped: list[SkippedFile] = []
    notes: list[str] = []
    western: list[str] = []
    books: list[Workbook] = []
    problem: InputError | None = None
    for file in files:
        try:
            for contents in _open(file, settings, books):
                cells = _sample(contents, size)
                if not settings.no_header:
                    below = [column[0] for column in cells if column]
                    refuse_second_header(contents.header, below, contents.place)
                western += _western(contents, cells, size)
                if settings.skip_bad_files:
                    # A file is in or out as a whole, so damage has to be known before any line is counted.
                    contents.read_to_end()
                source = _source(file, contents, settings, meet)
                samples.append({name: cells[position] for name, position in source.columns.items()})
                length = line_bytes(contents, cells, file.size)
                sources.append(replace(source, line_bytes=length, stretch=stretch(samples[-1])))
                if isinstance(contents, ExcelSheet):
                    refuse_unsaved_formulas(contents, source.columns.values(), cells)
        except InputError as error:
            if settings.skip_bad_files and error.code in BAD_FILE:
                problem = problem or error
                skipped.append(SkippedFile(file.path, error.code, error.what))
            else:
                meet(error)
    if problem and not sources:
        meet(problem)
    refuse_unknown_sheets(settings.sheet, books, meet)
    notes += [note for book in books for note in book.notes]
    if western:
        way = f"cp1252 where not UTF-8, such as '{cut(western[0])}'"
        notes.append(f"{len(western):,} of {len(files):,} files: {way}.")
    # As Spark and others lay out tables: lines of two stores may be told apart by their folders only.
    keys = dict.fromkeys(key for file in files for key in re.findall(r"(?<=/)(\w+)=[^/]*(?=/)", file.path))
    notes += [f"Folders are called '{key}=…': what they say is not read as a column." for key in keys]
    return sources, samples, skipped, notes


def _open(file: InputFile, settings: Settings, books: list[Workbook]) -> Sequence[Contents]:
    """Return the contents of a file: one, or one a sheet."""
    if file.problem:
        raise file.problem
    if file.format == "parquet":
        return [open_parquet(file.path)]

    def header(cells: Sequence[str]) -> bool:
        return is_header(cells, settings.column)

    if file.format == "excel":
        books.append(open_workbook(file.path, settings.sheet, header, no_header=settings.no_header))
        return books[-1].sheets
    told = Told(settings.encoding, settings.separator, settings.no_header)
    return [open_csv(file.path, file.size, read_dialect(file.path, told, header))]


def _source(file: InputFile, contents: Contents, settings: Settings, meet: Meet) -> Source:
    mapping = map_columns(contents.header, settings.column, contents.place, meet)
    for column, position in mapping.columns.items():
        dtype = contents.dtypes[position]
        if dtype.is_nested() or dtype == pl.Binary:
            meet(
                InputError(
                    "nested-column",
                    f"The column '{cut(contents.header[position])}', which is the {column}, holds {dtype} "
                    "and no single values.",
                    where=contents.place,
                    now=f"Write it as text or numbers, or name another: --column {column}=HEADER.",
                )
            )
    others: dict[str, int] = {}
    for position, name in enumerate(contents.header):
        if position not in mapping.columns.values():
            # In plain form, so that Country and COUNTRY are compared with each other; but not by our names.
            label = plain(name) or f"column {position + 1}"
            label = f"column {label}" if label in LINE_COLUMNS else label
            others[label if label not in others else f"{label} ({position + 1})"] = position
    return Source(file, contents, mapping.columns, others, mapping.layout)


def _sample(contents: Contents, size: int) -> list[list[str | None]]:
    """Return sampled cells, column by column.

    Raises
    ------
    InputError
        Most lines have not the header's number of cells, or the file is cut off.
    """
    rows = contents.sample(size)
    width = len(contents.header)
    long = [row for row in rows if len(row) > width and any(row[width:])]
    if len(long) > max(2, len(rows) // 2):
        raise InputError(
            "ragged-lines",
            f"Most lines have more cells than the header: {len(long[0])} and not {width}.",
            where=f"{contents.place}; such as: {cut(' | '.join(str(cell) for cell in long[0]))}",
            now="Give each column a header; or say what is between the cells: --separator.",
        )
    columns = [list(column) for column in zip_longest(*(row[:width] for row in rows))]
    return columns + [[None] * len(rows)] * (width - len(columns))


def _western(contents: Contents, cells: Sequence[Cells], size: int) -> list[str]:
    """Return a word that is read as cp1252, if there is one.

    Raises
    ------
    InputError
        It is no text in cp1252.
    """
    if not isinstance(contents, CsvFile) or contents.dialect.encoding != UNKNOWN:
        return []
    texts = (text for column in (contents.header, *cells) for text in column)
    if all(text is None or text.isascii() for text in texts):
        return []
    data = (contents.beginning(), contents.excerpt(size).data)
    word = letters.refuse_other_letters(contents.path, data, contents.dialect.marks.eol)
    return [word] if word else []

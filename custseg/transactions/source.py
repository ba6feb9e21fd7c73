"""A source: one file (or sheet) and how it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from custseg.columns import LINE_IN_TEXT
from custseg.errors import InputError
from custseg.transactions.csv_blocks import CsvFile
from custseg.transactions.dates import DateForm
from custseg.transactions.excel_sheets import ExcelSheet
from custseg.transactions.find import InputFile
from custseg.transactions.numerals import POINT
from custseg.transactions.parquet_files import ParquetFile, damaged

HEAD = ("customer_id", "invoice", "invoice_date")
"""Columns that repeat over the lines of an invoice."""

NUMBERS = ("quantity", "unit_price", "amount")

LONG_LINE = 2
"""How many times `LINE_IN_TEXT` a line must be long for plans to take notice: then memory hangs on it."""

FEW_COLUMNS, COLUMN_BYTES = 12, 8
"""Columns of Parquet that plans reckon with, and bytes of text that each further one counts for."""

PROOF_BLOCK = 1 << 26
"""Bytes of a file looked through at once for a proof."""

Cells = Sequence[str | None]
Samples = Sequence[Mapping[str, Cells]]
"""For each source, cells of its canonical columns as text."""


class Surprise(InputError):
    """A cell speaks against what samples of the files seemed to show: a closer look is needed.

    To a user who meets it, it is an error like any other.
    """


Contents = CsvFile | ParquetFile | ExcelSheet


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one sheet of a workbook, and how it is read.

    Attributes
    ----------
    columns
        Canonical name to position of the column.
    others
        Name to position of all further columns; they count when lines are compared.
    layout
        Name of the known layout it has, if any.
    date_order, date_forms
        Order of day, month and year in dates that need one, and the ways of writing to try, in this order.
    date_proved
        Whether nothing in the file can still speak against that order.
    mark
        The decimal mark of numbers in text; empty where no number in the samples has one.
    careful
        Whether numbers are written in a way that takes the thorough reading.
    line_bytes
        Bytes of text in a line, about: `LINE_IN_TEXT` unless lines are far longer, or of CSV shorter.
    stretch
        Lines that follow each other with the same customer, invoice and date, about.
    """

    file: InputFile
    contents: Contents
    columns: dict[str, int]
    others: dict[str, int]
    layout: str | None = None
    date_order: str = ""
    date_forms: tuple[DateForm, ...] = ()
    date_proved: bool = True
    mark: str = POINT
    careful: bool = False
    line_bytes: int = LINE_IN_TEXT
    stretch: float = 1.0

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns as the file has them."""
        return self.contents.header

    @property
    def rows(self) -> int | None:
        """Rows, where any piece of them can be read by itself (Parquet)."""
        return self.contents.rows

    @property
    def text_bytes(self) -> int:
        """Bytes it has as text, about."""
        return self.contents.text_bytes

    @property
    def lines(self) -> float:
        """Lines it has, about."""
        return self.rows if self.rows is not None else self.text_bytes / self.line_bytes

    @property
    def weight(self) -> float:
        """What memory a byte of its text takes, over what it takes in a line of `LINE_IN_TEXT` bytes.

        Short lines take as much as others, line by line.
        """
        return max(1.0, LINE_IN_TEXT / self.line_bytes)

    def block(self, limit: int) -> int:
        """Return how many bytes of it are read at once where of lines of usual length it is `limit`."""
        return max(1, int(limit / self.weight))

    @property
    def alike(self) -> tuple[object, ...]:
        """What sources share whose raw lines can be read as one."""
        return (
            self.contents.alike,
            self.header,
            tuple(sorted(self.columns.items())),
            tuple(sorted(self.others.items())),
            self.date_order,
            self.date_forms,
            self.date_proved,
            self.mark,
            self.careful,
        )

    def collect(self, query: pl.LazyFrame) -> pl.DataFrame:
        """Collect a query over (part of) the source.

        Raises
        ------
        InputError
            The file is damaged.
        """
        try:
            return query.collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            raise damaged(self.contents.place, error) from None

    def is_text(self, column: str) -> bool:
        """Tell whether a canonical column is there and its cells do not say by themselves what they are."""
        if column not in self.columns:
            return False
        dtype = self.contents.dtypes[self.columns[column]]
        return not (dtype.is_temporal() if column == "invoice_date" else dtype.is_numeric())


def line_bytes(contents: Contents, cells: Sequence[Cells], size: int) -> int:
    """Return the bytes of text in a line: `LINE_IN_TEXT`, or what samples of its columns show if far more.

    Lines of CSV may be shorter too. In Parquet each of many columns takes memory by itself, and what samples
    leave out, such as lists, still takes its place in the file's `size`.
    """
    lines = max((len(column) for column in cells), default=0)
    found = sum(sum(map(len, filter(None, column))) for column in cells) // max(1, lines)
    if isinstance(contents, CsvFile):
        found += len(cells)
        if lines and found < LINE_IN_TEXT:
            return max(len(cells), found)
    elif contents.rows:
        found = max(found, size // contents.rows) + max(0, len(cells) - FEW_COLUMNS) * COLUMN_BYTES
    return found if found > LONG_LINE * LINE_IN_TEXT else LINE_IN_TEXT


def stretch(columns: Mapping[str, Cells]) -> float:
    """Return how many lines follow each other in samples with the same customer, invoice and date."""
    heads = list(zip(*(columns[name] for name in HEAD if name in columns), strict=True))
    return max(1, len(heads)) / (1 + sum(one != other for one, other in pairwise(heads)))

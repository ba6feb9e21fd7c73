"""Excel workbooks: each sheet a table of its own, its cells as text.

A sheet is held in memory as a whole, which is what no other format needs; it has a million rows at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from custseg.columns import LINE_IN_TEXT
from custseg.errors import InputError, Meet, cut, in_shell, nearest
from custseg.transactions import workbooks
from custseg.transactions.dialects import HEADER_ROWS, SEPARATORS
from custseg.transactions.left_out import Glimpse, refuse_left_out
from custseg.transactions.sheet_parts import has_unsaved_formulas

FAR_HEADER_ROWS = 1_000
"""Rows looked through for the header of a sheet that was named."""

_VALUE = re.compile(r"\s*\d[\d.,:/\s-]*")
"""A number, a date or a time."""


@dataclass(frozen=True, slots=True)
class ExcelSheet:
    """The contents of a sheet.

    Attributes
    ----------
    header_line
        Row the header is in, from 1; 0 where there is none.
    lines
        Rows below the header.
    with_commas
        Columns in which some cell has a comma.
    comma_numbers
        Columns whose number cells are given with a decimal comma, as the texts beside them have it.
    """

    path: str
    sheet: str
    header: tuple[str, ...]
    header_line: int
    lines: int
    with_commas: frozenset[int] = frozenset()
    comma_numbers: tuple[int, ...] = ()

    format = "excel"
    rows = None

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.path}, sheet '{self.sheet}'"

    @property
    def dtypes(self) -> tuple[pl.DataType, ...]:
        """Types of the columns: all text."""
        return (pl.String(),) * len(self.header)

    @property
    def text_bytes(self) -> int:
        """Bytes it would have as text, about."""
        return self.lines * LINE_IN_TEXT

    @property
    def alike(self) -> tuple[object, ...]:
        """What two sheets share whose rows may be put together."""
        return self.format, len(self.header)

    def scan(self) -> pl.LazyFrame:
        """Return the rows below the header, as columns ``c0``, ``c1`` and so on."""
        read = workbooks.take(self.path, self.sheet)
        frame = read.frame
        if self.comma_numbers:
            swapped = [
                frame[name].str.replace(".", ",", literal=True).zip_with(are_numbers, frame[name])
                for name, are_numbers in self._number_cells(read, self.comma_numbers).items()
            ]
            frame = frame.with_columns(swapped)
        return frame.slice(self.header_line).lazy()

    def frames(self, limit: int) -> Iterator[pl.LazyFrame]:
        """Yield the whole sheet."""
        yield self.scan()

    def read_to_end(self) -> None:
        """Do nothing: the sheet was read when the workbook was opened."""

    def sample(self, size: int) -> list[list[str | None]]:
        """Return rows from the beginning, the middle and the end, `size` bytes in all, about."""
        frame = workbooks.look_at(self.path, self.sheet).frame.slice(self.header_line)
        rows = max(1, size // LINE_IN_TEXT // 3)
        starts = {0, max(0, (frame.height - rows) // 2), max(0, frame.height - rows)}
        return [list(row) for start in sorted(starts) for row in frame.slice(start, rows).iter_rows()]

    def texts(self, columns: Sequence[int]) -> list[str]:
        """Return the different texts in columns: what is stored as a number is in no doubt."""
        read = workbooks.look_at(self.path, self.sheet)
        found: dict[str, None] = {}
        for column, are_numbers in self._number_cells(read, columns).items():
            below = slice(self.header_line, None)
            texts = read.frame[column][below].filter(~are_numbers[below]).drop_nulls()
            found |= dict.fromkeys(texts.unique(maintain_order=True))
        return list(found)

    def _number_cells(self, read: workbooks.Sheet, columns: Sequence[int]) -> dict[str, pl.Series]:
        """Tell by column which of all its cells are numbers."""
        columns = sorted(columns)
        places = [read.places[column] for column in columns]
        found = workbooks.number_cells(self.path, self.sheet, places)
        return {f"c{column}": cells for column, cells in zip(columns, found, strict=True)}


class Workbook(NamedTuple):
    """The sheets of a workbook that hold lines, why others do not, and the names of all."""

    path: str
    sheets: list[ExcelSheet]
    notes: list[str]
    names: list[str]


def open_workbook(
    path: str,
    wanted: Sequence[str],
    is_header: Callable[[Sequence[str]], bool],
    *,
    no_header: bool = False,
) -> Workbook:
    """Look at the sheets of a workbook.

    Parameters
    ----------
    wanted
        Names of sheets to read, those that it has; all that hold lines when empty.
    is_header
        Tells whether a row can be the header.

    Raises
    ------
    InputError
        The workbook cannot be read, has no sheet that is wanted, or none that holds lines; or one that seems
        to hold lines would be left out.
    """
    book = Workbook(path, [], [], workbooks.sheet_names(path))
    here = [name for name in wanted if name in book.names]
    if wanted and not here:
        raise _no_such_sheet(wanted, [book])
    book.notes.extend(f"{path}: it has no sheet '{name}'." for name in wanted if name not in here)
    read: list[Glimpse] = []
    left: list[Glimpse] = []
    hidden: list[str] = []
    for name in here or book.names:
        sheet = workbooks.look_at(path, name)
        rows = _first_rows(sheet, FAR_HEADER_ROWS if wanted else HEADER_ROWS)
        header = _find_header(rows, is_header)
        if sheet.hidden and not wanted:
            hidden += [name] if header is not None else []
            book.notes.append(f"{path}: the sheet '{name}' was left out: it is hidden. --sheet takes it.")
        elif sheet.frame.is_empty() or (header is None and not no_header and not wanted):
            middle = _first_rows(sheet, HEADER_ROWS, sheet.frame.height // 2)
            left.append(Glimpse(name, [*rows, *middle], sheet.frame.height))
            book.notes.append(
                f"{path}: the sheet '{name}' was left out: it has no header with a customer column."
            )
        else:
            start = 0 if no_header else (header or 0) + 1
            book.sheets.append(_sheet(path, name, sheet, start))
            read.append(Glimpse(name, _first_rows(sheet, HEADER_ROWS, start - 1), sheet.frame.height))
    if not book.sheets:
        raise _no_sheet(book, hidden, left, is_header)
    if not wanted and not no_header:
        refuse_left_out(path, left, read)
    return book


def refuse_unknown_sheets(wanted: Sequence[str], books: Sequence[Workbook], meet: Meet) -> None:
    """Meet an error for each sheet that is wanted and in no workbook."""
    for name in wanted if books else ():
        if not any(name in book.names for book in books):
            meet(_no_such_sheet([name], books))


def refuse_unsaved_formulas(
    sheet: ExcelSheet, columns: Iterable[int], cells: Sequence[Sequence[str | None]]
) -> None:
    """Stop at a column that holds nothing but formulas whose results were not saved.

    Parameters
    ----------
    columns
        Columns that are read.
    cells
        Sampled cells of all columns.

    Raises
    ------
    InputError
        There is one.
    """
    empty = next((sheet.header[column] for column in columns if not any(cells[column])), "")
    if empty and has_unsaved_formulas(sheet.path, sheet.sheet):
        raise InputError(
            "unsaved-formulas",
            f"The column '{cut(empty)}' is empty: the sheet has formulas whose results were not saved.",
            where=sheet.place,
            now="Open the workbook in Excel or LibreOffice, which computes them, and save it.",
        )


def _first_rows(sheet: workbooks.Sheet, count: int, start: int = 0) -> list[list[str]]:
    return [[cell or "" for cell in row] for row in sheet.frame.slice(max(0, start), count).iter_rows()]


def _find_header(rows: Sequence[Sequence[str]], is_header: Callable[[Sequence[str]], bool]) -> int | None:
    """Return the row that is the header: the first that can be, and better one of words alone.

    ``Customer, All, Date, 31.12.2024`` is what a report was made with.
    """
    found = [number for number, row in enumerate(rows) if is_header(row)]
    plain = (number for number in found if not any(map(_VALUE.fullmatch, rows[number])))
    return next(plain, found[0] if found else None)


def _sheet(path: str, name: str, sheet: workbooks.Sheet, start: int) -> ExcelSheet:
    """Return a sheet whose lines start behind as many rows, the last of which is the header."""
    lines = sheet.frame.slice(start)
    if start:
        columns = tuple((cell or "").strip() for cell in sheet.frame.row(start - 1))
    else:
        columns = tuple(str(number) for number in range(1, lines.width + 1))
    found = lines.select(pl.all().str.contains(",", literal=True).any())
    commas = frozenset(number for number, has_comma in enumerate(found.row(0)) if has_comma)
    return ExcelSheet(path, name, columns, start, lines.height, commas)


def _no_such_sheet(wanted: Sequence[str], books: Sequence[Workbook]) -> InputError:
    names = list(dict.fromkeys(name for book in books for name in book.names))
    lacking = cut(" or ".join(f"'{name}'" for name in wanted))
    place, they = (books[0].path, "it has") if len(books) == 1 else (f"{len(books):,} workbooks", "they have")
    return InputError(
        "no-such-sheet",
        f"{'The workbook has no' if len(books) == 1 else 'No workbook has a'} sheet {lacking}.",
        where=f"{place}; {they}: {cut(', '.join(names))}",
        now=nearest(wanted[0], names) or "Name one of these with --sheet, which can be given several times.",
    )


def _no_sheet(
    book: Workbook,
    hidden: Sequence[str],
    left: Sequence[Glimpse],
    is_header: Callable[[Sequence[str]], bool],
) -> InputError:
    """Return the error for a workbook without a header, with the reason if one can be seen."""
    for sheet in left:
        cells = [cell for row in sheet.rows for cell in row if cell]
        sign = next((sign for sign in SEPARATORS if cells and is_header(cells[0].split(sign))), "")
        if sign:
            return InputError(
                "one-column",
                f"The sheet '{cut(sheet.sheet)}' has each line in one cell: it is text that was never cut.",
                where=f"{book.path}; it begins with: {cut(cells[0])}",
                now="Give custseg the text it came from, or save the sheet as CSV and give it that.",
            )
    if hidden:
        return InputError(
            "no-sheet",
            f"The only sheets with a customer are hidden: {cut(', '.join(hidden))}.",
            where=book.path,
            now=f"--sheet {in_shell(hidden[0])} reads it all the same.",
        )
    return InputError(
        "no-sheet",
        "No sheet of the workbook has a header with a customer column.",
        where=f"{book.path}; its sheets: {cut(', '.join(book.names))}",
        now="Name the sheet, and the column if need be: --sheet NAME --column customer_id=HEADER; or delete "
        "the rows above the header.",
    )

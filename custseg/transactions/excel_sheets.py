"""Excel workbooks: each sheet a table of its own, its cells as text.

A sheet is held in memory as a whole, which is what no other format needs; it has a million rows at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from custseg.columns import LINE_IN_TEXT
from custseg.errors import InputError, cut, nearest
from custseg.transactions import workbooks
from custseg.transactions.dialects import HEADER_ROWS


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
    """The sheets of a workbook that hold lines, and why others do not."""

    sheets: list[ExcelSheet]
    notes: list[str]


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
        Names of sheets to read; all that hold lines when empty.
    is_header
        Tells whether a row can be the header.

    Raises
    ------
    InputError
        The workbook cannot be read, lacks a sheet that is wanted, or has none that holds lines.
    """
    names = workbooks.sheet_names(path)
    for name in wanted:
        if name not in names:
            raise InputError(
                "no-such-sheet",
                f"The workbook has no sheet '{cut(name)}'.",
                where=f"{path}; it has: {cut(', '.join(names))}",
                now=nearest(name, names) or "Name one of these with --sheet.",
            )
    found = Workbook([], [])
    for name in wanted or names:
        frame, _, hidden = workbooks.look_at(path, name)
        if hidden and not wanted:
            found.notes.append(f"{path}: the sheet '{name}' was left out: it is hidden. --sheet takes it.")
            continue
        rows = [[cell or "" for cell in row] for row in frame.head(HEADER_ROWS).iter_rows()]
        header = next((number for number, row in enumerate(rows) if is_header(row)), None)
        if frame.is_empty() or (header is None and not no_header and not wanted):
            found.notes.append(
                f"{path}: the sheet '{name}' was left out: it has no header with a customer column."
            )
        elif no_header:
            columns = tuple(str(number) for number in range(1, frame.width + 1))
            found.sheets.append(ExcelSheet(path, name, columns, 0, frame.height, _with_commas(frame)))
        else:
            header = header or 0
            columns = tuple(cell.strip() for cell in rows[header])
            lines = frame.slice(header + 1)
            found.sheets.append(
                ExcelSheet(path, name, columns, header + 1, lines.height, _with_commas(lines))
            )
    if not found.sheets:
        raise InputError(
            "no-sheet",
            "No sheet of the workbook has a header with a customer column.",
            where=f"{path}; its sheets: {cut(', '.join(names))}",
            now="Name the sheet, and the column if need be: --sheet NAME --column customer_id=HEADER.",
        )
    return found


def _with_commas(lines: pl.DataFrame) -> frozenset[int]:
    found = lines.select(pl.all().str.contains(",", literal=True).any())
    return frozenset(number for number, has_comma in enumerate(found.row(0)) if has_comma)

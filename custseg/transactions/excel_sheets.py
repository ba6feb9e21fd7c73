"""Excel workbooks: each sheet a table of its own, its cells as text.

A sheet is held in memory as a whole, which is what no other format needs; it has a million rows at most.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from custseg.columns import LINE_IN_TEXT
from custseg.errors import InputError, cut, nearest
from custseg.running import storage
from custseg.transactions.dialects import HEADER_ROWS, MOST_COLUMNS

# A sheet that is a chart is left out with a note of ours; the library's own word of it belongs in a log.
logging.getLogger("calamine").addHandler(logging.NullHandler())

NEAR = 50
"""Columns that are counted by their place, empty ones too; behind them empty ones are left out."""

KEPT_SHEETS = 2
"""Sheets kept between looking at a workbook and reading it."""


@dataclass(frozen=True, slots=True)
class ExcelSheet:
    """The contents of a sheet.

    Attributes
    ----------
    header_line
        Row the header is in, from 1; 0 where there is none.
    lines
        Rows below the header.
    """

    path: str
    sheet: str
    header: tuple[str, ...]
    header_line: int
    lines: int

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
        return _sheets.take(self.path, self.sheet).slice(self.header_line).lazy()

    def frames(self, limit: int) -> Iterator[pl.LazyFrame]:
        """Yield the whole sheet."""
        yield self.scan()

    def read_to_end(self) -> None:
        """Do nothing: the sheet was read when the workbook was opened."""

    def sample(self, size: int) -> list[list[str | None]]:
        """Return rows from the beginning, the middle and the end, `size` bytes in all, about."""
        frame = _sheets.look_at(self.path, self.sheet).frame.slice(self.header_line)
        rows = max(1, size // LINE_IN_TEXT // 3)
        starts = {0, max(0, (frame.height - rows) // 2), max(0, frame.height - rows)}
        return [list(row) for start in sorted(starts) for row in frame.slice(start, rows).iter_rows()]


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
    names = _sheet_names(path)
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
        frame, hidden = _sheets.look_at(path, name)
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
            found.sheets.append(ExcelSheet(path, name, columns, 0, frame.height))
        else:
            header = header or 0
            columns = tuple(cell.strip() for cell in rows[header])
            found.sheets.append(ExcelSheet(path, name, columns, header + 1, frame.height - header - 1))
    if not found.sheets:
        raise InputError(
            "no-sheet",
            "No sheet of the workbook has a header with a customer column.",
            where=f"{path}; its sheets: {cut(', '.join(names))}",
            now="Name the sheet, and the column if need be: --sheet NAME --column customer_id=HEADER.",
        )
    return found


class _Sheet(NamedTuple):
    """All rows of a sheet, and whether the workbook hides it."""

    frame: pl.DataFrame
    hidden: bool


class _Sheets:
    """The sheets read last, since one is looked at before it is read, and reading takes seconds."""

    def __init__(self) -> None:
        self.kept: dict[tuple[object, ...], _Sheet] = {}
        self.lock = threading.Lock()

    def look_at(self, path: str, sheet: str) -> _Sheet:
        """Return a sheet and keep it."""
        key = path, sheet, _changed(path)
        with self.lock:
            if key not in self.kept:
                read = _read_sheet(path, sheet)
                while len(self.kept) >= KEPT_SHEETS:
                    self.kept.pop(next(iter(self.kept)))
                self.kept[key] = read
            return self.kept[key]

    def take(self, path: str, sheet: str) -> pl.DataFrame:
        """Return all rows of a sheet and let go of them."""
        read = self.look_at(path, sheet)
        with self.lock:
            for key in [key for key in self.kept if key[:2] == (path, sheet)]:
                del self.kept[key]
        return read.frame


_sheets = _Sheets()


def _open(path: str) -> Any:
    import fastexcel

    try:
        if storage.is_remote(path):
            with storage.open_binary(path) as file:
                return fastexcel.read_excel(file.read())
        return fastexcel.read_excel(path)
    except (fastexcel.FastExcelError, OSError) as error:
        raise _damaged(path, error) from None


def _changed(path: str) -> int:
    return storage.look_at(path).modified if storage.is_remote(path) else os.stat(path).st_mtime_ns  # noqa: PTH116


def _sheet_names(path: str) -> list[str]:
    return list(_open(path).sheet_names)


def _read_sheet(path: str, sheet: str) -> _Sheet:
    import fastexcel

    try:
        # skip_rows=0 keeps empty rows at the top, so that row numbers are those that Excel shows.
        table = _open(path).load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
    except (fastexcel.FastExcelError, OSError) as error:
        raise _damaged(f"{path}, sheet '{sheet}'", error) from None
    frame: pl.DataFrame = table.to_polars() if table.width else pl.DataFrame()
    # A cell that strayed far to the right makes a sheet wide that is not.
    columns = [c for place, c in enumerate(frame) if place < NEAR or c.null_count() < frame.height]
    if len(columns) > MOST_COLUMNS:
        raise InputError(
            "too-many-columns",
            f"The sheet has {len(columns):,} columns; custseg takes {MOST_COLUMNS:,}.",
            where=f"{path}, sheet '{sheet}'",
            now="Write the columns that count to a sheet of their own.",
        )
    named = [column.alias(f"c{place}") for place, column in enumerate(columns)]
    return _Sheet(pl.DataFrame(named), table.visible != "visible")


def _damaged(place: str, error: BaseException) -> InputError:
    return InputError(
        "damaged-file",
        f"The workbook cannot be read: {cut(str(error).partition('Context:')[0].strip())}.",
        where=place,
        now="Open it in Excel and save it again; a password must be taken off. "
        "--skip-bad-files goes on without it.",
    )

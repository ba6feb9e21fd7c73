"""Workbooks as they stand: their sheets, the cells of each as text, and which of these are numbers."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from custseg.errors import InputError, cut
from custseg.running import storage
from custseg.transactions.dialects import MOST_COLUMNS
from custseg.transactions.sheet_parts import refuse_far_cells

# A sheet that is a chart is left out with a note of ours; the library's own word of it belongs in a log.
logging.getLogger("calamine").addHandler(logging.NullHandler())

NEAR = 50
"""Columns that are counted by their place, empty ones too; behind them empty ones are left out."""

KEPT_SHEETS = 2
"""Sheets kept between looking at a workbook and reading it."""


class Sheet(NamedTuple):
    """All rows of a sheet.

    Attributes
    ----------
    frame
        Its cells as text, in columns ``c0``, ``c1`` and so on.
    places
        Where each of the columns is in the sheet.
    hidden
        Whether the workbook hides it.
    """

    frame: pl.DataFrame
    places: tuple[int, ...]
    hidden: bool


class _Sheets:
    """The sheets read last, since one is looked at before it is read, and reading takes seconds."""

    def __init__(self) -> None:
        self.kept: dict[tuple[object, ...], Sheet] = {}
        self.lock = threading.Lock()

    def look_at(self, path: str, sheet: str) -> Sheet:
        """Return a sheet and keep it."""
        key = path, sheet, _changed(path)
        with self.lock:
            if key not in self.kept:
                read = _read_sheet(path, sheet)
                while len(self.kept) >= KEPT_SHEETS:
                    self.kept.pop(next(iter(self.kept)))
                self.kept[key] = read
            return self.kept[key]

    def take(self, path: str, sheet: str) -> Sheet:
        """Return a sheet and let go of it."""
        read = self.look_at(path, sheet)
        with self.lock:
            for key in [key for key in self.kept if key[:2] == (path, sheet)]:
                del self.kept[key]
        return read


_sheets = _Sheets()
look_at, take = _sheets.look_at, _sheets.take


def sheet_names(path: str) -> list[str]:
    """Return the names of all sheets of a workbook."""
    return list(_open(path).sheet_names)


def number_cells(path: str, sheet: str, places: Sequence[int]) -> pl.DataFrame:
    """Tell which cells of columns are stored as numbers, not as text that looks like one.

    The sheet is read once more, so this is for the few that have both.

    Parameters
    ----------
    places
        Where the columns are in the sheet, in rising order.
    """
    import fastexcel

    try:
        # Of all cells, those that are numbers (or true and false) have a truth, and no text has.
        table = _open(path).load_sheet(
            sheet, header_row=None, skip_rows=0, dtypes="boolean", use_columns=list(places)
        )
    except (fastexcel.FastExcelError, OSError) as error:
        raise _damaged(f"{path}, sheet '{sheet}'", error) from None
    found: pl.DataFrame = table.to_polars()
    return found.select(pl.all().is_not_null())


def _open(path: str) -> Any:
    import fastexcel

    try:
        if storage.is_remote(path):
            return _open_content(path)
        try:
            return fastexcel.read_excel(path)
        except fastexcel.FastExcelError:
            # A path is read as its ending says; many a program writes one format and calls it another.
            with contextlib.suppress(fastexcel.FastExcelError):
                return _open_content(path)
            raise
    except (fastexcel.FastExcelError, OSError) as error:
        raise _damaged(path, error) from None


def _open_content(path: str) -> Any:
    import fastexcel

    with storage.open_binary(path) as file:
        return fastexcel.read_excel(file.read())


def _changed(path: str) -> int:
    return storage.look_at(path).modified if storage.is_remote(path) else os.stat(path).st_mtime_ns  # noqa: PTH116


def _read_sheet(path: str, sheet: str) -> Sheet:
    import fastexcel

    refuse_far_cells(path, sheet)
    try:
        # skip_rows=0 keeps empty rows at the top, so that row numbers are those that Excel shows.
        table = _open(path).load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
    except (fastexcel.FastExcelError, OSError) as error:
        raise _damaged(f"{path}, sheet '{sheet}'", error) from None
    frame: pl.DataFrame = table.to_polars() if table.width else pl.DataFrame()
    # A cell that strayed far to the right makes a sheet wide that is not.
    places = [place for place, c in enumerate(frame) if place < NEAR or c.null_count() < frame.height]
    if len(places) > MOST_COLUMNS:
        raise InputError(
            "too-many-columns",
            f"The sheet has {len(places):,} columns; custseg takes {MOST_COLUMNS:,}.",
            where=f"{path}, sheet '{sheet}'",
            now="Write the columns that count to a sheet of their own.",
        )
    named = [frame.to_series(place).alias(f"c{number}") for number, place in enumerate(places)]
    return Sheet(pl.DataFrame(named), tuple(places), table.visible != "visible")


def _damaged(place: str, error: BaseException) -> InputError:
    return InputError(
        "damaged-file",
        f"The workbook cannot be read: {cut(str(error).partition('Context:')[0].strip())}.",
        where=place,
        now="Open it in Excel and save it again; a password must be taken off. "
        "--skip-bad-files goes on without it.",
    )

"""Conditions: what --where asks of each line, in SQL on our columns and on those custseg does not use."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.errors import cut
from custseg.transactions import values
from custseg.transactions.cleaning import bad_where, where_expression
from custseg.transactions.numerals import POINT, read_number
from custseg.transactions.source import HEAD, Source
from custseg.transactions.words import plain

if TYPE_CHECKING:
    from custseg.transactions.reading import Table

NUMBER, TEXT = r"[-+]?\.?\d[\d.]*", r"'[^']*'"


def columns_named(table: Table, source: Source) -> dict[str, str | int | None]:
    """Return what --where names: one of our columns, the place of another, None where the file has none."""
    if not table.rules.where:
        return {}
    ours: dict[int | None, str] = {
        place: column
        for column, place in source.columns.items()
        if column in table.read or column not in HEAD
    }
    found: dict[str, str | int | None] = {}
    for name in where_expression(table.rules.where).meta.root_names():
        place = None if name in table.read else _place(name, source)
        found[name] = name if name in table.read else ours.get(place, place)
    return found


def _place(name: str, source: Source) -> int | None:
    """Return the place of a header, in this spelling or, where none has it, in another."""
    for spelled in (str.strip, plain):
        for place, header in enumerate(source.header):
            if spelled(header) == spelled(name):
                return place
    return None


def asked(name: str) -> str:
    """Name a column that --where asks for."""
    return f"where:{name}"


def as_stored(cell: pl.Expr, dtype: pl.DataType, where: str, name: str) -> pl.Expr:
    """Return a column that custseg does not use as --where compares it: in its own type, or as text.

    Of text, the spaces around it do not count, and an empty one is null.
    """
    if dtype.is_float():
        cell = cell.fill_nan(None)
    if not compared(where, name, TEXT):
        if dtype == pl.Float32:
            cell = cell.cast(pl.String)  # 0.1 as it was written
        if dtype.is_float() or dtype.is_decimal() or values.is_small(dtype):
            return cell.cast(pl.Float64)
        if dtype == pl.Boolean:
            return cell.cast(pl.Float64) if compared(where, name, NUMBER) else cell
        if isinstance(dtype, pl.Datetime):
            return cell.dt.replace_time_zone(None)
        if dtype.is_numeric() or dtype in (pl.Date, pl.Time):
            return cell
    return values.text(cell, dtype)


def holds(
    table: Table, source: Source, heads: tuple[pl.DataFrame, NDArray[np.int64]], frame: pl.DataFrame
) -> pl.Series:
    """Tell for which lines --where holds; null where a null leaves it open.

    Parameters
    ----------
    heads
        The canonical columns of `HEAD`, a row a stretch, and the stretch of each line.
    frame
        The other columns, by what `asked` calls them.

    Raises
    ------
    InputError
        It is no condition on these columns.
    """
    where = str(table.rules.where)
    named = columns_named(table, source)
    if "customer_id" in named.values():
        where = _with_small_addresses(where)
    columns = {}
    for name, known in named.items():
        cells = heads[0][known].gather(heads[1]) if known in HEAD else frame[asked(name)]
        if cells.dtype == pl.String and known not in table.read and compared(where, name, NUMBER):
            cells = _as_numbers(name, cells, source, table)
        columns[name] = cells
    found = _evaluate(where, columns)
    if not found.null_count():
        return found
    # Empty is null, and an empty text, too: status <> 'void' holds for it, also where the file lacks status.
    for name, known in named.items():
        lacked = known is None and compared(where, name, TEXT)
        if known not in HEAD and (columns[name].dtype == pl.String or lacked):
            columns[name] = columns[name].cast(pl.String).fill_null("")
    return found.fill_null(_evaluate(where, columns))


def _evaluate(where: str, columns: dict[str, pl.Series]) -> pl.Series:
    try:
        found = pl.DataFrame(columns).select(where_expression(where)).to_series()
    except pl.exceptions.PolarsError as error:
        raise bad_where(where, error) from None
    if found.dtype != pl.Boolean:
        raise bad_where(where, TypeError(f"it is neither true nor false, but {found.dtype}"))
    return found


def _as_numbers(name: str, cells: pl.Series, source: Source, table: Table) -> pl.Series:
    """Read text that --where compares with a number.

    Raises
    ------
    InputError
        A cell is none.
    """
    read = partial(read_number, mark=source.mark or POINT, thorough=True)
    numbers = cells.to_frame().select(read(pl.first())).to_series()
    if len(other := cells.filter(numbers.is_null() & cells.is_not_null()).head(1)):
        fault = TypeError(f"'{cut(name)}' is compared with a number and holds '{cut(other[0])}'")
        raise bad_where(str(table.rules.where), fault)
    return numbers


def _with_small_addresses(where: str) -> str:
    """Return a condition with its e-mail addresses as those of customers are read: without capitals."""
    return re.sub(r"'[^']*@[^']*'", lambda found: found[0].lower(), where)


def compared(where: str, name: str, value: str) -> bool:
    """Tell whether a condition compares a column with a value of this kind."""
    column = rf'(?:"{re.escape(name)}"|(?<![\w"]){re.escape(name)}(?![\w"]))'
    behind = rf"{column}\s*(?:[<>=!]+|(?:not\s+)?(?:between|i?like|in\s*\())\s*{value}"
    before = rf"(?<![\w.'\"]){value}\s*[<>=!]+\s*{column}"
    return re.search(f"{behind}|{before}", where, re.IGNORECASE) is not None

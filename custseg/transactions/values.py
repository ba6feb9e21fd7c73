"""Cells to values: expressions that turn a column as it was stored into its canonical type.

What cannot be read becomes null, and `cleaning` counts it; nothing raises in the middle of a scan.
"""

from __future__ import annotations

import polars as pl

from custseg.columns import LINE_LIMIT, SCALE

NO_ID = ("", "nan", "null", "none", "na", "n/a", "#n/a")
"""Texts that stand for a missing customer id, compared without case."""

EARLIEST_YEAR, LATEST_YEAR = 1970, 2100


def customer_id(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read an id; whole numbers stay numbers until they are few (see `id_text`).

    ``13085.0`` and ``13085`` are one id; ``00418683`` keeps its zeros.
    """
    if dtype.is_integer():
        return column
    if dtype.is_float():
        return pl.when(column.is_finite()).then(column).cast(pl.Int64, strict=False)
    stripped = column.cast(pl.String).str.strip_chars()
    whole = stripped.str.replace(r"^(-?\d+)\.0+$", "${1}")
    return pl.when(~whole.str.to_lowercase().is_in(NO_ID)).then(whole)


def text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read a text without the spaces around it; empty is null."""
    if dtype != pl.String:
        return column.cast(pl.String)
    stripped = column.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def other(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read a column that is only compared: its text as it stands; a null is an empty text."""
    if dtype != pl.String:
        column = column.cast(pl.String)
    return column.fill_null("")


def product_key(product: pl.Expr) -> pl.Expr:
    """Return a 64-bit hash of a product's name without the spaces around it; 0 for an empty one."""
    stripped = product.str.strip_chars()
    return pl.when(stripped != "").then(stripped.hash()).otherwise(pl.lit(0, pl.UInt64))


def number(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read a number as float64; what is not finite or beyond `LINE_LIMIT` is null."""
    if not dtype.is_numeric():
        column = column.cast(pl.String).str.strip_chars()
    value = column.cast(pl.Float64, strict=False)
    return pl.when(value.abs() <= LINE_LIMIT).then(value)


def moment(column: pl.Expr, dtype: pl.DataType, formats: tuple[str, ...]) -> pl.Expr:
    """Read a date and time, as written, in microseconds; outside 1970 to 2100 is null."""
    if dtype == pl.Date:
        value = column.cast(pl.Datetime("us"))
    elif isinstance(dtype, pl.Datetime):
        value = column.dt.replace_time_zone(None).dt.cast_time_unit("us")
    else:
        cells = column.cast(pl.String).str.strip_chars()
        readings = [cells.str.to_datetime(form, strict=False, time_unit="us") for form in formats]
        value = pl.coalesce(readings) if readings else pl.lit(None, pl.Datetime("us"))
    return pl.when(value.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR)).then(value)


def scaled(value: pl.Expr) -> pl.Expr:
    """Return a number as a whole number of ten-thousandths, so that sums of it are exact."""
    return (value * SCALE).round().cast(pl.Int64)


def rounded(value: pl.Expr) -> pl.Expr:
    """Tell whether `scaled` loses something of a number."""
    exact = value * SCALE
    return (exact - exact.round()).abs() > exact.abs() * 1e-12 + 1e-6


def divided(total: pl.Expr, by: int) -> pl.Expr:
    """Divide a column by a constant, correctly rounded.

    Polars 2.1 divides by a scalar through its reciprocal, which is off by the last bit in a third of all
    cases; by a column it divides.
    """
    return total / (total * 0 + by)


def id_text(column: pl.Expr) -> pl.Expr:
    """Return ids, whatever `customer_id` made of them, as text."""
    return column.cast(pl.String)

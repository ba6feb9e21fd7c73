"""Cells to values: expressions that turn a column as it was stored into its canonical type.

What cannot be read becomes null, and `cleaning` counts it; nothing raises in the middle of a scan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import polars as pl

from custseg.columns import LINE_LIMIT
from custseg.transactions import numerals
from custseg.transactions.dates import EARLIEST_YEAR, LATEST_YEAR, DateForm

NO_ID = (
    *("", "nan", "null", "none", "na", "n/a", r"\n", "(null)", "<null>", "[null]"),
    # What spreadsheets show for a formula that failed, in English, German, French, Spanish, Italian,
    # Portuguese, Dutch and Polish.
    *("#n/a", "#ref!", "#value!", "#div/0!", "#div/0", "#name?", "#num!", "#null!", "#spill!", "#calc!"),
    *("#nv", "#bezug!", "#wert!", "#zahl!", "#n/d", "#n/d!", "#valeur!", "#nom?", "#nombre!", "#nul!"),
    *("#valor!", "#¡valor!", "#¡ref!", "#¡div/0!", "#nombre?", "#¿nombre?", "#¡num!", "#¡nulo!"),
    *("#rif!", "#valore!", "#nome?", "#nullo!", "#núm!", "#nulo!", "#n/disp", "#n/b", "#verw!", "#waarde!"),
    *("#deel/0!", "#naam?", "#getal!", "#leeg!", "#adr!", "#arg!", "#dziel/0!", "#nazwa?", "#liczba!"),
)
"""Texts that stand for a missing customer id, compared without case."""

EXPONENT_ID = r"^-?\d+(?:[.,]\d*[eE][-+]?|[eE][-+])\d+$"
"""An id written as a number with an exponent, as spreadsheets do with long ones. ``12E003`` is a code."""

NUMBER_ID = rf"^-?\d+(\.0+)?$|{EXPONENT_ID}"
"""An id that is a whole number, with or without an exponent."""

_NO_WIDTH = "[\u200b\u200c\u200d\u2060\ufeff]"
"""Signs that nobody sees, the mark at the beginning of a file among them where files were put together."""

_SECONDS_END = r"(:\d\d)(?:(\.\d*[1-9])0*|\.0+)?(?:Z|[-+]\d\d:?\d\d)?$"
"""Fractions of a second and a time zone, as programs write them behind a moment."""

PLAIN_ID = r"^[0-9]+(\.0)?$"
"""A whole number, as databases write it, or with the one decimal of a column of floats."""


def customer_id(column: pl.Expr, dtype: pl.DataType, *, exponents: bool) -> pl.Expr:
    """Read an id as text.

    ``13085.0`` and ``13085`` are one id; ``00418683`` keeps its zeros; an e-mail address is one whatever its
    case, which no mail server heeds.

    Parameters
    ----------
    exponents
        Whether ``1.7850e4`` is the number 17850: only where every id of the input is a number.
    """
    if dtype.is_integer():
        return column.cast(pl.String)
    if dtype.is_float():
        whole = column.is_finite() & (column == column.floor())
        number = column.cast(pl.Int64, strict=False).cast(pl.String)
        other = pl.when(column.is_finite()).then(column).cast(pl.String)
        return pl.when(whole & number.is_not_null()).then(number).otherwise(other)
    stripped = code(as_text(column, dtype))
    whole = stripped
    if exponents:
        value = stripped.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        number = value.cast(pl.Int64, strict=False)
        is_whole = stripped.str.contains(EXPONENT_ID) & (number.cast(pl.Float64) == value)
        whole = pl.when(is_whole).then(number.cast(pl.String)).otherwise(whole)
    lower = whole.str.to_lowercase()
    whole = pl.when(whole.str.contains("@", literal=True)).then(lower).otherwise(whole)
    return pl.when(~lower.is_in(NO_ID)).then(whole)


def code(column: pl.Expr) -> pl.Expr:
    """Take from a text what was put around a code: spaces, signs of no width, ``="…"``, ``.0``."""
    bare = column.str.replace_all(_NO_WIDTH, "").str.strip_chars()
    # ="00418683" is how text is kept from becoming a number in a spreadsheet.
    bare = bare.str.replace(r'^="(.*)"$', "${1}").str.strip_chars()
    return bare.str.replace(r"^(-?\d+)\.0+$", "${1}").replace("", None)


def text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read a text without the spaces around it; empty is null."""
    return as_text(column, dtype).str.strip_chars().replace("", None)


def as_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return any column as text."""
    if dtype == pl.String:
        return column
    if dtype.is_float():
        # 85123.0 is the code 85123: a column of numbers with a gap comes as floats, and the gap as NaN.
        return column.fill_nan(None).cast(pl.String).str.replace(r"^(-?\d+)\.0$", "${1}")
    if dtype.is_nested() or dtype == pl.Binary:
        return column.hash().cast(pl.String)
    if isinstance(dtype, pl.Duration):
        return column.cast(pl.Int64).cast(pl.String)
    return column.cast(pl.String)


def shared_kind(dtypes: Iterable[pl.DataType]) -> str:
    """Tell as what a column is compared that files store in different types; empty if in one, or as text."""
    found = set(dtypes)
    kinds = {_kind(dtype) for dtype in found} - {""}
    return kinds.pop() if len(found) > 1 and len(kinds) == 1 else ""


def _kind(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return "truth"
    if dtype.is_numeric():
        return "number"
    return "moment" if dtype in (pl.Date, pl.Datetime, pl.Time) else ""


def other(column: pl.Expr, dtype: pl.DataType, kind: str = "") -> pl.Expr:
    """Read a column that is only compared: its text as it stands; a null is an empty text.

    Parameters
    ----------
    kind
        As what it is compared, where other files store it in another type: see `shared_kind`.
    """
    if kind == "number" and dtype.is_decimal():
        return other(column.cast(pl.Float64), pl.Float64())
    if kind == "moment" and isinstance(dtype, pl.Datetime):
        column = column.dt.replace_time_zone(None)
    cell = as_text(column, dtype).fill_null("")
    if kind == "number" and dtype == pl.String:
        # Whole numbers stay: a float does not hold those of more than fifteen digits, and 1E05 is a code.
        number = as_text(cell.cast(pl.Float64, strict=False), pl.Float64())
        return pl.when(cell.str.contains(r"\.|\de-\d") & number.is_not_null()).then(number).otherwise(cell)
    if kind == "truth":
        return cell.str.to_lowercase()
    if kind == "moment":
        cell = cell.str.replace(r"^(\d{4}-\d\d-\d\d)T", "${1} ").str.replace(_SECONDS_END, "${1}${2}")
        return cell.str.replace(r" 00:00(?::00)?$", "")
    return cell


def product_key(product: pl.Expr) -> pl.Expr:
    """Return a 64-bit hash of a product's name without the spaces around it; 0 for an empty one."""
    product = product.str.strip_chars()
    return pl.when(product != "").then(product.hash()).otherwise(pl.lit(0, pl.UInt64))


def number(column: pl.Expr, dtype: pl.DataType, mark: str, *, thorough: bool) -> pl.Expr:
    """Read a number as float64; what is not finite or beyond `LINE_LIMIT` is null."""
    if dtype == pl.Float32:
        # 1234.56 as it was written: widened, it would be 1234.56005859375.
        value = column.cast(pl.String).cast(pl.Float64, strict=False)
    elif dtype.is_numeric():
        value = column.cast(pl.Float64, strict=False)
    else:
        value = numerals.read_number(as_text(column, dtype), mark, thorough=thorough)
    if is_small(dtype):
        return value  # within the limit
    return pl.when(value.abs() <= LINE_LIMIT).then(value)


def is_small(dtype: pl.DataType) -> bool:
    """Tell whether a column holds whole numbers of at most 32 bits."""
    return dtype.is_integer() and dtype not in (pl.Int64, pl.UInt64, pl.Int128, pl.UInt128)


def moment(column: pl.Expr, dtype: pl.DataType, forms: Sequence[DateForm]) -> pl.Expr:
    """Read a date and time, as written, in microseconds; outside 1970 to 2100 is null."""
    if dtype == pl.Date:
        value = column.cast(pl.Datetime("us"))
    elif isinstance(dtype, pl.Datetime):
        value = column.dt.replace_time_zone(None).dt.cast_time_unit("us")
    else:
        cells = as_text(column, dtype).str.strip_chars()
        # Each by itself: with %Y, 25/03/11 is a day of the year 11, and %y would not be asked.
        readings = [_within_years(form.read(cells)) for form in forms]
        return pl.coalesce(readings or [pl.lit(None, pl.Datetime("us"))])
    return _within_years(value)


def _within_years(value: pl.Expr) -> pl.Expr:
    earliest, end = dt.date(EARLIEST_YEAR, 1, 1), dt.date(LATEST_YEAR + 1, 1, 1)
    # Not by its year, which would have to be computed.
    return pl.when(value.is_between(earliest, end, closed="left")).then(value)


def divided(total: pl.Expr, by: int) -> pl.Expr:
    """Divide a column by a constant, correctly rounded.

    Polars 2.1 divides by a scalar through its reciprocal, which is off by the last bit in a third of all
    cases; by a column it divides.
    """
    return total / (total * 0 + by)

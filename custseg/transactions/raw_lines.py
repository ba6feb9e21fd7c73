"""Raw lines: the query that reads a part of the input into what a line says for itself."""

from __future__ import annotations

from functools import reduce
from operator import or_

import polars as pl

from custseg.columns import LINE_LIMIT
from custseg.transactions import cleaning, numerals, values
from custseg.transactions.conditions import as_stored, asked, columns_named
from custseg.transactions.csv_blocks import EXTRA
from custseg.transactions.heads import head_columns
from custseg.transactions.layouts import LeftOut, lines_left_out
from custseg.transactions.pieces import Part
from custseg.transactions.reading import Table
from custseg.transactions.source import HEAD, NUMBERS, Source


def scan_lines(table: Table, part: Part, *, products: bool) -> pl.LazyFrame:
    """Scan a part into one row a line.

    Returns
    -------
    LazyFrame
        Those columns of `HEAD` that are read, as they stand; numbers (null where unreadable);
        ``line`` and ``product`` as in `lines.Lines`; whether each line is ``blank`` (holds nothing),
        ``broken`` (holds more than the header), ``excluded`` (for its product, or by its layout), ``unread``
        (a number is there and was not read); ``doubtful`` (a number that may speak against the decimal point)
        where there can be any; and what ``--where`` asks for (see `conditions.asked`).
    """
    return _Raw(table, part).lines(products=products)


def numbers_said(table: Table, source: Source) -> list[str]:
    """Return the numbers that lines of a source say; an amount it has no column for is their product."""
    return [n for n in NUMBERS if n in table.read and (n != "amount" or n in source.columns)]


class _Raw:
    """Lines of one part as they were stored, and how each column is read."""

    def __init__(self, table: Table, part: Part) -> None:
        self.table, self.source, self.frame = table, part.source, part.frame
        self.dtypes = part.dtypes
        self.numbers = numbers_said(table, part.source)
        self.left_out = lines_left_out(part.source.layout, part.source.header)
        self.named = columns_named(table, part.source)

    def cell(self, position: int) -> tuple[pl.Expr, pl.DataType]:
        """Return a column by its place, and its type."""
        return pl.col(f"c{position}"), self.dtypes[position]

    def lines(self, *, products: bool) -> pl.LazyFrame:
        """Return one row a line, its head as it stands."""
        table = self.table
        lines = self.frame.select(**self._cells(), **self._checks()).with_columns(self._derived())
        return lines.select(
            *head_columns(table),
            *map(self._number, self.numbers),
            "broken",
            self._excluded().alias("excluded"),
            cleaning.line_hash(_compared(table, self.source)).alias("line"),
            "blank",
            self._unread().alias("unread"),
            *([values.product_key(pl.col("product")).alias("product")] if products else []),
            *(["doubtful"] if not self.source.mark else []),
            *self._asked_for(),
        )

    def _number(self, name: str) -> pl.Expr:
        """Return a number as it is counted: small whole ones in the type they are stored in."""
        if name not in self.source.columns:
            return pl.col(name)
        dtype = self.dtypes[self.source.columns[name]]
        return pl.col(name).cast(dtype) if values.is_small(dtype) else pl.col(name)

    def _cells(self) -> dict[str, pl.Expr]:
        cells = {}
        for column, position in self.source.columns.items():
            cell, dtype = self.cell(position)
            if column in NUMBERS:
                mark = self.source.mark or numerals.POINT
                cells[column] = values.number(cell, dtype, mark, thorough=self.source.careful)
            elif column == "product":
                # Compared as it stands; what else asks for a product takes off the spaces around it.
                cells[column] = values.other(cell, dtype, self.table.kinds.get(column, ""))
            else:
                cells[column] = cell
        for name, position in self.source.others.items():
            cells[_other(name)] = values.other(*self.cell(position), self.table.kinds.get(name, ""))
        for name, known in self.named.items():
            if isinstance(known, int):
                cells[asked(name)] = as_stored(*self.cell(known), str(self.table.rules.where), name)
        return cells

    def _is_left_out(self, left_out: LeftOut) -> pl.Expr:
        text = values.other(*self.cell(left_out.place)).str.strip_chars().str.to_lowercase()
        return text.is_in(list(left_out.values))

    def _excluded(self) -> pl.Expr:
        excluded = cleaning.product_excluded(self.table.rules)
        return excluded | pl.col("left out") if self.left_out else excluded

    def _checks(self) -> dict[str, pl.Expr]:
        """Return what tells whether a line, and each of its numbers, is there and can be read."""
        is_csv = self.source.contents.format == "csv"
        cells = [pl.col(f"c{position}").is_null() for position in range(len(self.dtypes))]
        checks = {
            "blank": pl.all_horizontal(cells),
            "broken": (pl.col(EXTRA).fill_null("") != "") if is_csv else pl.lit(False),
        }
        if self.left_out:
            checks["left out"] = self._is_left_out(self.left_out)
        texts = self._number_texts()
        for name, cell in texts.items():
            checks[f"is there: {name}"] = cell.is_not_null()
        if not self.source.mark:
            checks["doubtful"] = pl.coalesce(
                pl.when(numerals.may_speak_against_point(cell)).then(cell) for cell in texts.values()
            )
        return checks

    def _number_texts(self) -> dict[str, pl.Expr]:
        cells = {
            name: self.cell(self.source.columns[name]) for name in NUMBERS if name in self.source.columns
        }
        return {
            name: values.as_text(cell, dtype)
            for name, (cell, dtype) in cells.items()
            if not dtype.is_numeric()
        }

    def _unread(self) -> pl.Expr:
        """Tell whether a number is there and was not read."""
        tests = (pl.col(f"is there: {name}") & pl.col(name).is_null() for name in self._number_texts())
        return reduce(or_, tests, pl.lit(False))

    def _derived(self) -> list[pl.Expr]:
        """Return the columns this file lacks, made from those it has."""
        made = []
        columns, wanted = self.source.columns, self.table.read
        quantity = pl.col("quantity") if "quantity" in columns else pl.lit(1.0)
        if "quantity" in wanted and "quantity" not in columns:
            made.append(quantity.alias("quantity"))
        if "unit_price" in wanted and "unit_price" not in columns:
            price = pl.col("amount") / quantity
            # Nothing bought has no price, which is no fault of the line; a price without limit is one.
            price = pl.when(quantity == 0).then(0.0).when(price.abs() <= LINE_LIMIT).then(price)
            made.append(price.alias("unit_price"))
        if "amount" in wanted and "amount" not in columns:
            # For --where alone: what is summed up is worked out in whole numbers.
            made.append((quantity * pl.col("unit_price")).alias("amount"))
        return made

    def _asked_for(self) -> list[pl.Expr]:
        """Return the columns --where asks for, those of `HEAD` left out; null where the file has none."""
        found = []
        for name, known in self.named.items():
            if known == "product":
                found.append(values.text(pl.col(known), pl.String()).alias(asked(name)))
            elif isinstance(known, str) and known not in HEAD:
                found.append(pl.col(known).alias(asked(name)))
            elif not isinstance(known, str):
                found.append(pl.lit(None).alias(asked(name)) if known is None else pl.col(asked(name)))
        return found


def _other(name: str) -> str:
    """Name a column that is only compared so that it cannot be taken for a canonical one."""
    return f"other:{name}"


def _compared(table: Table, source: Source) -> list[tuple[int, pl.Expr]]:
    """Return the columns to hash by line, each with its seed; one the file lacks is empty."""
    columns = []
    for seed, name in enumerate(table.compared, start=1):
        if name in HEAD:
            continue
        if name in source.columns:
            columns.append((seed, pl.col(name)))
        elif name in source.others:
            columns.append((seed, pl.col(_other(name))))
        elif name in NUMBERS:
            columns.append((seed, pl.lit(None, pl.Float64)))
        else:
            columns.append((seed, pl.lit("")))
    return columns or [(0, pl.lit(0))]

"""Lines: pieces of files scanned into canonical columns.

Lines of one invoice mostly follow each other, so what they share (customer, invoice and date: the *head*) is
read as it stands here and made canonical once a stretch of equal heads (`clean_heads`), not once a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from custseg.transactions import cleaning, csv_blocks, values
from custseg.transactions.reading import Source, Table

NUMBERS = ("quantity", "unit_price", "amount")

HEAD = ("customer_id", "invoice", "invoice_date")
"""Columns that repeat over the lines of an invoice."""


class Piece(NamedTuple):
    """Rows `start` to `start + length` of a Parquet file, or a whole CSV file (length None)."""

    source: int
    start: int = 0
    length: int | None = None


class Batch(NamedTuple):
    """Raw lines to be worked on at once, and where to go on after them."""

    frames: list[tuple[Source, pl.LazyFrame]]
    end: int
    last: bool


def batches(table: Table, pieces: Sequence[Piece], limit: int, start: int = 0) -> Iterator[Batch]:
    """Read the pieces of a chunk: all at once, but a CSV file that is alone in blocks of `limit` bytes.

    Parameters
    ----------
    start
        The `end` of the last batch that is done, when a chunk is taken up again.
    """
    if len(pieces) == 1 and pieces[0].length is None:
        source = table.sources[pieces[0].source]
        for block in csv_blocks.read_blocks(source.file.path, limit, start or source.header_end):
            yield Batch([(source, source.scan_csv(block.data))], block.end, block.last)
    else:
        frames = [(table.sources[piece.source], _scan_piece(table, piece)) for piece in pieces]
        yield Batch(frames, 0, True)


def scan_lines(table: Table, batch: Batch, *, products: bool = False) -> pl.LazyFrame:
    """Scan raw lines into what a line says for itself, and its head as it stands.

    Parameters
    ----------
    products
        Whether to give a 64-bit hash of the product as ``product``; 0 where there is none.

    Returns
    -------
    LazyFrame
        Those columns of `HEAD` that the table has; ``new`` (bool: a stretch begins); quantity, unit_price and
        amount in ten-thousandths; ``fate`` (uint8, as far as the line itself tells), ``rounded`` (bool: a
        number had more decimals) and ``line`` (uint64: hash of all compared columns but those of `HEAD`).
    """
    raws = [_Raw(table, source, frame) for source, frame in batch.frames]
    # Heads of several types must become canonical before they are put together.
    typed = len({raw.head_types() for raw in raws}) > 1 or table.rules.where is not None
    frames = [raw.lines(typed_heads=typed, products=products) for raw in raws]
    lines = pl.concat(frames) if len(frames) > 1 else frames[0]
    shared = (pl.col(name) for name in HEAD if name in table.read)
    changes = pl.any_horizontal(column.ne_missing(column.shift()) for column in shared)
    return lines.with_columns(new=changes)


def clean_heads(table: Table, heads: pl.DataFrame) -> pl.DataFrame:
    """Make heads canonical and tell the fate they call for, as ``fate`` (uint8)."""
    names = [name for name in HEAD if name in table.read]
    typed = [_head(table, name, pl.col(name), heads.schema[name]) for name in names]
    typed[0] = values.id_text(typed[0])
    frame = heads.with_columns(typed)
    return frame.with_columns(cleaning.head_fate(names, table.rules).alias("fate"))


def _head(table: Table, name: str, cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if name == "customer_id":
        return values.customer_id(cell, dtype)
    if name == "invoice_date":
        return values.moment(cell, dtype, table.date_formats)
    return values.text(cell, dtype)


def _scan_piece(table: Table, piece: Piece) -> pl.LazyFrame:
    source = table.sources[piece.source]
    if piece.length is not None:
        frame = pl.scan_parquet(source.file.path, glob=False, hive_partitioning=False)
        return frame.slice(piece.start, piece.length)
    blocks = csv_blocks.read_blocks(source.file.path, csv_blocks.WHOLE, source.header_end)
    return source.scan_csv(b"".join(block.data for block in blocks))


class _Raw:
    """Lines of one file as they were stored, and how each column is read."""

    def __init__(self, table: Table, source: Source, frame: pl.LazyFrame) -> None:
        self.table, self.source, self.frame = table, source, frame
        self.schema = frame.collect_schema()
        self.names = self.schema.names()

    def cell(self, position: int) -> tuple[pl.Expr, pl.DataType]:
        """Return a column by its place, and its type."""
        name = self.names[position]
        return pl.col(name), self.schema[name]

    def head_types(self) -> tuple[pl.DataType, ...]:
        """Return the types of the head columns."""
        return tuple(self.cell(self.source.columns[name])[1] for name in HEAD if name in self.table.read)

    def lines(self, *, typed_heads: bool, products: bool) -> pl.LazyFrame:
        """Return the columns `scan_lines` promises."""
        table, source = self.table, self.source
        cells = self._cells(typed_heads=typed_heads)
        lines = self.frame.select(**cells).with_columns(self._derived())
        if table.rules.where:
            lines = lines.with_columns(self._named_as_in_the_file())
        numbers = [name for name in NUMBERS if name in table.read]
        return lines.select(
            *(pl.col(name) for name in HEAD if name in table.read),
            *(values.scaled(pl.col(name)).alias(name) for name in numbers),
            cleaning.line_fate(numbers, table.rules).alias("fate"),
            _rounded(numbers).alias("rounded"),
            cleaning.line_hash(_compared(table, source)).alias("line"),
            *([values.product_key(pl.col("product"))] if products else []),
        )

    def _cells(self, *, typed_heads: bool) -> dict[str, pl.Expr]:
        cells = {}
        for column, position in self.source.columns.items():
            cell, dtype = self.cell(position)
            if column in NUMBERS:
                cells[column] = values.number(cell, dtype)
            elif column == "product":
                cells[column] = values.other(cell, dtype)
            elif typed_heads:
                cells[column] = _head(self.table, column, cell, dtype)
                if column == "customer_id":
                    cells[column] = values.id_text(cells[column])
            else:
                cells[column] = cell
        for name, position in self.source.others.items():
            cells[_other(name)] = values.other(*self.cell(position))
        return cells

    def _derived(self) -> list[pl.Expr]:
        """Return the columns this file lacks, made from those it has."""
        made = []
        columns, wanted = self.source.columns, self.table.read
        quantity = pl.col("quantity") if "quantity" in columns else pl.lit(1.0)
        if "quantity" in wanted and "quantity" not in columns:
            made.append(quantity.alias("quantity"))
        if "unit_price" in wanted and "unit_price" not in columns:
            # A quantity of 0 has no price; 0 lets the quantity decide what becomes of the line.
            price = pl.when(quantity != 0).then(pl.col("amount") / quantity).when(quantity == 0).then(0.0)
            made.append(price.alias("unit_price"))
        return made

    def _named_as_in_the_file(self) -> list[pl.Expr]:
        """Return the columns --where names by the file's own headers; null where it has none."""
        by_position = {position: _other(name) for name, position in self.source.others.items()}
        by_position |= {position: name for name, position in self.source.columns.items()}
        by_header = {name.strip(): by_position[position] for position, name in enumerate(self.source.header)}
        wanted = cleaning.where_expression(str(self.table.rules.where)).meta.root_names()
        return [
            (pl.col(by_header[name]) if name in by_header else pl.lit(None)).alias(name)
            for name in wanted
            if name not in self.table.read
        ]


def _other(name: str) -> str:
    """Name a column that is only compared so that it cannot be taken for a canonical one."""
    return f"other:{name}"


def _rounded(numbers: Sequence[str]) -> pl.Expr:
    tests = [values.rounded(pl.col(name)) for name in numbers]
    return pl.any_horizontal([pl.lit(False), *tests]).fill_null(False)


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

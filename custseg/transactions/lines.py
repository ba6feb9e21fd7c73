"""Lines: pieces of files scanned into canonical columns, each line with its fate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from custseg.transactions import cleaning, csv_blocks, values
from custseg.transactions.reading import Source, Table

NUMBERS = ("quantity", "unit_price", "amount")

LATE = ("customer_id", "invoice", "invoice_date")
"""Compared columns that repeat over the lines of an invoice: hashed once an invoice, by the exchange."""


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
    """Turn raw lines into canonical ones with their fate.

    Parameters
    ----------
    products
        Whether to give a 64-bit hash of the product as ``product``.

    Returns
    -------
    LazyFrame
        Those columns of `LATE` that the table has (ids and texts as they are), quantity, unit_price and
        amount in ten-thousandths, ``fate`` (uint8, `cleaning.FATE_CODES`), ``money`` (ten-thousandths),
        ``rounded`` (bool: it had more decimals) and ``line`` (uint64: hash of all compared columns but
        those of `LATE`).
    """
    frames = [_canonical(table, source, frame, products) for source, frame in batch.frames]
    if len(frames) == 1:
        return frames[0]
    if len({frame.collect_schema()["customer_id"] for frame in frames}) > 1:
        frames = [frame.with_columns(values.id_text(pl.col("customer_id"))) for frame in frames]
    return pl.concat(frames)


def _scan_piece(table: Table, piece: Piece) -> pl.LazyFrame:
    source = table.sources[piece.source]
    if piece.length is not None:
        frame = pl.scan_parquet(source.file.path, glob=False, hive_partitioning=False)
        return frame.slice(piece.start, piece.length)
    blocks = csv_blocks.read_blocks(source.file.path, csv_blocks.WHOLE, source.header_end)
    return source.scan_csv(b"".join(block.data for block in blocks))


def _canonical(table: Table, source: Source, raw: pl.LazyFrame, products: bool) -> pl.LazyFrame:
    """Read the cells of one file, derive what it lacks, decide each line's fate."""
    schema = raw.collect_schema()
    names = schema.names()
    cells = {}
    for column, position in source.columns.items():
        cell, dtype = pl.col(names[position]), schema[names[position]]
        if column == "customer_id":
            cells[column] = values.customer_id(cell, dtype)
        elif column in NUMBERS:
            cells[column] = values.number(cell, dtype)
        elif column == "invoice_date":
            cells[column] = values.moment(cell, dtype, source.date_formats)
        else:
            cells[column] = values.text(cell, dtype)
    for name, position in source.others.items():
        cells[_other(name)] = values.other(pl.col(names[position]), schema[names[position]])
    lines = raw.select(**cells).with_columns(_derived(table, source))
    if table.rules.where:
        lines = lines.with_columns(_named_as_in_the_file(table, source))
    product = [pl.col("product").hash()] if products else []
    return lines.select(*_outcome(table, source), *product)


def _other(name: str) -> str:
    """Name a column that is only compared so that it cannot be taken for a canonical one."""
    return f"other:{name}"


def _derived(table: Table, source: Source) -> list[pl.Expr]:
    """Return the columns this file lacks, made from those it has."""
    made = []
    quantity = pl.col("quantity") if "quantity" in source.columns else pl.lit(1.0)
    if "quantity" in table.read and "quantity" not in source.columns:
        made.append(quantity.alias("quantity"))
    if "unit_price" in table.read and "unit_price" not in source.columns:
        made.append(pl.when(quantity != 0).then(pl.col("amount") / quantity).alias("unit_price"))
    return made


def _named_as_in_the_file(table: Table, source: Source) -> list[pl.Expr]:
    """Return the columns that --where names, under the file's own headers; null where it has none."""
    by_position = {position: name for name, position in source.columns.items()}
    by_position |= {position: _other(name) for name, position in source.others.items()}
    by_header = {name.strip(): by_position[position] for position, name in enumerate(source.header)}
    wanted = cleaning.where_expression(str(table.rules.where)).meta.root_names()
    return [
        (pl.col(by_header[name]) if name in by_header else pl.lit(None)).alias(name)
        for name in wanted
        if name not in table.read
    ]


def _outcome(table: Table, source: Source) -> list[pl.Expr]:
    numbers = [name for name in NUMBERS if name in table.read]
    must_be_read = [name for name in (*numbers, "invoice", "invoice_date") if name in table.read]
    needed = [name for name in must_be_read if name in source.columns or name in numbers]
    return [
        *(pl.col(name) for name in LATE if name in table.read),
        *(values.scaled(pl.col(name)).alias(name) for name in numbers),
        cleaning.fate(table.read, cleaning.excluded(table.rules), needed).alias("fate"),
        cleaning.money("amount" in table.read, "unit_price" in table.read).alias("money"),
        pl.any_horizontal([pl.lit(False), *(values.rounded(pl.col(name)) for name in numbers)])
        .fill_null(False)
        .alias("rounded"),
        cleaning.line_hash(_compared(table, source)).alias("line"),
    ]


def _compared(table: Table, source: Source) -> list[tuple[int, pl.Expr]]:
    """Return the columns to hash by line, each with its seed; one the file lacks is null."""
    columns = []
    for seed, name in enumerate(table.compared, start=1):
        if name in source.columns:
            columns.append((seed, pl.col(name)))
        elif name in source.others:
            columns.append((seed, pl.col(_other(name))))
        else:
            columns.append((seed, pl.lit(None, pl.String)))
    return [(seed, column) for seed, column in columns if column.meta.output_name() not in LATE]

"""Synthetic transactions in the Online Retail II layout, as many as asked, streamed to disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import polars as pl
from polars.io.plugins import register_io_source

from custseg._version import __version__
from custseg.errors import MachineError, OutputError, SettingsError, cut
from custseg.running import outputs
from custseg.transactions.sample_lines import SCHEMA, draw_lines
from custseg.transactions.sample_shop import Shop

FileType = Literal["csv", "parquet"]
Advance = Callable[[int], None]

FIRST_INVOICE = 489_434
FILE_ROWS = 1_000_000
BATCH_ROWS = 32_768
OVERLAP_SHARE = 0.01
LARGEST_OVERLAP = 5_000
MARKER = "_custseg_sample.json"
"""Names beginning with _ are no input, so that the folder can be segmented as it is."""


@dataclass(frozen=True, kw_only=True)
class SampleSummary:
    """What was written.

    Attributes
    ----------
    output
        The folder.
    files
        The files in order of time.
    rows
        Lines in all of them.
    bytes
        Their size on disk.
    """

    output: Path
    files: tuple[Path, ...]
    rows: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class _File:
    name: str
    first_row: int
    rows: int


def write_sample(
    output: Path,
    *,
    rows: int,
    customers: int,
    seed: int = 0,
    file_type: FileType = "csv",
    advance: Advance | None = None,
) -> SampleSummary:
    """Write the transactions of a made-up gift wholesaler, December 2009 to December 2011.

    A file holds a month, or a part of at most a million lines of one. The lines have the dirt of real
    ones: orders without a customer, cancellations (C…), returns without one, zero prices, lines that
    are no products, lines repeated within a file and at the start of the next.

    Memory does not depend on `rows` or `customers`. The same arguments give the same bytes with the
    same versions of NumPy and Polars.

    Parameters
    ----------
    output
        A folder that is new, empty, or holds an earlier sample, which is replaced.
    rows
        Lines in all files together, 1 or more.
    customers
        Customers on the books, 1 or more; with few rows not all of them buy.
    seed
        Everything drawn follows from it, 0 or more.
    file_type
        ``csv`` writes ids as ``13085.0``, as the real set does.
    advance
        Called with the number of lines after each batch.

    Raises
    ------
    SettingsError
        Fewer than one row or customer, or a negative seed.
    OutputError
        The folder holds something else.
    MachineError
        The disk failed or is full.
    """
    for name, value, least in (("rows", rows, 1), ("customers", customers, 1), ("seed", seed, 0)):
        if value < least:
            raise SettingsError("bad-setting", f"--{name}: {value} is less than {least}.", now="Give more.")
    shop = Shop(rows=rows, customers=customers, seed=seed)
    about = {"custseg": __version__, "rows": rows, "customers": customers, "seed": seed}
    with outputs.disk_errors(output):
        _take_folder(output, about)
    tills = _Tills(shop, advance)
    try:
        files = tuple(_write(output, file, tills, file_type) for file in _plan(shop))
    except pl.exceptions.ComputeError as error:
        # What Polars says of a full disk depends on what it was writing.
        raise MachineError(
            "disk-error",
            f"Writing failed: {cut(error)}.",
            where=str(output),
            now="Is there room on the disk?",
        ) from error
    size = sum(path.stat().st_size for path in files)
    return SampleSummary(output=output, files=files, rows=rows, bytes=size)


def _take_folder(output: Path, about: dict[str, object]) -> None:
    """Make the folder ours: empty but for the marker that says so."""
    marker = output / MARKER
    if output.exists() and not output.is_dir():
        raise OutputError(
            "not-a-folder", "The output is a file.", where=str(output), now="Give a folder with -o."
        )
    if output.is_dir() and not marker.is_file() and any(output.iterdir()):
        raise OutputError(
            "foreign-folder",
            "The output folder holds files that are not an earlier sample.",
            where=str(output),
            now="Give a new or an empty folder with -o.",
        )
    output.mkdir(parents=True, exist_ok=True)
    for pattern in ("transactions-*.csv", "transactions-*.parquet", f"{outputs.TEMPORARY}*"):
        for path in output.glob(pattern):
            path.unlink()
    outputs.write_json(marker, about)


def _plan(shop: Shop) -> Iterator[_File]:
    """Files in order of time: a month each, cut where it has more than a million lines."""
    begin = 0
    for month, end in shop.months():
        parts = -(-(end - begin) // FILE_ROWS)
        bounds = [begin + (end - begin) * part // max(parts, 1) for part in range(parts + 1)]
        for part, (low, high) in enumerate(pairwise(bounds), 1):
            suffix = f"-part-{part:04d}" if parts > 1 else ""
            yield _File(name=f"transactions-{month:%Y-%m}{suffix}", first_row=low, rows=high - low)
        begin = end


class _Tills:
    """Draws the lines of one file after another; remembers the last invoice and the last lines."""

    def __init__(self, shop: Shop, advance: Advance | None) -> None:
        self._shop = shop
        self._advance = advance or (lambda rows: None)
        self._invoice = FIRST_INVOICE
        self._tail = pl.DataFrame(schema=SCHEMA)

    def batches(self, file: _File) -> Iterator[pl.DataFrame]:
        # Exports overlap: a file begins with the last lines of the one before.
        overlap = self._tail.tail(min(int(file.rows * OVERLAP_SHARE), LARGEST_OVERLAP))
        if overlap.height:
            yield overlap
        row, end = file.first_row + overlap.height, file.first_row + file.rows
        while row < end:
            count = min(BATCH_ROWS, end - row)
            lines, invoices = draw_lines(self._shop, row, count, self._invoice)
            self._invoice += invoices
            self._tail = lines
            row += count
            yield lines
            self._advance(count)
        self._advance(overlap.height)


def _write(output: Path, file: _File, tills: _Tills, file_type: FileType) -> Path:
    """Stream one file to disk."""
    path = output / f"{file.name}.{file_type}"

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        yield from tills.batches(file)

    lines = register_io_source(source, schema=SCHEMA)
    with outputs.whole(path) as temporary:
        if file_type == "parquet":
            lines.sink_parquet(temporary, row_group_size=4 * BATCH_ROWS, engine="streaming")
        else:
            ids = pl.concat_str(pl.col("Customer ID").cast(pl.String), pl.lit(".0"))
            lines.with_columns(ids.alias("Customer ID")).sink_csv(
                temporary, datetime_format="%Y-%m-%d %H:%M:%S", engine="streaming"
            )
    return path

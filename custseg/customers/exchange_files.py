"""The files of the exchange: what one chunk holds of every bucket, and one bucket read from all of them.

In a file the buckets follow each other; in a bucket the columns of its lines, plain whole numbers as narrow
as the chunk's allow, and then its heads as an Arrow stream (docs/decisions/0003).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import SCALE
from custseg.customers.arrange import Arranged
from custseg.running import places
from custseg.running.places import AnyPath
from custseg.transactions.source import NUMBERS

WIDTHS = (np.int8, np.int16, np.int32)
SHARED = (SCALE, 100)
"""What numbers in ten-thousandths often all divide by: whole quantities, prices in pence."""

FEW = 1000
"""Numbers that are looked at first: a few nearly always tell that a divisor is none."""


class Column(NamedTuple):
    """A column of lines as a file holds it: name, type of its numbers, and what they are divided by."""

    name: str
    dtype: str
    divisor: int


@dataclass(frozen=True, slots=True)
class Written:
    """One exchange file: what its manifest says.

    Attributes
    ----------
    columns
        The columns of its lines.
    offsets
        Where each bucket's lines and heads begin: 2 × buckets + 1 positions.
    bucket_lines, bucket_heads
        Lines and heads in each bucket.
    end, last
        Where the chunk goes on after this file, and whether it ends here.
    """

    file: str
    columns: list[Column]
    offsets: list[int]
    bucket_lines: list[int]
    bucket_heads: list[int]
    ledger: dict[str, Any]
    end: int
    last: bool

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Written:
        """Return what `dataclasses.asdict` made plain values of."""
        return cls(**{**stored, "columns": [Column(*column) for column in stored["columns"]]})


def write_buckets(path: Path, arranged: Arranged) -> tuple[list[Column], list[int]]:
    """Write lines and heads bucket by bucket; return how columns are stored and where each part begins."""
    columns, stored = [], []
    for name, values in arranged.columns.items():
        numbers, divisor = _narrow(values) if name in NUMBERS else (values, 1)
        columns.append(Column(name, numbers.dtype.str, divisor))
        stored.append(numbers)
    offsets = [0]
    line_edges, head_edges = arranged.line_edges.tolist(), arranged.head_edges.tolist()
    with path.open("wb") as file:
        for bucket in range(len(head_edges) - 1):
            for numbers in stored:
                file.write(numbers[line_edges[bucket] : line_edges[bucket + 1]].data)
            offsets.append(file.tell())
            start, end = head_edges[bucket], head_edges[bucket + 1]
            if end > start:
                arranged.heads.slice(start, end - start).write_ipc_stream(file, compression="lz4")
            offsets.append(file.tell())
    return columns, offsets


def _narrow(values: NDArray[np.int64]) -> tuple[NDArray[Any], int]:
    """Divide by what all share and use as few bytes as hold them: fewer to write and to read back."""
    shared = 1
    numbers = _narrowest(values, WIDTHS[-1:])
    for divisor in SHARED:
        if (numbers[:FEW] % divisor).any():
            continue
        parts = numbers // numbers.dtype.type(divisor)
        if np.array_equal(parts * parts.dtype.type(divisor), numbers):
            numbers, shared = parts, divisor
            break
    return _narrowest(numbers, WIDTHS), shared


def _narrowest(values: NDArray[Any], widths: Sequence[type[np.signedinteger[Any]]]) -> NDArray[Any]:
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    fits = (width for width in widths if np.iinfo(width).min <= low and high <= np.iinfo(width).max)
    return values.astype(next(fits, values.dtype), copy=False)


Keep = Callable[[pl.DataFrame], NDArray[np.bool_]]


def read_bucket(
    files: Sequence[Written], bucket: int, folder: AnyPath, keep: Keep | None = None
) -> tuple[pl.DataFrame, dict[str, NDArray[Any]]] | None:
    """Read one bucket of all files, or a slice of it.

    Parameters
    ----------
    keep
        Given heads, tells which to keep, with their lines; all when None.

    Returns
    -------
    heads
        One row a stretch of lines, with its number of lines ``n``.
    columns
        One array a column of the lines, shape (n_lines,); None instead of both when there is no line.
    """
    all_heads: list[pl.DataFrame] = []
    # For all lines of the bucket: of a slice only its own are ever touched, and take memory.
    room = sum(file.bucket_lines[bucket] for file in files)
    columns = {column.name: np.empty(room, _wide(column)) for file in files[:1] for column in file.columns}
    filled = 0
    for file in files:
        start, middle, end = file.offsets[2 * bucket : 2 * bucket + 3]
        if start == end:
            continue
        blob = memoryview(places.read_range(folder / file.file, start, end - start))
        heads = pl.read_ipc_stream(io.BytesIO(blob[middle - start :]))
        wanted: NDArray[np.bool_] | slice = slice(None)
        if keep is not None:
            kept = keep(heads)
            wanted = np.repeat(kept, heads["n"].to_numpy())
            heads = heads.filter(pl.Series(kept))
        all_heads.append(heads)
        at, more = 0, int(heads["n"].sum())
        for column in file.columns:
            numbers = np.frombuffer(blob, column.dtype, file.bucket_lines[bucket], at)
            at += numbers.nbytes
            target = columns[column.name][filled : filled + more]
            target[:] = numbers[wanted]
            if column.divisor != 1:
                target *= column.divisor
        filled += more
    if not filled:
        return None
    return pl.concat(all_heads, rechunk=True), {name: values[:filled] for name, values in columns.items()}


def _wide(column: Column) -> np.dtype[Any]:
    """Return the type in which numbers are added up; hashes stay what they are."""
    return np.dtype(np.int64 if column.name in NUMBERS else column.dtype)

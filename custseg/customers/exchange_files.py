"""The files of the exchange: what one chunk holds of every bucket, and one bucket read from all of them.

In a file the buckets follow each other; in a bucket the columns of its lines, plain whole numbers as narrow
as the chunk's allow, and then its heads as an Arrow stream (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.customers.arrange import Arranged
from custseg.running import places
from custseg.running.places import AnyPath
from custseg.transactions.numbers import Numbers, room


class Column(NamedTuple):
    """A column of lines as a file holds it: name, type of its numbers, and their unit (see `Numbers`)."""

    name: str
    dtype: str
    unit: int


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
    columns = [Column(name, values.dtype.str, unit) for name, (values, unit) in arranged.columns.items()]
    offsets = [0]
    line_edges, head_edges = arranged.line_edges.tolist(), arranged.head_edges.tolist()
    with path.open("wb") as file:
        for bucket in range(len(head_edges) - 1):
            for numbers in arranged.columns.values():
                file.write(numbers.values[line_edges[bucket] : line_edges[bucket + 1]].data)
            offsets.append(file.tell())
            start, end = head_edges[bucket], head_edges[bucket + 1]
            if end > start:
                arranged.heads.slice(start, end - start).write_ipc_stream(file, compression="lz4")
            offsets.append(file.tell())
    return columns, offsets


Keep = Callable[[pl.DataFrame], NDArray[np.bool_]]


def read_bucket(
    files: Sequence[Written], bucket: int, folder: AnyPath, keep: Keep | None = None
) -> tuple[pl.DataFrame, dict[str, Numbers]] | None:
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
        The columns of the lines, shape (n_lines,); None instead of both when there is no line.
    """
    files = [file for file in files if file.bucket_lines[bucket]]
    if not files:
        return None
    # Without `keep` the heads are read all at once: one call for a hundred files takes half their time, and
    # does not wake Polars' threads a hundred times while another bucket is worked on.
    streams: list[bytes] = []
    kept_heads: list[pl.DataFrame] = []
    # For all lines of the bucket: of a slice only its own are ever touched, and take memory.
    lines = sum(file.bucket_lines[bucket] for file in files)
    same = zip(*(file.columns for file in files), strict=True)
    columns = [room([(np.dtype(one.dtype), one.unit) for one in column], lines) for column in same]
    filled = 0
    for file in files:
        start, middle, end = file.offsets[2 * bucket : 2 * bucket + 3]
        blob = memoryview(places.read_range(folder / file.file, start, end - start))
        stream = bytes(blob[middle - start :])
        wanted: NDArray[np.bool_] | slice = slice(None)
        more = file.bucket_lines[bucket]
        if keep is None:
            streams.append(stream)
        else:
            heads = _read_streams([stream])
            kept = keep(heads)
            wanted = np.repeat(kept, heads["n"].to_numpy())
            more = int(np.count_nonzero(wanted))
            kept_heads.append(heads.filter(pl.Series(kept)))
        at = 0
        for column, every in zip(file.columns, columns, strict=True):
            values = np.frombuffer(blob, column.dtype, file.bucket_lines[bucket], at)
            at += values.nbytes
            every.fill(filled, Numbers(values[wanted], column.unit))
        filled += more
    if not filled:
        return None
    heads = _read_streams(streams) if keep is None else pl.concat(kept_heads)
    streams.clear()
    names = (column.name for column in files[0].columns)
    filled_columns = (Numbers(values[:filled], unit) for values, unit in columns)
    return heads.rechunk(), dict(zip(names, filled_columns, strict=True))


def _read_streams(streams: Sequence[bytes]) -> pl.DataFrame:
    """Read Arrow streams that share a schema as if they were one.

    A stream is a message with the schema (a mark of four bytes, its length in four, the schema), messages
    with rows, and eight bytes that end it.
    """
    schema = 8 + int.from_bytes(streams[0][4:8], "little")
    rows = (memoryview(stream)[schema:-8] for stream in streams)
    return pl.read_ipc_stream(b"".join([streams[0][:schema], *rows, streams[0][-8:]]))

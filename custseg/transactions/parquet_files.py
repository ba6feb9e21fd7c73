"""Parquet files: the types they have, and slices of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from custseg.columns import LINE_IN_TEXT
from custseg.errors import CustsegError, InputError, cut
from custseg.running import outputs, places, storage

FRAME_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """The contents of a Parquet file.

    Attributes
    ----------
    dtypes
        Types of the columns.
    rows
        Number of rows.
    """

    path: str
    header: tuple[str, ...]
    dtypes: tuple[pl.DataType, ...]
    rows: int

    format = "parquet"

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return self.path

    @property
    def text_bytes(self) -> int:
        """Bytes it would have as text, about."""
        return self.rows * LINE_IN_TEXT

    @property
    def alike(self) -> tuple[object, ...]:
        """What two files share whose rows may be put together."""
        return self.format, tuple(map(str, self.dtypes))

    def scan(self, start: int = 0, length: int | None = None) -> pl.LazyFrame:
        """Scan rows, as columns ``c0``, ``c1`` and so on."""
        # By position: a name may look like a pattern.
        names = [pl.nth(position).alias(f"c{position}") for position in range(len(self.header))]
        frame = _scan(self.path).select(names)
        return frame if length is None else frame.slice(start, length)

    def frames(self, limit: int) -> Iterator[pl.LazyFrame]:
        """Yield the whole file in frames of bounded size."""
        rows = max(1, limit // LINE_IN_TEXT)
        for start in range(0, self.rows, rows):
            yield self.scan(start, rows)

    def read_to_end(self) -> None:
        """Read the file to its end: nothing comes of it but an error."""
        try:
            for frame in self.frames(FRAME_BYTES):
                frame.collect(engine="streaming")
        except (pl.exceptions.PolarsError, OSError) as error:
            raise damaged(self.path, error) from None

    def sample(self, size: int) -> list[list[str | None]]:
        """Return rows, as text, from the beginning, the middle and the end of the file.

        Parameters
        ----------
        size
            Bytes to read in all, about.

        Raises
        ------
        InputError
            The file cannot be read.
        """
        rows = max(1, size // LINE_IN_TEXT // 3)
        starts = {0, max(0, (self.rows - rows) // 2), max(0, self.rows - rows)}
        texts = [as_sample(f"c{position}", dtype) for position, dtype in enumerate(self.dtypes)]
        try:
            # At once: two thirds of the time of one after the other, and with hundreds of files that is felt.
            # As queries that share a scan they would have the file read whole.
            scans = [self.scan(start, rows).with_columns(texts) for start in sorted(starts)]
            frames = pl.collect_all(
                scans, engine="streaming", optimizations=pl.QueryOptFlags(comm_subplan_elim=False)
            )
        except (pl.exceptions.PolarsError, OSError) as error:
            raise damaged(self.path, error) from None
        return [list(row) for frame in frames for row in frame.iter_rows()]


def as_sample(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as text; null where its cells are no single values."""
    if dtype.is_nested() or isinstance(dtype, (pl.Binary, pl.Duration)):
        return pl.lit(None, pl.String).alias(name)
    return pl.col(name).cast(pl.String)


def open_parquet(path: str) -> ParquetFile:
    """Read the footer of a Parquet file.

    Raises
    ------
    InputError
        It cannot be read.
    """
    if not places.is_text(path):
        raise InputError(
            "unreadable-file",
            "The file's name is no UTF-8, and Parquet files are read by name.",
            where=path,
            now="Rename the file.",
        )
    try:
        schema = _scan(path).collect_schema()
        rows = _scan(path).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise damaged(path, error) from None
    return ParquetFile(path, tuple(schema), tuple(schema.values()), rows)


def _scan(path: str) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False, hive_partitioning=False, **storage.scan_options(path))


def damaged(place: str, error: BaseException) -> CustsegError:
    """Return the error for a file that cannot be read to its end."""
    if storage.is_remote(place) and (isinstance(error, OSError) or not _in_the_file(error)):
        return storage.explain(place, error)
    if failure := outputs.reading_failed(place, error):
        return failure
    return InputError(
        "damaged-file",
        f"The file cannot be read: {cut(error)}.",
        where=place,
        now="Copy it again from where it came from. --skip-bad-files goes on without it.",
    )


def _in_the_file(error: BaseException) -> bool:
    """Tell an error in a file from one on the way to it."""
    return "parquet" in str(error).lower() or "out of specification" in str(error).lower()

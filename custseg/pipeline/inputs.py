"""What may be given as transactions from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import polars as pl

from custseg.errors import InputError

Paths = list[str | os.PathLike[str]]


def list_paths(inputs: object) -> Paths:
    """Return files, folders and globs as a list.

    Raises
    ------
    InputError
        It is something else, such as a frame of another library, whose headers would be taken for files.
    """
    if isinstance(inputs, str | os.PathLike):
        return [inputs]
    # A frame or table of whichever library goes over its headers, and no list of paths has columns.
    is_frame = isinstance(inputs, bytes) or hasattr(inputs, "columns")
    found: list[Any] = [inputs] if is_frame or not isinstance(inputs, Iterable) else list(inputs)
    for each in found:
        if not isinstance(each, str | os.PathLike):
            raise InputError(
                "unknown-format",
                f"Transactions are files or one Polars frame, and not of the kind {type(each).__name__}.",
                where=f"{type(each).__module__}.{type(each).__qualname__}",
                now="To look at it, write it to a file: frame.write_parquet('lines.parquet')."
                if isinstance(inputs, pl.DataFrame | pl.LazyFrame)
                else "Make one Polars frame of it: pl.from_pandas(frame), pl.from_arrow(table), "
                "pl.concat(frames).",
            )
    return found

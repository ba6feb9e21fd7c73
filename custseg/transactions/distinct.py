"""Texts that stand often, read once each."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl


def read_each_once(cells: pl.Series, read: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """Read cells by themselves, each different text once where most stand more than once.

    Looking for a text among those that were read takes a tenth of the time that regular expressions take.
    """
    if cells.dtype == pl.String and len(different := cells.unique()) < len(cells) / 2:
        return cells.replace_strict(different, _evaluate(different, read))
    return _evaluate(cells, read)


def _evaluate(cells: pl.Series, read: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    # Lazily, or steps that an expression has twice would be taken twice.
    return cells.to_frame().lazy().select(read(pl.col(cells.name))).collect().to_series()

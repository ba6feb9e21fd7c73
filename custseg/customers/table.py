"""The customers with their features, in files by bucket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from custseg.customers import features, matrix
from custseg.customers.features import Recipe
from custseg.running import places
from custseg.running.places import AnyPath


@dataclass(frozen=True)
class CustomerTable:
    """All customers, in the order of the hash of their id.

    Attributes
    ----------
    parts
        Files of sums, one a bucket, as `exchange.reduce_bucket` made them; empty buckets have none.
    counts
        Customers in each.
    recipe
        What the features are.
    as_of
        The day that recency and tenure are counted to; None without dates.
    """

    parts: Sequence[AnyPath]
    counts: Sequence[int]
    recipe: Recipe
    as_of: dt.date | None

    def __len__(self) -> int:
        return sum(self.counts)

    @property
    def columns(self) -> tuple[str, ...]:
        """Features there are."""
        return self.recipe.features

    @property
    def blocks(self) -> int:
        """How many blocks of the matrix they make."""
        return len(matrix.block_numbers(len(self)))

    def rows(self, block: int) -> pl.DataFrame:
        """Return the customers of one block of the matrix: ``customer_id``, ``key`` and the features."""
        return self._scan(block).collect(engine="streaming")

    def some(self, block: int, columns: Sequence[str]) -> pl.DataFrame:
        """Return some columns of the customers of one block of the matrix."""
        return self._scan(block).select(columns).collect(engine="streaming")

    def _scan(self, block: int) -> pl.LazyFrame:
        start = block * matrix.BLOCK_ROWS
        end = start + matrix.BLOCK_ROWS
        ends = list(accumulate(self.counts))
        # Only the files that hold some of them: with thousands of files the rest would take the time.
        inside = [i for i, last in enumerate(ends) if last > start and last - self.counts[i] < end]
        before = ends[inside[0]] - self.counts[inside[0]]
        sums = places.scan_parquet([self.parts[i] for i in inside])
        rows = sums.slice(start - before, matrix.BLOCK_ROWS)
        return features.finish(rows, self.recipe, self.as_of)

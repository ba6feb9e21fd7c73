"""Months: what each customer bought in each calendar month, for spend over time without a second reading.

The reduce leaves these sums beside every features part, as whole numbers; once the customers have segments,
they are added up bucket by bucket. Whole numbers add up to the same whatever the buckets were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from operator import add
from typing import Any

import polars as pl

from custseg.columns import SCALE
from custseg.running import places
from custseg.running.compute import HERE, Compute
from custseg.running.places import AnyPath

Segments = Callable[[int, int], pl.Series]
"""Returns the segments of so many customers from a place on, in the order of the features parts; in tasks."""


def file_of(part: AnyPath) -> AnyPath:
    """Return the file of months that belongs to a features part."""
    return part.with_name(part.name.replace("part-", "months-").replace(".parquet", ".arrow"))


def by_segment(
    parts: Sequence[AnyPath], counts: Sequence[int], segments: Segments, compute: Compute = HERE
) -> list[dict[str, Any]]:
    """Add up all customers' months by segment, a bucket at a time.

    Parameters
    ----------
    parts
        The features parts in order, their months beside them.
    counts
        Customers in each.
    segments
        Of the customers in the same order.
    compute
        Where the work is done.

    Returns
    -------
    list of dict
        ``month`` ("2010-12"), ``segment_id``, ``spend`` (None where there is no money), ``purchases`` and
        ``customers`` who bought in it, by month and segment.
    """
    starts = accumulate(counts, initial=0)
    task = partial(_of_part, segments=segments)
    items = list(zip(parts, starts, counts, strict=False))
    total: dict[tuple[int, int], tuple[int, ...]] = {}
    for _, sums in compute.run(task, items, at_once=compute.resources.tasks):
        for at, more in sums.items():
            total[at] = tuple(map(add, total[at], more)) if at in total else more
    return [
        {
            "month": f"{1970 + month // 12}-{month % 12 + 1:02d}",
            "segment_id": number,
            "spend": amount[0] / SCALE if amount else None,
            "purchases": purchases,
            "customers": customers,
        }
        for (month, number), (purchases, customers, *amount) in sorted(total.items())
    ]


def _of_part(part: tuple[AnyPath, int, int], *, segments: Segments) -> dict[tuple[int, int], tuple[int, ...]]:
    """Add up a features part by month and segment: purchases, customers and, where there is money, spend."""
    path, start, count = part
    with places.open_binary(file_of(path)) as file:
        table = pl.read_ipc(file)
    segment = segments(start, count).gather(table["row"])
    # 128 bits: no limit is set to what a bucket adds up to, only to each slice of it.
    sums = [pl.col("spend").cast(pl.Int128).sum()] if "spend" in table.columns else []
    grouped = table.group_by("month", segment.alias("segment")).agg(
        pl.col("purchases").sum(), (pl.col("purchases") > 0).sum().alias("customers"), *sums
    )
    return {(month, number): tuple(more) for month, number, *more in grouped.iter_rows()}

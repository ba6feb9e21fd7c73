"""The exchange: all lines of a customer brought into one place, through files, in bounded memory.

*Map* writes the kept lines of a chunk as one file ordered by bucket (the top bits of a hash of the
customer's id). *Reduce* reads one bucket from all files, drops duplicates and adds up each customer.

Lines of one invoice mostly follow each other, so a file says customer, invoice and date once for each such
stretch (its *head*) and only numbers for each line: sorting, writing and grouping then handle twenty times
fewer texts. Where lines come in any other order the stretches are shorter and all the rest is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import count
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.customers import merging, months, totals
from custseg.customers.arrange import arrange
from custseg.customers.duplicates import find_duplicates
from custseg.customers.exchange_files import Keep, Written, read_bucket, write_buckets
from custseg.customers.features import Recipe
from custseg.customers.plan import Plan
from custseg.running import outputs
from custseg.running.compute import HERE
from custseg.running.places import AnyPath
from custseg.transactions import lines, pieces, unreadable
from custseg.transactions.pieces import Batch
from custseg.transactions.reading import Table
from custseg.transactions.unreadable import Place, Unreadable

SLICE_SEED = 7
"""Of the hash that slices a bucket: another than that of keys, by which buckets are made."""

MOST_EXAMPLES = 20
"""Unreadable cells that are looked up for the record."""


def map_chunk(
    table: Table, plan: Plan, recipe: Recipe, chunk: int, folder: AnyPath, *, at_once: int = 1
) -> list[Written]:
    """Write the kept lines of one chunk into the exchange; what is written already is left.

    Parameters
    ----------
    chunk
        Number of the chunk in the plan.
    folder
        Where exchange files and their manifests go.
    at_once
        Blocks of a long CSV file that are worked on at the same time; they are read one after the other.

    Returns
    -------
    list of Written
        The chunk's files: one, or several for a CSV file longer than a chunk.
    """
    done = _written(folder, chunk)
    if done and done[-1].last:
        return done
    batches = pieces.batches(table, plan.chunks[chunk], plan.block, done[-1].end if done else 0)
    # Not in a loop over batches, whose variable would hold one while the next is read.
    handed = map(lambda number, batch: _Handed(number, [batch]), count(len(done)), batches)
    write = partial(_write_batch, table, plan, recipe, chunk, folder)
    if at_once == 1:
        return [*done, *map(write, handed)]
    written = {item.number: file for item, file in HERE.run(write, handed, at_once=at_once)}
    return [*done, *(written[number] for number in sorted(written))]


class _Handed(NamedTuple):
    """A batch, which whoever works on it takes away, and its number in the chunk."""

    number: int
    batch: list[Batch]


def _write_batch(
    table: Table, plan: Plan, recipe: Recipe, chunk: int, folder: AnyPath, handed: _Handed
) -> Written:
    """Write the kept lines of one batch into the exchange."""
    # Chunks are as large as memory allows: each step lets go of what the one before made.
    batch = handed.batch.pop()
    read = lines.read_lines(table, batch, products="product" in recipe.line_columns)
    end, last = batch.end, batch.last
    del batch
    arranged, ledger = arrange(read, recipe, plan.bucket_bits)
    del read
    name = _name(chunk, handed.number, "exchange")
    # Not forced to disk: after a power cut a file may be short, and then counts as missing.
    with outputs.whole(folder / name, durable=False) as temporary:
        columns, offsets = write_buckets(temporary, arranged)
    line_counts = np.diff(arranged.line_edges).tolist()
    head_counts = np.diff(arranged.head_edges).tolist()
    del arranged
    written = Written(name, columns, offsets, line_counts, head_counts, asdict(ledger), end, last)
    outputs.write_json(folder / _name(chunk, handed.number, "json"), asdict(written))
    return written


def find_unreadable(table: Table, plan: Plan, written: Mapping[int, Sequence[Written]]) -> list[Unreadable]:
    """Find the first cells that made lines invalid: a second look, at those places only that have any.

    Parameters
    ----------
    written
        The exchange files of each chunk.
    """
    found: list[Unreadable] = []
    for chunk in sorted(written):
        start = 0
        for file in written[chunk]:
            if file.ledger["lines"]["invalid"] and len(found) < MOST_EXAMPLES:
                place = Place(plan.chunks[chunk], plan.block, start)
                found += unreadable.find_unreadable(table, place, MOST_EXAMPLES - len(found))
            start = file.end
    return found


def _written(folder: AnyPath, chunk: int) -> list[Written]:
    """Return the files of a chunk that stand whole, up to the first that does not."""
    found: list[Written] = []
    while stored := outputs.read_json_if_there(folder / _name(chunk, len(found), "json")):
        written = Written.from_dict(stored)
        try:
            whole = (folder / written.file).stat().st_size == written.offsets[-1]
        except FileNotFoundError:
            whole = False
        if not whole:
            break
        found.append(written)
        if written.last:
            break
    return found


def reduce_bucket(
    files: Sequence[Written], plan: Plan, recipe: Recipe, bucket: int, folders: tuple[AnyPath, AnyPath]
) -> dict[str, int]:
    """Make the features part of one bucket; a part that stands whole is left.

    Parameters
    ----------
    files
        All exchange files.
    folders
        Where the exchange files are, and where the features part goes.

    Returns
    -------
    dict
        ``customers``, ``money`` of all lines that were kept so far and ``duplicate_money`` of those that are
        duplicates (ten-thousandths), ``duplicates`` (lines), ``returns_only`` (customers).
    """
    exchange, features = folders
    part, manifest = part_path(features, bucket), features / f"part-{bucket:05d}.json"
    if done := outputs.read_json_if_there(manifest):
        return dict(done)
    lines_here = sum(file.bucket_lines[bucket] for file in files)
    heads_here = sum(file.bucket_heads[bucket] for file in files)
    slices = plan.slices(lines_here, heads_here)
    counts = {"money": 0, "duplicates": 0, "duplicate_money": 0}
    found = []
    for number in range(slices):
        gathered = read_bucket(files, bucket, exchange, _slicer(number, slices))
        if gathered is None:
            continue
        heads, columns = gathered
        values = {name: numbers.values for name, numbers in columns.items()}
        dropped = find_duplicates(heads, values) if recipe.drop_duplicates else _none(heads)
        amount = recipe.amount(columns)
        repeated, paid = dropped, amount
        if recipe.returns:
            bought = ~np.repeat(heads["returned"].to_numpy(), heads["n"].to_numpy())
            repeated, paid = dropped & bought, amount.where(bought)
        counts["money"] += paid.total()
        counts["duplicates"] += int(np.count_nonzero(repeated))
        counts["duplicate_money"] += amount.where(repeated).total()
        found.append(totals.add_up(heads, columns, amount, dropped, recipe))
    counts |= {"customers": 0, "returns_only": 0}
    if found:
        customers, by_month, counts["returns_only"] = merging.merge(found)
        outputs.write_parquet(part, customers, passing=True)
        if by_month is not None:
            outputs.write_arrow(months.file_of(part), by_month)
        counts["customers"] = customers.height
    outputs.write_json(manifest, counts)
    return counts


def part_path(folder: AnyPath, bucket: int) -> AnyPath:
    """Return where the features part of a bucket is, if the bucket has customers."""
    return folder / f"part-{bucket:05d}.parquet"


def _none(heads: pl.DataFrame) -> NDArray[np.bool_]:
    return np.zeros(int(heads["n"].sum()), np.bool_)


def _name(chunk: int, number: int, ending: str) -> str:
    return f"chunk-{chunk:06d}-{number:05d}.{ending}"


def _slicer(number: int, slices: int) -> Keep | None:
    """Return what picks a slice of a bucket: by customer and invoice, so that duplicates stay together."""
    if slices <= 1:
        return None

    def keep(heads: pl.DataFrame) -> NDArray[np.bool_]:
        hashes = heads["customer_id"].hash(SLICE_SEED).to_numpy()
        if "invoice" in heads.columns:
            hashes = hashes ^ heads["invoice"].hash(SLICE_SEED + 1).to_numpy()
        elif "invoice_date" in heads.columns:
            hashes = hashes ^ heads["invoice_date"].dt.date().hash(SLICE_SEED + 1).to_numpy()
        marks: NDArray[np.bool_] = hashes % np.uint64(slices) == number
        return marks

    return keep

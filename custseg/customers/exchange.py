"""The exchange: all lines of a customer brought into one place, through files, in bounded memory.

*Map* writes the kept lines of a chunk as one file ordered by bucket (the top bits of a hash of the
customer's id). *Reduce* reads one bucket from all files, drops duplicates and adds up each customer.

Lines of one invoice mostly follow each other, so a file says customer, invoice and date once for each such
stretch (its *head*) and only numbers for each line: sorting, writing and grouping then handle twenty times
fewer texts. Where lines come in any other order the stretches are shorter and all the rest is the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.customers.features import Recipe, aggregate, merge
from custseg.customers.plan import Plan
from custseg.running import outputs
from custseg.transactions import cleaning, lines
from custseg.transactions.cleaning import KEPT
from custseg.transactions.reading import Table

KEY_SEED = 0
HEAD_SEEDS = {"customer_id": 1_000_001, "invoice": 1_000_002, "invoice_date": 1_000_003}
SLICE_SEED = 7

Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Written:
    """One exchange file: what its manifest says.

    Attributes
    ----------
    offsets
        Where each bucket's lines and heads begin: 2 × buckets + 1 positions.
    bucket_lines
        Lines in each bucket.
    end, last
        Where the chunk goes on after this file, and whether it ends here.
    """

    file: str
    offsets: list[int]
    bucket_lines: list[int]
    ledger: dict[str, Any]
    end: int
    last: bool


def key(customer_id: pl.Series) -> pl.Series:
    """Return the 64-bit hash that orders customers, cuts them into buckets and draws samples."""
    return customer_id.hash(KEY_SEED)


def map_chunk(table: Table, plan: Plan, recipe: Recipe, chunk: int, folder: Path) -> list[Written]:
    """Write the kept lines of one chunk into the exchange; what is written already is left.

    Parameters
    ----------
    chunk
        Number of the chunk in the plan.
    folder
        Where exchange files and their manifests go.

    Returns
    -------
    list of Written
        The chunk's files: one, or several for a CSV file longer than a chunk.
    """
    done: list[Written] = []
    while (manifest := folder / _name(chunk, len(done), "json")).exists():
        done.append(Written(**outputs.read_json(manifest)))
        if done[-1].last:
            return done
    start = done[-1].end if done else 0
    for batch in lines.batches(table, plan.chunks[chunk], plan.block, start):
        scan = lines.scan_lines(table, batch, products="product" in recipe.line_columns)
        frame = scan.collect(engine="streaming")
        ledger = cleaning.count_fates(frame)
        blob, offsets, counts = _arrange(_carried(frame, recipe), recipe, plan.bucket_bits)
        name = _name(chunk, len(done), "exchange")
        outputs.write_bytes(folder / name, blob)
        written = Written(name, offsets, counts, asdict(ledger), batch.end, batch.last)
        outputs.write_json(folder / _name(chunk, len(done), "json"), asdict(written))
        done.append(written)
    return done


def reduce_bucket(
    files: Sequence[Written], plan: Plan, recipe: Recipe, bucket: int, folders: tuple[Path, Path]
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
        ``customers``, ``duplicates`` (lines), ``duplicate_money`` (ten-thousandths), ``returns_only``.
    """
    exchange, features = folders
    part, manifest = features / f"part-{bucket:05d}.parquet", features / f"part-{bucket:05d}.json"
    if manifest.exists():
        return dict(outputs.read_json(manifest))
    total = sum(file.bucket_lines[bucket] for file in files)
    slices = max(1, -(-total // plan.bucket_lines))
    counts = {"duplicates": 0, "duplicate_money": 0}
    groups = []
    for number in range(slices):
        gathered = _gather(files, bucket, exchange, _slicer(number, slices))
        if gathered is None:
            continue
        heads, columns = gathered
        dropped = duplicates(heads, columns) if recipe.drop_duplicates else _none(heads)
        bought = ~np.repeat(heads["returned"].to_numpy(), heads["n"].to_numpy()) if recipe.returns else True
        counts["duplicates"] += int(np.count_nonzero(dropped & bought))
        counts["duplicate_money"] += sum(recipe.amount(columns)[dropped & bought].tolist())
        groups.append(aggregate(heads, columns, dropped, recipe))
    counts |= {"customers": 0, "returns_only": 0}
    if groups:
        customers, counts["returns_only"] = merge(groups)
        customers = customers.with_columns(key(customers["customer_id"]).alias("key"))
        outputs.write_parquet(part, customers.sort("key", "customer_id"))
        counts["customers"] = customers.height
    outputs.write_json(manifest, counts)
    return counts


def _none(heads: pl.DataFrame) -> Marks:
    return np.zeros(int(heads["n"].sum()), np.bool_)


def duplicates(heads: pl.DataFrame, columns: dict[str, NDArray[Any]]) -> Marks:
    """Mark the lines that repeat an earlier one.

    Two lines are one when customer, invoice, date, all kept numbers and the 64-bit hash of the whole line
    are equal. Almost all lines differ, so the hashes are sorted first, which is cheap, and only lines whose
    hash occurs twice are compared.

    Parameters
    ----------
    heads
        One row a stretch of lines, with its number of lines in ``n``.
    columns
        One array a column of the lines; ``line`` is the hash.

    Returns
    -------
    ndarray of bool, shape (n_lines,)
    """
    hashes = columns["line"].astype(np.uint64, copy=False)
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    dropped = np.zeros(len(hashes), np.bool_)
    if not len(twice):
        return dropped
    # A small table of marks by the low bits rules nearly all lines out before any exact look-up.
    bits = np.uint64((1 << max(10, len(twice).bit_length() + 4)) - 1)
    marks = np.zeros(int(bits) + 1, bool)
    marks[twice & bits] = True
    suspects = np.flatnonzero(marks[hashes & bits])
    at = np.searchsorted(twice, hashes[suspects])
    suspects = suspects[twice[np.minimum(at, len(twice) - 1)] == hashes[suspects]]
    ends = np.cumsum(heads["n"].to_numpy())
    head = np.searchsorted(ends, suspects, side="right")
    lines_in_doubt = heads.drop("n").select(pl.all().gather(head))
    lines_in_doubt = lines_in_doubt.with_columns(
        pl.Series(name, values[suspects]) for name, values in columns.items()
    )
    dropped[suspects] = ~lines_in_doubt.to_struct().is_first_distinct().to_numpy()
    return dropped


def _name(chunk: int, number: int, ending: str) -> str:
    return f"chunk-{chunk:06d}-{number:05d}.{ending}"


def _carried(frame: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Return the lines that go into the exchange: the kept ones, and returns where features need them."""
    if not recipe.returns:
        return frame.filter(pl.col("fate") == KEPT)
    negative = (pl.col("quantity") < 0) | (pl.col("money") < 0)
    returned = pl.col("fate").is_in(recipe.return_fates) & negative
    return frame.filter((pl.col("fate") == KEPT) | returned).with_columns(returned=pl.col("fate") != KEPT)


def _arrange(kept: pl.DataFrame, recipe: Recipe, bits: int) -> tuple[bytes, list[int], list[int]]:
    """Order lines by bucket and write them; return the bytes, their offsets and the lines of each bucket."""
    heads, starts = _heads(kept, recipe)
    shift = np.uint64(63 - bits)
    # Two shifts, since a shift by all 64 bits is undefined.
    bucket = (key(heads["customer_id"]).to_numpy() >> shift >> np.uint64(1)).astype(np.uint16)
    order = np.argsort(bucket, kind="stable")
    heads = heads.select(pl.all().gather(order))
    lengths, starts = heads["n"].to_numpy(), starts[order]
    ends = np.cumsum(lengths)
    position = np.arange(len(kept)) + np.repeat(starts - (ends - lengths), lengths)
    columns = {name: kept[name].to_numpy()[position] for name in recipe.line_columns}
    if recipe.drop_duplicates:
        columns["line"] = columns["line"] ^ np.repeat(_head_hash(heads, recipe), lengths)
    table = pl.DataFrame(columns)
    head_edges = np.searchsorted(bucket[order], np.arange((1 << bits) + 1))
    line_edges = np.concatenate([[0], ends])[head_edges]
    file = io.BytesIO()
    offsets = [0]
    for number in range(1 << bits):
        _write(file, table[line_edges[number] : line_edges[number + 1]])
        offsets.append(file.tell())
        _write(file, heads[head_edges[number] : head_edges[number + 1]])
        offsets.append(file.tell())
    return file.getvalue(), offsets, np.diff(line_edges).tolist()


def _heads(kept: pl.DataFrame, recipe: Recipe) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Return one row a stretch of lines with equal head columns, and where each stretch starts."""
    changes = kept.select(
        (pl.int_range(pl.len()) == 0)
        | pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in recipe.head_columns)
    ).to_series()
    starts = changes.arg_true().to_numpy().astype(np.int64)
    heads = kept.select(recipe.head_columns).select(pl.all().gather(starts))
    lengths = np.diff(starts, append=kept.height)
    return heads.with_columns(pl.col("customer_id").cast(pl.String), pl.Series("n", lengths)), starts


def _head_hash(heads: pl.DataFrame, recipe: Recipe) -> NDArray[np.uint64]:
    hashes = [heads[name].hash(seed).to_numpy() for name, seed in HEAD_SEEDS.items() if name in heads.columns]
    combined: NDArray[np.uint64] = np.bitwise_xor.reduce(hashes)
    return combined


def _write(file: io.BytesIO, frame: pl.DataFrame) -> None:
    if frame.height:
        frame.write_ipc_stream(file, compression="lz4")


def _gather(
    files: Sequence[Written], bucket: int, folder: Path, keep: Callable[[pl.DataFrame], Marks] | None
) -> tuple[pl.DataFrame, dict[str, NDArray[Any]]] | None:
    """Read one bucket of all files, or a slice of it; None when it is empty."""
    all_lines, all_heads = [], []
    for file in files:
        start, middle, end = file.offsets[2 * bucket : 2 * bucket + 3]
        if start == end:
            continue
        with (folder / file.file).open("rb") as handle:
            handle.seek(start)
            blob = handle.read(end - start)
        numbers = pl.read_ipc_stream(io.BytesIO(blob[: middle - start]))
        heads = pl.read_ipc_stream(io.BytesIO(blob[middle - start :]))
        if keep is not None:
            mask = keep(heads)
            numbers = numbers.filter(pl.Series(np.repeat(mask, heads["n"].to_numpy())))
            heads = heads.filter(pl.Series(mask))
        if heads.height:
            all_lines.append(numbers)
            all_heads.append(heads)
    if not all_lines:
        return None
    table = pl.concat(all_lines)
    return pl.concat(all_heads), {name: table[name].to_numpy() for name in table.columns}


def _slicer(number: int, slices: int) -> Callable[[pl.DataFrame], Marks] | None:
    """Return what picks a slice of a bucket: by customer and invoice, so that duplicates stay together."""
    if slices <= 1:
        return None

    def keep(heads: pl.DataFrame) -> Marks:
        hashes = heads["customer_id"].hash(SLICE_SEED).to_numpy()
        if "invoice" in heads.columns:
            hashes = hashes ^ heads["invoice"].hash(SLICE_SEED + 1).to_numpy()
        elif "invoice_date" in heads.columns:
            hashes = hashes ^ heads["invoice_date"].dt.date().hash(SLICE_SEED + 1).to_numpy()
        marks: Marks = hashes % np.uint64(slices) == number
        return marks

    return keep

"""The exchange: all lines of a customer brought into one place, through files, in bounded memory.

*Map* writes the kept lines of a chunk as one file ordered by bucket (the top bits of a hash of the
customer's id). *Reduce* reads one bucket from all files, drops duplicates and adds up each customer.

Lines of one invoice mostly follow each other, so a file says customer, invoice and date once for each such
stretch (its *head*) and only numbers for each line: sorting, writing and grouping then handle twenty times
fewer texts. Where lines come in any other order the stretches are shorter and all the rest is the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.customers import months
from custseg.customers.features import Recipe, aggregate, exact_sum, merge
from custseg.customers.keys import key
from custseg.customers.plan import Plan
from custseg.running import outputs
from custseg.transactions import cleaning, lines, pieces, unreadable
from custseg.transactions.cleaning import KEPT, Ledger
from custseg.transactions.lines import Lines
from custseg.transactions.reading import Table
from custseg.transactions.source import NUMBERS
from custseg.transactions.unreadable import Place, Unreadable

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
    done = _written(folder, chunk)
    if done and done[-1].last:
        return done
    start = done[-1].end if done else 0
    for batch in pieces.batches(table, plan.chunks[chunk], plan.block, start):
        read = lines.read_lines(table, batch, products="product" in recipe.line_columns)
        arranged, ledger = _arrange(read, recipe, plan.bucket_bits)
        name = _name(chunk, len(done), "exchange")
        # Not forced to disk: after a power cut a file may be short, and then counts as missing.
        with outputs.whole(folder / name, durable=False) as temporary:
            offsets = _write(temporary, arranged)
        counts = np.diff(arranged.line_edges).tolist()
        written = Written(name, offsets, counts, asdict(ledger), batch.end, batch.last)
        outputs.write_json(folder / _name(chunk, len(done), "json"), asdict(written))
        done.append(written)
    return done


def find_unreadable(
    table: Table, plan: Plan, written: Mapping[int, Sequence[Written]], most: int = 20
) -> list[Unreadable]:
    """Find the first cells that made lines invalid: a second look, at those places only that have any.

    Parameters
    ----------
    written
        The exchange files of each chunk.
    most
        How many to find.
    """
    found: list[Unreadable] = []
    for chunk in sorted(written):
        start = 0
        for file in written[chunk]:
            if file.ledger["lines"]["invalid"] and len(found) < most:
                place = Place(plan.chunks[chunk], plan.block, start)
                found += unreadable.find_unreadable(table, place, most - len(found))
            start = file.end
    return found


def _written(folder: Path, chunk: int) -> list[Written]:
    """Return the files of a chunk that stand whole, up to the first that does not."""
    found: list[Written] = []
    while (manifest := folder / _name(chunk, len(found), "json")).exists():
        written = Written(**outputs.read_json(manifest))
        file = folder / written.file
        if not file.exists() or file.stat().st_size != written.offsets[-1]:
            break
        found.append(written)
        if written.last:
            break
    return found


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
        ``customers``, ``money`` of all lines that were kept so far and ``duplicate_money`` of those that are
        duplicates (ten-thousandths), ``duplicates`` (lines), ``returns_only`` (customers).
    """
    exchange, features = folders
    part, manifest = part_path(features, bucket), features / f"part-{bucket:05d}.json"
    if manifest.exists():
        return dict(outputs.read_json(manifest))
    total = sum(file.bucket_lines[bucket] for file in files)
    slices = max(1, -(-total // plan.bucket_lines))
    counts = {"money": 0, "duplicates": 0, "duplicate_money": 0}
    groups = []
    by_month = []
    for number in range(slices):
        gathered = _gather(files, bucket, exchange, _slicer(number, slices))
        if gathered is None:
            continue
        heads, columns = gathered
        dropped = duplicates(heads, columns) if recipe.drop_duplicates else _none(heads)
        bought = ~np.repeat(heads["returned"].to_numpy(), heads["n"].to_numpy()) if recipe.returns else True
        repeated = dropped & bought
        amount = recipe.amount(columns)
        counts["money"] += exact_sum(amount if bought is True else amount[bought])
        counts["duplicates"] += int(np.count_nonzero(repeated))
        counts["duplicate_money"] += exact_sum(amount[repeated])
        stretches, group = aggregate(heads, columns, dropped, recipe)
        groups.append(group)
        if "invoice_date" in recipe.head_columns:
            by_month.append(stretches if slices == 1 else months.shrink(stretches, recipe))
    counts |= {"customers": 0, "returns_only": 0}
    if groups:
        customers, counts["returns_only"] = merge(groups)
        customers = customers.with_columns(key(customers["customer_id"]).alias("key"))
        customers = customers.sort("key", "customer_id")
        outputs.write_parquet(part, customers)
        if by_month:
            outputs.write_arrow(months.file_of(part), months.add_up(by_month, customers, recipe))
        counts["customers"] = customers.height
    outputs.write_json(manifest, counts)
    return counts


def part_path(folder: Path, bucket: int) -> Path:
    """Return where the features part of a bucket is, if the bucket has customers."""
    return folder / f"part-{bucket:05d}.parquet"


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


class _Arranged(NamedTuple):
    """Lines and heads in the order of buckets, and where each bucket begins in them."""

    columns: pl.DataFrame
    line_edges: NDArray[np.int64]
    heads: pl.DataFrame
    head_edges: NDArray[np.int64]


def _arrange(read: Lines, recipe: Recipe, bits: int) -> tuple[_Arranged, Ledger]:
    """Give lines their fate and order those that are carried by bucket."""
    frame, heads, starts = read
    fate = np.minimum(
        np.repeat(heads["fate"].to_numpy(), np.diff(starts, append=frame.height)), frame["fate"].to_numpy()
    )
    ledger = _count(frame, fate, recipe)
    heads, picked = _pick(heads.drop("fate"), starts, _carried(frame, fate, recipe))
    shift = np.uint64(63 - bits)
    # Two shifts, since a shift by all 64 bits is undefined.
    bucket = (key(heads["customer_id"]).to_numpy() >> shift >> np.uint64(1)).astype(np.uint16)
    order = np.argsort(bucket, kind="stable")
    lengths = heads["n"].to_numpy()
    begins = np.cumsum(lengths) - lengths
    heads, lengths = heads.select(pl.all().gather(order)), lengths[order]
    ends = np.cumsum(lengths)
    # Stretches move as they are: each line's new place is its old one plus what its stretch moved by.
    position = np.arange(len(picked))
    position += np.repeat(begins[order] - (ends - lengths), lengths)
    position = picked[position]
    columns = {name: _narrow(frame[name].to_numpy())[position] for name in recipe.line_columns}
    if recipe.drop_duplicates:
        columns["line"] ^= np.repeat(_head_hash(heads, recipe), lengths)
    head_edges = np.searchsorted(bucket[order], np.arange((1 << bits) + 1))
    line_edges = np.concatenate([[0], ends])[head_edges]
    return _Arranged(pl.DataFrame(columns), line_edges, heads, head_edges), ledger


def _count(frame: pl.DataFrame, fate: NDArray[np.uint8], recipe: Recipe) -> Ledger:
    """Enter the lines in a ledger; the money of kept lines is added up later, by the reduce."""
    numbers = [name for name in NUMBERS if name in recipe.line_columns]
    lost = np.flatnonzero(fate != KEPT)
    rest = pl.DataFrame({"fate": fate[lost], **{name: frame[name].gather(lost) for name in numbers}})
    ledger = cleaning.count_fates(rest, numbers)
    ledger.lines["kept"] = len(fate) - len(lost)
    ledger.rounded = int(frame["rounded"].sum())
    return ledger


def _carried(frame: pl.DataFrame, fate: NDArray[np.uint8], recipe: Recipe) -> list[Marks]:
    """Mark the lines that go into the exchange: the kept ones and, where features need them, returns."""
    kept = fate == KEPT
    if not recipe.returns:
        return [kept]
    signed = [pl.col(name) < 0 for name in ("quantity", "amount") if name in recipe.line_columns]
    negative = frame.select(pl.any_horizontal(signed).fill_null(False)).to_series()
    return [kept, np.isin(fate, recipe.return_fates) & negative.to_numpy()]


def _pick(
    heads: pl.DataFrame, starts: NDArray[np.int64], marks: Sequence[Marks]
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Return the heads of the marked lines with their number ``n`` of them, and those lines' places."""
    picked_heads = []
    for number, marked in enumerate(marks):
        counts = np.add.reduceat(marked, starts, dtype=np.int64) if len(starts) else starts
        with_counts = heads.with_columns(pl.Series("n", counts))
        if len(marks) > 1:
            with_counts = with_counts.with_columns(returned=pl.lit(bool(number)))
        picked_heads.append(with_counts.filter(pl.col("n") > 0))
    return pl.concat(picked_heads), np.concatenate([np.flatnonzero(marked) for marked in marks])


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Halve whole numbers that fit 32 bits: fewer bytes to order, press and write."""
    small = np.iinfo(np.int32)
    if values.dtype == np.int64 and len(values) and small.min <= values.min() and values.max() <= small.max:
        return values.astype(np.int32)
    return values


def _head_hash(heads: pl.DataFrame, recipe: Recipe) -> NDArray[np.uint64]:
    hashes = [heads[name].hash(seed).to_numpy() for name, seed in HEAD_SEEDS.items() if name in heads.columns]
    combined: NDArray[np.uint64] = np.bitwise_xor.reduce(hashes)
    return combined


def _write(path: Path, arranged: _Arranged) -> list[int]:
    """Write each bucket's lines and heads as Arrow streams, one after the other; return where each begins."""
    columns, line_edges, heads, head_edges = arranged
    offsets = [0]
    with path.open("wb") as file:
        for number in range(len(head_edges) - 1):
            for frame, edges in ((columns, line_edges), (heads, head_edges)):
                start, end = edges[number], edges[number + 1]
                if end > start:
                    frame.slice(start, end - start).write_ipc_stream(file, compression="lz4")
                offsets.append(file.tell())
    return offsets


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
    names = all_lines[0].columns
    columns = {name: np.concatenate([part[name].to_numpy() for part in all_lines]) for name in names}
    return pl.concat(all_heads), columns


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

"""The plan of a run: chunks, buckets and tasks at once, from the size of the input and the memory given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from custseg.columns import LINE_IN_TEXT
from custseg.errors import size
from custseg.running import compute
from custseg.running.compute import Resources
from custseg.transactions.pieces import Piece
from custseg.transactions.source import Source

CHUNK_LINE = 290
"""Resident bytes a line of a chunk takes while it is scanned, ordered and written: 130 where lines of an
invoice follow each other, more in other orders."""

BUCKET_LINE, BUCKET_HEAD = 90, 230
"""Resident bytes a line and a stretch of lines take while their bucket is reduced."""

LINES_A_HEAD = 5
"""Lines in a stretch that the plan counts on at most, since those of an invoice may lie in several chunks; a
bucket where they are shorter than in samples is reduced in slices."""

EXCHANGE_LINE = 14
"""Bytes of disk a line takes in the exchange, about: lines of one invoice together, one in five without a
customer. Lines in no order take two to three times as much."""

LARGEST_CHUNK = 400_000_000
SMALLEST_CHUNK = 1_000_000
MOST_BUCKET_BITS = 12

SMALLEST_BLOCK = 32_000_000
"""Bytes of a long CSV file worked on at once, if it is not much longer: two tasks share even a small file."""

WAVES = 3
"""Chunks and buckets each of many tasks at once gets at least, so that all end at about the same time."""

WORTH_A_TASK = 1_000_000
"""Lines below which spreading them costs more than it gains."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the work is cut up. It never changes the answer.

    Attributes
    ----------
    chunks
        What each map task reads.
    block
        Bytes of CSV taken at once where one file is longer.
    bucket_bits
        The exchange has ``2 ** bucket_bits`` buckets.
    bucket_bytes
        A bucket that takes more memory is reduced in slices.
    disk
        Bytes the exchange will take, about.
    """

    chunks: tuple[tuple[Piece, ...], ...]
    block: int
    bucket_bits: int
    bucket_bytes: int
    disk: int

    @property
    def buckets(self) -> int:
        """Number of buckets."""
        return 1 << self.bucket_bits

    def slices(self, lines: int, heads: int) -> int:
        """Return in how many slices a bucket of so many lines in so many stretches is reduced."""
        return max(1, math.ceil((lines * BUCKET_LINE + heads * BUCKET_HEAD) / self.bucket_bytes))

    def describe(self) -> str:
        """Say the plan in one line."""
        return (
            f"Plan: {len(self.chunks):,} chunk{'s' * (len(self.chunks) != 1)}, "
            f"{self.buckets:,} bucket{'s' * (self.buckets != 1)}, {size(self.disk)} of temporary disk"
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Plan:
        """Return the plan that `dataclasses.asdict` made plain values of."""
        chunks = tuple(tuple(Piece(*piece) for piece in chunk) for chunk in stored["chunks"])
        return cls(**{**stored, "chunks": chunks})


def make_plan(sources: Sequence[Source], *, resources: Resources, chunk_size: int | None) -> Plan:
    """Cut the input into chunks and choose the number of buckets.

    Parameters
    ----------
    resources
        Where the tasks will run.
    chunk_size
        Bytes of text input read at once; from the memory there is when None.
    """
    share = resources.spare * 0.8 / resources.tasks
    chunk = chunk_size or int(min(share / CHUNK_LINE * LINE_IN_TEXT, LARGEST_CHUNK))
    chunk = max(chunk, 1 if chunk_size else SMALLEST_CHUNK)
    text = sum(source.text_bytes * source.weight for source in sources)
    lines = sum(source.lines for source in sources)
    heads = sum(source.lines / min(source.stretch, LINES_A_HEAD) for source in sources)
    bucket_lines = share / (BUCKET_LINE + BUCKET_HEAD * heads / max(1, lines))
    if resources.tasks > compute.TASKS:
        even = max(lines / (WAVES * resources.tasks), WORTH_A_TASK)
        chunk = chunk if chunk_size else min(chunk, int(even * LINE_IN_TEXT))
        bucket_lines = min(bucket_lines, even)
    # Somewhat less than fits: hashing spreads customers evenly, but not their lines.
    bits = max(0, math.ceil(math.log2(max(1.0, lines / (bucket_lines * 0.8)))))
    return Plan(
        chunks=tuple(_chunks(sources, chunk)),
        block=chunk_size or int(min(chunk, max(SMALLEST_BLOCK, text / (WAVES * resources.tasks)))),
        bucket_bits=min(bits, MOST_BUCKET_BITS),
        bucket_bytes=int(share),
        disk=int(lines * EXCHANGE_LINE),
    )


def _chunks(sources: Sequence[Source], limit: int) -> Iterator[tuple[Piece, ...]]:
    """Gather small files, cut long Parquet files, leave each long CSV file a chunk of its own."""
    gathered: list[Piece] = []
    size = 0
    for number, source in enumerate(sources):
        for piece, bytes_ in _pieces(number, source, limit):
            if gathered and size + bytes_ > limit:
                yield tuple(gathered)
                gathered, size = [], 0
            gathered.append(piece)
            size += bytes_
    if gathered:
        yield tuple(gathered)


def _pieces(number: int, source: Source, limit: int) -> Iterator[tuple[Piece, int]]:
    if source.rows is None:
        yield Piece(number), int(source.text_bytes * source.weight)
        return
    parts = max(1, math.ceil(source.rows * source.line_bytes / limit))
    edges = [source.rows * part // parts for part in range(parts + 1)]
    for start, end in pairwise(edges):
        yield Piece(number, start, end - start), (end - start) * source.line_bytes

"""A trial: lines from several places of the files, read as a run would read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from custseg.columns import LINE_IN_TEXT, SCALE
from custseg.transactions import quotes, streams
from custseg.transactions.cleaning import FATE_CODES, KEPT
from custseg.transactions.csv_blocks import PLACES, CsvFile
from custseg.transactions.lines import read_lines, without_blank_lines
from custseg.transactions.parquet_files import as_sample
from custseg.transactions.pieces import Batch, Part, Piece, scan_piece
from custseg.transactions.reading import Table
from custseg.transactions.source import HEAD, Source

TRIED = 1 << 24
"""Bytes of text read in all, about: a second or two."""

MOST_FILES = 60

FEWEST_PLACES, MOST_COLUMNS_READ = 3, 2048
"""Places an excerpt of Parquet is from where there are very many columns, and columns read in all."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of one source as they stand.

    Attributes
    ----------
    raw
        Columns ``c0``, ``c1``, … as they stand, and, of CSV, `EXTRA`.
    part
        The same, to be read.
    lines
        Lines that the source has in all, about.
    encoded
        The bytes they come from, where that is CSV.
    """

    source: Source
    raw: pl.DataFrame
    part: Part
    lines: float
    encoded: bytes = b""

    @property
    def is_whole(self) -> bool:
        """Whether these are all lines of the source."""
        return self.lines == self.raw.height

    @property
    def weight(self) -> float:
        """How many lines of the source each of these stands for."""
        return self.lines / max(1, self.raw.height)


@dataclass(frozen=True, slots=True)
class Trial:
    """Lines of one source as they stand, and as they are read.

    Attributes
    ----------
    read
        One row a line of ``excerpt.raw``: the canonical columns, ``product`` as text, ``fate`` (uint8).
    """

    excerpt: Excerpt
    read: pl.DataFrame


def choose_sources(sources: Sequence[Source]) -> list[Source]:
    """Choose sources of every kind, and of each kind from all over the list."""
    kinds: dict[object, list[Source]] = {}
    for source in sources:
        kinds.setdefault(kind_of(source), []).append(source)
    share = max(1, MOST_FILES // max(1, len(kinds)))
    chosen = []
    for alike in kinds.values():
        places = np.unique(np.linspace(0, len(alike) - 1, min(share, len(alike))).astype(int))
        chosen += [alike[place] for place in places]
    return chosen


def kind_of(source: Source) -> tuple[object, ...]:
    """Return what sources share that came out of one program."""
    contents = source.contents
    return (
        contents.format,
        getattr(contents, "dialect", None) and contents.alike,
        source.header,
        source.layout,
    )


def take_excerpt(source: Source, size: int) -> Excerpt:
    """Read lines from several places of a source, `size` bytes in all, about."""
    contents = source.contents
    if isinstance(contents, CsvFile):
        stored, share = contents.excerpt(size)
        marks = contents.dialect.marks
        text = streams.to_utf8(stored, contents.dialect.encoding, marks.eol)
        data = quotes.without_blank_lines(text, marks)
        frame = contents.scan(data)
        raw = frame.collect()
        lines = raw.height if share == 1 else max(raw.height + 1.0, raw.height / share)
        return Excerpt(source, raw, Part(source, frame, (data,)), lines, stored)
    rows = contents.rows if contents.rows is not None else contents.lines
    # Each place has all columns read, a row group of them at least.
    places = max(FEWEST_PLACES, min(PLACES, MOST_COLUMNS_READ // len(contents.header)))
    each = max(1, size // LINE_IN_TEXT // PLACES)
    whole = rows <= each * places
    query = scan_piece(source, Piece(0))
    if not whole:
        starts = np.linspace(0, rows - each, places).astype(int).tolist()
        query = pl.concat([query.slice(start, each) for start in starts])
    found = source.collect(query)
    filled = without_blank_lines(Part(source, found.lazy())).frame.collect()
    raw = filled.select(as_sample(f"c{n}", dtype) for n, dtype in enumerate(contents.dtypes))
    lines = raw.height if whole else max(raw.height + 1.0, rows * raw.height / max(1, found.height))
    return Excerpt(source, raw, Part(source, filled.lazy()), lines)


def read_excerpt(table: Table, excerpt: Excerpt) -> Trial:
    """Read an excerpt as a run would.

    Raises
    ------
    InputError
        A number that nothing shows how to read, a date that speaks against what samples showed.
    """
    part = without_blank_lines(excerpt.part)
    lines = read_lines(table, Batch([part], 0, 0, True))
    heads = lines.heads[lines.stretches()]
    product = excerpt.source.columns.get("product")
    numbers = {name: numbers.whole() for name, numbers in lines.numbers.items()}
    own = pl.DataFrame({"own": lines.fate, "line": lines.line, **numbers})
    # What an invalid line says is not to be counted on.
    said = [pl.when(pl.col("own") != FATE_CODES["invalid"]).then(name).alias(name) for name in numbers]
    read = heads.hstack(own.with_columns(said))
    read = read.with_columns(pl.min_horizontal("fate", "own")).drop("own")
    text = excerpt.raw[f"c{product}"].cast(pl.String).str.strip_chars() if product is not None else None
    return Trial(
        excerpt,
        read.with_columns(
            pl.lit(None, pl.String).alias("product") if text is None else text.alias("product"),
        ),
    )


def other_cells(trial: Trial) -> Iterator[tuple[str, pl.Series]]:
    """Yield the header and the cells, as text, of each column that is not read."""
    source = trial.excerpt.source
    for place in source.others.values():
        yield source.header[place], trial.excerpt.raw[f"c{place}"].cast(pl.String).str.strip_chars()


def mark_duplicates(trials: Sequence[Trial], *, drop: bool) -> list[Trial]:
    """Give repeated lines, as far as excerpts show them, the fate they will have."""
    if not drop or not trials:
        return list(trials)
    names = [name for name in HEAD if all(name in trial.read.columns for trial in trials)]
    keys = [trial.read.select(*names, "line", "fate") for trial in trials]
    together = pl.concat(keys)
    again = (
        together.select(
            pl.struct(*names, "line", "fate").is_first_distinct().not_() & (pl.col("fate") == KEPT)
        )
        .to_series()
        .alias("again")
    )
    found, start = [], 0
    for trial in trials:
        repeated = again.slice(start, trial.read.height)
        start += trial.read.height
        fate = pl.when(repeated).then(pl.lit(FATE_CODES["duplicate"], pl.UInt8)).otherwise("fate")
        found.append(Trial(trial.excerpt, trial.read.with_columns(fate.alias("fate"))))
    return found


def amounts(read: pl.DataFrame) -> pl.Series:
    """Return the amount of each line, in units of money; null where it has none."""
    if "amount" in read.columns:
        amount = pl.col("amount") / SCALE
    elif "unit_price" in read.columns:
        amount = (pl.col("quantity") / SCALE) * (pl.col("unit_price") / SCALE)
    else:
        amount = pl.lit(0.0)
    return read.with_columns(money=amount)["money"]

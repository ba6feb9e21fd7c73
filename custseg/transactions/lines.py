"""Lines: parts of the input read into canonical columns.

Lines of one invoice mostly follow each other, so what they share (customer, invoice and date: the *head*) is
read as it stands and made canonical once a stretch of equal heads, not once a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import LINE_LIMIT, SCALE
from custseg.transactions import cleaning, conditions, quotes
from custseg.transactions.cleaning import FATE_CODES
from custseg.transactions.csv_blocks import CsvFile
from custseg.transactions.excel_sheets import ExcelSheet
from custseg.transactions.heads import clean_heads, head_columns
from custseg.transactions.line_ends import MixedEnds, refuse_mixed_ends
from custseg.transactions.number_proofs import ambiguous_number
from custseg.transactions.numbers import Numbers, count, join, multiply
from custseg.transactions.parquet_files import damaged
from custseg.transactions.pieces import Batch, Part, parsing_numbers, read_with_care
from custseg.transactions.raw_lines import numbers_said, scan_lines
from custseg.transactions.reading import Table
from custseg.transactions.source import Source, Surprise

EXCLUDED, INVALID = FATE_CODES["excluded"], FATE_CODES["invalid"]


class Lines(NamedTuple):
    """Lines, and their heads.

    Attributes
    ----------
    numbers
        Quantity, unit_price and amount, those that are read; 0 where unreadable.
    fate
        Of each line as far as the line itself tells, shape (n_lines,).
    rounded
        How many lines had a number with more decimals than are kept.
    line
        64-bit hash of all compared columns but those of `HEAD`, shape (n_lines,).
    product
        64-bit hash of the product, if asked for, shape (n_lines,).
    heads
        One row a stretch of lines: those columns of `HEAD` that are read, canonical, and ``fate`` (uint8).
    starts
        Line where each stretch starts.
    """

    numbers: dict[str, Numbers]
    fate: NDArray[np.uint8]
    rounded: int
    line: NDArray[np.uint64]
    product: NDArray[np.uint64] | None
    heads: pl.DataFrame
    starts: NDArray[np.int64]

    def stretches(self) -> NDArray[np.int64]:
        """Return the stretch of each line."""
        lengths = np.diff(self.starts, append=len(self.fate))
        return np.repeat(np.arange(len(lengths)), lengths)


def read_lines(table: Table, batch: Batch, *, products: bool = False) -> Lines:
    """Read raw lines into what a line says for itself, and their heads.

    Parameters
    ----------
    products
        Whether to give a 64-bit hash of the product as ``product``; 0 where there is none.

    Raises
    ------
    InputError
        A file is damaged, or has a number that nothing shows how to read.
    """
    by_reading: dict[object, list[Part]] = {}
    for number, part in enumerate(batch.parts):
        types = tuple(
            str(part.source.contents.dtypes[part.source.columns[name]]) for name in head_columns(table)
        )
        source = part.source
        reading = types, source.date_forms, source.date_order, source.date_proved
        alike = reading, "amount" in source.columns, number if table.rules.where else 0
        by_reading.setdefault(alike, []).append(part)
    groups = [_read_alike(table, parts, products=products) for parts in by_reading.values()]
    if len(groups) == 1:
        return groups[0]
    offsets = np.cumsum([0, *(len(group.fate) for group in groups)])
    products_of = [group.product for group in groups if group.product is not None]
    return Lines(
        {name: join([group.numbers[name] for group in groups]) for name in groups[0].numbers},
        np.concatenate([group.fate for group in groups]),
        sum(group.rounded for group in groups),
        np.concatenate([group.line for group in groups]),
        np.concatenate(products_of) if products_of else None,
        pl.concat(group.heads for group in groups),
        np.concatenate([group.starts + offset for group, offset in zip(groups, offsets, strict=False)]),
    )


def _read_alike(table: Table, parts: Sequence[Part], *, products: bool) -> Lines:
    """Read parts whose heads are read in one way."""
    parts = [parsing_numbers(part) for part in parts]
    found = _collect_plain(table, parts, products=products)
    if found is None or (found.frame["unread"].any() and not all(part.source.careful for part in parts)):
        # What the fast reading cannot read may still be a number: the thorough one reads the rest the same.
        parts = [read_with_care(part) for part in parts]
        found = _collect(table, parts, products=products)
    if found.frame["broken"].any():
        for part in parts:
            _refuse_mixed_ends(part)
    if found.frame["blank"].any():
        kept = [without_blank_lines(part) for part in parts]
        # A line of separators is blank and stays.
        if any(part is not before for part, before in zip(kept, parts, strict=True)):
            found = _collect(table, kept, products=products)
    frame, raw_heads = found.frame, found.heads.rechunk()
    del found
    if "doubtful" in frame.columns and len(doubtful := frame["doubtful"].drop_nulls()):
        source = next(part.source for part in parts if not part.source.mark)
        raise ambiguous_number(source, doubtful[0], Surprise)
    starts = np.flatnonzero(frame["new"].to_numpy())
    source = parts[0].source
    heads = clean_heads(table, raw_heads, source)
    lines = _judged(table, source, frame, heads, starts)
    if table.rules.where:
        _leave_out(table, lines, frame, source)
    return lines


def _leave_out(table: Table, lines: Lines, frame: pl.DataFrame, source: Source) -> None:
    """Exclude the lines for which --where does not hold, invalid ones too if it can be told of them."""
    stretch = lines.stretches()
    holds = conditions.holds(table, source, (lines.heads, stretch), frame)
    told = (holds.is_not_null() & ~frame["broken"]).to_numpy()
    readable = (lines.fate > INVALID) & (lines.heads["fate"].to_numpy() != INVALID)[stretch]
    # Null is not known in the line's favour.
    left_out = ~holds.fill_null(False).to_numpy() & (told | readable)
    np.putmask(lines.fate, left_out & (lines.fate > EXCLUDED), EXCLUDED)


def _refuse_mixed_ends(part: Part) -> None:
    """Stop where a record has more cells than the header because it holds several lines."""
    contents = part.source.contents
    if not isinstance(contents, CsvFile):
        return
    marks = contents.dialect.marks
    for number, data in enumerate(part.data):
        try:
            refuse_mixed_ends(data, marks, len(contents.header))
        except MixedEnds as error:
            if not part.origins:
                raise error.located(contents.place) from None
            file, start = part.origins[number]
            line = file.count_lines(start) + data.count(marks.eol, 0, error.start)
            raise error.located(f"{file.place}, line {line:,}") from None


def _judged(
    table: Table, source: Source, frame: pl.DataFrame, heads: pl.DataFrame, starts: NDArray[np.int64]
) -> Lines:
    """Count the numbers of lines, and tell the fate they call for."""
    names = numbers_said(table, source)
    counted = {name: count(frame[name]) for name in names}
    numbers = {name: found for name, (found, _) in counted.items()}
    rounded = np.zeros(frame.height, np.bool_)
    for _, places in counted.values():
        rounded[places] = True
    invalid = [frame["broken"], *(frame[name].is_null() for name in names if frame[name].null_count())]
    if "unit_price" in names and "amount" not in names:
        largest = numbers["quantity"].largest() * numbers["unit_price"].largest()
        # Not exactly the limit, since these are rounded.
        if largest > LINE_LIMIT / 2 * SCALE**2:
            invalid.append((frame["quantity"].cast(pl.Float64) * frame["unit_price"]).abs() > LINE_LIMIT)
    fates = {
        "invalid": [_places(mark) for mark in invalid],
        "excluded": [_places(frame["excluded"])],
        "non_positive": [_not_positive(frame[name], numbers[name]) for name in names],
    }
    if "amount" in table.read and "amount" not in names:
        numbers["amount"] = multiply(numbers["quantity"], numbers["unit_price"])
    return Lines(
        numbers,
        cleaning.line_fate(frame.height, fates),
        int(np.count_nonzero(rounded)),
        frame["line"].to_numpy(),
        frame["product"].to_numpy() if "product" in frame.columns else None,
        heads,
        starts,
    )


def _places(mark: pl.Series) -> NDArray[Any]:
    """Return where there is a mark: mostly there is none."""
    return mark.arg_true().to_numpy() if mark.any() else np.zeros(0, np.int64)


def _not_positive(column: pl.Series, numbers: Numbers) -> NDArray[np.int64]:
    """Return where a number is not above zero: what counts as zero is looked at as it stands."""
    places = np.flatnonzero(numbers.values <= 0)
    kept: NDArray[np.int64] = places[(column[places] <= 0).fill_null(False).to_numpy()]
    return kept


class _Found(NamedTuple):
    """Lines, with ``new`` where a stretch begins, and the heads of the stretches as they stand."""

    frame: pl.DataFrame
    heads: pl.DataFrame


def _collect_plain(table: Table, parts: Sequence[Part], *, products: bool) -> _Found | None:
    """Collect lines whose numbers the scan parses; None where it cannot parse one, or fails otherwise."""
    if not any(part.numbers for part in parts):
        return _collect(table, parts, products=products)
    try:
        return _run(table, parts, products=products)
    except (pl.exceptions.PolarsError, OSError):
        # What is wrong, and in which file, the reading with care finds out.
        return None


def _collect(table: Table, parts: Sequence[Part], *, products: bool) -> _Found:
    try:
        return _run(table, parts, products=products)
    except (pl.exceptions.PolarsError, OSError) as error:
        if len(parts) > 1:
            # Which file it is, Polars does not say.
            for part in parts:
                _collect(table, [part], products=products)
        raise damaged(parts[0].source.contents.place, error) from None


def _run(table: Table, parts: Sequence[Part], *, products: bool) -> _Found:
    frames = [scan_lines(table, part, products=products) for part in parts]
    lines = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]
    names = head_columns(table)
    changes = [pl.col(name).ne_missing(pl.col(name).shift()) for name in names]
    # The first line has none before it; with a null head it would pass for more of the same.
    first = pl.col("blank").shift().is_null()
    lines = lines.with_columns(new=pl.any_horizontal(first, *changes))
    # In one pass: heads that nobody asks for again never come to stand in memory line by line.
    return _Found(*pl.collect_all([lines.drop(names), lines.filter("new").select(names)], engine="streaming"))


def without_blank_lines(part: Part) -> Part:
    """Take out the lines that hold nothing at all; those with separators and no cells stay.

    Of Parquet every row counts: none is there by chance, as below a sheet's last line.
    """
    if isinstance(part.source.contents, CsvFile):
        marks = part.source.contents.dialect.marks
        data = tuple(quotes.without_blank_lines(records, marks) for records in part.data)
        if all(after is before for after, before in zip(data, part.data, strict=True)):
            return part
        return part._replace(frame=part.source.contents.scan(*data, numbers=part.numbers), data=data)
    if isinstance(part.source.contents, ExcelSheet):
        return part._replace(frame=part.frame.filter(~pl.all_horizontal(pl.all().is_null())))
    return part

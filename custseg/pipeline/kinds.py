"""Files alike, and how they are read: what a check shows of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from custseg.columns import FATES, LINE_COLUMNS, SCALE
from custseg.errors import cut
from custseg.pipeline.checked import Kind
from custseg.settings import Settings
from custseg.transactions import trial
from custseg.transactions.cleaning import KEPT
from custseg.transactions.reasons import explain_column, explain_source
from custseg.transactions.source import NUMBERS, Source
from custseg.transactions.trial import Excerpt, Trial

SHOWN_LINES = 3


def describe_kinds(
    sources: Sequence[Source], excerpts: Sequence[Excerpt], trials: Sequence[Trial], settings: Settings
) -> tuple[Kind, ...]:
    """Group sources by kind; of each kind describe the first that was looked at."""
    alike: dict[object, list[Source]] = {}
    for source in sources:
        alike.setdefault(trial.kind_of(source), []).append(source)
    by_source = {id(excerpt.source): excerpt for excerpt in excerpts}
    read = {id(tried.excerpt.source): tried.read for tried in trials}
    kinds = []
    for group in alike.values():
        seen = [by_source[id(source)] for source in group if id(source) in by_source]
        # One that could be read shows more than one that could not.
        excerpt = next((e for e in seen if id(e.source) in read), seen[0] if seen else None)
        source = excerpt.source if excerpt else group[0]
        columns = {
            name: (source.header[source.columns[name]], explain_column(source, name, settings))
            for name in LINE_COLUMNS
            if name in source.columns
        }
        mapped = set(source.columns.values())
        kinds.append(
            Kind(
                places=tuple(member.contents.place for member in group),
                format=source.contents.format,
                text_bytes=sum(member.text_bytes for member in group),
                reasons=tuple(explain_source(excerpt, settings)) if excerpt else (),
                columns=columns,
                unused=tuple(header for place, header in enumerate(source.header) if place not in mapped),
                lines=tuple(_show_lines(excerpt, read.get(id(source)))) if excerpt else (),
            )
        )
    return tuple(kinds)


def _show_lines(excerpt: Excerpt, read: pl.DataFrame | None) -> Iterator[dict[str, Any]]:
    """Yield some lines as they stand and as they are read, of different fates if there are."""
    source, raw = excerpt.source, excerpt.raw
    rows = list(range(min(SHOWN_LINES, raw.height)))
    if read is not None:
        firsts = read.with_row_index("row").group_by("fate").agg(pl.col("row").first()).sort("fate")
        others = [row for fate, row in firsts.iter_rows() if fate != KEPT]
        kept = read.with_row_index("row").filter(pl.col("fate") == KEPT)["row"].head(SHOWN_LINES).to_list()
        rows = sorted([*kept[: max(1, SHOWN_LINES - len(others))], *others][:SHOWN_LINES])
    for row in rows:
        cells = {
            name: {
                "written": cut(raw[f"c{position}"].cast(pl.String)[row] or ""),
                "read": _value(read, name, row),
            }
            for name, position in source.columns.items()
        }
        for name in NUMBERS:
            if read is not None and name in read.columns and name not in cells:
                cells[name] = {"written": None, "read": _value(read, name, row)}
        yield {"cells": cells, "fate": FATES[read["fate"][row]] if read is not None else None}


def _value(read: pl.DataFrame | None, name: str, row: int) -> str | None:
    if read is None or name not in read.columns or read[name][row] is None:
        return None
    value = read[name][row]
    return f"{value / SCALE:.15g}" if name in NUMBERS else str(value)

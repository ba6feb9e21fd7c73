"""Tables for people and for spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import polars as pl

from custseg.report import formats

WRITERS: dict[str, Callable[[Any], str]] = {
    "count": formats.count,
    "number": formats.number,
    "share": formats.share,
    "times": formats.times,
    "month": formats.month,
    "score": lambda value: formats.NONE if value is None else f"{value:.3f}",
    "few": lambda value: "fewer than 10" if value is None else formats.count(value),
    "yes": lambda value: formats.NONE if value is None else "yes" if value else "no",
    "text": lambda value: formats.NONE if value is None else formats.printable(value),
}


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its heading and how its values are written.

    The kind is one of `WRITERS`, ``money``, ``feature`` (as the feature in the row's column ``name``) or
    ``as NAME`` (as the feature called NAME).
    """

    name: str
    label: str
    kind: str = "text"

    @property
    def numeric(self) -> bool:
        """Whether its values stand at the right."""
        return self.kind not in ("text", "month", "yes")

    def write(self, row: Mapping[str, Any], currency: str | None) -> str:
        """Return the value of a row as people write it."""
        value = row[self.name]
        if self.kind == "money":
            return formats.money(value, currency)
        if self.kind == "feature":
            return formats.feature(row["name"], value, currency)
        if self.kind.startswith("as "):
            return formats.feature(self.kind.removeprefix("as "), value, currency)
        return WRITERS[self.kind](value)


def csv_link(table: pl.DataFrame, columns: Sequence[Column]) -> str:
    """Return a data: address that holds the columns of a table as CSV.

    Texts that a spreadsheet would run as a formula begin with an apostrophe.
    """
    texts = [c.name for c in columns if table.schema[c.name] == pl.String]
    safe = table.select(c.name for c in columns).with_columns(
        pl.when(pl.col(name).str.contains(r"^\s*[=+\-@]"))
        .then("'" + pl.col(name))
        .otherwise(name)
        .alias(name)
        for name in texts
    )
    return "data:text/csv;charset=utf-8," + quote(safe.write_csv(), safe=",:;/?@$!*()_.-~")

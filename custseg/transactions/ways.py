"""Ways of writing: what was found out about files, said in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from custseg.transactions.csv_blocks import CsvFile
from custseg.transactions.date_orders import ORDERS
from custseg.transactions.layouts import describe_layout
from custseg.transactions.numerals import COMMA
from custseg.transactions.source import Source
from custseg.transactions.streams import UNKNOWN


def say_ways(sources: Sequence[Source]) -> list[str]:
    """Say what was found out about how files are written, where it is not the plainest way."""
    ways: dict[str, int] = {}
    for source in sources:
        for way in _ways(source):
            ways[way] = ways.get(way, 0) + 1
    return [f"{count:,} of {len(sources):,} files: {way}." for way, count in ways.items()]


def _ways(source: Source) -> list[str]:
    ways = []
    if isinstance(source.contents, CsvFile):
        dialect = source.contents.dialect
        if dialect.encoding != UNKNOWN:
            ways.append(f"encoding {dialect.encoding}")
        if dialect.separator != ",":
            ways.append(f"separator {dialect.separator!r}")
    if source.layout:
        ways.append(f"layout of {describe_layout(source.layout, source.header)}")
    if source.mark == COMMA:
        ways.append("decimal comma")
    if source.date_order:
        ways.append(ORDERS[source.date_order])
    return ways

"""Lists of customers for a mailing tool, one a segment."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import ExitStack

import polars as pl

from custseg.running import outputs, places
from custseg.running.places import AnyPath
from custseg.segments.table import FORMULA, harmless

LONGEST = 50
"""Letters of a segment's name in a file name: also in UTF-8 well below a file system's 255 bytes."""

PLAIN_NUMBER = r"^[+-]?\d+([.,]\d+)?$"


def write_lists(
    folder: AnyPath, parts: Sequence[AnyPath], *, numbers: Sequence[int], names: Sequence[str]
) -> None:
    """Write each segment's customer ids as CSV, one column.

    Parameters
    ----------
    folder
        Where the lists go; made here.
    parts
        The customers' Parquet files; one is in memory at a time.
    numbers, names
        Of the segments, which the files are called by: ``1-high-value.csv``.
    """
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        files = {}
        for number, name in zip(numbers, names, strict=True):
            path = stack.enter_context(outputs.whole(folder / list_name(number, name)))
            files[number] = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            files[number].write("customer_id\n")
        for part in parts:
            table = places.scan_parquet([part]).select("customer_id", "segment_id").collect()
            for (number,), own in table.group_by("segment_id", maintain_order=True):
                ids = own["customer_id"]
                for place in _dangerous(ids):
                    ids[place] = harmless(ids[place])
                csv.writer(files[number], lineterminator="\n").writerows([text] for text in ids)


def list_name(number: int, name: str) -> str:
    """Return a file name that every system takes: the number, and the letters and digits of the name."""
    words = re.sub(r"[\W_]+", "-", name.lower()).strip("-")[:LONGEST].rstrip("-")
    return f"{number}-{words}.csv" if words else f"{number}.csv"


def _dangerous(ids: pl.Series) -> list[int]:
    """Return the places of ids that a spreadsheet would run; a number is only a number."""
    suspect = ids.str.contains(FORMULA) & ~ids.str.contains(PLAIN_NUMBER)
    return suspect.arg_true().to_list()

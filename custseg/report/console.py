"""The summary for a terminal: what was read, the segments, and where to look next."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from collections.abc import Mapping
from typing import Any

from custseg.report import formats
from custseg.running.places import AnyPath

WIDTH, NARROW = 110, 60
MOST_SEGMENTS = 12
"""More rows would push the rest off a screen of 24 lines; segments.csv has them all."""


def write_summary(record: Mapping[str, Any], folder: AnyPath) -> str:
    """Return a summary that fits one screen.

    Parameters
    ----------
    record
        What ``run.json`` holds.
    folder
        The output folder.
    """
    ledger = record["ledger"]
    lost = {fate: lines for fate, lines in ledger.items() if fate not in ("rows_read", "kept") and lines}
    lines = [
        f"{ledger['rows_read']:,} lines read, {ledger['kept']:,} kept, {record['customers']:,} customers",
    ]
    if lost:
        left_out = ", ".join(f"{fate.replace('_', ' ')} {count:,}" for fate, count in lost.items())
        lines.append(f"Left out: {left_out}")
    if skipped := record["inputs"].get("skipped"):
        whole = record["inputs"]["files"] + len(skipped)
        lines.append(
            f"Files that cannot be read and were left out: {len(skipped):,} of {whole:,}, such as "
            f"{formats.printable(skipped[0]['path'])}"
        )
    lines += ["", *_table(record), ""]
    selection = record.get("k_selection")
    if selection:
        reason = f"Why {selection['chosen']}: {selection['reason']} Structure: {selection['verdict']}."
        width = min(WIDTH, max(NARROW, shutil.get_terminal_size((WIDTH, 0)).columns))
        lines += [*textwrap.wrap(reason, width), "", f"Report:    {folder / 'report.html'}"]
    else:
        lines.append(f"Segments:  {folder / 'segments.csv'}")
    lines.append(f"Customers: {folder / 'customers'}")
    if selection:
        lines.append("Next:      open the report in a browser. New customers into the same segments:")
        lines.append(f"           custseg assign NEW-SALES --model {shlex.quote(str(folder))} -o newcomers")
    return "\n".join(lines)


def _table(record: Mapping[str, Any]) -> list[str]:
    currency = record["settings"]["currency"]["value"]
    clustered = [feature for feature in record["features"] if feature["clustered"]]
    head = ["", "Segment", "Customers", "Share", "Of spend"]
    head += [f"{feature['label']}*" for feature in clustered]
    rows = [head]
    for segment in record["segments"][:MOST_SEGMENTS]:
        row = [str(segment["id"]), formats.printable(segment["name"]), formats.count(segment["customers"])]
        row += [formats.share(segment["share"]), formats.share(segment["spend_share"])]
        row += [
            formats.feature(feature["name"], segment["medians"].get(feature["name"]), currency)
            for feature in clustered
        ]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    texts = []
    for row in rows:
        cells = [
            cell.ljust(width) if column == 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        texts.append("  ".join(cells).rstrip())
    texts.insert(1, "  ".join("─" * width for width in widths))
    more = len(record["segments"]) - MOST_SEGMENTS
    return [*texts, f"… and {more} more in segments.csv. * median" if more > 0 else "* median"]

"""The table of segments, one row each: for run.json and, flat, for segments.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from custseg.running import outputs
from custseg.segments.naming import describe_segment
from custseg.segments.nearest import Floats
from custseg.segments.profile import Profile

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins with one of these for a formula."""


def segment_records(
    profile: Profile, names: Sequence[str], centres: Floats, *, clustered: Sequence[str], currency: str | None
) -> list[dict[str, Any]]:
    """Return the ``segments`` part of run.json.

    Parameters
    ----------
    profile
        The segments in the order of their numbers.
    names
        Of the segments, in that order.
    centres
        Of the segments in original units, ``(k, n_features)``.
    clustered
        The features that the columns of `centres` are.
    currency
        Put before amounts of money when known.
    """
    return [
        {
            "id": segment.segment_id,
            "name": name,
            "customers": segment.customers,
            "share": segment.share,
            "spend": segment.spend,
            "spend_share": segment.spend_share,
            "rule": describe_segment(segment, currency=currency),
            "medians": segment.medians,
            "means": segment.means,
            "centre": dict(zip(clustered, centre.tolist(), strict=True)),
        }
        for segment, name, centre in zip(profile.segments, names, centres, strict=True)
    ]


def write_segments(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write segments.csv: medians as columns of their own, texts a spreadsheet would run quoted."""
    rows = [
        {
            "segment_id": record["id"],
            "segment": _harmless(record["name"]),
            **{key: record[key] for key in ("customers", "share", "spend", "spend_share")},
            **{f"median_{name}": value for name, value in record["medians"].items()},
            "rule": _harmless(record["rule"]),
        }
        for record in records
    ]
    outputs.write_text(path, pl.DataFrame(rows, infer_schema_length=None).write_csv())


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(RUN_BY_SPREADSHEETS) else text

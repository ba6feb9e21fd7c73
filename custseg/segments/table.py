"""The table of segments, one row each: for run.json and, flat, for segments.csv."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from custseg.running import outputs
from custseg.running.places import AnyPath
from custseg.segments.model import Model
from custseg.segments.naming import describe_segment
from custseg.segments.profile import Profile, SegmentProfile
from custseg.segments.rules import SegmentRule, count_rules

FORMULA = r"^[=+\-@\t\r]"
"""A spreadsheet takes a text that begins so for a formula."""


def describe_segments(
    customers: pl.LazyFrame, profile: Profile, model: Model, path: AnyPath, *, currency: str | None
) -> list[dict[str, Any]]:
    """Write segments.csv and return the ``segments`` part of run.json.

    Parameters
    ----------
    customers
        One row a customer, with ``segment_id``.
    profile
        The segments in the order of their numbers.
    model
        Their names, centres and rules.
    path
        Of segments.csv.
    currency
        Put before amounts of money when known.
    """
    rules = count_rules(customers, model.rules, numbers=model.numbers)
    centres = model.scaling.invert(model.centres)
    records = [
        {
            "id": segment.segment_id,
            "name": name,
            "customers": segment.customers,
            "share": segment.share,
            "spend": segment.spend,
            "spend_share": segment.spend_share,
            "rule": describe_segment(segment, currency=currency),
            "if_then": rule.to_record(),
            "medians": segment.medians,
            "means": segment.means,
            "quantiles": segment.quantiles,
            "centre": dict(zip(model.features, centre.tolist(), strict=True)),
        }
        for segment, name, centre, rule in zip(profile.segments, model.names, centres, rules, strict=True)
    ]
    _write(path, records, rules)
    return records


def _write(path: AnyPath, records: Sequence[Mapping[str, Any]], rules: Sequence[SegmentRule]) -> None:
    """Write segments.csv: medians as columns of their own, texts a spreadsheet would run quoted."""
    rows = [
        {
            "segment_id": record["id"],
            "segment": harmless(record["name"]),
            **{key: record[key] for key in ("customers", "share", "spend", "spend_share")},
            **{f"median_{name}": value for name, value in record["medians"].items()},
            "rule": harmless(record["rule"]),
            "if_then": harmless(rule.sentence()),
        }
        for record, rule in zip(records, rules, strict=True)
    ]
    outputs.write_text(path, pl.DataFrame(rows, infer_schema_length=None).write_csv())


def say_again(record: Mapping[str, Any], *, currency: str | None) -> str:
    """Return the rule of a segment, from its record, with another currency."""
    known = {key: record[key] for key in ("customers", "share", "spend", "spend_share", "medians", "means")}
    return describe_segment(SegmentProfile(segment_id=record["id"], **known), currency=currency)


def harmless(text: str) -> str:
    """Return a text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if re.match(FORMULA, text) else text

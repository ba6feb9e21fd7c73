"""The words around the charts: headline, cards of the segments, small print."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from custseg.columns import FEATURES
from custseg.report import formats, sentences
from custseg.report.cells import Column
from custseg.report.tables import FEWEST, Record, segment_labels, shown_features, tiny_segments

SHOWN = 5
"""Files named of those that were left out; run.json has all of them."""

STAGES = {
    "find": "Finding the files",
    "exchange": "Reading and cleaning",
    "features": "Customer features",
    "matrix": "Scaling",
    "choose_k": "Choosing k",
    "label": "Labelling",
    "outputs": "Describing segments",
}


def facts(record: Record) -> str:
    """Return how much this is made from, in one sentence."""
    customers, lines = record["customers"], record["ledger"]["kept"]
    number = len(record["segments"])
    text = f"{formats.plural(customers, 'customer')} in {formats.plural(number, 'segment')}, from "
    text += f"{formats.plural(lines, 'line')} of sales"
    first, last = (formats.date(record["inputs"].get(key)) for key in ("first_date", "last_date"))
    if first == formats.NONE:
        return f"{text}."
    return f"{text} on {first}." if first == last else f"{text} between {first} and {last}."


def footer(record: Record) -> str:
    """Return who made this and when."""
    made = f"Made by custseg {formats.printable(record.get('custseg', ''))}"
    return f"{made} on {formats.date(record['created'])}." if record.get("created") else f"{made}."


def cards(record: Record, currency: str | None, *, small_cells: bool) -> list[dict[str, Any]]:
    """Return what stands on the card of each segment."""
    labels = segment_labels(record)
    before = {s["id"]: s for s in (record.get("previous") or {}).get("segments", [])}
    names = shown_features(record)[:6]
    made = []
    for segment in _guarded(record, small_cells=small_cells):
        medians, share = segment.get("medians", {}), segment.get("spend_share")
        made.append(
            {
                "id": segment["id"],
                "tone": (segment["id"] - 1) % 10 + 1,
                "name": formats.printable(segment["name"]),
                "label": labels[segment["id"]],
                "rule": _sentence(_short(segment.get("rule") or "", currency)),
                "customers": formats.count(segment["customers"]),
                "share": formats.share(segment["share"]),
                "spend": "" if segment.get("spend") is None else formats.money(segment["spend"], currency),
                "spend_share": "" if share is None else formats.share(share),
                "medians": [
                    (FEATURES[name].label, formats.feature(name, medians[name], currency))
                    for name in names
                    if medians.get(name) is not None
                ],
                "change": _change(segment, before, small_cells=small_cells) if before else "",
            }
        )
    return made


def _guarded(record: Record, *, small_cells: bool) -> list[Record]:
    """Return the segments in order, those of few customers without what would tell of single ones."""
    tiny = tiny_segments(record, small_cells=small_cells)
    hidden: dict[str, Any] = dict.fromkeys(("spend", "spend_share", "if_then")) | {"medians": {}}
    hidden["rule"] = f"Fewer than {FEWEST} customers: too few to describe"
    return [
        {**segment, **hidden} if segment["id"] in tiny and segment["customers"] else segment
        for segment in sorted(record["segments"], key=lambda s: s["id"])
    ]


def _short(rule: str, currency: str | None) -> str:
    """Return a rule without the shares, which a card says in large figures, and with the currency's sign."""
    sign = formats.SYMBOLS.get((currency or "").upper())
    typical = rule.partition(": ")[0]
    return typical.replace(f"{currency} ", sign) if sign else typical


def _sentence(text: str) -> str:
    """Return a rule as a sentence: a capital first, a full stop last."""
    text = formats.printable(text)
    return text[:1].upper() + text[1:] + ("" if not text or text[-1] in ".!?" else ".")


def _change(segment: Record, before: dict[int, Any], *, small_cells: bool) -> str:
    """Return what changed since the previous run."""
    old = before.get(segment["id"])
    if old is None:
        return "New since the previous run."
    text = f"Previous run: {formats.plural(old['customers'], 'customer')}"
    if old.get("share") is not None:
        text += f" ({formats.share(old['share'])})"
    if old.get("spend_share") is not None and (small_cells or old["customers"] >= FEWEST):
        text += f", {formats.share(old['spend_share'])} of spend"
    return f"{text}."


def segment_table(record: Record, *, small_cells: bool) -> tuple[pl.DataFrame, list[Column]]:
    """Return all segments as one table: sizes, medians, rules."""
    labels, names = segment_labels(record), shown_features(record)
    rows = []
    for segment in _guarded(record, small_cells=small_cells):
        medians, if_then = segment.get("medians", {}), segment.get("if_then") or {}
        rows.append(
            {
                "segment": labels[segment["id"]],
                **{key: segment.get(key) for key in ("customers", "share", "spend", "spend_share")},
                **{f"median_{name}": medians.get(name) for name in names},
                "rule": _sentence(segment.get("rule") or ""),
                "if_then": formats.printable(if_then.get("text") or ""),
                "if_then_holds_for": if_then.get("covered"),
                "if_then_right": if_then.get("right"),
            }
        )
    columns = [
        Column("segment", "Segment"),
        Column("customers", "Customers", "count"),
        Column("share", "Share of customers", "share"),
        Column("spend", "Spend", "money"),
        Column("spend_share", "Share of spend", "share"),
        *(Column(f"median_{name}", f"{FEATURES[name].label}, median", f"as {name}") for name in names),
        Column("rule", "In words"),
        Column("if_then", "If-then rule"),
        Column("if_then_holds_for", "Customers it holds for", "count"),
        Column("if_then_right", "Of them in the segment", "count"),
    ]
    known = [c for c in columns if any(row[c.name] not in (None, "") for row in rows)]
    numbers = [c.name for c in columns if c.kind not in ("text", "count")]
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(numbers, pl.Float64)), known


def small_print(record: Record, *, small_cells: bool) -> list[dict[str, Any]]:
    """Return what an analyst wants to know: inputs, method, settings, time, versions."""
    groups = [
        ("Input", _inputs(record)),
        ("Method", _method(record, small_cells=small_cells)),
        ("Since the previous run", _previous(record.get("previous") or {})),
        ("Settings", _settings(record)),
        ("Time and memory", _costs(record)),
        ("Versions", [(name, str(text)) for name, text in (record.get("versions") or {}).items()]),
    ]
    return [
        {"heading": heading, "rows": [(key, formats.printable(text)) for key, text in rows if text]}
        for heading, rows in groups
        if any(text for _, text in rows)
    ]


def _inputs(record: Record) -> list[tuple[str, str]]:
    inputs = record.get("inputs") or {}
    paths = inputs.get("paths") or []
    files = inputs.get("files") or len(paths)
    more = f" and {formats.count(files - len(paths))} more" if files > len(paths) else ""
    columns = inputs.get("columns") or {}
    skipped = [f"{file['path']}: {file['problem'].rstrip('.')}" for file in inputs.get("skipped") or []]
    unread = f"{formats.plural(len(skipped), 'file')} that cannot be read: {'; '.join(skipped[:SHOWN])}"
    return [
        ("Files", f"{formats.count(files)}, {formats.size(inputs.get('bytes'))}"),
        ("Paths", ", ".join(map(str, paths)) + more),
        ("Columns", "; ".join(f"{name} from {', '.join(map(str, of))}" for name, of in columns.items())),
        ("Derived", "; ".join(map(str, inputs.get("derived") or []))),
        ("Left out", (unread + ("; …" if len(skipped) > SHOWN else "")) if skipped else ""),
        ("Notes", "; ".join(map(str, inputs.get("notes") or []))),
        ("Recency counted to", formats.date(record.get("as_of")) if record.get("as_of") else ""),
    ]


def _method(record: Record, *, small_cells: bool) -> list[tuple[str, str]]:
    choice = record["k_selection"]
    clustered = [FEATURES[f["name"]].label for f in record["features"] if f.get("clustered")]
    sampled = choice.get("silhouette_sampled")
    exact = choice.get("silhouette_exact")
    basis = "measured on all customers" if exact else f"measured on a sample of {formats.count(sampled)}"
    hidden = (
        f"What stands for fewer than {FEWEST} customers is left out: tiles, cells, months, and all but the "
        "size of a segment. Now and then it can be worked out from what stands beside it."
    )
    return [
        ("Clustered on", ", ".join(clustered)),
        ("Choice of k", sentences.choice(record)),
        ("Silhouette", basis if sampled or exact else ""),
        ("Small groups", "Groups of any size are shown." if small_cells else hidden),
    ]


def _previous(previous: Record) -> list[tuple[str, str]]:
    """Return what became of an earlier run's customers and settings."""
    shares = {"stayed": previous.get("stayed_share")}
    counts = {
        "in_both": "In both runs",
        "stayed": "Of them in the same segment",
        "new": "Not in the previous run",
        "gone": "Not in this run",
    }
    rows = [("Previous run", formats.date(previous["created"]) if previous.get("created") else "")]
    for key, label in counts.items():
        if previous.get(key) is not None:
            part = f" ({formats.share(shares[key])})" if shares.get(key) is not None else ""
            rows.append((label, f"{formats.plural(previous[key], 'customer')}{part}"))
    return [
        *rows,
        ("Settings that differ", "; ".join(map(str, previous.get("changed_settings") or []))),
        ("Advice", str(previous.get("advice") or "")),
    ]


def _settings(record: Record) -> list[tuple[str, str]]:
    rows = []
    for name, setting in (record.get("settings") or {}).items():
        value = setting.get("value")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if value not in (None, [], {}, ""):
            rows.append((name, f"{text} ({setting.get('source', 'default')})"))
    return rows


def _costs(record: Record) -> list[tuple[str, str]]:
    seconds = record.get("seconds") or {}
    # Its own time the report cannot know, and drawn again it shall be the same.
    known = [(name, value) for name, value in seconds.items() if name != "report"]
    rows = [(STAGES.get(name, name), formats.seconds(value)) for name, value in known]
    memory = record.get("peak_memory_bytes")
    return [*rows, ("Peak memory", formats.size(memory) if memory else "")]

"""What each chart shows here, in one sentence made from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from custseg.columns import FEATURES
from custseg.report import formats
from custseg.report.tables import FEWEST, Record, tiny_segments
from custseg.segments.selection import below_zero

LITTLE = 0.05
"""Share of spend below which a segment is not named among those that bring half of it."""

VERDICTS = {
    "clear": "The customers fall into clearly separate groups.",
    "weak": "The groups overlap: they are a useful way to divide the customers, not separate kinds of them.",
    "none": "There is no sign of separate groups: the segments cut one crowd into pieces.",
}


def names(items: Sequence[str]) -> str:
    """Join names as a sentence does: A, B and C."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def name(segment: Mapping[str, Any]) -> str:
    """Return the printable name of a segment."""
    return formats.printable(segment["name"])


def bare(label: str) -> str:
    """Return the name of a segment without the number before it."""
    return label.partition(" ")[2] or label


def top(record: Record, *, small_cells: bool = False) -> list[Mapping[str, Any]]:
    """Return the fewest of the most valuable segments that together bring half of the spend.

    Where the last of them holds most of the customers, only those before it: that most bring most says
    nothing. Those too small to describe are passed over where there is a half without them: what they bring
    could be told from the sum.
    """
    tiny = tiny_segments(record, small_cells=small_cells)
    segments = sorted(record["segments"], key=lambda s: s["id"])
    described = [s for s in segments if s["id"] not in tiny]
    among = described if _brought(described) >= 0.5 else segments
    fewest = next((n for n in range(1, len(among)) if _brought(among[:n]) >= 0.5), len(among))
    chosen = among[: fewest - 1] if fewest > 1 and among[fewest - 1]["share"] >= 0.5 else among[:fewest]
    # A few customers with a large mean bring little together: not whom the sentence is about.
    worth = [s for s in chosen if _brought([s]) >= LITTLE]
    return worth if _brought(worth) >= 0.5 else chosen


def _brought(segments: Sequence[Mapping[str, Any]]) -> float:
    """Return the share of spend of some segments."""
    return sum(s.get("spend_share") or 0 for s in segments)


def _of_size(segments: Sequence[Mapping[str, Any]], customers: int, which: str, much: str) -> str:
    """Name the segments of so many customers, which are the largest or the smallest."""
    those = [name(s) for s in segments if s["customers"] == customers]
    if len(those) == len(segments):
        return f"The segments are of one size: each has {much}."
    if len(those) > 1:
        return f"The {which} segments, {names(those)}, have {much} each."
    return f"The {which} segment, {those[0]}, has {much}."


def headline(record: Record, *, small_cells: bool = False) -> str:
    """Return the one sentence that matters."""
    segments = record["segments"]
    if any(s.get("spend_share") is None for s in segments):
        most = max(s["customers"] for s in segments)
        part = formats.share(most / sum(s["customers"] for s in segments))
        return _of_size(segments, most, "largest", f"{part} of customers")
    best = top(record, small_cells=small_cells)
    held, brought = sum(s["share"] for s in best), _brought(best)
    tiny = tiny_segments(record, small_cells=small_cells)
    if any(s["id"] in tiny for s in best):  # Their shares would tell of single ones.
        few = [s for s in segments if s["id"] in tiny]
        if sum(s["customers"] for s in few) < FEWEST:
            return f"Fewer than {FEWEST} customers bring half of the spend or more."
        part = formats.share(sum(s["share"] for s in few))
        return f"{part} of customers, in very small segments, bring half of the spend or more."
    if brought > 1:
        most = f"{formats.share(held)} of customers bring all of the spend"
        return f"{most}; the others sent back more than they kept."
    return f"{formats.share(held)} of customers bring {formats.share(brought)} of spend."


def sizes(record: Record, *, small_cells: bool = False) -> str:
    """Say who brings most, and who is many but brings little."""
    segments = sorted(record["segments"], key=lambda s: s["id"])
    if any(s.get("spend_share") is None for s in segments):
        least = min(s["customers"] for s in segments)
        return _of_size(segments, least, "smallest", formats.plural(least, "customer"))
    best = top(record, small_cells=small_cells)
    held, brought = sum(s["share"] for s in best), _brought(best)
    tiny = tiny_segments(record, small_cells=small_cells)
    if any(s["id"] in tiny for s in best):
        return headline(record, small_cells=small_cells)
    many = max(segments, key=lambda s: -1 if s["id"] in tiny else s["share"] - s["spend_share"])
    text = (
        f"{names([name(s) for s in best])}: {formats.share(held)} of customers, "
        f"{formats.share(brought)} of spend."
    )
    if many["share"] <= many["spend_share"] or many in best:
        return text
    return (
        f"{text[:-1]}; {name(many)}: {formats.share(many['share'])} of customers, "
        f"{formats.share(many['spend_share'])} of spend."
    )


def profiles(table: pl.DataFrame, currency: str | None = None) -> str:
    """Name the largest difference from the typical customer."""
    # Where one of the two is 0 no ratio says how much: the largest in the first such feature.
    apart = table.filter(pl.col("median") != pl.col("all_customers"), pl.col("ratio").fill_null(0) == 0)
    far = apart.filter(pl.col("name") == pl.col("name").first()).sort(
        (pl.col("median") - pl.col("all_customers")).abs(), descending=True, maintain_order=True
    )
    for row in far.head(1).iter_rows(named=True):
        middle = formats.feature(row["name"], row["all_customers"], currency)
        return (
            f"The largest difference is in {row['feature'].lower()}: the median of {bare(row['segment'])} is "
            f"{row['text']}, that of all customers {middle}."
        )
    known = table.filter(pl.col("ratio") > 0).sort(pl.col("ratio").log().abs(), descending=True)
    if known.is_empty() or known["ratio"][0] == 1:
        return "No segment's median differs from that of all customers."
    most = known.row(0, named=True)
    ratio = most["ratio"]
    part = f"{formats.factor(ratio)} times" if ratio > 1 else f"{formats.share(ratio)} of"
    return (
        f"The largest difference is in {most['feature'].lower()}: the median of {bare(most['segment'])}, "
        f"{most['text']}, is {part} that of all customers."
    )


def choice(record: Record) -> str:
    """Give the reason the record states, and the verdict on structure."""
    selection = record["k_selection"]
    reason = formats.printable(selection.get("reason") or f"{selection['chosen']} segments were asked for.")
    # As the page writes them: neither k = 3 nor 2 % broken at the end of a line.
    reason = reason.replace(" = ", "\u00a0=\u00a0").replace(" %", f"{formats.SPACE}%")
    verdict = VERDICTS.get(selection.get("verdict") or "", "")
    if selection.get("auto") not in (None, selection["chosen"]) and "itself" not in reason:
        reason += f" Left to itself, custseg would have taken {selection['auto']}."
    return f"{reason} {verdict}".strip()


def silhouettes(table: pl.DataFrame, record: Record) -> str:
    """Name the best and the least separated segment and the share of doubtful customers."""
    parts = table.group_by("segment", maintain_order=True).agg(
        pl.col("mean", "below_zero", "customers").first()
    )
    best, worst = (parts.sort("mean", descending=down).row(0, named=True) for down in (True, False))
    # Of the small segments too, which have no row in the table.
    every = [part for part in record["k_selection"]["silhouette_by_segment"] if part["quantiles"]]
    doubted = sum(below_zero(part) * part["customers"] for part in every)
    below = doubted / sum(part["customers"] for part in every)
    sampled = record["k_selection"].get("silhouette_sampled")
    exact = record["k_selection"].get("silhouette_exact")
    basis = "all customers" if exact else f"a sample of {formats.plural(sampled or 0, 'customer')}"
    compare = (
        f"{bare(best['segment'])} hangs together best ({best['mean']:.2f}), {bare(worst['segment'])} least "
        f"({worst['mean']:.2f}); "
        if best["segment"] != worst["segment"]
        else ""
    )
    doubtful = f"{formats.share(below)} of customers lie" if below else "no customer lies"
    text = f"{compare}{doubtful} nearer to another segment (measured on {basis})."
    return text if compare else text[:1].upper() + text[1:]


def ledger(record: Record) -> str:
    """Say how many lines were kept and what took most of the others."""
    lines = record["ledger"]
    read, kept = lines["rows_read"], lines["kept"]
    lost = {fate: n for fate, n in lines.items() if fate not in ("rows_read", "kept") and n}
    part = formats.share(kept / max(1, read))
    text = f"{formats.count(kept)} of {formats.plural(read, 'line')} ({part}) were kept"
    if not lost:
        return f"{text}: none was lost."
    worst, others = max(lost, key=lambda fate: lost[fate]), sum(lost.values())
    reasons = {
        "missing_customer": "had no customer id",
        "excluded": "were left out by the settings",
        "invalid": "could not be read",
        "cancelled": "were cancellations",
        "non_positive": "had a quantity or price not above zero",
        "duplicate": "repeated an earlier line",
    }
    if 2 * lost[worst] > others:
        return f"{text}; most of the others, {formats.count(lost[worst])}, {reasons[worst]}."
    return f"{text}; of the {formats.count(others)} others, {formats.count(lost[worst])} {reasons[worst]}."


def customer_map(table: pl.DataFrame, record: Record) -> str:
    """Say how many customers the map shows."""
    seen, everyone = int(table["customers"].sum()), record["customers"]
    if seen >= everyone:
        return f"All {formats.plural(everyone, 'customer')} are on the map."
    return (
        f"The map shows {formats.count(seen)} of {formats.plural(everyone, 'customer')}; the others are in "
        f"places with fewer than {FEWEST} of a segment, which are not drawn."
    )


def recency_frequency(table: pl.DataFrame, record: Record, *, small_cells: bool) -> str:
    """Name the fullest cell and the share of customers that bought once; `table` holds all cells."""
    full = table.sort("customers", descending=True).row(0, named=True)
    once = int(table.filter(pl.col("purchases_step") == 0)["customers"].sum())
    part = formats.share(once / max(1, record["customers"])) + " of customers"
    if 0 < once < FEWEST and not small_cells:
        part = f"Fewer than {FEWEST} customers"
    purchases = _beyond(full["purchases"])
    count = formats.plural(full["customers"], "customer")
    return (
        f"{part} bought once; the fullest cell holds {count} with "
        f"{purchases} purchase{'s' if purchases != '1' else ''}, the last {_beyond(full['recency'])} days "
        "ago."
    )


def _beyond(step: str) -> str:
    """Return a step as a sentence says it: 366+ is more than 365."""
    return f"more than {int(step[:-1]) - 1}" if step.endswith("+") else step


def strips(table: pl.DataFrame, currency: str | None = None) -> str:
    """Compare the middle halves of the first and the last segment in the first feature."""
    feature = table["name"][0]
    label = FEATURES[feature].label.lower()
    part = table.filter(pl.col("name") == feature)
    first, last = part.row(0, named=True), part.row(-1, named=True)
    if first["segment"] == last["segment"]:
        return f"There is one segment to show for {label}."
    apart = first["p25"] > last["p75"] or last["p25"] > first["p75"]

    def half(row: Mapping[str, Any]) -> str:
        low, high = (formats.feature(feature, row[end], currency) for end in ("p25", "p75"))
        return low if low == high else f"{low} to {high}"

    return (
        f"In {label}, the middle half of {bare(first['segment'])} is {half(first)}, "
        f"that of {bare(last['segment'])} {half(last)}: they {'do not overlap' if apart else 'overlap'}."
    )


def monthly(whole: pl.DataFrame, shown: pl.DataFrame, measure: str, currency: str | None) -> str:
    """Name the strongest of the months shown, by all its customers."""
    months = whole.join(shown, on="month", how="semi").group_by("month")
    total = months.agg(pl.col(measure).sum()).sort([measure, "month"], descending=True)
    best = total.row(0, named=True)
    month = formats.month(best["month"])
    if measure == "spend":
        return f"The strongest month was {month}, with a spend of {formats.money(best[measure], currency)}."
    return f"The strongest month was {month}, with {formats.plural(best[measure], 'purchase')}."


def migration(record: Record) -> str:
    """Say how many customers stayed where they were."""
    moves = record["previous"]["migration"]
    both = [m for m in moves if m["from_id"] is not None and m["to_id"] is not None]
    known = sum(m["customers"] for m in both)
    stayed = sum(m["customers"] for m in both if m["from_id"] == m["to_id"])
    new = sum(m["customers"] for m in moves if m["from_id"] is None)
    text = (
        f"{formats.share(stayed / max(1, known))} of the {formats.plural(known, 'customer')} seen before are "
        f"still in their segment; {formats.plural(new, 'customer')} {'was' if new == 1 else 'were'} not in "
        "the previous run."
    )
    if not known:
        text = "No customer is in both runs."
    advice = record["previous"].get("advice") if record["previous"].get("choose_again") else None
    return f"{text} {formats.printable(advice)}" if advice else text

"""What a run would come to, estimated from a trial: ledger, customers, memory, disk and time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from custseg.columns import FATES, LINE_IN_TEXT
from custseg.customers.plan import BUCKET_LINE, CHUNK_LINE, EXCHANGE_LINE, Plan
from custseg.running.compute import PROGRAM, Resources
from custseg.transactions.cleaning import KEPT
from custseg.transactions.source import HEAD, Source
from custseg.transactions.trial import Trial, amounts

READ_SECONDS = {"csv": 1.0e-6, "parquet": 0.6e-6, "excel": 6e-6}
"""Seconds a line takes from its file to its customer, on two cores."""

START_SECONDS, DRAW_SECONDS = 3.0, 6.0
CHOICE_SECONDS = 30.0
"""Seconds the choice of k takes with `CHOICE_CUSTOMERS` customers; it grows with their square up to there."""
CHOICE_CUSTOMERS = 20_000
CUSTOMER_SECONDS = 6e-6

CUSTOMER_BYTES = 250
"""Bytes a customer takes in features, matrix and result."""
REPORT_BYTES = 20_000_000
CHOICE_MEMORY = 450_000_000
"""Resident bytes of the program while it chooses k."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a run would come to.

    Attributes
    ----------
    lines
        Lines by fate, and ``rows_read``.
    money
        Money by fate.
    customers
        Likely number, and the range it is in with little doubt.
    exact
        Whether every line was looked at.
    first, last
        First and last date seen; None without dates.
    plan, resources
        How the work would be cut up, and what it would be done with; None where that cannot be said.
    memory, disk, seconds
        What it would take.
    """

    looked_at: int
    lines: dict[str, int]
    money: dict[str, float]
    customers: tuple[int, int, int]
    exact: bool
    first: str | None
    last: str | None
    plan: Plan | None
    resources: Resources | None
    memory: int
    disk: int
    seconds: float

    def to_record(self) -> dict[str, Any]:
        """Return it as plain values."""
        likely, least, most = self.customers
        plan = self.plan
        return {
            "lines_looked_at": self.looked_at,
            "exact": self.exact,
            "ledger": self.lines,
            "ledger_amount": self.money,
            "customers": {"likely": likely, "least": least, "most": most},
            "first_date": self.first,
            "last_date": self.last,
            "chunks": len(plan.chunks) if plan else None,
            "buckets": plan.buckets if plan else None,
            "memory_limit_bytes": self.resources.memory if self.resources else None,
            "memory_bytes": self.memory,
            "disk_bytes": self.disk,
            "seconds": round(self.seconds, 1),
        }


def estimate(
    trials: Sequence[Trial], sources: Sequence[Source], plan: Plan | None, resources: Resources | None
) -> Estimate:
    """Estimate what a run over all sources would come to.

    Parameters
    ----------
    trials
        Lines of some of the sources.
    sources
        All of them.
    """
    together = pl.concat([_lines(trial) for trial in trials])
    seen = {id(trial.excerpt.source) for trial in trials}
    tried = sum(trial.excerpt.lines for trial in trials)
    text = sum(trial.excerpt.source.text_bytes for trial in trials)
    # Sources that were not looked at are taken to be as those that were.
    rest = sum(source.text_bytes for source in sources if id(source) not in seen)
    more = 1 + rest / text if text else 1.0
    exact = not rest and all(trial.excerpt.is_whole for trial in trials)
    fates = together.group_by("fate").agg(pl.col("weight").sum(), (pl.col("money") * pl.col("weight")).sum())
    lines, money = dict.fromkeys(FATES, 0), dict.fromkeys(FATES, 0.0)
    for fate, weight, amount in fates.iter_rows():
        lines[FATES[fate]], money[FATES[fate]] = round(weight * more), round(amount * more, 2)
    kept = together.filter(pl.col("fate") == KEPT)
    customers = count_customers(kept, 1.0 if exact else max(1.0, tried * more / max(1, together.height)))
    dates = (
        kept["invoice_date"].drop_nulls() if "invoice_date" in kept.columns else pl.Series([], dtype=pl.Date)
    )
    first, last = (str(dates.min()), str(dates.max())) if len(dates) else (None, None)
    memory, disk, seconds = _costs(sources, lines, customers[0], plan, resources)
    return Estimate(
        looked_at=together.height,
        lines={"rows_read": sum(lines.values()), **lines},
        money=money,
        customers=customers,
        exact=exact,
        first=first,
        last=last,
        plan=plan,
        resources=resources,
        memory=memory,
        disk=disk,
        seconds=seconds,
    )


def _lines(trial: Trial) -> pl.DataFrame:
    names = [name for name in HEAD if name in trial.read.columns]
    return trial.read.select(
        *names,
        "fate",
        amounts(trial.read).cast(pl.Float64).fill_null(0).alias("money"),
        pl.lit(trial.excerpt.weight).alias("weight"),
    )


def count_customers(kept: pl.DataFrame, times: float) -> tuple[int, int, int]:
    """Estimate how many customers all lines have, from some: the likely number, the least, the most.

    Least is what was seen, most if each customer seen with one invoice stands for as many as its lines do.
    Likely is the larger of two estimates: of Chao (1984), those seen and f₁² / 2 f₂ more, with f₁ and f₂ the
    customers seen with one and two invoices; and of Charikar et al. (2000), those seen with one invoice
    counted √times. All hold as far as the lines looked at are like the others.
    """
    names = ["customer_id", *[n for n in ("invoice", "invoice_date") if n in kept.columns][:1]]
    seen = kept.select(names).unique().group_by("customer_id").len()["len"]
    found = len(seen)
    if times <= 1 or not found:
        return found, found, found
    once, twice = int((seen == 1).sum()), int((seen == 2).sum())
    most = found + round((times - 1) * once)
    chao = found + (once * once / (2 * twice) if twice else once * (once - 1) / 2)
    charikar = found + (math.sqrt(times) - 1) * once
    return min(most, round(max(chao, charikar))), found, most


def _costs(
    sources: Sequence[Source],
    lines: Mapping[str, int],
    customers: int,
    plan: Plan | None,
    resources: Resources | None,
) -> tuple[int, int, float]:
    """Return bytes of memory, bytes of disk and seconds."""
    text = sum(source.text_bytes for source in sources) or 1
    shares = dict.fromkeys(READ_SECONDS, 0.0)
    for source in sources:
        shares[source.contents.format] += source.text_bytes / text
    seconds = sum(READ_SECONDS[kind] * share for kind, share in shares.items()) * sum(lines.values())
    choice = CHOICE_SECONDS * min(1.0, customers / CHOICE_CUSTOMERS) ** 2
    seconds += START_SECONDS + choice + customers * CUSTOMER_SECONDS + DRAW_SECONDS
    disk = lines["kept"] * EXCHANGE_LINE + customers * CUSTOMER_BYTES + REPORT_BYTES
    if plan is None or resources is None:
        return 0, disk, seconds
    chunk = min(plan.block, text) / LINE_IN_TEXT * CHUNK_LINE
    bucket = min(plan.bucket_bytes, lines["kept"] / plan.buckets * BUCKET_LINE)
    memory = max(CHOICE_MEMORY, PROGRAM + resources.tasks * max(chunk, bucket))
    return int(min(resources.memory, memory)), disk, seconds

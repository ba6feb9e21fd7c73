"""The fate of every line, and the few columns that kept lines carry on.

Each line has exactly one fate, the first of `columns.FATES` that applies. Only ``duplicate`` cannot be
told here: it needs all lines of a customer in one place (`customers.exchange`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_, xor

import polars as pl

from custseg.columns import FATES, SCALE
from custseg.errors import InputError, cut
from custseg.transactions import values

FATE_CODES = {fate: code for code, fate in enumerate(FATES)}
KEPT = FATE_CODES["kept"]
CANCELLATION_MARK = "C"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Which lines count, as the settings say it."""

    since: dt.date | None = None
    until: dt.date | None = None
    exclude_product: tuple[str, ...] = ()
    where: str | None = None


@dataclass(slots=True)
class Ledger:
    """Lines and money by fate; money in ten-thousandths, as Python's unbounded whole numbers."""

    lines: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FATES, 0))
    money: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FATES, 0))
    rounded: int = 0

    def add(self, other: Ledger) -> None:
        """Take another ledger in."""
        for fate in FATES:
            self.lines[fate] += other.lines[fate]
            self.money[fate] += other.money[fate]
        self.rounded += other.rounded

    def move(self, lines: int, money: int, *, source: str, target: str) -> None:
        """Give lines another fate than the one first told."""
        for amounts, moved in ((self.lines, lines), (self.money, money)):
            amounts[source] -= moved
            amounts[target] += moved

    @property
    def rows_read(self) -> int:
        """All lines: the sum over the fates."""
        return sum(self.lines.values())

    def to_record(self) -> dict[str, dict[str, int | float]]:
        """Return the ``ledger`` and ``ledger_amount`` of run.json."""
        money = {"rows_read": sum(self.money.values())} | self.money
        return {
            "ledger": {"rows_read": self.rows_read, **self.lines},
            "ledger_amount": {fate: amount / SCALE for fate, amount in money.items()},
        }


def fate(read: Sequence[str], excluded: pl.Expr | None, needed: Sequence[str]) -> pl.Expr:
    """Return the code of each line's fate, given its canonical columns.

    Parameters
    ----------
    read
        The canonical columns that the input has.
    excluded
        Whether a line is excluded by the rules.
    needed
        The canonical columns whose empty or unreadable cell makes a line invalid.
    """
    tests: list[tuple[str, pl.Expr]] = [("missing_customer", pl.col("customer_id").is_null())]
    if needed:
        tests.append(("invalid", reduce(or_, (pl.col(name).is_null() for name in needed))))
    if excluded is not None:
        tests.append(("excluded", excluded))
    if "invoice" in read:
        tests.append(("cancelled", pl.col("invoice").cast(pl.String).str.starts_with(CANCELLATION_MARK)))
    signed = [name for name in ("quantity", "unit_price", "amount") if name in read]
    if signed:
        tests.append(("non_positive", reduce(or_, (pl.col(name) <= 0 for name in signed))))
    code = pl.lit(KEPT, pl.UInt8)
    for name, test in reversed(tests):
        code = pl.when(test).then(pl.lit(FATE_CODES[name], pl.UInt8)).otherwise(code)
    return code


def excluded(rules: Rules) -> pl.Expr | None:
    """Return whether the rules exclude a line; None when they exclude none."""
    tests = []
    if rules.since:
        tests.append(pl.col("invoice_date").dt.date() < rules.since)
    if rules.until:
        tests.append(pl.col("invoice_date").dt.date() > rules.until)
    if rules.exclude_product:
        pattern = "|".join(f"(?:{expression})" for expression in rules.exclude_product)
        tests.append(pl.col("product").str.contains(pattern).fill_null(False))
    if rules.where:
        # Where the condition is null nothing is known in the line's favour.
        tests.append(~where_expression(rules.where).fill_null(False))
    return reduce(or_, tests) if tests else None


def where_expression(where: str) -> pl.Expr:
    """Read an SQL condition.

    Raises
    ------
    InputError
        It is no condition Polars understands.
    """
    try:
        return pl.sql_expr(where)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            "bad-where",
            f"--where is no SQL condition: {cut(error)}.",
            where=cut(where),
            now="Write it as in WHERE, for example \"Country = 'France'\".",
        ) from None


def money(has_amount: bool, has_price: bool) -> pl.Expr:
    """Return the amount of a line in ten-thousandths; 0 where it cannot be told."""
    if has_amount:
        return values.scaled(pl.col("amount")).fill_null(0)
    if has_price:
        return line_amount(values.scaled(pl.col("quantity")), values.scaled(pl.col("unit_price"))).fill_null(
            0
        )
    return pl.lit(0, pl.Int64)


def line_amount(quantity: pl.Expr, unit_price: pl.Expr) -> pl.Expr:
    """Multiply two columns of ten-thousandths to ten-thousandths.

    In doubles: exact below 2⁵³ ten-thousandths, and the same everywhere in the same order of steps.
    """
    return (quantity.cast(pl.Float64) * unit_price.cast(pl.Float64) / SCALE).round().cast(pl.Int64)


def line_hash(columns: Sequence[tuple[int, pl.Expr]]) -> pl.Expr:
    """Combine the columns of a line into 64 bits, each column hashed with a seed of its own.

    With one seed for all, equal values in two columns would cancel out.
    """
    return reduce(xor, (column.hash(seed) for seed, column in columns), pl.lit(0, pl.UInt64))


def count_fates(lines: pl.DataFrame) -> Ledger:
    """Count the lines and add up the money (columns ``fate`` and ``money``) by fate."""
    # Int128: a chunk of the largest amounts would overflow 64 bits.
    sums = lines.group_by("fate").agg(lines=pl.len(), money=pl.col("money").cast(pl.Int128).sum())
    ledger = Ledger()
    for code, count, amount in sums.iter_rows():
        ledger.lines[FATES[code]] += count
        ledger.money[FATES[code]] += amount
    return ledger

"""The fate of every line, and the few columns that kept lines carry on.

Each line has exactly one fate, the first of `columns.FATES` that applies. Only ``duplicate`` cannot be
told here: it needs all lines of a customer in one place (`customers.exchange`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_, xor
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from custseg.columns import FATES, SCALE
from custseg.errors import InputError, cut

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


def head_fate(columns: Sequence[str], rules: Rules) -> pl.Expr:
    """Return the code of the first fate that customer, invoice and date call for.

    Parameters
    ----------
    columns
        Those of customer_id, invoice and invoice_date that there are, in their canonical types.
    """
    tests = [("missing_customer", pl.col("customer_id").is_null())]
    tests += [("invalid", pl.col(name).is_null()) for name in columns if name != "customer_id"]
    if rules.since:
        tests.append(("excluded", pl.col("invoice_date").dt.date() < rules.since))
    if rules.until:
        tests.append(("excluded", pl.col("invoice_date").dt.date() > rules.until))
    if "invoice" in columns:
        tests.append(("cancelled", pl.col("invoice").str.starts_with(CANCELLATION_MARK)))
    return _first(tests)


def product_excluded(rules: Rules) -> pl.Expr:
    """Tell whether the rules exclude a line for its product; of a ``broken`` one it may be another's cell."""
    if not rules.exclude_product:
        return pl.lit(False)
    pattern = "|".join(f"(?:{expression})" for expression in rules.exclude_product)
    return pl.col("product").str.strip_chars().str.contains(pattern).fill_null(False) & ~pl.col("broken")


def line_fate(lines: int, places: Mapping[str, Sequence[NDArray[Any]]]) -> NDArray[np.uint8]:
    """Return the code of the first fate that lines call for, apart from their heads.

    Codes rise in the order of precedence, so a line's fate is the smaller of this and its head's.

    Parameters
    ----------
    lines
        How many there are.
    places
        Which lines call for a fate, an array for each reason there is.

    Returns
    -------
    ndarray of uint8, shape (n_lines,)
    """
    fate = np.full(lines, KEPT, np.uint8)
    for name in reversed(FATES):
        for here in places.get(name, ()):
            fate[here] = FATE_CODES[name]
    return fate


def _first(tests: Sequence[tuple[str, pl.Expr]]) -> pl.Expr:
    code = pl.lit(KEPT, pl.UInt8)
    for fate in reversed(FATES):
        here = [test for name, test in tests if name == fate]
        if here:
            code = pl.when(reduce(or_, here)).then(pl.lit(FATE_CODES[fate], pl.UInt8)).otherwise(code)
    return code


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
        raise bad_where(where, error) from None


def bad_where(where: str, error: Exception) -> InputError:
    """Return the error for a condition that cannot be used."""
    return InputError(
        "bad-where",
        f"--where is no condition on these columns: {cut(str(error).partition('This error occurred')[0])}.",
        where=cut(where),
        now="Write it as in SQL, for example \"Country = 'France'\"; a date as date('2025-01-31').",
    )


def line_hash(columns: Sequence[tuple[int, pl.Expr]]) -> pl.Expr:
    """Combine the columns of a line into 64 bits, each column hashed with a seed of its own.

    With one seed for all, equal values in two columns would cancel out.
    """
    hashes = [column.hash(seed) for seed, column in columns]
    while len(hashes) > 1:
        # Two and two: a chain of a thousand columns takes Polars seconds to plan.
        hashes = [reduce(xor, hashes[place : place + 2]) for place in range(0, len(hashes), 2)]
    return hashes[0]

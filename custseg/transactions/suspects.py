"""Suspects: what reads without a fault and may still not be what it seems.

Nothing here changes an answer. Each finding says what was seen and the flag that would act on it; whether to
is for the user to decide, who knows the shop.
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from custseg.columns import SCALE
from custseg.errors import cut
from custseg.transactions.charges import exact_pattern, is_charge
from custseg.transactions.cleaning import FATE_CODES, KEPT
from custseg.transactions.guests import FEWEST_CUSTOMERS, find_guests
from custseg.transactions.numerals import currency_of
from custseg.transactions.source import HEAD, NUMBERS
from custseg.transactions.trial import Trial, amounts
from custseg.transactions.words import plain

CURRENCIES = {"currency", "currencycode", "ccy", "curr", "wahrung", "devise", "moneda", "moeda", "valuta"}
COUNTRIES = {"country", "countrycode", "countryname", "land", "pays", "pais", "paese", "kundenland"}
COUNTRIES |= {f"{kind}country" for kind in ("ship", "shipping", "billing", "delivery", "customer")}
NAMES = {"description", "productname", "itemname", "lineitemname", "title", "bezeichnung", "designation"}
NAMES |= {"descripcion", "artikelbezeichnung", "productdescription", "商品名"}

MOST_SHOWN = 12


class Suspect(NamedTuple):
    """Something to look at.

    Attributes
    ----------
    code
        Its short name.
    what
        What was seen.
    flag
        The option that acts on it; empty where none does.
    """

    code: str
    what: str
    flag: str = ""


def find_suspects(trials: Sequence[Trial]) -> list[Suspect]:
    """Look at lines that were read for what may not be what it seems."""
    together = _together(trials)
    if together.is_empty():
        return []
    kept = together.filter(pl.col("fate") == KEPT)
    found = [
        _charges(kept),
        _currencies(trials, kept),
        _countries(kept),
        _guest(kept),
        _order_totals(together),
        _other_amount(trials),
        _missing(together),
        _repeated(together),
        _future(kept),
    ]
    return [suspect for suspect in found if suspect]


def _together(trials: Sequence[Trial]) -> pl.DataFrame:
    """Return the lines of all trials with what the tests need, and the lines of the input each stands for."""
    frames = []
    for trial in trials:
        excerpt = trial.excerpt
        others = {}
        for name, known in (("currency", CURRENCIES), ("country", COUNTRIES), ("name", NAMES)):
            place = next((i for i, text in enumerate(excerpt.source.header) if plain(text) in known), None)
            others[name] = (
                pl.lit(None, pl.String)
                if place is None
                else pl.Series(excerpt.raw[f"c{place}"].cast(pl.String).str.strip_chars())
            )
        heads = [name for name in HEAD if name in trial.read.columns]
        frames.append(
            trial.read.select(
                *heads,
                *(name for name in NUMBERS if name in trial.read.columns),
                "product",
                "fate",
                amounts(trial.read).alias("money"),
                pl.lit(excerpt.weight).alias("weight"),
                **others,
            )
        )
    return pl.concat(frames, how="diagonal") if frames else pl.DataFrame()


def _share(part: pl.DataFrame, whole: pl.DataFrame) -> float:
    return float(part["weight"].sum()) / max(1e-9, float(whole["weight"].sum()))


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def _charges(kept: pl.DataFrame) -> Suspect | None:
    """Find products that look like postage, fees and adjustments."""
    known = (
        kept.filter(pl.col("product") != "")
        .group_by("product")
        .agg(pl.col("name").drop_nulls().mode().sort().first(), pl.col("weight").sum())
        .sort("weight", "product", descending=[True, False])
    )
    coded = known["product"].str.contains(r"\d").mean()
    are_codes = isinstance(coded, float) and coded > 0.8
    found = [
        (code, name)
        for code, name, _ in known.iter_rows()
        if is_charge(code, name or "", are_codes=are_codes)
    ]
    if not found or len(found) > max(min(3, known.height // 2), known.height // 4):
        return None
    lines = kept.filter(pl.col("product").is_in([code for code, _ in found]))
    shown = [f"{code} ({cut(name)})" if name and name != code else code for code, name in found[:MOST_SHOWN]]
    more = f" and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
    return Suspect(
        "charges",
        f"{len(found)} products look like postage, fees or adjustments, in {_percent(_share(lines, kept))} "
        f"of lines: {', '.join(shown)}{more}.",
        "--exclude-product " + shlex.quote(exact_pattern(code for code, _ in found)),
    )


def where_flag(header: str, value: str) -> str:
    """Return the --where that keeps the lines with one value in a column."""
    text = value.replace("'", "''")
    return "--where " + quoted(f"{named(header)} = '{text}'")


def named(header: str) -> str:
    """Return a header as SQL names it."""
    return header if re.fullmatch(r"[A-Za-z_]\w*", header) else '"' + header.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """Quote a word for a shell, with double quotes where single ones would be hard to read."""
    return f'"{text}"' if not re.search(r'["$`\\!]', text) else shlex.quote(text)


def _values(lines: pl.DataFrame, column: str) -> list[tuple[str, float]]:
    """Return the values of a column, the most frequent first, with their shares."""
    there = lines.filter(pl.col(column) != "")
    counts = (
        there.group_by(column).agg(pl.col("weight").sum()).sort("weight", column, descending=[True, False])
    )
    total = max(1e-9, counts["weight"].sum())
    return [(value, weight / total) for value, weight in counts.iter_rows()]


def _header_of(trials: Sequence[Trial], known: set[str]) -> str:
    headers = (text for trial in trials for text in trial.excerpt.source.header if plain(text) in known)
    return next(headers, "")


def _shown(values: Sequence[tuple[str, float]]) -> str:
    texts = [f"{cut(value)} {share:.0%}" for value, share in values[:4]]
    return ", ".join(texts) + (f" and {len(values) - 4} more" if len(values) > 4 else "")


def _currencies(trials: Sequence[Trial], kept: pl.DataFrame) -> Suspect | None:
    values = _values(kept, "currency")
    if len(values) > 1:
        header = _header_of(trials, CURRENCIES)
        return Suspect(
            "currencies",
            f"Column {header} has several currencies, and their amounts would be added up: {_shown(values)}. "
            "Convert them first, or keep one.",
            where_flag(header, values[0][0]),
        )
    signs: dict[str, None] = {}
    for trial in trials:
        source = trial.excerpt.source
        for name in ("unit_price", "amount"):
            if name in source.columns and source.is_text(name):
                cells = trial.excerpt.raw[f"c{source.columns[name]}"].drop_nulls().unique(maintain_order=True)
                signs |= dict.fromkeys(sign for cell in cells if (sign := currency_of(cell)))
    if len(signs) > 1:
        return Suspect(
            "currencies",
            f"The prices have several currencies and would be added up as if one: {', '.join(sorted(signs))}."
            " Convert them first, or run them apart.",
        )
    return None


def _countries(kept: pl.DataFrame) -> Suspect | None:
    values = _values(kept, "country")
    if len(values) < 2:
        return None
    return Suspect("countries", f"Lines come from {len(values)} countries: {_shown(values)}.")


def _guest(kept: pl.DataFrame) -> Suspect | None:
    """Find ids that may stand for all who have none."""
    found = find_guests(_values(kept, "customer_id"))[:MOST_SHOWN]
    if not found:
        return None
    shown = ", ".join(f"'{cut(text)}' has {share:.1%}" for text, share in found)
    listed = ", ".join("'" + text.replace("'", "''") + "'" for text, _ in found)
    return Suspect(
        "guest",
        f"Does one of these ids stand for all who gave none? {shown} of the lines that count.",
        "--where "
        + quoted(f"customer_id <> {listed}" if len(found) == 1 else f"customer_id not in ({listed})"),
    )


def _order_totals(lines: pl.DataFrame) -> Suspect | None:
    """Find amounts that repeat on each line of an invoice: totals of the order, not of the line."""
    if "amount" not in lines.columns or "invoice" not in lines.columns:
        return None
    orders = (
        lines.filter((pl.col("fate") == KEPT) & (pl.col("amount") > 0))
        .group_by("customer_id", "invoice")
        .agg(
            pl.len().alias("lines"),
            pl.col("amount", "product").n_unique(),
            pl.col("product").is_null().all().alias("unnamed"),
        )
        .filter((pl.col("lines") > 1) & (pl.col("unnamed") | (pl.col("product") > 1)))
    )
    if orders.height < FEWEST_CUSTOMERS or (orders["amount"] == 1).mean() < 0.9:  # type: ignore[operator]
        return None
    return Suspect(
        "order-totals",
        "The amount is the same on all lines of nearly every invoice: it may be the total of the order, "
        "which would then count once a line.",
        "--column amount=HEADER of the line's total, or --column amount=- for quantity × unit_price, if any",
    )


def _other_amount(trials: Sequence[Trial]) -> Suspect | None:
    """Find amounts that are not quantity × price."""
    differ = all_ = 0
    for trial in trials:
        if not set(NUMBERS) <= set(trial.excerpt.source.columns) or "amount" not in trial.read.columns:
            continue
        if "unit_price" not in trial.read.columns:
            continue
        lines = trial.read.filter((pl.col("fate") == KEPT) & (pl.col("unit_price") > 0))
        product = pl.col("quantity").cast(pl.Float64) * pl.col("unit_price") / SCALE
        off = (pl.col("amount") - product).abs() > product.abs() * 0.01 + 0.01 * SCALE
        differ, all_ = differ + int(lines.select(off.sum()).item() or 0), all_ + lines.height
    if not all_ or differ / all_ < 0.05:
        return None
    return Suspect(
        "amount-differs",
        f"In {differ / all_:.0%} of lines the amount is not quantity × unit price: discounts or tax, or one "
        "of the three columns is another than it seems.",
    )


def _missing(lines: pl.DataFrame) -> Suspect | None:
    share = _share(lines.filter(pl.col("fate") == FATE_CODES["missing_customer"]), lines)
    if share < 0.5:
        return None
    return Suspect("no-customer", f"{share:.0%} of lines name no customer and will be left out.")


def _repeated(lines: pl.DataFrame) -> Suspect | None:
    share = _share(lines.filter(pl.col("fate") == FATE_CODES["duplicate"]), lines)
    if share < 0.05:
        return None
    return Suspect(
        "repeated",
        f"{share:.0%} of lines repeat another in every column: exports that overlap, or true repeats.",
        "--duplicates keep, if they are true",
    )


def _future(kept: pl.DataFrame) -> Suspect | None:
    if "invoice_date" not in kept.columns:
        return None
    tomorrow = dt.datetime.now() + dt.timedelta(days=1)  # noqa: DTZ005 - dates have no zone here
    late = kept.filter(pl.col("invoice_date") > tomorrow)
    if late.is_empty():
        return None
    last = late["invoice_date"].sort().to_list()[-1]
    return Suspect(
        "future",
        f"{_percent(_share(late, kept))} of lines are dated in the future, up to {last}.",
        f"--until {dt.date.today()}",  # noqa: DTZ011
    )

"""Overlooked: what lines show of columns that are not read, and of ids and invoices that may mislead.

As in `suspects`, nothing here changes an answer: each finding names the option that would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from custseg.errors import cut
from custseg.transactions import dates
from custseg.transactions.cleaning import FATE_CODES, KEPT
from custseg.transactions.guests import FEWEST_CUSTOMERS
from custseg.transactions.suspects import Suspect, quoted
from custseg.transactions.trial import Trial, other_cells
from custseg.transactions.undone import find_undone
from custseg.transactions.words import plain

_TOTAL = r"(?:(?:grand|sub)?[\s-]*total|(?:gesamt)?(?:summe|ergebnis)|somme|totale?s?|suma|razem)"
TOTALS = re.compile(rf"^{_TOTAL}\b|^合計|(?<=\s){_TOTAL}$", re.IGNORECASE)
"""What a line begins or ends with that sums up others; a spreadsheet's subtotal is called ``C001 Total``."""

OTHER_DAYS = re.compile(
    "birth|dob|due|ship|deliver|refund|return|expir|valid|until|updat|modif|cancel|fulfil|sign|regist|join|"
    "member|geburt|liefer|versand|fallig|naissance|livraison"
)
"""What headers of days say that are none of a purchase: such a day is proposed last."""

DISCOUNTS = {"lineitemdiscount", "linediscount", "itemdiscount"}

FEWEST = 5
MOST_SHOWN = 3
LOOKED_AT = 500


def find_overlooked(trials: Sequence[Trial], told: Mapping[str, str]) -> list[Suspect]:
    """Look at lines for what the reading of them passes over.

    Parameters
    ----------
    told
        What the user said of columns: that is not asked again.
    """
    found: dict[str, Suspect] = {}
    for trial in trials:
        for suspect in _in_one(trial, told):
            found.setdefault(suspect.code, suspect)
    for suspect in _without_zeros(trials):
        found.setdefault(suspect.code, suspect)
    return list(found.values())


def _in_one(trial: Trial, told: Mapping[str, str]) -> Iterator[Suspect]:
    dated = _date_columns(trial)
    if dated and not {"invoice_date"} & {*told, *trial.read.columns}:
        header, *further = sorted(dated, key=lambda text: bool(OTHER_DAYS.search(plain(text))))
        others = ", ".join(f"'{cut(text)}'" for text in further[:MOST_SHOWN])
        yield Suspect(
            "date-column",
            f"No column is read as the date, and '{cut(header)}' has dates, such as '{cut(dated[header])}'"
            + (f"; so {'have' if len(further) > 1 else 'has'} {others}." if others else "."),
            "--column " + quoted(f"invoice_date={header}"),
        )
    if not {"invoice"} & {*told, *trial.read.columns} and (header := _invoice_column(trial, dated)):
        yield Suspect(
            "invoice-column",
            f"No column is read as the invoice, and '{cut(header)}' may be it: each value has one customer"
            + (" and one day." if "invoice_date" in trial.read.columns else "."),
            "--column " + quoted(f"invoice={header}"),
        )
    yield from find_undone(trial)
    yield from _discounts(trial)
    yield from _totals(trial.read)
    yield from _further_lines(trial.read)
    if "invoice" in trial.read.columns and "invoice" not in told:
        yield from _cancelled(trial.read)
        yield from _numbered_anew(trial.read)


def _date_columns(trial: Trial) -> dict[str, str]:
    """Return the columns that are not read and have dates, and one date of each."""
    found = {}
    for header, cells in other_cells(trial):
        few = cells.drop_nulls().head(LOOKED_AT).unique(maintain_order=True).to_list()
        texts = [cell for cell in few if cell]
        if texts and all(map(_is_date, texts)):
            found[header] = texts[0]
    return found


def _is_date(text: str) -> bool:
    """Tell whether a cell is a date; a number may be anything, but for eight digits that are a day."""
    if text.isdecimal():
        return bool(re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", text))
    return bool(dates.read_shape(text)) and not re.fullmatch(r"\d*\.?\d*", text)


def _invoice_column(trial: Trial, dated: Mapping[str, str]) -> str:
    """Return the column that divides each customer's lines as purchases do; empty without any."""
    days = ["invoice_date"] if "invoice_date" in trial.read.columns else []
    heads = trial.read.select("customer_id", *days).with_columns(pl.col(days).dt.date())
    best, most = "", 0
    for header, cells in other_cells(trial):
        if header in dated:
            continue
        lines = heads.with_columns(cells.alias("value")).filter(
            pl.col("customer_id").is_not_null() & (pl.col("value") != "")
        )
        groups = lines.group_by("value").agg(
            pl.struct("customer_id", *days).n_unique().alias("heads"), pl.len()
        )
        customers = lines["customer_id"].n_unique()
        if lines.height < trial.read.height * 0.5 or groups.height < max(FEWEST_CUSTOMERS, 1.2 * customers):
            continue
        # As many values as lines are the lines' own numbers.
        if (groups["heads"] == 1).all() and groups.height * 1.2 < lines.height and groups.height > most:
            best, most = header, groups.height
    return best


def _discounts(trial: Trial) -> Iterator[Suspect]:
    """Find discounts of lines whose amount is quantity × price, before them."""
    if "amount" in trial.read.columns or "unit_price" not in trial.read.columns:
        return
    kept = trial.read["fate"] == KEPT
    for header, cells in other_cells(trial):
        if plain(header) not in DISCOUNTS:
            continue
        if lines := int((kept & cells.str.contains("[1-9]").fill_null(False)).sum()):
            yield Suspect(
                "discount",
                f"{lines / kept.sum():.1%} of the lines that count have a discount in column "
                f"'{cut(header)}', which is not subtracted: their amount is quantity × unit price.",
            )


def _totals(read: pl.DataFrame) -> Iterator[Suspect]:
    """Find lines that sum up others and would count as a customer."""
    ids = read.filter(pl.col("fate") == KEPT)["customer_id"].unique(maintain_order=True)
    bad = [
        text
        for text in ids.filter(ids.str.contains(r"(?i)tot|sum|erg|somme|razem|合計"))
        if TOTALS.search(text)
    ]
    if bad:
        yield Suspect(
            "totals",
            f"{len(bad):,} customers are called as totals are, such as '{cut(bad[0])}': lines that sum up "
            "others would count again.",
            "--where " + quoted(" and ".join(dict.fromkeys(map(_is_not, bad)))),
        )


def _is_not(total: str) -> str:
    """Return the condition that an id is not called like a total: it begins, or ends, with another word."""
    found = TOTALS.search(total)
    assert found is not None, "it was found to be one"
    word = found[0].strip().replace("'", "''")
    return f"customer_id not like '{word}%'" if found.start() == 0 else f"customer_id not like '% {word}'"


def _further_lines(read: pl.DataFrame) -> Iterator[Suspect]:
    """Find lines without a customer that belong to an order whose first line names one."""
    without = pl.col("fate") == FATE_CODES["missing_customer"]
    belong = pl.lit(False)
    if "invoice" in read.columns:
        customers = read.filter(~without).group_by("invoice").agg(pl.col("customer_id").n_unique())
        # What many have is no invoice, such as '(not set)'.
        one = customers.filter((pl.col("customer_id") == 1) & pl.col("invoice").is_not_null())
        belong = pl.col("invoice").is_in(one["invoice"].to_list())
    if heads := [name for name in ("invoice", "invoice_date") if name in read.columns]:
        belong = belong.fill_null(False) | pl.all_horizontal(pl.col(heads).is_null())
    lines = read.filter(without)
    further = lines.filter(belong).height
    if further > max(FEWEST, read.height / 100) and further > lines.height / 2:
        yield Suspect(
            "further-lines",
            f"{further / read.height:.0%} of lines name no customer and belong to orders that have one on "
            "another line: they will be left out. Where only the first line of an order names the customer, "
            "fill those cells down before.",
        )


def _cancelled(read: pl.DataFrame) -> Iterator[Suspect]:
    """Find invoices that begin with C and look like purchases all the same."""
    cancelled = read.filter(pl.col("fate") == FATE_CODES["cancelled"])
    numbers = [name for name in ("quantity", "amount") if name in read.columns]
    if not numbers or cancelled.height < FEWEST_CUSTOMERS:
        return
    bought = cancelled.filter(pl.all_horizontal(pl.col(name) > 0 for name in numbers))
    if bought.height > cancelled.height / 2:
        yield Suspect(
            "cancelled",
            f"{cancelled.height / read.height:.0%} of lines count as cancelled, since their invoice begins "
            f"with C, such as '{cut(bought['invoice'][0])}'; but {bought.height / cancelled.height:.0%} of "
            "these have quantities above zero. If they are purchases, write those invoices another way.",
            "--column invoice=- counts one purchase a customer and day"
            if "invoice_date" in read.columns
            else "--column invoice=- counts each line as a purchase",
        )


def _without_zeros(trials: Sequence[Trial]) -> Iterator[Suspect]:
    """Find ids that are there with zeros in front and without: some program took them for numbers."""
    kept = (trial.read.filter(pl.col("fate") == KEPT)["customer_id"].unique() for trial in trials)
    ids = pl.concat([pl.Series("customer_id", [], pl.String), *kept]).unique()
    padded = ids.filter(ids.str.contains(r"^0+[1-9]\d*$"))
    both = padded.filter(padded.str.strip_chars_start("0").is_in(ids.implode())).sort()
    if len(both) > 1:
        yield Suspect(
            "without-zeros",
            f"{len(both):,} of the customers looked at are there with zeros in front and without, as two: "
            f"'{cut(both[0])}' and '{cut(both[0].lstrip('0'))}'. A spreadsheet that keeps ids as numbers may "
            "show zeros that it does not have: write the ids as text.",
        )


def _numbered_anew(read: pl.DataFrame) -> Iterator[Suspect]:
    """Find invoice numbers that several customers have: each till or day begins anew."""
    invoices = (
        read.filter(pl.col("fate") == KEPT)
        .group_by("invoice")
        .agg(pl.col("customer_id").n_unique().alias("customers"))
    )
    shared = invoices.filter(pl.col("customers") > 1)
    if read["customer_id"].n_unique() >= FEWEST_CUSTOMERS and shared.height > invoices.height / 10:
        example = shared.sort("customers", "invoice", descending=[True, False]).row(0)
        yield Suspect(
            "numbered-anew",
            f"{shared.height / invoices.height:.0%} of invoice numbers have several customers: "
            f"'{cut(example[0])}' has {example[1]:,}. If each till or day numbers anew, purchases of a "
            "customer that share a number count as one.",
            "--column invoice=- counts one purchase a customer and day"
            if "invoice_date" in read.columns
            else "",
        )

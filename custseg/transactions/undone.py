"""Undone: lines that say of themselves, in columns that are not read, that nothing was bought."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from custseg.errors import cut
from custseg.transactions.cleaning import KEPT
from custseg.transactions.suspects import Suspect, named, quoted, where_flag
from custseg.transactions.trial import Trial, other_cells

_SAID = (
    r"cancel+ed|voided|refunded|returned|failed|rejected|declined|denied|deleted|unpaid|expired|abandoned|"
    r"chargeback|storniert\w*|abgelehnt\w*|gutschrift\w*|annul\w+|rembours\w+|anulad[oa]|cancelad[oa]|"
    r"devuelt[oa]|geannuleerd|anulowan\w*|キャンセル|返品"
)
SAID = re.compile(rf"(?<!\w)(?:{_SAID})(?!\w)")
"""What is said of an order that came to nothing, also in a few words: ``cancelled by customer``."""

UNDONE = re.compile(
    rf"{_SAID}|cancel(lation)?|void|refunds?|returns?|pending( payment)?|on hold|storn\w*|annul|retour\w*|"
    r"zwrot|iptal|fehlgeschlagen|credit (memo|note)|payment (error|failure)|suspected fraud"
)
"""The same where nothing else is said; in a sentence these words may say anything."""

NOT_SO = re.compile(r"(?<!\w)(?:not?|non|never|partial(ly)?|nicht|kein\w*|teilweise|part|pas|sin|sans)(?!\w)")

MOST_WORDS = 4

FILLERS = {"is", "was", "flag", "ind", "indicator", "yn", "order", "line", "item", "kz", "kennzeichen"}
"""Words of a header that say no more than that it is a sign, or of what."""

FLAGS = {"fksto"}
"""Signs of programs that say so in no language."""

YES = re.compile("true|yes|y|1|x|t|ja|oui|full")

REFUNDED = {"Magento orders": "closed", "Magento order items": "closed"}
"""Words of layouts that mean a refund there."""

LINES = re.compile("(sale|sales|order|invoice|receipt) (line|item)s?")
BOUGHT = re.compile("purchased?|orders?|sales?|sold|buy|bought|transactions?")
NOT_YET = re.compile(
    r"((product|page|item|detail|content) )?(views?|viewed)|pageview|detail|click|impression|search|"
    r"view item( list)?|((add(ed)?|removed?) )?((to|from) )?(cart|basket)|addtocart|(add to )?wishlist|"
    r"favou?rite|(begin )?checkout( started)?|payments?|tender"
)
"""What is recorded beside purchases, and is none."""

FEW = 40
MOST_SHOWN = 8


def find_undone(trial: Trial) -> Iterator[Suspect]:
    """Find lines that are kept and say of themselves that they were cancelled, or no purchase yet."""
    kept = trial.read["fate"] == KEPT
    found = set()
    for header, cells in other_cells(trial):
        values = cells.filter(kept)
        counts = values.drop_nulls().value_counts(sort=True)
        if counts.height > FEW:
            continue
        texts = counts.to_series(0).to_list()
        for suspect in (_undone(trial, header, cells, values, texts), _no_purchases(header, values, texts)):
            if suspect and suspect.code not in found:
                found.add(suspect.code)
                yield suspect


def _words(text: str) -> str:
    """Return the words of a text in small letters, one space between them."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip().removeprefix("wc ")


def is_undone(text: str) -> bool:
    """Tell whether a value says that an order came to nothing."""
    words = _words(text)
    short = words.count(" ") < MOST_WORDS and not NOT_SO.search(words)
    return bool(UNDONE.fullmatch(words) or (short and SAID.search(words)))


def is_flag(header: str) -> bool:
    """Tell whether a header asks if an order came to nothing."""
    words = _words(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)).split()
    left = " ".join(word for word in words if word not in FILLERS)
    return left in FLAGS or bool(UNDONE.fullmatch(left))


def _undone(
    trial: Trial, header: str, cells: pl.Series, values: pl.Series, texts: Sequence[str]
) -> Suspect | None:
    refunded = REFUNDED.get(trial.excerpt.source.layout or "")
    flag = is_flag(header)
    bad = [
        text
        for text in texts
        if is_undone(text) or text.lower() == refunded or (flag and YES.fullmatch(text.lower()))
    ][:MOST_SHOWN]
    if not bad or (len(bad) == len(texts) and not values.null_count()):
        return None
    share = values.is_in(bad).sum() / max(1, len(values))
    shown = ", ".join("'" + text.replace("'", "''") + "'" for text in bad)
    column = named(header)
    condition = f"{column} not in ({shown})"
    if values.null_count():
        condition = f"({column} is null or {condition})"
    said = f"{share:.1%} of the lines that count have {shown} in column '{cut(header)}': were they bought?"
    if len(bad) < len(texts) and _on_first_lines(trial.read, cells, bad):
        said += " It stands on the first line of an order only: leave these orders out of the export."
        return Suspect("undone", said, "")
    return Suspect("undone", said, "--where " + quoted(condition))


def _on_first_lines(read: pl.DataFrame, cells: pl.Series, bad: Sequence[str]) -> bool:
    """Tell whether invoices have lines with such a cell, and lines whose cell is empty."""
    if "invoice" not in read.columns:
        return False
    lines = read.select("invoice").with_columns(cells.alias("cell"))
    invoices = lines.filter(pl.col("cell").is_in(bad))["invoice"]
    of_them = lines.filter(pl.col("invoice").is_in(invoices.unique().to_list()))
    return of_them["cell"].replace("", None).null_count() > 0


def _no_purchases(header: str, values: pl.Series, texts: Sequence[str]) -> Suspect | None:
    """Find a column that tells purchases from what is none: a log of visits, a ledger of payments."""
    lines = [text for text in texts if LINES.fullmatch(_words(text))]
    bought = lines or [text for text in texts if BOUGHT.fullmatch(_words(text))]
    # Beside its lines a sale is their sum.
    others = (NOT_YET, BOUGHT) if lines else (NOT_YET,)
    bad = [text for text in texts if any(other.fullmatch(_words(text)) for other in others)]
    if len(bought) != 1 or not bad:
        return None
    share = values.is_in(bad).sum() / max(1, len(values))
    shown = ", ".join(f"'{cut(text)}'" for text in bad[:MOST_SHOWN])
    return Suspect(
        "no-purchases",
        f"{share:.1%} of the lines that count have {shown} in column '{cut(header)}', beside "
        f"'{cut(bought[0])}': do they count as purchases?",
        where_flag(header, bought[0]),
    )

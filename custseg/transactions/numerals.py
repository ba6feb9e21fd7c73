"""How numbers are written: which sign is the decimal mark is proved from the data, never guessed.

``1,234`` may be one thousand and more, or one and a bit. A mark with other than three digits behind it, a
mark that comes twice, or the last of two marks proves what it is; where nothing does, the user is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import polars as pl

from custseg.transactions.distinct import read_each_once

POINT, COMMA = ".", ","

CODES = (
    "AED|ARS|AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KRW|MXN|MYR|NGN|NOK|NZD|"
    "PEN|PHP|PKR|PLN|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)
CURRENCY = rf"(?:\p{{Sc}}|(?:US|CA|AU|A|C|R|NZ|HK|S|NT)\$|{CODES}|kr\.?|Rs\.?|Rp\.?|RM|zł|Kč|Ft|lei|руб\.?)"
"""A sign or code of a currency, in the language of Polars' regular expressions."""

_SIGNS = "$£€¥₹₽₩₺₴₪₫₦฿¢₱₲₡₸₵"
_PYTHON_CURRENCY = CURRENCY.replace(r"\p{Sc}", f"[{_SIGNS}]")
_BLANK = r"[ \x{a0}\x{202f}\x{2009}]"
_MINUS = r"[-\x{2212}\x{2013}]"
_NO_CENTS = r"[-\x{2013}\x{2014}]{1,2}"
"""What stands for no decimals behind the mark: ``5,-`` and ``5.–`` are five."""

_GROUPS = r"'’ \x{a0}\x{202f}\x{2009}"


def _shape(mark: str) -> str:
    """Return the expression of a number: sign, currency, body, exponent, currency, sign, in parentheses."""
    other = COMMA if mark == POINT else POINT
    body = rf"\d(?:[\d{_GROUPS}{other}]*\d)?(?:\{mark}(?:{_NO_CENTS}|\d*))?|\{mark}\d+"
    money = rf"(?:{CURRENCY}{_BLANK}*)?"
    return (
        rf"^(\()?{_BLANK}*([+]|{_MINUS})?{_BLANK}*{money}([+]|{_MINUS})?{_BLANK}*({body})([eE][-+]?\d+)?"
        rf"{_BLANK}*{CURRENCY}?{_BLANK}*({_MINUS})?(\))?$"
    )


def _body(mark: str) -> str:
    """Return the expression of digits whose groups, if any, are right: 1,234,567 or 12,34,567.

    None begins with a zero: ``0,750`` is less than one, whatever the decimal mark of all others.
    """
    other = COMMA if mark == POINT else POINT
    signs = (rf"\{other}", "['’]", _BLANK)
    groups = [rf"[1-9]\d{{0,2}}(?:{sign}\d{{3}})+" for sign in signs]
    return rf"^(?:\d+|{'|'.join(groups)}|[1-9]\d?(?:\{other}\d\d)+\{other}\d{{3}}|)(?:\{mark}\d*)?$"


def read_number(cell: pl.Expr, mark: str, *, thorough: bool) -> pl.Expr:
    """Read texts as float64; null where they are no number.

    Parameters
    ----------
    mark
        The decimal mark.
    thorough
        Whether to read all that people write: blanks around, thousands marks, currency signs, parentheses or
        a trailing minus for negatives. What is read otherwise is read the same, only faster.
    """
    if not thorough:
        if mark == COMMA:
            swapped = cell.str.replace(COMMA, POINT, literal=True)
            cell = pl.when(~cell.str.contains(POINT, literal=True)).then(swapped)
        return cell.cast(pl.Float64, strict=False)
    # Prices and quantities are few; in a query, each text would be taken apart again.
    read_all = partial(read_each_once, read=partial(_read_thoroughly, mark=mark))
    return cell.map_batches(read_all, return_dtype=pl.Float64(), is_elementwise=True)


def _read_thoroughly(cell: pl.Expr, mark: str) -> pl.Expr:
    parts = [pl.field(str(group)) for group in range(1, 8)]
    body = parts[3].str.replace(rf"{_NO_CENTS}$", "")
    digits = body.str.replace_all(rf"[{_GROUPS}{COMMA if mark == POINT else POINT}]", "")
    digits = digits.str.replace(mark, POINT, literal=True)
    value = (digits + parts[4].fill_null("")).cast(pl.Float64, strict=False)
    is_minus = [parts[i].str.contains(rf"^{_MINUS}").fill_null(False) for i in (1, 2, 5)]
    in_parentheses = parts[0].is_not_null()
    signs = pl.sum_horizontal(
        in_parentheses, parts[1].is_not_null(), parts[2].is_not_null(), parts[5].is_not_null()
    )
    negative = in_parentheses | pl.any_horizontal(is_minus)
    fits = body.str.contains(_body(mark)) & (in_parentheses == parts[6].is_not_null()) & (signs <= 1)
    number = pl.when(fits).then(pl.when(negative).then(-value).otherwise(value)).alias("number")
    # Fields of one struct: as expressions of their own each would take the text apart once more.
    shape = cell.str.strip_chars().str.extract_groups(_shape(mark))
    return shape.struct.with_fields(number).struct.field("number")


_AROUND = r"[-+()\s−–—'’]|"
_EXPONENT = r"(?:[eE][-+]?\d+)?$"


def _proof(mark: str) -> str:
    """Return the expression of numbers, bare of signs and currencies, that prove a decimal mark."""
    other = rf"\{COMMA if mark == POINT else POINT}"
    mark = rf"\{mark}"
    one = rf"(?:\d+{mark}(?:\d{{0,2}}|\d{{4,}})|(?:0\d*|\d{{4,}}){mark}\d+|{mark}\d+){_EXPONENT}"
    indian = rf"[1-9]\d?(?:{other}\d\d)+{other}\d{{3}}"
    grouped = rf"(?:[1-9]\d{{0,2}}(?:{other}\d{{3}})+|{indian})"
    twice = rf"[1-9]\d{{0,2}}(?:{other}\d{{3}}){{2,}}$|^{indian}$"
    return rf"^{one}|^{grouped}{mark}\d*$|^{twice}"


AMBIGUOUS = r"^[1-9]\d{0,2}[.,]\d{3}$"
"""A number, bare of signs, that could have thousands or three decimals."""

_PROOFS = {mark: re.compile(_proof(mark)) for mark in (POINT, COMMA)}
_SIGN_OR_CODE = re.compile(_PYTHON_CURRENCY)
_BARE = re.compile(_AROUND + _PYTHON_CURRENCY)


def proved_mark(text: str) -> str | None:
    """Return the decimal mark a number proves, an empty text if it proves none, None if it has no mark."""
    if POINT not in text and COMMA not in text:
        return None
    bare = _BARE.sub("", text)
    for mark, proof in _PROOFS.items():
        if proof.search(bare):
            return mark
    return "" if re.search(AMBIGUOUS, bare) else None


def currency_of(text: str) -> str:
    """Return the sign or code of a currency in a number; empty where it has none."""
    found = _SIGN_OR_CODE.search(text)
    return found[0] if found else ""


def proofs(cell: pl.Expr) -> dict[str, pl.Expr]:
    """Tell which texts prove each mark and, under ``""``, which have one and prove neither."""
    bare = _bare(cell)
    patterns = {mark: _proof(mark) for mark in (POINT, COMMA)} | {"": AMBIGUOUS}
    return {mark: bare.str.contains(pattern) for mark, pattern in patterns.items()}


def may_speak_against_point(cell: pl.Expr) -> pl.Expr:
    """Tell whether texts prove the decimal comma, or could have thousands or three decimals."""
    return cell.map_batches(_speaking_against_point, return_dtype=pl.Boolean(), is_elementwise=True)


def _speaking_against_point(cells: pl.Series) -> pl.Series:
    has_mark = cells.str.contains("[.,]")
    if not has_mark.any():
        # Where this is asked hardly any cell has one, and to see that takes a third of the time.
        return has_mark
    return cells.to_frame().select(_bare(pl.first()).str.contains(f"{AMBIGUOUS}|{_proof(COMMA)}")).to_series()


def _bare(cell: pl.Expr) -> pl.Expr:
    return cell.str.replace_all(_AROUND + CURRENCY, "")


@dataclass(slots=True)
class MarkEvidence:
    """What the numbers of a file have shown so far of its decimal mark.

    Attributes
    ----------
    seen
        How many texts prove each mark; under ``""`` those that have a mark and prove neither.
    examples
        One text of each.
    """

    seen: dict[str, int]
    examples: dict[str, str]

    @classmethod
    def of(cls, cells: Iterable[str | None]) -> MarkEvidence:
        """Look at texts."""
        evidence = cls({}, {})
        for cell in cells:
            mark = proved_mark(cell) if cell else None
            if mark is not None:
                evidence.add(mark, str(cell))
        return evidence

    def add(self, mark: str, example: str, count: int = 1) -> None:
        """Enter how many texts prove a mark, or neither, and one of them."""
        self.seen[mark] = self.seen.get(mark, 0) + count
        self.examples.setdefault(mark, example.strip())

    @property
    def mark(self) -> str:
        """The decimal mark that is proved; empty when none is, or both are."""
        point, comma = self.seen.get(POINT, 0), self.seen.get(COMMA, 0)
        if min(point, comma) * 100 > max(point, comma):
            return ""
        return "" if point == comma else POINT if point > comma else COMMA

    @property
    def is_contradictory(self) -> bool:
        """Whether both marks are proved, and neither is a rare slip."""
        return not self.mark and bool(self.seen.get(POINT)) and bool(self.seen.get(COMMA))


def needs_care(cells: Iterable[str | None], mark: str) -> bool:
    """Tell whether texts hold more than digits, a sign and the decimal mark: read thoroughly at once."""
    plain = re.compile(rf"[-+]?\d*\{mark or POINT}?\d*(?:[eE][-+]?\d+)?")
    return any(cell and cell.strip() and not plain.fullmatch(cell) for cell in cells)

"""In which order dates have day and month: proved over all files, since no single one can be trusted to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from custseg.errors import InputError, Meet, cut, stop
from custseg.transactions import date_orders, dates
from custseg.transactions.date_orders import DateEvidence
from custseg.transactions.dates import DateForm, DateShape
from custseg.transactions.source import PROOF_BLOCK, Cells, Samples, Source

FEWEST_TURNED = 5
"""Dates, and texts, from which on it is no chance that no date has a day above 12 and every text has."""

MOST_RIGHT = 0.1
"""Share of either that may be otherwise: typed in by hand. Of dates that are right, more than half are."""


def prove_dates(
    sources: Sequence[Source], samples: Samples, told: str | None, *, thorough: bool, meet: Meet = stop
) -> list[Source]:
    """Decide how the dates of each source are read.

    The order of day and month is that which the file itself proves; else that which files like it prove, if
    they all prove the same; else, and if looking through the whole file proves nothing either, that which all
    files prove.

    Parameters
    ----------
    thorough
        Whether to look through all files that samples leave in doubt.

    Raises
    ------
    InputError
        The dates are written in an unknown way, contradict each other, or nothing proves their order.
    """
    dated = [number for number, source in enumerate(sources) if source.is_text("invoice_date")]
    evidence = {number: DateEvidence() for number in dated}
    shapes: dict[int, list[DateShape]] = {}
    packed = date_orders.packed([samples[number]["invoice_date"] for number in dated])
    for number, is_packed in zip(dated, packed, strict=True):
        seen = evidence[number].add(samples[number]["invoice_date"], packed=is_packed)
        shapes[number] = sorted(seen, key=lambda shape: -seen[shape])
        if not told and sources[number].contents.format == "excel":
            _refuse_turned(sources[number], samples[number]["invoice_date"], meet)
        if not told and not seen and evidence[number].unknown:
            meet(_unknown_dates(sources[number], evidence[number].unknown))
    kinds = {number: _kind(sources[number], shapes[number]) for number in dated}
    proved: dict[int, str] = {}
    inherited: dict[int, str] = {}
    if not told:
        proved = _proved_orders(sources, evidence, kinds, meet, thorough=thorough)
        for number, found in evidence.items():
            if not found.possible:
                meet(_contradiction(sources[number], found))
            elif found.example and number not in proved:
                order = _common(proved, kinds, number) or _only(set(proved.values()))
                if order not in found.possible:
                    meet(_unproved_order(sources[number], found))
                inherited[number] = order
    every = dict.fromkeys(shape for number in dated for shape in shapes[number])
    decided = []
    for number, source in enumerate(sources):
        order = date_orders.order_of(told) if told else proved.get(number) or inherited.get(number, "")
        forms = _forms(told, (*shapes.get(number, ()), *every), order)
        final = bool(told) or thorough or number in proved
        decided.append(replace(source, date_order=order, date_forms=forms, date_proved=final))
    return decided


def _forms(told: str | None, shapes: Sequence[DateShape], order: str) -> tuple[DateForm, ...]:
    """Return the ways of writing to try, a file's own first: another's may read the same text otherwise."""
    forms = [DateForm(told)] if told else []
    for shape in shapes:
        form = shape.ordered(order)
        if form and not form.is_rival(forms):
            forms.append(form)
    return tuple(dict.fromkeys(forms))


def _refuse_turned(source: Source, cells: Cells, meet: Meet) -> None:
    """Meet an error for dates of which Excel took day and month for each other.

    It does so with text in the other order than its own: what has a day up to 12 becomes a date, with the
    month in place of the day, and all else stays text.
    """
    texts = [cell.strip() for cell in cells if cell]
    days = [int(found[1]) for text in texts if (found := re.match(r"\d{4}-\d\d-(\d\d)\b", text))]
    left = [text for text in texts if (shape := dates.read_shape(text)) and not shape.is_certain]
    parts = [found.groups() for text in left if (found := re.match(date_orders.PARTS, text))]
    few_right = sum(day > date_orders.LAST_MONTH for day in days) <= MOST_RIGHT * len(days)
    either = sum(not {"dmy", "mdy"} & {*date_orders.refuted(numbers)} for numbers in parts)
    if min(len(days), len(left)) >= FEWEST_TURNED and few_right and either <= MOST_RIGHT * len(left):
        meet(
            InputError(
                "date-order",
                "Excel has taken day and month for each other: what is up to the 12th of a month is a date, "
                f"all else is text, such as '{cut(left[0])}'.",
                where=_place(source, "invoice_date"),
                now="Give the original file; or open that in Excel with this column as text, and save it.",
            )
        )


def _kind(source: Source, shapes: Sequence[DateShape]) -> tuple[object, ...]:
    """Return what files have in common whose dates are written by one program."""
    doubtful = sorted(shape.forms[0][1] for shape in shapes if not shape.is_certain)
    return source.contents.alike[:2], source.header, tuple(doubtful)


def _proved_orders(
    sources: Sequence[Source],
    evidence: Mapping[int, DateEvidence],
    kinds: Mapping[int, object],
    meet: Meet,
    *,
    thorough: bool,
) -> dict[int, str]:
    """Return the order of day, month and year for each source that proves one."""
    proved = {number: seen.order for number, seen in evidence.items() if seen.order}
    for number, seen in evidence.items():
        settled = number in proved or not (seen.example or thorough)
        if not settled and (thorough or not _common(proved, kinds, number)):
            try:
                _look_through(sources[number], seen)
            except InputError as error:
                meet(error)
            proved |= {number: seen.order} if seen.order else {}
    return proved


def _common(proved: Mapping[int, str], kinds: Mapping[int, object], number: int) -> str:
    """Return the order that all files of the same kind prove."""
    return _only({order for other, order in proved.items() if kinds[other] == kinds[number]})


def _only(found: set[str]) -> str:
    return found.pop() if len(found) == 1 else ""


def _look_through(source: Source, evidence: DateEvidence) -> None:
    """Look at every date of a file until its order is proved."""
    cell = pl.col(f"c{source.columns['invoice_date']}").cast(pl.String)
    looks = [cell.filter(cell.str.contains(date_orders.PARTS)).first().alias("example")]
    for order, cannot in date_orders.refutation(cell).items():
        looks += [cannot.sum().alias(f"{order} count"), cell.filter(cannot).first().alias(f"{order} text")]
    # Samples were part of the file: what they showed is counted anew.
    evidence.against = DateEvidence().against
    for frame in source.contents.frames(PROOF_BLOCK):
        seen = source.collect(frame.select(looks)).row(0, named=True)
        evidence.example = evidence.example or (seen["example"] or "").strip()
        for order in date_orders.LIMITS:
            evidence.take(order, seen[f"{order} count"] or 0, (seen[f"{order} text"] or "").strip())
        if evidence.order:
            break


def _place(source: Source, column: str) -> str:
    return f"{source.contents.place}, column {source.header[source.columns[column]]}"


def _unknown_dates(source: Source, text: str) -> InputError:
    return InputError(
        "date-format",
        f"The dates are written in a way custseg does not know: '{cut(text)}'.",
        where=_place(source, "invoice_date"),
        now="Say how: --date-format '%d %b %Y %H:%M'. If these are no dates: --column invoice_date=-.",
    )


def _contradiction(source: Source, evidence: DateEvidence) -> InputError:
    month, day = evidence.against["dmy"][1], evidence.against["mdy"][1]
    return InputError(
        "date-order",
        f"'{cut(day)}' cannot have the month first, nor '{cut(month)}' the day.",
        where=_place(source, "invoice_date"),
        now="Split the file where the format changes, or say which holds: "
        "--date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'; the other dates will be invalid.",
    )


def _unproved_order(source: Source, evidence: DateEvidence) -> InputError:
    text = evidence.example
    readings = [(order, date_orders.in_words(text, order)) for order in evidence.possible]
    shape = dates.read_shape(text)
    forms = dict(shape.forms) if shape else {}
    flags = [f"--date-format '{forms[order].strptime}' ({words})" for order, words in readings]
    return InputError(
        "date-order",
        f"Nothing proves the order of day and month: '{cut(text)}' may be "
        f"{' or '.join(words for _, words in readings)}.",
        where=_place(source, "invoice_date"),
        now="Say which: " + " or ".join(flags) + ".",
    )

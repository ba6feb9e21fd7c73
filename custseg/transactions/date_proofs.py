"""In which order dates have day and month: proved over all files, since no single one can be trusted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from custseg.errors import InputError, cut
from custseg.transactions import dates
from custseg.transactions.dates import DateEvidence, DateForm, DateShape
from custseg.transactions.source import PROOF_BLOCK, Samples, Source


def prove_dates(sources: Sequence[Source], samples: Samples, told: str | None) -> list[Source]:
    """Decide how the dates of each source are read.

    The order of day and month is that which the file itself proves; else that which files with the same
    header prove, if they all prove the same; else that which all files prove. Where samples prove nothing
    anywhere, files are looked through to the first proof.

    Raises
    ------
    InputError
        The dates are written in an unknown way, contradict each other, or nothing proves their order.
    """
    if told:
        forms = DateForm(told), *_certain_forms(_all_shapes(sources, samples))
        return [replace(source, date_order=dates.order_of(told), date_forms=forms) for source in sources]
    evidence = {}
    shapes: dict[DateShape, None] = {}
    for number, source in enumerate(sources):
        if source.is_text("invoice_date"):
            evidence[number] = DateEvidence()
            seen = evidence[number].add(samples[number]["invoice_date"])
            if not seen and evidence[number].unknown:
                raise _unknown_dates(source, evidence[number].unknown)
            shapes |= dict.fromkeys(sorted(seen, key=lambda shape: -seen[shape]))
    orders = _orders(sources, evidence)
    proved = []
    for number, source in enumerate(sources):
        order = orders.get(number, "")
        forms = tuple(dict.fromkeys(form for shape in shapes if (form := shape.ordered(order)) is not None))
        proved.append(replace(source, date_order=order, date_forms=forms))
    return proved


def _orders(sources: Sequence[Source], evidence: Mapping[int, DateEvidence]) -> dict[int, str]:
    """Return the order of day, month and year for each source whose dates need one."""
    doubtful = {number for number, seen in evidence.items() if seen.example}
    for number in sorted(doubtful):
        if evidence[number].possible == ():
            raise _contradiction(sources[number], evidence[number])
    proved = {number: evidence[number].order for number in doubtful if evidence[number].order}
    open_ = sorted(doubtful - set(proved))
    for number in open_:
        if not _inherited(sources, evidence, proved, number):
            order = _look_through_dates(sources[number], evidence[number])
            proved |= {number: order} if order else {}
    orders = dict(proved)
    for number in open_:
        if number not in proved:
            orders[number] = _inherited(sources, evidence, proved, number)
            if not orders[number]:
                raise _unproved_order(sources[number], evidence[number])
    return orders


def _inherited(
    sources: Sequence[Source], evidence: Mapping[int, DateEvidence], proved: Mapping[int, str], number: int
) -> str:
    """Return the order that all files like this one prove; else the one all files prove; else nothing."""
    alike = {order for n, order in proved.items() if sources[n].header == sources[number].header}
    found = alike or set(proved.values())
    order = found.pop() if len(found) == 1 else ""
    return order if order in evidence[number].possible else ""


def _look_through_dates(source: Source, evidence: DateEvidence) -> str:
    """Look at every date of a file until one proves the order; return it."""
    cell = pl.col(f"c{source.columns['invoice_date']}")
    parts = cell.str.extract_groups(dates.PARTS).struct
    largest = [parts[i].cast(pl.Int64, strict=False).max().alias(str(i)) for i in range(3)]
    for frame in source.contents.frames(PROOF_BLOCK):
        evidence.take(frame.select(largest).collect(engine="streaming").row(0))
        if not evidence.possible:
            raise _contradiction(source, evidence)
        if evidence.order:
            break
    return evidence.order


def _all_shapes(sources: Sequence[Source], samples: Samples) -> list[DateShape]:
    seen: dict[DateShape, None] = {}
    for source, sample in zip(sources, samples, strict=True):
        if source.is_text("invoice_date"):
            seen |= dict.fromkeys(DateEvidence().add(sample["invoice_date"]))
    return list(seen)


def _certain_forms(shapes: Sequence[DateShape]) -> list[DateForm]:
    return [shape.forms[0][1] for shape in shapes if shape.is_certain]


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
    return InputError(
        "date-order",
        "Some dates can only have the day first, others only the month: "
        f"the first number of a date goes up to {evidence.largest[0]}, the second to {evidence.largest[1]}.",
        where=_place(source, "invoice_date"),
        now="Split the file where the format changes, or say which holds for most: "
        "--date-format '%d/%m/%Y' or --date-format '%m/%d/%Y'; the others will be invalid.",
    )


def _unproved_order(source: Source, evidence: DateEvidence) -> InputError:
    text = evidence.example
    readings = [(order, dates.in_words(text, order)) for order in evidence.possible]
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

"""How numbers and ids are written, proved over all files, since no single one can be trusted to show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from custseg.errors import InputError, Meet, cut, stop
from custseg.transactions import numerals, values
from custseg.transactions.conditions import NUMBER, compared
from custseg.transactions.excel_sheets import ExcelSheet
from custseg.transactions.numerals import COMMA, POINT, MarkEvidence
from custseg.transactions.source import NUMBERS, PROOF_BLOCK, Cells, Samples, Source


def prove_marks(
    sources: Sequence[Source],
    samples: Samples,
    decimal_comma: bool | None,
    *,
    thorough: bool,
    where: str = "",
    meet: Meet = stop,
) -> list[Source]:
    """Decide how the numbers of each source are read: the decimal mark, and how much care they need.

    A file in which nothing has a mark stays undecided, and reading it stops at the first number that speaks
    against the point, or may.

    Parameters
    ----------
    thorough
        Whether to look through all files in which nothing has a mark.
    where
        The condition for lines, which may compare further columns with numbers.

    Raises
    ------
    InputError
        The numbers of a file contradict each other, or nothing proves their decimal mark.
    """
    told = None if decimal_comma is None else COMMA if decimal_comma else POINT
    marks: dict[int, str] = {}
    doubtful = {}
    careful = {}
    evidences = {}
    for number, source in enumerate(sources):
        names = [name for name in NUMBERS if name in source.columns and source.is_text(name)]
        cells = [cell for name in names for cell in samples[number][name] if cell]
        evidence = None if told else _evidence(source, names, cells, thorough=thorough)
        marks[number] = told or (POINT if evidence is None or not names else evidence.mark)
        if evidence and names and not evidence.mark and (evidence.seen or thorough):
            if not evidence.is_contradictory:
                try:
                    marks[number] = _look_through_numbers(source, evidence, names, thorough=thorough)
                except InputError as error:
                    meet(error)
            if evidence.is_contradictory:
                meet(_contradictory_marks(source, evidence))
            elif evidence.seen:
                doubtful[number] = evidence
        evidences[number] = evidence
        careful[number] = _needs_care(cells, marks[number])
    # From a file that another program wrote nothing can be told: one has semicolons and decimal commas,
    # another commas and thousands.
    proved_by_kind: dict[object, set[str]] = {}
    for number, source in enumerate(sources):
        if marks[number] and (evidences[number] or not isinstance(source.contents, ExcelSheet)):
            proved_by_kind.setdefault(source.contents.alike[:2], set()).add(marks[number])
    for number, evidence in doubtful.items():
        if not marks[number]:
            proved = proved_by_kind.get(sources[number].contents.alike[:2], set())
            if len(proved) == 1:
                marks[number] = next(iter(proved))
            else:
                meet(ambiguous_number(sources[number], evidence.examples[""]))
    return [
        replace(_with_mark(source, marks[n], where), careful=careful[n]) for n, source in enumerate(sources)
    ]


def _number_columns(source: Source) -> list[int]:
    return [source.columns[name] for name in NUMBERS if name in source.columns]


def _evidence(source: Source, names: Sequence[str], cells: Cells, *, thorough: bool) -> MarkEvidence | None:
    """Return what a file shows of the decimal mark of texts; None where that is plainly the point."""
    evidence = _mark_evidence(cells)
    sheet = source.contents
    if not isinstance(sheet, ExcelSheet) or not names:
        return evidence
    columns = _number_columns(source)
    if sheet.with_commas.isdisjoint(columns) and (evidence is None or not (evidence.seen or thorough)):
        return evidence
    # A cell that is a number is in no doubt, and says nothing of the texts beside it.
    evidence = MarkEvidence.of(sheet.texts(columns))
    return evidence if evidence.seen else None


def _with_mark(source: Source, mark: str, where: str) -> Source:
    """Have the numbers of a source read with a decimal mark, which number cells do not have of themselves."""
    contents = source.contents
    if mark == COMMA and isinstance(contents, ExcelSheet):
        header = contents.header
        columns = [n for n in source.others.values() if header[n] and compared(where, header[n], NUMBER)]
        contents = replace(contents, comma_numbers=(*_number_columns(source), *columns))
    return replace(source, contents=contents, mark=mark)


_POINT_ONLY = re.compile(r"\.(?:\d{1,2}|\d{4,})$", re.MULTILINE)
_PLAIN = re.compile(r"[-0-9.\n]*")


def _mark_evidence(cells: Cells) -> MarkEvidence | None:
    """Return what cells show of the decimal mark; None where they plainly show the point."""
    together = "\n".join(cell for cell in cells if cell)
    if "," not in together and _POINT_ONLY.search(together) and not re.search(r"\.\d*\.", together):
        return None
    return MarkEvidence.of(dict.fromkeys(cells))


def _needs_care(cells: Cells, mark: str) -> bool:
    together = "\n".join(cell for cell in cells if cell)
    return not _PLAIN.fullmatch(together) and numerals.needs_care(set(cells), mark)


def _look_through_numbers(
    source: Source, evidence: MarkEvidence, names: Sequence[str], *, thorough: bool
) -> str:
    """Look at every number of a file until one proves the decimal mark, or at all if thorough; return it."""
    if isinstance(source.contents, ExcelSheet):
        return evidence.mark  # all its texts were looked at
    marks: list[str] = []
    looks: list[pl.Expr] = []
    for name in names:
        cell = _as_text(source, name)
        for mark, proof in numerals.proofs(cell).items():
            marks.append(mark)
            looks.append(pl.struct(proof.sum(), cell.filter(proof).first().alias("text")).alias(name + mark))
    for frame in source.contents.frames(PROOF_BLOCK):
        for mark, seen in zip(marks, source.collect(frame.select(looks)).row(0), strict=True):
            count, text = seen.values()
            if text:
                evidence.add(mark, text, count)
        # One that is a slip may come first: samples that showed nothing are no reason to trust the next ones.
        if not thorough and (evidence.is_contradictory or evidence.mark):
            break
    return evidence.mark


def _as_text(source: Source, column: str) -> pl.Expr:
    position = source.columns[column]
    return values.as_text(pl.col(f"c{position}"), source.contents.dtypes[position])


def _contradictory_marks(source: Source, evidence: MarkEvidence) -> InputError:
    point, comma = evidence.examples[POINT], evidence.examples[COMMA]
    return InputError(
        "decimal-mark",
        f"Some numbers have a decimal point and others a decimal comma: '{cut(point)}' and '{cut(comma)}'.",
        where=source.contents.place,
        now="Say which holds: --decimal-comma or --decimal-point; the others will be invalid.",
    )


def ambiguous_number(source: Source, text: str, kind: type[InputError] = InputError) -> InputError:
    """Return the error for a number that nothing shows how to read."""
    mark = next(sign for sign in text if sign in (POINT, COMMA))
    flags = ("--decimal-comma", "--decimal-point")
    small, large = flags if mark == COMMA else flags[::-1]
    return kind(
        "decimal-mark",
        f"Nothing proves whether '{cut(text)}' has thousands or decimals.",
        where=source.contents.place,
        now=f"Say {small} if it is between 1 and 1,000, {large} if it is over 1,000.",
    )


def prove_ids(sources: Sequence[Source], samples: Samples, *, thorough: bool, meet: Meet = stop) -> bool:
    """Tell whether ids such as ``1.7850e4`` are numbers: every id of the input must be one.

    Looks through all ids of all files, but only where such an id is among the samples, or when asked to be
    `thorough`.

    Raises
    ------
    InputError
        Ids were shortened on the way.
    """
    pattern = re.compile(values.EXPONENT_ID)
    found: list[str] = []
    for source, sample in zip(sources, samples, strict=True):
        cells = {cell.strip() for cell in sample.get("customer_id", ()) if cell}
        written = sorted(cell for cell in cells if "e" in cell.lower() and pattern.match(cell))
        if shortened := _find_shortened(written, len(cells)):
            meet(_shortened_ids(source, shortened))
            return False
        found += written
    if not thorough and not found:
        return False
    try:
        return _all_are_numbers(sources, thorough=thorough)
    except InputError as error:
        meet(error)
        return False


_SHORT = re.compile(r"-?\d[.,](\d{2,})[eE]\+?(\d+)")
_CUT = r"^-?\d(?:[.,]\d{1,5})?E\+(?:1[1-9]|[2-9]\d)$"
"""Whole numbers of more than eleven digits, as spreadsheets write them: with six of their digits."""
_PADDED = r"^-?\d[.,](\d+0)[eE]\+?(\d+)$"
"""Zeros are written up to a number of decimals: what is not there was cut off."""


def _find_shortened(ids: Sequence[str], every: int) -> str:
    """Return an id that has fewer digits than its exponent says; else an empty text.

    How it is written mostly tells that. If not, half of all ids must be such: a program that leaves out
    zeros at the end, and no other digit, shortens one in ten.
    """
    surely = pl.select(pl.lit(pl.Series(ids, dtype=pl.String)).pipe(_first_shortened)).item()
    parts = {text: match.groups() for text in ids if (match := _SHORT.fullmatch(text))}
    short = [text for text, (decimals, exponent) in parts.items() if int(exponent) > len(decimals)]
    return surely or (short[0] if len(short) > 1 and 2 * len(short) >= every else "")


def _first_shortened(ids: pl.Expr) -> pl.Expr:
    """Return the first id that shows by itself that it has fewer digits than its exponent says."""
    parts = ids.str.extract_groups(_PADDED).struct
    cut_off = parts[0].str.len_bytes() < parts[1].cast(pl.Int64, strict=False)
    return ids.filter(ids.str.contains(_CUT) | cut_off.fill_null(False)).first()


def _shortened_ids(source: Source, text: str) -> InputError:
    digits, exponent = re.split("[eE]", text)
    return InputError(
        "shortened-ids",
        f"Ids were shortened by a spreadsheet: of '{cut(text)}' only {sum(map(str.isdigit, digits))} of "
        f"{int(exponent) + 1} digits are left, and different customers have become one.",
        where=_id_place(source),
        now="Export again with this column as text, or name another one: --column customer_id=HEADER.",
    )


def _id_place(source: Source) -> str:
    return f"{source.contents.place}, column {source.header[source.columns['customer_id']]}"


def _all_are_numbers(sources: Sequence[Source], *, thorough: bool) -> bool:
    """Look through the ids of all files for one that is no number, and for what was shortened.

    Unless it has to be thorough, that ends at the first that is no number.

    Raises
    ------
    InputError
        Ids were shortened on the way.
    """
    all_are = True
    for source in sources:
        if not source.is_text("customer_id"):
            continue
        ids = values.customer_id(_as_text(source, "customer_id"), pl.String(), exponents=False)
        looks = [(~ids.str.contains(values.NUMBER_ID)).any().alias("other"), _first_shortened(ids)]
        for frame in source.contents.frames(PROOF_BLOCK):
            other, shortened = source.collect(frame.select(looks)).row(0)
            if shortened:
                raise _shortened_ids(source, shortened)
            all_are = all_are and not other
            if not all_are and not thorough:
                return False
    return all_are

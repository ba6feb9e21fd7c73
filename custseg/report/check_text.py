"""A check as text for a terminal: problems last, where the eye is when the command ends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from custseg.columns import LINE_COLUMNS
from custseg.errors import from_here
from custseg.report import formats

WIDEST = 120
NARROW = 90
CELL = 32
PLACES = 3
KINDS = 12
FATES = {
    "missing_customer": "no customer",
    "excluded": "excluded",
    "invalid": "invalid",
    "cancelled": "cancelled",
    "non_positive": "not positive",
    "duplicate": "duplicate",
    "kept": "kept",
}
BY = {"told": "--column", "layout": "the layout", "name": "its name", "derived": "derived"}


def write_check(record: Mapping[str, Any]) -> str:
    """Return a check as text.

    Parameters
    ----------
    record
        What ``check --json`` prints.
    """
    lines: list[str] = [_files(record)]
    for number, kind in enumerate(record["kinds"][:KINDS], start=1):
        lines += ["", *_kind(number, kind, record["settings"]["column"]["value"])]
    if len(record["kinds"]) > KINDS:
        lines += ["", f"… and {len(record['kinds']) - KINDS} more kinds of files; --json has them all."]
    if record["derived"]:
        lines += ["", *(f"Derived, where no column has it: {derived}" for derived in record["derived"])]
    if record["estimate"]:
        lines += ["", *_estimate(record["estimate"], record["settings"])]
    notes = [
        *record["notes"],
        *(f"Left out: {file['path']}: {file['problem']}" for file in record["skipped"]),
    ]
    if notes:
        lines += ["", "Notes", *(f"  · {note}" for note in notes)]
    if record["suspects"]:
        lines += ["", _worth_a_look(record["estimate"])]
        for suspect in record["suspects"]:
            lines += _wrapped(suspect["what"], "  ? ", "    ")
            lines += [f"    {suspect['flag']}"] if suspect["flag"] else []
    lines += ["", *_ending(record)]
    return "\n".join(line.rstrip() for line in lines)


def _worth_a_look(estimate: Mapping[str, Any] | None) -> str:
    """Return the heading of what was noticed, which says so where not all lines were looked at."""
    if not estimate or estimate["exact"]:
        return "Worth a look"
    return f"Worth a look, in the {estimate['lines_looked_at']:,} lines looked at; a run may meet more"


def _files(record: Mapping[str, Any]) -> str:
    count = record["files"]
    return f"{count:,} {'file' if count == 1 else 'files'}, {formats.size(record['bytes'])}"


def _kind(number: int, kind: Mapping[str, Any], told: Mapping[str, str]) -> Iterator[str]:
    places = kind["places"]
    more = f" and {len(places) - 1:,} more like it" if len(places) > 1 else ""
    yield f"{number}. {formats.printable(from_here(places[0]))}{more}"
    form = {"csv": "CSV", "parquet": "Parquet", "excel": "Excel"}[kind["format"]]
    rows = [("format", form, f"{formats.size(kind['text_bytes'])} as text")]
    rows += [(topic, found["value"], found["why"]) for topic, found in kind["found"].items()]
    for topic, value, why in rows:
        yield f"   {topic:<10} {formats.printable(value)}  ({formats.printable(why)})"
    yield ""
    yield from (f"   {line}" for line in _table(_columns(kind), _width() - 3))
    if lacking := _lacking(kind, told):
        hint = "; if a header below is one of them: --column NAME=HEADER" if kind["only_compared"] else ""
        yield from _wrapped(f"not found: {', '.join(lacking)}{hint}", "   ", "   ")
    if kind["only_compared"]:
        named = [text for name in kind["only_compared"] if (text := formats.printable(name))]
        nameless = len(kind["only_compared"]) - len(named)
        names = ", ".join([*named, *([f"{nameless:,} without a name"] if nameless else [])])
        yield from _wrapped(f"only compared, to find repeated lines: {names}", "   ", "   ")


def _lacking(kind: Mapping[str, Any], told: Mapping[str, str]) -> list[str]:
    """Return the columns that are not there, nor said not to be, nor had from others without loss."""
    have = {*kind["columns"], *told}
    if "quantity" in have and have & {"unit_price", "amount"}:
        have |= {"unit_price", "amount"}
    return [name for name in LINE_COLUMNS if name not in have]


def _columns(kind: Mapping[str, Any]) -> list[list[str]]:
    """Return the table of columns: one row a column, each line as it stands and as it is read."""
    head = ["column", "header", "found by"]
    head += [(line["fate"] and f"a line, {FATES[line['fate']]}") or "a line" for line in kind["lines"]]
    names = list(kind["columns"])
    names += [name for line in kind["lines"] for name in line["cells"] if name not in names]
    rows = [head]
    for name in dict.fromkeys(names):
        found = kind["columns"].get(name, {"header": "", "by": "derived"})
        cells = [_cell(line, name) for line in kind["lines"]]
        rows.append([name, _cut(found["header"], 24), BY[found["by"]], *cells])
    return rows


def _cell(line: Mapping[str, Any], name: str) -> str:
    cell = line["cells"].get(name)
    if cell is None:
        return ""
    written, read = cell["written"], cell["read"]
    if written is None:
        return _cut(read or "", CELL)
    if line["fate"] is None or read == written:
        return _cut(written, CELL)
    return f"{_cut(written, CELL // 2 + 4) or '(empty)'} → {_cut(read, CELL // 2 + 4) if read else 'none'}"


def _cut(text: str, width: int) -> str:
    text = formats.printable(text)
    return text if len(text) <= width else text[: width - 1] + "…"


def _width() -> int:
    """Return how wide lines may be: as the terminal, but never so that they are hard to read."""
    return min(WIDEST, max(NARROW, shutil.get_terminal_size((WIDEST, 0)).columns))


def _table(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield a table, without the last columns where they do not fit; the first four stay."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    while len(widths) > 4 and sum(widths) + 2 * len(widths) - 2 > width:
        widths.pop()
    rows = [row[: len(widths)] for row in rows]
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield "  ".join("─" * width for width in widths)


def _estimate(estimate: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    currency, work_dir = settings["currency"]["value"], settings["work_dir"]["value"]
    place = f"in {formats.printable(work_dir)}" if work_dir else "where the output goes"
    exact, ledger = estimate["exact"], estimate["ledger"]
    basis = "all" if exact else f"an estimate from {estimate['lines_looked_at']:,}"
    yield f"A run would read {_count(ledger['rows_read'], exact=exact)} lines ({basis}) and find"
    rows = []
    for fate, text in FATES.items():
        if ledger[fate] or fate == "kept":
            share = ledger[fate] / max(1, ledger["rows_read"])
            money = estimate["ledger_amount"][fate]
            value = formats.money(money, currency) if money else ""
            rows.append([text, _count(ledger[fate], exact=exact), formats.share(share), value])
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for row in rows:
        yield "   " + "  ".join(
            [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        )
    if not exact and ledger["duplicate"]:
        yield "   (repeats far apart are not seen in samples)"
    customers = estimate["customers"]
    if customers["least"] == customers["most"]:
        yield f"   {customers['likely']:,} customers" + _dates(estimate)
    else:
        among = f"between {_count(customers['least'])} and {_count(customers['most'])}"
        yield f"   about {_count(customers['likely'])} customers ({among})" + _dates(estimate)
    if estimate["chunks"]:
        time = formats.seconds(max(5, round(estimate["seconds"] / 5) * 5))
        memory, limit = (formats.size(estimate[f"memory_{name}"]) for name in ("bytes", "limit_bytes"))
        chunks = formats.plural(estimate["chunks"], "chunk")
        buckets = formats.plural(estimate["buckets"], "bucket")
        yield (
            f"It would take about {time}, {memory} of memory (limit {limit}) and "
            f"{formats.size(estimate['disk_bytes'])} of disk {place}, in {chunks} and {buckets}."
        )


def _dates(estimate: Mapping[str, Any]) -> str:
    first, last = estimate["first_date"], estimate["last_date"]
    return f", {first[:10]} to {last[:10]}" if first else ""


def _count(number: float, *, exact: bool = False) -> str:
    """Write a count with every figure, an estimate with three."""
    return f"{number if exact else float(f'{number:.3g}'):,.0f}"


def _ending(record: Mapping[str, Any]) -> Iterator[str]:
    problems = record["problems"]
    if not problems:
        yield f"Nothing stands in the way of:  {record['command']}"
        return
    yield f"A run would stop (exit code {problems[0]['exit_code']}): " + (
        "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    )
    for problem in problems:
        yield ""
        yield from _wrapped(f"{problem['what']}", "  ✗ ", "    ")
        for place in problem["where"][:PLACES]:
            yield from _wrapped(from_here(place), "    Where: ", "           ")
        if len(problem["where"]) > PLACES:
            yield f"           and {len(problem['where']) - PLACES:,} more"
        if problem["now"]:
            yield from _wrapped(problem["now"], "    Now:   ", "           ")


def _wrapped(text: str, first: str, other: str) -> list[str]:
    """Break a text into lines at blanks; a long word stays whole, so that it can be copied."""
    lines, line, width = [], first, _width()
    for word in formats.printable(text).split():
        if len(line) + len(word) > width and line.strip() and line not in (first, other):
            lines.append(line.rstrip())
            line = other
        line += word + " "
    return [*lines, line.rstrip()]

"""Shared columns: what all files have or can derive, and whether the rules can be kept with it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from custseg.columns import LINE_COLUMNS
from custseg.errors import InputError, Meet, SettingsError, cut, in_shell, nearest
from custseg.transactions import cleaning, values
from custseg.transactions.excel_sheets import ExcelSheet
from custseg.transactions.left_out import MOST_NAMED
from custseg.transactions.likely import say_likely
from custseg.transactions.source import Source


def decide_columns(sources: Sequence[Source], meet: Meet) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the canonical columns all files have or can derive, and the derivations in words."""
    derived: dict[str, None] = {}
    have = []
    for source in sources:
        names = set(source.columns)
        # Where no column is known at all, more than that need not be said.
        if names and not names & {"quantity", "unit_price", "amount", "invoice"}:
            meet(
                InputError(
                    "no-measure",
                    "The file has no column for quantity, unit_price, amount or invoice.",
                    where=f"{source.contents.place}; it has: {cut(', '.join(source.header))}",
                    now="Say which column it is: --column quantity=HEADER."
                    + "".join(say_likely(name, source.header) for name in ("quantity", "amount", "invoice")),
                )
            )
        if "quantity" not in names and names & {"unit_price", "amount"}:
            names.add("quantity")
            derived["quantity = 1"] = None
        if {"amount", "quantity"} <= names and "unit_price" not in names:
            names.add("unit_price")
            derived["unit_price = amount / quantity"] = None
        have.append(names)
    if not sources:
        return (), ()
    every, some = set.intersection(*have) | {"customer_id"}, set.union(*have)
    for name in sorted(some - every - {"customer_id", "product", "amount"}):
        for lacking in (s for s, names in zip(sources, have, strict=True) if name not in names):
            meet(
                InputError(
                    "column-missing",
                    f"Other files have a column for {name}; this one does not.",
                    where=f"{lacking.contents.place}; it has: {cut(', '.join(lacking.header))}",
                    now=f"Say which column it is (--column {name}=HEADER), or leave the file out."
                    f"{say_likely(name, lacking.header)}",
                )
            )
    if "unit_price" in every and "amount" not in every:
        there = ", in files without one" if "amount" in some else ""
        derived[f"amount = quantity × unit_price{there}"] = None
        every |= some & {"amount"}
    if "invoice" not in every:
        day = "a customer and day" if "invoice_date" in every else "a line"
        derived[f"invoice = one {day}"] = None
    return tuple(name for name in LINE_COLUMNS if name in every), tuple(derived)


def compared_columns(sources: Sequence[Source]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return all columns of the input in a fixed order, and as what those of different types are compared."""
    types: dict[str, set[pl.DataType]] = {}
    for source in sources:
        for name, position in (source.columns | source.others).items():
            types.setdefault(name, set()).add(source.contents.dtypes[position])
    kinds = {name: values.shared_kind(dtypes) for name, dtypes in types.items()}
    return tuple(sorted(types)), {name: kind for name, kind in kinds.items() if kind}


def ask_for_sheets(sources: Sequence[Source], meet: Meet) -> None:
    """Ask which sheets count where those of one workbook have different columns: one may sum up another."""
    books: dict[str, list[Source]] = {}
    for source in sources:
        if isinstance(source.contents, ExcelSheet):
            books.setdefault(source.contents.path, []).append(source)
    full = {path: max(sheets, key=lambda sheet: len(sheet.columns)) for path, sheets in books.items()}
    # Each workbook gives the sheets that it has of those named.
    named = dict.fromkeys(f"--sheet {in_shell(_name(sheet))}" for sheet in full.values())
    first = " ".join(list(named)[:MOST_NAMED]) + (" …" if len(named) > MOST_NAMED else "")
    for path, sheets in books.items():
        for sheet in sheets:
            lacking = sorted(set(full[path].columns) - set(sheet.columns) - {"product"})
            if lacking:
                names = [_name(full[path]), _name(sheet)]
                meet(
                    InputError(
                        "sheets-differ",
                        f"The sheets '{cut(names[0])}' and '{cut(names[1])}' both have customers, and the "
                        f"second has no {', no '.join(lacking)}: it may sum up the first, which would count "
                        "twice.",
                        where=path,
                        now=f"Say {first} to read no other, and --sheet {in_shell(names[1])} as well where "
                        "both are sales.",
                    )
                )
                break


def _name(sheet: Source) -> str:
    assert isinstance(sheet.contents, ExcelSheet)
    return sheet.contents.sheet


def _try_expression(expression: str) -> None:
    """Refuse what Python's expressions have and those of Polars, which run here, have not."""
    try:
        pl.Series([""]).str.contains(expression)
    except pl.exceptions.PolarsError as error:
        said = re.findall(r"^error: (.+)$", str(error), re.MULTILINE)
        raise SettingsError(
            "bad-setting",
            f"--exclude-product: '{cut(expression)}' is no expression that can be used: "
            f"{cut(said[0] if said else error)}.",
            now="Write it without (?=…), (?!…), (?<…) and without \\1 or \\Z.",
        ) from None


def check_rules(rules: cleaning.Rules, read: Sequence[str], sources: Sequence[Source], meet: Meet) -> None:
    """Meet an error for each rule that needs a column the files do not share.

    Raises
    ------
    SettingsError
        An expression for products cannot be used.
    """
    needs = {
        "--since": "invoice_date" if rules.since else "",
        "--until": "invoice_date" if rules.until else "",
        "--exclude-product": "product" if rules.exclude_product else "",
    }
    for expression in rules.exclude_product:
        _try_expression(expression)
    for option, column in needs.items():
        if column and column not in read:
            lacking = next((s for s in sources if column not in s.columns), sources[0])
            meet(
                InputError(
                    "column-missing",
                    f"{option} needs a column for {column}, and not every file has one.",
                    where=f"{lacking.contents.place}; it has: {cut(', '.join(lacking.header))}",
                    now=f"Say which column it is: --column {column}=HEADER.",
                )
            )
    if rules.where:
        try:
            wanted = cleaning.where_expression(rules.where).meta.root_names()
        except InputError as error:
            meet(error)
            return
        known = {*read, *(name for source in sources for name in source.header)}
        for name in wanted:
            if name not in known:
                meet(
                    InputError(
                        "no-such-column",
                        f"--where names a column '{cut(name)}' that the input does not have.",
                        where=f"it has: {cut(', '.join(sorted(known)))}",
                        now=nearest(name, known),
                    )
                )

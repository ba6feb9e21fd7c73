"""How each kind of setting is written: sizes, shares, signs, lists and names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainValidator, StringConstraints

from custseg.errors import cut

LONGEST_NAME = 60
LONGEST_SIGN = 8

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def parse_bytes(value: object) -> object:
    """Read ``2GB``, ``512 MiB`` or a number as bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", value)
    if not match or match[2].upper() not in UNITS:
        raise ValueError(f"'{cut(value)}' is no size: write 2GB or 512MiB")
    return int(float(match[1]) * UNITS[match[2].upper()])


def parse_share(value: object) -> object:
    """Read ``2%`` or ``0.02`` as a share."""
    text = str(value).strip()
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ValueError(f"'{cut(value)}' is no share: write 5% or 0.05")
    return share


def parse_list(value: object) -> object:
    """Read one text as a list of one, so that a job file may give either."""
    return (value,) if isinstance(value, str) else value


def parse_condition(value: object) -> object:
    """Read several conditions as the one that all of them hold."""
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        return value
    given = [text for text in value if text.strip()]
    return " and ".join(f"({text})" for text in given) if len(given) > 1 else "".join(given) or None


def parse_folder(value: object) -> object:
    """Read a path, or the address of a folder in a bucket, as text; both without a slash at the end."""
    if not isinstance(value, str | os.PathLike):
        return value
    text = os.fspath(value)
    return text.rstrip("/") if isinstance(text, str) and text.startswith("s3://") else str(Path(text))


def parse_columns(value: object) -> Any:
    """Read ``customer_id=Who,invoice=Order``, as an environment variable gives it, as names and headers."""
    if isinstance(value, dict):
        # What a job file has below [column] by mistake is no text, and is told by its name.
        return {name: header if isinstance(header, str) else str(header) for name, header in value.items()}
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",")]
    if not all(name.strip() and header.strip() for name, _, header in pairs):
        raise ValueError(f"'{cut(value)}' is not NAME=HEADER: write customer_id=Who,invoice=Order")
    return {name.strip(): header.strip() for name, _, header in pairs}


def parse_sign(value: object) -> str:
    """Read ``;`` or ``tab`` as what is between cells."""
    if not isinstance(value, str):
        raise ValueError("write ';' or tab")
    sign = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(value.strip().lower(), value)
    if len(sign) != 1 or not sign.isascii() or sign in '"\r\n':
        raise ValueError(f"'{cut(value)}' is not one sign: write ';' or tab")
    return sign


def parse_pictures(value: object) -> object:
    """Read ``svg,png`` as a list."""
    return [name.strip().lower() for name in value.split(",")] if isinstance(value, str) else value


def parse_currency(value: object) -> object:
    """Read ``gbp`` as ``GBP``; a sign such as ``£`` or ``kr`` will do as well."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text or len(text) > LONGEST_SIGN:
        raise ValueError(f"'{cut(value)}' is no currency: write a code, such as GBP, or a sign")
    return text.upper() if len(text) == 3 and text.isascii() else text


def parse_segment_names(value: object) -> object:
    """Check a list of names, or a table of them by number or by the name a segment would get."""
    if not isinstance(value, dict | list | tuple):
        raise ValueError('write names in a job file: names = ["VIP", "Others"], or a table [names]')
    if isinstance(value, dict) and not all(
        key == str(int(key)) for key in map(str, value) if key.isdecimal()
    ):
        raise ValueError("segments are numbered 1, 2, 3 …")
    names = list(value.values()) if isinstance(value, dict) else list(value)
    for name in names:
        if not isinstance(name, str) or not name.strip() or len(name.strip()) > LONGEST_NAME:
            raise ValueError(f"{cut(name)!r} is no name of 1 to {LONGEST_NAME} letters")
        if not name.isprintable():
            raise ValueError(f"{cut(name)!r} holds signs that cannot be printed")
    names = [name.strip() for name in names]
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError("a name is given twice")
    if isinstance(value, dict):
        keys = [str(key).strip() for key in value]
        if "0" in keys:
            raise ValueError("segments are numbered from 1")
        return dict(zip(keys, names, strict=True))
    return tuple(names)


# Not stripped like other texts: a tab would be lost.
Sign = Annotated[str, PlainValidator(parse_sign)]
Bytes = Annotated[int, BeforeValidator(parse_bytes)]
Share = Annotated[float, BeforeValidator(parse_share)]
Pictures = Annotated[tuple[Literal["svg", "png"], ...], BeforeValidator(parse_pictures)]
Currency = Annotated[str, BeforeValidator(parse_currency)]
Names = Annotated[tuple[str, ...] | dict[str, str], BeforeValidator(parse_segment_names)]
Folder = Annotated[str, BeforeValidator(parse_folder)]
Columns = Annotated[dict[str, str], BeforeValidator(parse_columns)]
Condition = Annotated[str | None, BeforeValidator(parse_condition)]
# Blanks at their ends count, in an expression as in the name of a sheet.
Verbatim = Annotated[str, StringConstraints(strip_whitespace=False)]
Texts = Annotated[tuple[Verbatim, ...], BeforeValidator(parse_list)]

"""Ends of lines: files whose later lines end otherwise than their first, as where two were put together."""

from __future__ import annotations

import re

from custseg.errors import InputError, cut
from custseg.transactions.marks import Marks


class MixedEnds(Exception):
    """One record holds several lines that end otherwise than all others; they would be lost in it.

    Attributes
    ----------
    line
        The first of them.
    start
        Where it starts in the data.
    """

    def __init__(self, line: bytes, start: int) -> None:
        super().__init__(line, start)
        self.line, self.start = line, start

    def located(self, place: str) -> InputError:
        """Return the error that names the file."""
        return InputError(
            "mixed-line-ends",
            "Lines end in one way at first and in another (carriage return or line feed alone) further on, "
            f"such as behind '{cut(self.line.decode('utf-8', 'replace'))}'.",
            where=place,
            now=r"Give all lines the same end: tr '\r' '\n' < OLD.csv > NEW.csv",
        )


def refuse_mixed_ends(data: bytes, marks: Marks, fields: int) -> None:
    """Stop where one record holds several whole lines. For records only that are odd: it takes its time.

    Raises
    ------
    MixedEnds
        There is such a record.
    """
    done, other = 0, b"\n" if marks.eol == b"\r" else b"\r"
    for found in re.finditer(other + rb"(?![\r\n]|$)", data):
        if found.start() < done:
            continue
        begin = data.rfind(marks.eol, 0, found.start()) + 1
        end = data.find(marks.eol, found.end())
        done = end if end >= 0 else len(data)
        lines = [line for line in data[begin:done].split(other) if line.count(marks.separator) == fields - 1]
        if len(lines) > 1:
            raise MixedEnds(lines[0], begin)

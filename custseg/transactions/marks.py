"""The bytes that cut a file of text into records and cells."""

from typing import NamedTuple


class Marks(NamedTuple):
    """One byte each."""

    separator: bytes
    quote: bytes
    eol: bytes

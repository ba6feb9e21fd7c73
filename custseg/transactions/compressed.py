"""How much text a compressed file holds, from its first bytes and what it says of itself."""

from __future__ import annotations

import sys
import zlib

from custseg.running import storage
from custseg.transactions.streams import GZIP_MAGIC

if sys.version_info >= (3, 14):  # pragma: no cover
    from compression import zstd
else:
    from backports import zstd

PROBE = 1 << 16
"""Bytes of a file that are unpacked to see how far it goes."""

MOST_UNPACKED = 1 << 24
"""Bytes of text taken from them at most: a file may be packed a thousand times smaller than it is."""

USUAL = 8
"""How many bytes of text a byte of a compressed file stands for, where it does not show; only the plan
depends on it."""

GZIP_MOST = 1032
"""The same at most, by the nature of gzip."""


def text_bytes(path: str, size: int) -> int:
    """Return how many bytes a compressed file has as text, about.

    Its beginning may be packed otherwise than the rest, so what the file says of itself counts too: gzip of
    its last part in its last four bytes, zstd of its first at the beginning.
    """
    with storage.open_binary(path) as file:
        beginning = file.read(PROBE)
        is_gzip = beginning.startswith(GZIP_MAGIC)
        file.seek(max(0, size - 4))
        told = int.from_bytes(file.read(4), "little") if is_gzip else _told_by_zstd(beginning)
    try:
        seen = round(size * (_scale_of_gzip(beginning) if is_gzip else _scale_of_zstd(beginning)))
    except (zlib.error, zstd.ZstdError):
        # Damaged, as reading it will tell.
        seen = size * USUAL
    # What stands behind a gzip file may be anything.
    return max(seen, told if told <= size * GZIP_MOST or not is_gzip else 0)


def _scale_of_gzip(beginning: bytes) -> float:
    unpack = zlib.decompressobj(31)
    made = unpack.decompress(beginning, MOST_UNPACKED)
    used = len(beginning) - len(unpack.unconsumed_tail) - len(unpack.unused_data)
    return len(made) / max(1, used) or USUAL


def _scale_of_zstd(beginning: bytes) -> float:
    unpack = zstd.ZstdDecompressor()
    made = unpack.decompress(beginning, MOST_UNPACKED)
    if not unpack.needs_input and not unpack.eof:
        # More than was asked for comes of fewer bytes than were given: of how many is not told.
        return max(USUAL, len(made) / len(beginning))
    used = len(beginning) - len(unpack.unused_data)
    return len(made) / max(1, used) or USUAL


def _told_by_zstd(beginning: bytes) -> int:
    try:
        return zstd.get_frame_info(beginning).decompressed_size or 0
    except zstd.ZstdError:
        return 0

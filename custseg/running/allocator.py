"""What becomes of memory that Polars and NumPy give back: who gets it next, and when the system does."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

POLARS_ALLOCATOR = "_RJEM_MALLOC_CONF"
"""Environment variable that Polars' allocator, jemalloc, reads its settings from as it is loaded."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of the settings, from glibc's malloc.h."""

KEPT, AFTERWARDS = (1 << 24, 1 << 28), (1 << 22, 1 << 23)
"""Bytes of the largest block that is kept for the next, and of all that are. With twice the first, blocks of
CSV would be among them, whose pieces then lie between others for good: 1.4 GB where 0.8 do."""


def share_memory() -> None:
    """Have Polars' threads share what they give back, for three seconds; to be called before it is loaded.

    By itself jemalloc has four pools a processor, and what lies in one the threads of the others ask the
    system for: a tenth more memory, 5 % more seconds (docs/decisions/0009). A user's own settings stay.
    """
    pools = os.cpu_count() or 1
    settings = f"narenas:{pools},dirty_decay_ms:3000,muzzy_decay_ms:0,background_thread:true"
    os.environ.setdefault(POLARS_ALLOCATOR, settings)


@contextlib.contextmanager
def keeping_memory() -> Iterator[None]:
    """Have the memory of arrays of some megabytes kept for the next ones meanwhile, in this whole process.

    Thousands of such arrays come and go in the exchange. By itself glibc gives each back to the system, which
    looks for other pages, and clears them, for the next: a tenth of all seconds (docs/decisions/0009).
    Afterwards all is given back, and more is than by default. Other C libraries are left as they are.
    """
    try:
        c_library = ctypes.CDLL(None)
        set_option, give_back = c_library.mallopt, c_library.malloc_trim
    except (AttributeError, OSError, TypeError):
        yield
        return
    options = M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
    for option, value in zip(options, KEPT, strict=True):
        set_option(option, value)
    try:
        yield
    finally:
        for option, value in zip(options, AFTERWARDS, strict=True):
            set_option(option, value)
        give_back(0)

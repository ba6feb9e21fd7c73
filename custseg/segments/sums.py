"""Sums of doubles that have no rounding error, so that neither order nor parts can change them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from custseg.segments.nearest import Floats

TILE = 1 << 15
"""Values worked on at once: few enough to stay in the processor's cache."""


def exact_sum(values: Floats) -> Fraction:
    """Add up finite numbers exactly.

    Notes
    -----
    Each round takes from every value the whole multiples of one power of two that are in it, a power so large
    that all of these together fit a double: NumPy adds them without rounding, in whatever order. What is left
    goes into the next round; two rounds or three end it.
    """
    total = Fraction(0)
    for start in range(0, len(values), TILE):
        rest = values[start : start + TILE]
        while largest := float(np.abs(rest).max()):
            # Beside a number this large a double keeps the multiples only; 1.5 keeps off its borders.
            large = math.ldexp(1.5, math.frexp(largest)[1] + TILE.bit_length())
            taken = (rest + large) - large
            total += Fraction(float(taken.sum()))
            rest = rest - taken
    return total

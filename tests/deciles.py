"""The edges of the bins that drift is measured in, by NumPy alone."""

from collections.abc import Sequence

import numpy as np


def edges_of(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Inner deciles, and just above each value that a tenth of all have."""
    values = np.asarray(values, float)
    deciles = np.unique(np.quantile(values, np.arange(1, 10) / 10, method="higher"))
    many = [value for value in deciles if 10 * (values == value).sum() >= len(values)]
    return np.unique([*deciles, *np.nextafter(many, np.inf)])

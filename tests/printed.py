"""If-then rules as a reader understands them: from the printed text alone."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from custseg.columns import FEATURES

NUMBER = r"-?[\d,]*\.?\d+"
FORMS = {
    rf"at least ({NUMBER})": lambda x, a: x >= a,
    rf"at most ({NUMBER})": lambda x, a: x <= a,
    rf"under ({NUMBER})": lambda x, a: x < a,
    rf"({NUMBER}) or more": lambda x, a: x >= a,
    rf"({NUMBER}) to under ({NUMBER})": lambda x, a, b: (x >= a) & (x < b),
    rf"({NUMBER}) to ({NUMBER})": lambda x, a, b: (x >= a) & (x <= b),
    rf"({NUMBER})": lambda x, a: x == a,
}
SENTENCE = re.compile(
    r"if (?P<rule>.+) \((?P<right>[\d,]+) of the (?P<covered>[\d,]+) customers this holds for "
    r"are in the segment, which has (?P<customers>[\d,]+)\)"
)


def holds(rule: str, customers: pd.DataFrame) -> np.ndarray:
    """For which customers a printed rule holds."""
    found = np.zeros(len(customers), bool)
    for alternative in rule.split(", or "):
        every = np.ones(len(customers), bool)
        if alternative != "any customer":
            for condition in alternative.split(" and "):
                every &= _condition(condition, customers)
        found |= every
    return found


def _condition(text: str, customers: pd.DataFrame) -> np.ndarray:
    labels = {feature.label.lower(): name for name, feature in FEATURES.items()}
    label = next(label for label in sorted(labels, key=len, reverse=True) if text.startswith(label + " "))
    for form, says in FORMS.items():
        match = re.fullmatch(form, text[len(label) + 1 :])
        if match:
            values = [float(group.replace(",", "")) for group in match.groups()]
            return says(customers[labels[label]].to_numpy(float), *values)
    raise AssertionError(f"no reader understands: {text}")


def whole(text: str) -> int:
    return int(text.replace(",", ""))

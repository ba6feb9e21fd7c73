"""Names that the trade knows, and the sentence that earned each.

Two segments are High-Value and Low-Value. More are placed by how recently, how often and for how much their
customers typically bought, and get the names whose usual meaning lies nearest, no name twice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from custseg.customers.matrix import bend
from custseg.segments.label import Tally, number_segments
from custseg.segments.nearest import Floats
from custseg.segments.profile import SegmentProfile
from custseg.segments.wording import digits, share

TWO_NAMES = ("High-Value", "Low-Value")

DISTINCT_FACTOR = 3.0
"""How far apart the outermost segments must lie in a dimension to count as its two ends; less, and their
places move to the middle, so that no word is earned by a difference that hardly exists."""


@dataclass(frozen=True)
class _Word:
    """A name and its usual meaning: places from 0 (worst) to 1 (best); None where it says nothing."""

    name: str
    recency: float | None
    frequency: float
    spend: float
    newness: float | None = None


_WORDS = (
    _Word("Champions", 1.0, 1.0, 1.0),
    _Word("Loyal", 0.75, 0.8, 0.7),
    _Word("Big spenders", 0.6, 0.5, 0.95),
    _Word("Potential loyalists", 0.85, 0.5, 0.45),
    _Word("Promising", 0.75, 0.25, 0.35),
    _Word("New", 1.0, 0.05, 0.1, newness=1.0),
    _Word("Needs attention", 0.5, 0.5, 0.5),
    _Word("About to sleep", 0.3, 0.25, 0.25),
    _Word("Can't lose", 0.05, 0.95, 0.95),
    _Word("At risk", 0.2, 0.6, 0.6),
    _Word("Small spenders", 0.6, 0.4, 0.05),
    _Word("Hibernating", 0.05, 0.05, 0.05),
)

_UNDATED_WORDS = (
    _Word("Champions", None, 1.0, 1.0),
    _Word("Loyal", None, 0.8, 0.65),
    _Word("Big spenders", None, 0.4, 0.95),
    _Word("Regulars", None, 0.55, 0.5),
    _Word("Frequent small buyers", None, 0.8, 0.2),
    _Word("Occasional big buyers", None, 0.1, 0.7),
    _Word("Occasional", None, 0.25, 0.25),
    _Word("Low-Value", None, 0.0, 0.0),
)
"""Without dates nobody can be called new, at risk or asleep."""


def settle_names(
    tallies: Sequence[Tally], numbers: Sequence[int], *, asked: Mapping[str, str], carried: Mapping[int, str]
) -> tuple[str, ...]:
    """Name segments: as was asked for, else as in the previous run, else by recency, frequency and spend.

    Parameters
    ----------
    tallies, numbers
        Of the segments, in the order of their numbers.
    asked
        Names by the segment's number, or by the name it would get otherwise.
    carried
        Names of the previous run, by number. Those of segments that are gone are given to no other.

    Returns
    -------
    tuple of str
        Unique names, in the same order.
    """
    wanted = {name.casefold() for name in asked.values()}
    before = {i: carried[number] for i, number in enumerate(numbers) if number in carried}
    borne = {name.casefold() for name in before.values()}
    gone = {name.casefold() for number, name in carried.items() if number not in numbers}
    own = name_segments(tallies, fixed=before, avoid=gone)
    named = {i: asked[str(number)] for i, number in enumerate(numbers) if str(number) in asked}
    # Who was given a name in the previous run bears it on, whoever would get it by itself now.
    named |= {
        i: asked[name]
        for i, name in enumerate(own)
        if i not in named
        and name in asked
        and asked[name].casefold() not in borne
        and before.get(i, "").casefold() not in wanted
    }
    # A name is given once: who bore one that another was asked to have gets another.
    given = {name.casefold() for name in named.values()}
    kept = {i: name for i, name in before.items() if i not in named and name.casefold() not in given}
    return name_segments(tallies, fixed=named | kept, avoid=wanted | gone)


def name_segments(
    tallies: Sequence[Tally], *, fixed: Mapping[int, str] | None = None, avoid: Collection[str] = ()
) -> tuple[str, ...]:
    """Name segments by recency, frequency and spend.

    Parameters
    ----------
    tallies
        What each segment's customers add up to, in the order of their numbers.
    fixed
        Names that are given already, by place.
    avoid
        Other names not to give, in small letters.

    Returns
    -------
    tuple of str
        Unique names in the same order. Quantity stands in for spend where there is no money, lines for
        purchases where there is no invoice; without dates the names say nothing of time.
    """
    from scipy.optimize import linear_sum_assignment

    names = dict(fixed or {})
    if len(tallies) == 2:
        held = {name.casefold() for name in names.values()} | {*avoid}
        two = zip(number_segments(tallies), TWO_NAMES, strict=True)
        names = {row: name for row, name in two if name.casefold() not in held} | names
    if len(names) == len(tallies):
        return tuple(names[row] for row in range(len(tallies)))
    taken = {name.casefold() for name in names.values()} | {*avoid}
    dated = "recency_days" in tallies[0].typical
    words = _WORDS if dated else _UNDATED_WORDS
    places = {
        "frequency": _places(tallies, "purchases", "lines"),
        "spend": _places(tallies, "spend", "total_quantity", "purchases", "lines"),
        "recency": 1 - _places(tallies, "recency_days"),
        "newness": 1 - _places(tallies, "tenure_days"),
    }
    costs = np.zeros((len(tallies), len(words)))
    for dimension, place in places.items():
        for column, word in enumerate(words):
            meant = getattr(word, dimension)
            if meant is not None:
                costs[:, column] += (place - meant) ** 2
    # With more segments than words a word is used again, numbered, as late as possible.
    rounds = range(math.ceil((len(tallies) + len(taken)) / len(words)))
    texts = [word.name + (f" {again + 1}" if again else "") for again in rounds for word in words]
    repeated = np.concatenate([costs + 10 * again for again in rounds], axis=1)
    open_rows = [row for row in range(len(tallies)) if row not in names]
    free = [column for column, text in enumerate(texts) if text.casefold() not in taken]
    rows, columns = linear_sum_assignment(repeated[np.ix_(open_rows, free)])
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        names[open_rows[row]] = texts[free[column]]
    return tuple(names[row] for row in range(len(tallies)))


def describe_segment(segment: SegmentProfile, *, currency: str | None = None) -> str:
    """Say in one sentence, in original units, what is typical of a segment.

    Parameters
    ----------
    segment
        Its profile; the numbers are medians, to three digits or to the unit.
    currency
        Put before amounts of money when known.

    Returns
    -------
    str
        Such as ``Typically bought 14 times, last 12 days ago, 3,404 in all: 6 % of customers, 48 % of
        spend``.
    """
    if not segment.customers:
        return "Nobody is in this segment"
    median = {name: value for name, value in segment.medians.items() if value is not None}
    parts = []
    if "purchases" in median:
        parts.append(f"bought {_times(median['purchases'])}")
    else:
        parts.append(f"bought {digits(median['lines'])} lines")
    if "recency_days" in median:
        parts.append(f"last {_days(median['recency_days'])} ago")
    if "spend" in median:
        parts.append(f"{currency + ' ' if currency else ''}{digits(median['spend'])} in all")
    elif "total_quantity" in median:
        parts.append(f"{digits(median['total_quantity'])} units in all")
    shares = f"{share(segment.share)} of customers"
    if segment.spend_share is not None:
        shares += f", {share(segment.spend_share)} of spend"
    return f"Typically {', '.join(parts)}: {shares}"


def _times(purchases: float) -> str:
    return "once" if purchases == 1 else f"{digits(purchases)} times"


def _days(days: float) -> str:
    return "1 day" if days == 1 else f"{digits(days)} days"


def _places(tallies: Sequence[Tally], *features: str) -> Floats:
    """Place segments from 0 (least) to 1 (most) by the first feature there is; in the middle without any."""
    for feature in features:
        if feature in tallies[0].typical:
            values = np.array([tally.typical[feature] for tally in tallies])
            bent = bend(values)
            reach = max(float(np.ptp(bent)), math.log(DISTINCT_FACTOR))
            places: Floats = 0.5 + (bent - (bent.max() + bent.min()) / 2) / reach
            return places
    return np.full(len(tallies), 0.5)

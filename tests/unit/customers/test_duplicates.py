"""Repeats, held against a set of what was seen."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.customers.duplicates import find_first_invoices, find_repeats

HASHES = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 3), st.sampled_from([2**63, 2**42, 2**21]))


def repeats(hashes: list[int], things: list[int]) -> tuple[list[bool], list[int]]:
    """Return what `find_repeats` marks, and the places it compared."""
    compared: list[int] = []

    def gather(places: np.ndarray) -> pl.DataFrame:
        compared.extend(places.tolist())
        return pl.DataFrame({"thing": np.array(things)[places]})

    return find_repeats(np.array(hashes, np.uint64), gather).tolist(), compared


def seen_before(things: list[int]) -> list[bool]:
    seen: set[int] = set()
    return [thing in seen or seen.add(thing) is not None for thing in things]


@given(st.lists(st.tuples(HASHES, st.integers(0, 2)), max_size=60))
@example([])
@example([(7, 0)] * 255)
@example([(7, 0)] * 256)
@example([(7, 0)] * 257)
@example([(7, 0)] * 256 + [(7, 1)])
@example([(7, 0)] * 512 + [(8, 0)] * 255)
def test_what_repeats_is_what_was_seen_before(things: list[tuple[int, int]]) -> None:
    """A thing is its hash and a number: several share a hash."""
    numbers = {thing: number for number, thing in enumerate(dict.fromkeys(things))}
    numbered = [numbers[thing] for thing in things]
    assert repeats([hash_ for hash_, _ in things], numbered)[0] == seen_before(numbered)


@pytest.mark.parametrize("seed", [0, 1])
def test_little_more_than_repeats_is_compared(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, 50_000, np.uint64)
    hashes[-500:] = hashes[:500]
    marked, compared = repeats(hashes.tolist(), list(range(49_500)) + list(range(500)))
    assert np.flatnonzero(marked).tolist() == list(range(49_500, 50_000))
    assert len(compared) < 0.05 * len(hashes)


INVOICES = st.tuples(st.sampled_from("ab"), st.sampled_from("123"), st.integers(0, 2))


@given(st.lists(INVOICES, max_size=40))
def test_first_invoices_are_those_not_seen_before(stretches: list[tuple[str, str, int]]) -> None:
    customers, numbers, months = zip(*stretches, strict=True) if stretches else ((), (), ())
    invoices = pl.DataFrame(
        {"customer_id": customers, "invoice": numbers}, {"customer_id": str, "invoice": str}
    )
    first, in_month = find_first_invoices(invoices, np.array(months, np.int16))
    named = [stretch[:2] for stretch in stretches]
    assert in_month.tolist() == [stretch not in stretches[:n] for n, stretch in enumerate(stretches)]
    assert first.tolist() == [name not in named[:n] for n, name in enumerate(named)]

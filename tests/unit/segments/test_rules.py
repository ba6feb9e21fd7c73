import json
import re

import numpy as np
import polars as pl
import pytest

from custseg.segments.rules import SAMPLE, count_rules, find_rules
from custseg.segments.wording import digits

FEATURES = ("spend", "purchases", "recency_days")


def rules_of(table, *, features, segments):
    numbers = range(1, segments + 1)
    return count_rules(table, find_rules(table, features=features, numbers=numbers), numbers=numbers)


def customers(n=4000, seed=0, segments=4):
    rng = np.random.default_rng(seed)
    spend, purchases, recency = rng.lognormal(5, 1.5, n), rng.geometric(0.2, n), rng.integers(0, 400, n)
    points = np.stack([np.log(spend), np.log(purchases), recency / 100], axis=1)
    centres = points[rng.choice(n, segments, replace=False)]
    nearest = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return pl.DataFrame(
        {
            "spend": spend,
            "purchases": purchases,
            "recency_days": recency,
            "segment_id": pl.Series(nearest + 1, dtype=pl.UInt8),
        }
    )


def said(text, table):
    """Evaluate a rule from its printed words alone."""
    number = r"(-?[\d,]+(?:\.\d+)?)"
    labels = {"spend": "spend", "purchases": "purchases", "days since last purchase": "recency_days"}
    anyone = np.zeros(table.height, bool)
    for alternative in text.split(", or "):
        everyone = np.ones(table.height, bool)
        for condition in alternative.split(" and "):
            label = next(words for words in labels if condition.startswith(words))
            values = table[labels[label]].to_numpy()
            rest = condition.removeprefix(label + " ")
            found = [float(x.replace(",", "")) for x in re.findall(number, rest)]
            if rest.startswith("under"):
                everyone &= values < found[0]
            elif rest.endswith("or more") or rest.startswith("at least"):
                everyone &= values >= found[0]
            elif rest.startswith("at most"):
                everyone &= values <= found[0]
            elif "to under" in rest:
                everyone &= (values >= found[0]) & (values < found[1])
            else:
                everyone &= (values >= found[0]) & (values <= found[-1])
        anyone |= everyone
    return anyone


@pytest.mark.parametrize("seed", range(6))
def test_every_rule_is_true_as_printed(seed):
    table = customers(seed=seed, segments=2 + seed)
    rules = rules_of(table.lazy(), features=FEATURES, segments=2 + seed)
    owner = table["segment_id"].to_numpy()
    covered = np.zeros(table.height, int)
    for rule in rules:
        assert rule.customers == (owner == rule.segment_id).sum()
        if not rule.text:
            assert rule.covered == rule.right == 0
            continue
        holds = said(rule.text, table)
        assert rule.covered == holds.sum()
        assert rule.right == (holds & (owner == rule.segment_id)).sum()
        covered += holds
    assert (covered == 1).all()
    assert sum(rule.right for rule in rules) > 0.7 * table.height


def test_a_plain_division_is_found_and_said_plainly():
    table = pl.DataFrame({"purchases": [1, 2, 3, 4, 10, 20] * 50, "spend": [7.0] * 300})
    table = table.with_columns(
        segment_id=pl.when(pl.col("purchases") >= 4).then(1).otherwise(2).cast(pl.UInt8)
    )
    best, rest = rules_of(table.lazy(), features=("purchases", "spend"), segments=2)
    assert (best.text, rest.text) == ("purchases at least 4", "purchases at most 3")
    assert (best.covered, best.right, best.customers) == (150, 150, 150)
    assert best.sentence() == (
        "if purchases at least 4 (150 of the 150 customers this holds for are in the segment, which has 150)"
    )
    assert json.loads(json.dumps(best.to_record()))["text"] == best.text


def test_a_segment_too_small_for_a_rule_has_none():
    table = pl.DataFrame(
        {"spend": np.arange(1000.0), "segment_id": pl.Series([1] * 999 + [2], dtype=pl.UInt8)}
    )
    rules = rules_of(table.lazy(), features=("spend",), segments=2)
    assert rules[0].text == "any customer"
    assert rules[1].text == ""
    assert rules[1].sentence() == "no simple rule"


def test_thresholds_print_as_they_are_used():
    for rule in rules_of(customers(seed=3).lazy(), features=FEATURES, segments=4):
        for bounds in rule.bounds:
            for low, high in bounds.values():
                for limit in (low, high):
                    assert limit is None or digits(limit) in rule.text or digits(limit - 1) in rule.text


@pytest.mark.parametrize(
    ("low", "high", "limit"),
    [
        (1002.3, 1003.5, "1,003"),  # three digits would put all on one side
        (1003.26, 1003.27, "1,003.27"),
        (-1003.5, -1002.3, "-1,003"),
        (0.00012, 0.00014, "0.00013"),
        (-0.5, 0.5, "0"),
        (90.0, 110.0, "100"),
    ],
)
def test_a_limit_has_the_digits_that_part_two_segments(low, high, limit):
    table = pl.DataFrame({"spend": [low] * 9 + [high] * 9, "segment_id": [2] * 9 + [1] * 9})
    best, rest = rules_of(table.lazy(), features=("spend",), segments=2)
    assert (best.text, rest.text) == (f"spend {limit} or more", f"spend under {limit}")
    assert (best.covered, best.right, rest.covered, rest.right) == (9, 9, 9, 9)


@pytest.mark.parametrize("seed", range(4))
def test_every_alternative_holds_for_someone_however_near_the_values_lie(seed):
    rng = np.random.default_rng(seed)
    spend, basket = 1000 + rng.gamma(2, 2, (2, 600)).round(4)
    place = (np.argsort(np.argsort(spend)) // 100) + 6 * (basket > 1004)
    numbers = np.unique(place)
    table = pl.DataFrame({"spend": spend, "mean_basket": basket, "segment_id": place.astype(np.uint8)})
    rules = find_rules(table.lazy(), features=("spend", "mean_basket"), numbers=numbers.tolist())
    for bounds in (alternative for rule in rules for alternative in rule):
        assert count_rules(table.lazy(), [(bounds,)], numbers=[1])[0].covered > 0


def test_many_segments_of_few_customers_are_no_cause_for_warning():
    table = pl.DataFrame({"spend": np.arange(60.0), "segment_id": [n % 40 + 1 for n in range(60)]})
    assert len(rules_of(table.lazy(), features=("spend",), segments=40)) == 40


def test_customers_beyond_the_sample_are_counted_too():
    many = pl.concat([customers(SAMPLE + 5000)])
    rules = rules_of(many.lazy(), features=FEATURES, segments=4)
    assert sum(rule.customers for rule in rules) == many.height
    assert sum(rule.covered for rule in rules) == many.height

import json
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from deciles import edges_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew

from custseg.customers.matrix import Scaling
from custseg.running.compute import Here
from custseg.segments import ranks
from custseg.segments.profiling import profile_segments

CLUSTERED = ("total_quantity", "purchases")


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(0)
    n = 999
    spend = rng.lognormal(4, 2, n)
    return pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "total_quantity": rng.lognormal(3, 1, n).round(),
            "purchases": rng.integers(1, 30, n),
            "spend": spend,
            "last_purchase": pl.Series([None] * n, dtype=pl.Datetime("us")),
            "segment_id": pl.Series(1 + (spend < 40) + (spend < 10), dtype=pl.UInt8),
            "segment": pl.Series(["x"] * n),
        }
    )


@pytest.fixture(scope="module")
def scaling(customers):
    logs = np.log1p(customers.select(CLUSTERED).to_numpy().astype(float))
    return Scaling("log-standard", tuple(logs.mean(axis=0)), tuple(logs.std(axis=0)))


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    """Return a function that profiles customers from so many files."""

    def profile(table, scaling, parts=1, numbers=(1, 2, 3), **options):
        folder = tmp_path_factory.mktemp("customers")
        rows = -(-table.height // parts)
        paths = [folder / f"part-{i}.parquet" for i in range(-(-table.height // rows))]
        for i, path in enumerate(paths):
            table.slice(i * rows, rows).write_parquet(path)
        return profile_segments(paths, numbers=numbers, clustered=CLUSTERED, scaling=scaling, **options)

    return profile


@pytest.fixture(scope="module")
def profile(customers, scaling, profiled):
    return profiled(customers, scaling)


def test_segments_are_pandas_groups(customers, profile):
    table = pd.DataFrame(customers.select(pl.exclude("last_purchase")).to_dict(as_series=False))
    groups = table.groupby("segment_id")
    assert [s.segment_id for s in profile.segments] == [1, 2, 3]
    for segment in profile.segments:
        own = groups.get_group(segment.segment_id)
        assert segment.customers == len(own)
        assert segment.share == len(own) / 999
        assert segment.spend == pytest.approx(own["spend"].sum(), rel=1e-12)
        assert segment.spend_share == pytest.approx(own["spend"].sum() / table["spend"].sum(), rel=1e-12)
        assert list(segment.medians) == ["total_quantity", "purchases", "spend"]
        for name in segment.medians:
            assert segment.medians[name] == own[name].median()
            assert segment.means[name] == pytest.approx(own[name].mean(), rel=1e-12)
            for key, value in segment.quantiles[name].items():
                assert value == pytest.approx(own[name].quantile(int(key[1:]) / 100), rel=1e-12)


def test_features_are_summarised(customers, profile, scaling):
    scaled = (
        np.log1p(customers.select(CLUSTERED).to_numpy().astype(float)) - scaling.means
    ) / scaling.deviations
    for place, summary in enumerate(profile.features):
        values = customers[summary.name].cast(pl.Float64).to_numpy()
        assert (summary.minimum, summary.maximum) == (values.min(), values.max())
        assert summary.median == np.median(values)
        assert summary.mean == pytest.approx(values.mean(), rel=1e-12)
        assert summary.skew == pytest.approx(skew(values), rel=1e-9)
        if summary.name in CLUSTERED:
            assert summary.skew_scaled == pytest.approx(skew(scaled[:, place]), rel=1e-3, abs=1e-6)
        else:
            assert summary.skew_scaled is None
        assert len(summary.shares) == len(summary.edges) + 1 <= 19
        bins = np.histogram(values, bins=[-np.inf, *summary.edges, np.inf])[0]
        assert summary.shares == tuple(bins / 999)
        record = json.loads(json.dumps(summary.to_record()))
        assert record["clustered"] == (summary.name in CLUSTERED)
        assert record["label"]


@pytest.mark.parametrize("cut", [(1, 0), (1, 4_000), (2, 0), (2, 1 << 19), (5, 0), (5, 4_000)])
def test_order_parts_threads_and_passes_change_no_bit(
    customers, profile, profiled, scaling, monkeypatch, cut
):
    parts, few = cut
    monkeypatch.setattr(ranks, "FEW", few)
    mixed = customers.sample(fraction=1, shuffle=True, seed=parts)
    assert profiled(mixed, scaling, parts, compute=Here(threads=parts)) == profile


amounts = st.integers(-(10**9), 10**9).map(lambda n: n / 10_000) | st.sampled_from([0.0, -0.0, 0.1, -0.1])


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(amounts, st.integers(1, 4), st.sampled_from([1, 2, 4])), min_size=1, max_size=30),
    few=st.sampled_from([0, 20, 1 << 19]),
    parts=st.sampled_from([1, 2, 5]),
    seed=st.integers(0, 9),
)
def test_profiles_are_those_of_whole_numbers(profiled, rows, few, parts, seed):
    spend, purchases, owner = zip(*rows, strict=True)
    table = pl.DataFrame(
        {"spend": spend, "total_quantity": spend, "purchases": purchases, "segment_id": owner},
        schema_overrides={"segment_id": pl.UInt8, "spend": pl.Float64, "total_quantity": pl.Float64},
    ).sample(fraction=1, shuffle=True, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "FEW", few)
        numbers = (1, 2, 3, 4)
        found = profiled(table, Scaling("none", (0.0, 0.0), (1.0, 1.0)), parts, numbers)
    for segment in found.segments:
        own = [(s, p) for s, p, o in rows if o == segment.segment_id]
        assert segment.customers == len(own)
        for name, column in zip(("spend", "purchases"), zip(*own, strict=True), strict=bool(own)):
            assert segment.means[name] == float(sum(map(Fraction, column)) / len(column))
            assert segment.medians[name] == np.median(column)
            wanted = np.quantile(column, [0.05, 0.25, 0.75, 0.95])
            assert list(segment.quantiles[name].values()) == pytest.approx(wanted, rel=1e-9, abs=1e-6)
        assert segment.spend == math.fsum(s for s, _ in own)
        if not own:
            nothing = dict.fromkeys(segment.medians)
            assert segment.means == segment.medians == segment.quantiles == nothing
    _, _, summary = found.features
    assert (summary.minimum, summary.median, summary.maximum) == (min(spend), np.median(spend), max(spend))
    edges = edges_of(spend)
    assert summary.edges == tuple(edges)
    counts = [
        sum(a <= s < b for s in spend) for a, b in zip([-np.inf, *edges], [*edges, np.inf], strict=True)
    ]
    assert summary.shares == tuple(count / len(spend) for count in counts)
    if len(set(spend)) > 1:
        assert summary.skew == pytest.approx(skew(spend), rel=1e-6, abs=1e-6)
    else:
        assert summary.skew is None


def test_without_money_or_variation(customers, scaling, profiled):
    plain = customers.select(
        "customer_id", "segment_id", pl.lit(3).alias("purchases"), total_quantity=pl.lit(0.0)
    )
    profile = profiled(plain, scaling)
    assert all(s.spend is None and s.spend_share is None for s in profile.segments)
    assert all(f.skew is None and f.skew_scaled is None for f in profile.features)
    nothing = customers.with_columns(spend=pl.lit(0.0))
    free = profiled(nothing, scaling)
    assert all(s.spend == 0 and s.spend_share is None for s in free.segments)

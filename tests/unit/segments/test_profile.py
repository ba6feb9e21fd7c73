import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import skew

from custseg.customers.matrix import Scaling
from custseg.segments.profile import profile_segments

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
def profile(customers, scaling):
    return profile_segments(customers.lazy(), numbers=(1, 2, 3), clustered=CLUSTERED, scaling=scaling)


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
        assert len(summary.shares) == len(summary.edges) + 1 <= 10
        bins = np.histogram(values, bins=[-np.inf, *summary.edges, np.inf])[0]
        assert summary.shares == tuple(bins / 999)
        record = json.loads(json.dumps(summary.to_record()))
        assert record["clustered"] == (summary.name in CLUSTERED)
        assert record["label"]


def test_the_order_of_rows_changes_no_bit(customers, profile, scaling):
    for seed in range(3):
        mixed = customers.sample(fraction=1, shuffle=True, seed=seed).lazy()
        assert profile_segments(mixed, numbers=(1, 2, 3), clustered=CLUSTERED, scaling=scaling) == profile


def test_without_money_or_variation(customers, scaling):
    plain = customers.select(
        "customer_id", "segment_id", pl.lit(3).alias("purchases"), total_quantity=pl.lit(0.0)
    )
    profile = profile_segments(plain.lazy(), numbers=(1, 2, 3), clustered=CLUSTERED, scaling=scaling)
    assert all(s.spend is None and s.spend_share is None for s in profile.segments)
    assert all(f.skew is None and f.skew_scaled is None for f in profile.features)
    nothing = customers.with_columns(spend=pl.lit(0.0))
    free = profile_segments(nothing.lazy(), numbers=(1, 2, 3), clustered=CLUSTERED, scaling=scaling)
    assert all(s.spend == 0 and s.spend_share is None for s in free.segments)

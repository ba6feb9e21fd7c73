import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import cdist

from custseg.segments.label import Tally, number_segments, tally_clusters, write_customers

CENTRES = np.array([[0.0, 0, 0], [9, 0, 2], [0, 8, -6]])


@pytest.fixture
def table(three_blobs):
    rng = np.random.default_rng(8)
    n = len(three_blobs)
    return pl.DataFrame(
        {
            "key": rng.integers(0, 2**63, n),
            "spend": rng.lognormal(3, 2, n),
            "customer_id": [f"c{i}" for i in range(n)],
            "purchases": rng.integers(1, 50, n),
            "first_purchase": pl.Series([dt.date(2011, 1, 1)] * n).cast(pl.Datetime),
            "return_rate": rng.uniform(size=n),
        }
    )


@pytest.fixture
def matrix(make_matrix, three_blobs):
    return make_matrix(three_blobs, block_rows=700)


@pytest.fixture
def nearest(three_blobs):
    return cdist(three_blobs.astype(np.float32), CENTRES).argmin(axis=1)


def test_tallies_are_plain_means(matrix, table, nearest):
    tallies = tally_clusters(matrix, CENTRES, lambda block: table.slice(block * 700, 700))
    for cluster, tally in enumerate(tallies):
        own = table.filter(pl.Series(nearest == cluster))
        assert tally.customers == own.height
        assert set(tally.means) == {"spend", "purchases", "return_rate"}
        assert tally.means["spend"] == pytest.approx(own["spend"].mean(), rel=1e-12)
        assert tally.typical["spend"] == pytest.approx(np.expm1(np.log1p(own["spend"]).mean()), rel=1e-12)


def test_segments_are_numbered_by_falling_spend():
    def tally(customers, **means):
        return Tally(customers, means, means)

    assert number_segments([tally(5, spend=10.0), tally(1, spend=99.0), tally(9, spend=50.0)]) == (1, 2, 0)
    assert number_segments(
        [tally(5, total_quantity=1.0, lines=9), tally(5, total_quantity=2.0, lines=1)]
    ) == (1, 0)
    assert number_segments([tally(5, lines=1.0), tally(7, lines=1.0), tally(7, lines=1.0)]) == (1, 2, 0)


def test_parts_hold_every_customer_with_segment(matrix, table, nearest, three_blobs, tmp_path):
    names = ["Gold", "Silver", "Bronze"]
    paths = write_customers(
        matrix,
        CENTRES,
        lambda block: table.slice(block * 700, 700),
        numbers=(2, 3, 7),
        names=names,
        folder=tmp_path,
    )
    assert [path.name for path in paths] == [f"part-{block:05d}.parquet" for block in range(5)]
    assert sorted(tmp_path.glob("*.parquet")) == paths
    written = pl.concat([pl.read_parquet(path) for path in paths])
    assert written.columns == [
        "customer_id",
        "purchases",
        "spend",
        "first_purchase",
        "return_rate",
        "segment_id",
        "segment",
        "distance",
        "margin",
    ]
    assert written.schema["segment_id"] == pl.UInt8
    assert written["customer_id"].to_list() == table["customer_id"].to_list()
    np.testing.assert_array_equal(written["spend"], table["spend"])
    np.testing.assert_array_equal(written["segment_id"], np.array([2, 3, 7])[nearest])
    assert written["segment"].to_list() == [names[i] for i in nearest]
    distances = np.sort(cdist(three_blobs.astype(np.float32), CENTRES), axis=1)
    np.testing.assert_allclose(written["distance"], distances[:, 0], rtol=1e-12)
    np.testing.assert_allclose(written["margin"], distances[:, 1] - distances[:, 0], atol=1e-12)

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples, silhouette_score

from custseg.running.compute import Here
from custseg.segments import scores
from custseg.segments.scores import GROUPS, silhouettes


@pytest.fixture(scope="module")
def clusterings(three_blobs):
    points = three_blobs[:600]
    labels = {k: KMeans(k, n_init=1, random_state=0).fit(points).labels_.astype(np.uint8) for k in (2, 3, 6)}
    return points, labels, np.random.default_rng(3).integers(0, 2**64, len(points), np.uint64)


@pytest.mark.parametrize("threads", [1, 2])
def test_every_value_is_scikit_learns(clusterings, threads):
    points, labels, keys = clusterings
    found = silhouettes(points, labels, keys=keys, population=len(points), compute=Here(threads=threads))
    assert found.exact
    for place, k in enumerate(labels):
        np.testing.assert_allclose(found.values[:, place], silhouette_samples(points, labels[k]), atol=1e-9)
        assert found.score(k) == pytest.approx(silhouette_score(points, labels[k]), abs=1e-12)
        assert found.error(k) == 0
        assert found.paired_error(k, 2) == 0


@settings(max_examples=60)
@given(data=st.data())
def test_tiny_and_tied_clusters(data):
    n = data.draw(st.integers(3, 12))
    points = np.array(
        data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=n, max_size=n))
    )
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)), np.uint8)
    found = silhouettes(points.astype(float), {3: labels}, keys=np.zeros(n, np.uint64), population=n)
    if 2 <= len(set(labels.tolist())) < n:
        np.testing.assert_allclose(found.values[:, 0], silhouette_samples(points, labels), atol=1e-9)
    elif len(set(labels.tolist())) == n:
        assert found.score(3) == 0
    else:
        assert math.isnan(found.score(3))


def test_threads_and_block_size_change_no_bit(clusterings, monkeypatch):
    points, labels, keys = clusterings
    first = silhouettes(points, labels, keys=keys, population=10_000, compute=Here(threads=1))
    second = silhouettes(points, labels, keys=keys, population=10_000, compute=Here(threads=3))
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.replicates, second.replicates)
    monkeypatch.setattr(scores, "ROWS", 17)
    np.testing.assert_allclose(
        silhouettes(points, labels, keys=keys, population=10_000).replicates, first.replicates, atol=1e-12
    )


def test_replicates_are_scores_without_a_group(clusterings):
    points, labels, keys = clusterings
    found = silhouettes(points, labels, keys=keys, population=10_000)
    assert not found.exact
    replicates = np.array(
        [
            [silhouette_score(points[kept], labels[k][kept]) for k in labels]
            for kept in (keys % GROUPS != group for group in range(GROUPS))
        ]
    )
    np.testing.assert_allclose(found.replicates, replicates, atol=1e-9)
    factor = (GROUPS - 1) / GROUPS * (1 - 600 / 10_000)
    spread = ((replicates - replicates.mean(axis=0)) ** 2).sum(axis=0)
    assert found.error(3) == pytest.approx(math.sqrt(spread[1] * factor), rel=1e-6)
    difference = replicates[:, 1] - replicates[:, 0]
    paired = math.sqrt(((difference - difference.mean()) ** 2).sum() * factor)
    assert found.paired_error(3, 2) == pytest.approx(paired, rel=1e-6)


def test_a_cluster_the_sample_missed_counts_for_nothing(clusterings):
    points, labels, keys = clusterings
    with_a_gap = {4: np.where(labels[3] == 2, 3, labels[3]).astype(np.uint8)}
    found = silhouettes(points, with_a_gap, keys=keys, population=10_000)
    assert found.score(4) == pytest.approx(silhouette_score(points, labels[3]), abs=1e-12)
    assert found.error(4) == pytest.approx(
        silhouettes(points, labels, keys=keys, population=10_000).error(3), rel=1e-9
    )
    assert len(found.of_cluster(4, 2)) == 0


def test_values_of_a_cluster(clusterings):
    points, labels, keys = clusterings
    found = silhouettes(points, labels, keys=keys, population=600)
    np.testing.assert_allclose(
        found.of_cluster(3, 1), silhouette_samples(points, labels[3])[labels[3] == 1], atol=1e-9
    )


def test_the_error_shrinks_as_the_sample_becomes_the_whole(three_blobs):
    keys = np.random.default_rng(0).permutation(len(three_blobs)).astype(np.uint64)
    labels = {2: (three_blobs[:, 0] > 4.5).astype(np.uint8)}
    part = silhouettes(three_blobs, labels, keys=keys, population=3001)
    many = silhouettes(three_blobs, labels, keys=keys, population=10**9)
    assert 0 < part.error(2) < many.error(2) / 50

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from custseg.segments import structure
from custseg.segments.structure import (
    BoxReference,
    Stability,
    adjusted_rand,
    best_jaccards,
    compare_with_boxes,
    judge,
    measure_stability,
)


def table_of(first, second, k):
    return np.array(
        [
            [sum(a == i and b == j for a, b in zip(first, second, strict=True)) for j in range(k)]
            for i in range(k)
        ]
    )


def labelled(points, ks):
    return {k: KMeans(k, n_init=5, random_state=0).fit(points).labels_.astype(np.uint8) for k in ks}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_adjusted_rand_is_scikit_learns(pairs):
    first, second = zip(*pairs, strict=True)
    expected = adjusted_rand_score(first, second)
    assert adjusted_rand(table_of(first, second, 4)) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20))
def test_jaccard_is_that_of_the_sets(pairs):
    first = [{i for i, (a, _) in enumerate(pairs) if a == cluster} for cluster in range(3)]
    second = [{i for i, (_, b) in enumerate(pairs) if b == cluster} for cluster in range(3)]
    found = best_jaccards(table_of(*zip(*pairs, strict=True), 3))
    for members, jaccard in zip(first, found, strict=True):
        if members:
            assert jaccard == pytest.approx(max(len(members & s) / len(members | s) for s in second))
        else:
            assert np.isnan(jaccard)


def test_stability_agrees_with_an_independent_implementation(three_blobs):
    points = three_blobs[:300]
    labels = labelled(points, (2, 4))
    found = measure_stability(points, labels, seed=9)
    rng = np.random.default_rng(9)
    rands, jaccards = {2: [], 4: []}, {2: [], 4: []}
    for _ in range(structure.REPLICATES):
        drawn = sorted(set(rng.integers(0, 300, 300).tolist()))
        for k in labels:
            again = KMeans(k, n_init=structure.STARTS, random_state=9).fit(points[drawn]).labels_
            rands[k].append(adjusted_rand_score(labels[k][drawn], again))
            jaccards[k].append(
                [
                    max(
                        len({*own} & {*np.flatnonzero(again == other)})
                        / len({*own} | {*np.flatnonzero(again == other)})
                        for other in range(k)
                    )
                    for own in (np.flatnonzero(labels[k][drawn] == cluster) for cluster in range(k))
                ]
            )
    for k in labels:
        assert found[k].rand == pytest.approx(np.mean(rands[k]), abs=1e-12)
        assert found[k].jaccard == pytest.approx(np.mean(jaccards[k], axis=0), abs=1e-12)


def test_true_clusters_are_stable_and_others_are_not(three_blobs):
    points = three_blobs[:1000]
    found = measure_stability(points, labelled(points, (3, 7)), seed=0)
    assert found[3].rand > 0.99
    assert min(found[3].jaccard) > 0.99
    assert found[7].rand < 0.9


def test_too_few_customers_have_no_stability():
    points = np.array([[0.0, 0], [0, 0], [5, 5], [5, 5]])
    assert measure_stability(points, {3: np.array([0, 1, 2, 2], np.uint8)}, seed=0) == {}


def gaussian(correlation, rng):
    covariance = np.full((3, 3), correlation) + np.eye(3) * (1 - correlation)
    return rng.multivariate_normal(np.zeros(3), covariance, structure.SAMPLE)


@pytest.mark.parametrize("kind", ["round", "long", "uniform"])
def test_one_blob_has_no_structure(kind):
    rng = np.random.default_rng(6)
    made = {"round": gaussian(0, rng), "long": gaussian(0.9, rng), "uniform": rng.uniform(size=(1500, 3))}
    reference = compare_with_boxes(made[kind], labelled(made[kind], range(2, 6)), seed=0)
    assert not reference.beaten
    assert judge(reference, 0.9, Stability(1.0, (1.0, 1.0))) == "none"


def test_customers_who_are_all_alike_have_no_structure():
    alike = np.ones((200, 2))
    reference = compare_with_boxes(alike, {k: np.zeros(200, np.uint8) for k in (2, 3)}, seed=0)
    assert judge(reference, 0.99, None) == "none"


def test_blobs_have_structure(three_blobs):
    points = three_blobs[: structure.SAMPLE]
    reference = compare_with_boxes(points, labelled(points, range(2, 6)), seed=0)
    assert reference.largest_z > 20
    assert reference == compare_with_boxes(points, labelled(points, range(2, 6)), seed=0)


@pytest.mark.parametrize(
    ("silhouette", "jaccard", "verdict"),
    [(0.7, 0.9, "clear"), (0.49, 0.9, "weak"), (0.7, 0.6, "weak")],
)
def test_clear_needs_silhouette_and_stability(silhouette, jaccard, verdict):
    beaten = BoxReference(largest_z=30, boxes_largest_z=2)
    assert judge(beaten, silhouette, Stability(1.0, (0.95, jaccard))) == verdict
    assert judge(beaten, silhouette, None) == "weak"
    assert judge(BoxReference(largest_z=5.9, boxes_largest_z=2), silhouette, None) == "none"
    assert judge(BoxReference(largest_z=30, boxes_largest_z=31), silhouette, None) == "none"

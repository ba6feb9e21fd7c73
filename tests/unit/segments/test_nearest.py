import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from custseg.running.compute import Here
from custseg.segments.nearest import count_distinct, farthest_point, label_block, mean_point, measure_spread

# Whole numbers make ties, and their squares are exact.
grid = st.integers(-4, 4).map(float)


@given(
    block=arrays(np.float32, st.tuples(st.integers(1, 30), st.just(2)), elements=grid.map(np.float32)),
    centres=arrays(np.float64, st.tuples(st.integers(2, 6), st.just(2)), elements=grid),
)
def test_labels_are_those_of_brute_force(block, centres):
    distances = np.sqrt(((block[:, None, :].astype(float) - centres) ** 2).sum(axis=2))
    ordered = np.sort(distances, axis=1)
    labels = label_block(block, centres)
    assert labels.cluster.dtype == np.uint8
    nearest = [min(range(len(centres)), key=lambda c: (row[c], *centres[c], c)) for row in distances]
    np.testing.assert_array_equal(labels.cluster, nearest)
    np.testing.assert_array_equal(labels.distance, ordered[:, 0])
    np.testing.assert_array_equal(labels.margin, ordered[:, 1] - ordered[:, 0])


def test_a_tie_goes_to_the_same_centre_however_they_are_numbered():
    centres = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        cluster = label_block(np.zeros((1, 2), np.float32), centres[order]).cluster[0]
        np.testing.assert_array_equal(centres[order][cluster], [-1, 0])


def test_labels_do_not_depend_on_where_tiles_end():
    rng = np.random.default_rng(0)
    block, centres = rng.normal(size=(20_000, 3)).astype(np.float32), rng.normal(size=(7, 3))
    whole = label_block(block, centres)
    parts = [label_block(block[start : start + 777], centres) for start in range(0, 20_000, 777)]
    for name in ("cluster", "distance", "margin"):
        np.testing.assert_array_equal(getattr(whole, name), np.concatenate([getattr(p, name) for p in parts]))


def test_one_centre_has_no_next():
    assert np.isinf(label_block(np.zeros((3, 2), np.float32), np.ones((1, 2))).margin).all()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_spread_is_brute_force_and_the_same_with_any_threads(make_matrix, three_blobs, threads):
    rng = np.random.default_rng(1)
    fits = {k: rng.normal(scale=4, size=(k, 3)) for k in (1, 2, 5)}
    matrix = make_matrix(three_blobs, block_rows=700)
    points = three_blobs.astype(np.float32).astype(float)
    spreads = measure_spread(matrix, fits, compute=Here(threads=threads))
    for k, centres in fits.items():
        distances = cdist(points, centres)
        assert spreads[k].sse == pytest.approx((distances.min(axis=1) ** 2).sum(), rel=1e-12)
        assert spreads[k].sizes == tuple(np.bincount(distances.argmin(axis=1), minlength=k))
    assert spreads == measure_spread(make_matrix(three_blobs, block_rows=700), fits, compute=Here(threads=1))


def test_one_pass_serves_every_k(make_matrix, block_reads, three_blobs):
    matrix = make_matrix(three_blobs, block_rows=1500)
    measure_spread(matrix, {k: np.zeros((k, 3)) for k in range(2, 11)}, compute=Here(threads=2))
    assert sorted(block_reads) == [0, 1]


def test_mean_and_farthest_and_distinct(make_matrix, three_blobs):
    matrix = make_matrix(three_blobs, block_rows=700)
    points = three_blobs.astype(np.float32).astype(float)
    np.testing.assert_allclose(mean_point(matrix), points.mean(axis=0)[None], rtol=1e-12)
    point, distance = farthest_point(matrix, np.zeros((1, 3)))
    assert distance == pytest.approx(np.linalg.norm(points, axis=1).max(), rel=1e-12)
    np.testing.assert_array_equal(point, points[np.linalg.norm(points, axis=1).argmax()])
    assert count_distinct(matrix, 20) == 20
    assert (
        count_distinct(make_matrix(np.repeat([[1, 2], [3, 4], [1, 2.5]], 50, axis=0), block_rows=40), 20) == 3
    )

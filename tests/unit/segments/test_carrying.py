import numpy as np
import pytest
from scipy.spatial.distance import cdist

from custseg.running.compute import HERE
from custseg.running.compute.here import Here
from custseg.segments.carrying import Carried, fit_carried


def anchored(points, held, weights, rounds=500):
    """The same by its definition: K-means over the points and the earlier customers, held in their places."""
    centres = held.copy()
    for _ in range(rounds):
        nearest = cdist(points, centres).argmin(axis=1)
        centres = np.array(
            [
                (weights[c] * held[c] + points[nearest == c].sum(axis=0))
                / (weights[c] + (nearest == c).sum())
                for c in range(len(held))
            ]
        )
    return centres, np.bincount(nearest, minlength=len(held))


def fitted(matrix, held, weights, compute=HERE):
    carried = Carried(np.array(held, float), np.array(weights, float))
    return fit_carried(matrix, carried, variance=matrix.sample(10**6, 0).points.var(axis=0), compute=compute)


def test_it_is_k_means_over_both_runs_customers(make_matrix, three_blobs):
    held, weights = np.array([[1.0, 1, 1], [8, 1, 0], [1, 7, -4]]), np.array([500.0, 2000, 10])
    matrix = make_matrix(three_blobs, block_rows=700)
    fit, places = fitted(matrix, held, weights)
    centres, sizes = anchored(three_blobs.astype(np.float32).astype(float), held, weights)
    np.testing.assert_allclose(fit.centres, centres, atol=1e-3)
    assert fit.sizes == tuple(sizes.tolist())
    assert fit.sse == pytest.approx((cdist(three_blobs, fit.centres).min(axis=1) ** 2).sum(), rel=1e-6)
    assert places == (0, 1, 2)


def test_threads_and_blocks_change_nothing(make_matrix, three_blobs):
    held, weights = [[1.0, 1, 1], [8, 1, 0]], [300.0, 100]
    matrix = make_matrix(three_blobs, block_rows=500)
    one, two = fitted(matrix, held, weights, Here(threads=1)), fitted(matrix, held, weights, Here(threads=2))
    np.testing.assert_array_equal(one[0].centres, two[0].centres)
    assert one[0].sse == two[0].sse


def test_a_segment_without_customers_is_gone_and_the_others_go_on(make_matrix, three_blobs):
    held = [[0.0, 0, 0], [500, 500, 500], [9, 0, 2], [0, 8, -6]]
    fit, places = fitted(make_matrix(three_blobs), held, [100.0] * 4)
    assert places == (0, 2, 3)
    assert fit.k == 3
    assert min(fit.sizes) > 0


def test_many_earlier_customers_hold_a_centre_and_none_lets_it_go(make_matrix, three_blobs):
    held = [[1.0, 1, 1], [8, 1, 0], [1, 7, -4]]
    matrix = make_matrix(three_blobs)
    np.testing.assert_allclose(fitted(matrix, held, [1e12] * 3)[0].centres, held, atol=1e-6)
    means = [[0, 0, 0], [9, 0, 2], [0, 8, -6]]
    np.testing.assert_allclose(fitted(matrix, held, [1e-6] * 3)[0].centres, means, atol=0.25)

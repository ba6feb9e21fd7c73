import numpy as np
import pytest
from sklearn.cluster import KMeans

from custseg.running.compute import Here
from custseg.segments import kmeans
from custseg.segments.kmeans import fit_clusters, round_centres, starting_centres
from custseg.segments.nearest import sum_of_squares

GENEROUS = 10**9


def fit(matrix, starts, *, memory=GENEROUS, threads=2, settled=False):
    points = matrix.sample(100_000, 0).points
    return fit_clusters(
        matrix,
        starts,
        variance=points.var(axis=0),
        memory=memory,
        settled=settled,
        compute=Here(threads=threads),
    )


def test_four_points_by_hand(make_matrix):
    matrix = make_matrix([[0, 0], [0, 2], [10, 0], [10, 4]], block_rows=3)
    found = fit(matrix, {2: np.array([[1.0, 1.0], [9.0, 1.0]])})[2]
    np.testing.assert_array_equal(found.centres, [[0, 1], [10, 2]])
    assert found.sse == 1 + 1 + 4 + 4
    assert found.sizes == (2, 2)


def test_sums_of_squares_as_low_as_scikit_learns_best(make_matrix, three_blobs):
    matrix = make_matrix(three_blobs, block_rows=700)
    points = matrix.sample(100_000, 0).points
    fits = fit(matrix, starting_centres(points, range(2, 8), seed=0))
    assert list(fits) == [2, 3, 4, 5, 6, 7]
    for k, found in fits.items():
        best = KMeans(k, n_init=20, random_state=1).fit(points).inertia_
        assert found.sse <= 1.005 * best
        assert sum(found.sizes) == len(points)
        assert min(found.sizes) > 0
    assert sorted(fits[3].sizes) == [300, 900, 1800]


def test_starts_do_not_depend_on_the_other_k_or_on_threads(three_blobs, monkeypatch):
    monkeypatch.setattr(kmeans, "FEW", 1000)
    monkeypatch.setattr(kmeans, "SEARCH_SAMPLE", 500)
    together = starting_centres(three_blobs, [2, 5, 3], seed=4, compute=Here(threads=3))
    np.testing.assert_array_equal(together[5], starting_centres(three_blobs, [5], seed=4)[5])
    assert not np.array_equal(together[5], starting_centres(three_blobs, [5], seed=5)[5])


def test_memory_and_threads_change_nothing(make_matrix, three_blobs):
    matrix = make_matrix(three_blobs, block_rows=700)
    starts = starting_centres(three_blobs, range(2, 6), seed=0)
    usual = fit(matrix, starts)
    for other in (
        fit(matrix, starts, memory=0),
        fit(matrix, starts, threads=1),
        fit(matrix, starts, threads=5),
    ):
        for k, found in usual.items():
            np.testing.assert_array_equal(found.centres, other[k].centres)
            assert found.sse == other[k].sse


def test_empty_clusters_are_moved_to_the_farthest_customers(make_matrix):
    rng = np.random.default_rng(2)
    corners = np.array([[0, 0], [30, 0], [0, 40], [50, 50]]) + 1000
    points = np.concatenate([rng.normal(size=(100, 2)) + corner for corner in corners])
    # dask-ml leaves the centre of an empty cluster at the origin, far from everyone.
    nowhere = [-1e4, -1e4]
    starts = {4: np.array([corners[0], nowhere, nowhere, nowhere]), 3: np.array([*corners[:2], nowhere])}
    fits = fit(make_matrix(points, block_rows=150), starts)
    assert sorted(fits[4].sizes) == [100, 100, 100, 100]
    assert sorted(fits[3].sizes) == [100, 100, 200]


def test_starts_found_on_all_customers_are_the_fit_and_only_empty_clusters_are_put_right(
    make_matrix, three_blobs, monkeypatch
):
    matrix = make_matrix(three_blobs, block_rows=700)
    points = matrix.sample(100_000, 0).points
    starts = starting_centres(points, range(2, 6), seed=0)
    usual = fit(matrix, starts)
    starts[5][4] = starts[5].min(axis=0) - 1e4
    fitted = []
    lloyd = kmeans._lloyd
    monkeypatch.setattr(
        kmeans, "_lloyd", lambda rows, start, spread: fitted.append(len(start)) or lloyd(rows, start, spread)
    )
    settled = fit(matrix, starts, settled=True)
    assert fitted == [5]
    assert min(settled[5].sizes) > 0
    for k in range(2, 5):
        np.testing.assert_allclose(settled[k].centres, usual[k].centres, atol=1e-5)
        assert abs(settled[k].sse / usual[k].sse - 1) < 1e-9


def test_a_k_beyond_the_different_customers_is_given_up(make_matrix):
    matrix = make_matrix(np.repeat([[0.0, 1.0], [5.0, 5.0]], 20, axis=0), block_rows=15)
    points = matrix.sample(100, 0).points
    fits = fit(matrix, starting_centres(points, [2, 3], seed=0))
    assert list(fits) == [2]
    assert fits[2].sse == 0


@pytest.mark.parametrize("scale", [2.0**20, 2.0**-20])
def test_the_tolerance_follows_the_scale_of_the_features(make_matrix, three_blobs, scale):
    # From starts that take several passes: with a tolerance of another scale they would end too soon.
    plain = fit(make_matrix(three_blobs), {4: three_blobs[:4]})[4]
    scaled = fit(make_matrix(three_blobs * scale), {4: three_blobs[:4] * scale})[4]
    np.testing.assert_allclose(scaled.centres / scale, plain.centres, rtol=1e-6)


def test_progress_is_told(make_matrix, three_blobs):
    steps = []
    starts = starting_centres(three_blobs, [2, 3], seed=0, advance=steps.append)
    fit_clusters(make_matrix(three_blobs), starts, variance=np.ones(3), memory=GENEROUS, advance=steps.append)
    assert steps == [1, 1, 1, 1]


def test_centres_are_rounded_by_the_spread_of_their_feature():
    centres = np.array([[0.12345678912345, 123456.78912345678, -1e-12]])
    rounded = round_centres(centres, np.array([1.0, 1e10, 0.0]))
    np.testing.assert_array_equal(rounded, [[0.123456789, 123456.7891, 0.0]])
    assert not np.signbit(rounded[0, 2])


def test_the_matrix_is_kept_when_it_takes_less_than_half_the_memory(make_matrix, three_blobs, monkeypatch):
    matrix = make_matrix(three_blobs, block_rows=700)
    size = matrix.dask_array().nbytes
    kept = []
    monkeypatch.setattr("dask.array.Array.persist", lambda self, **_options: kept.append(self.nbytes) or self)
    monkeypatch.setattr(kmeans, "_lloyd", lambda _rows, start, _variance: start)
    starts = {2: three_blobs[[0, -1]].astype(np.float64)}
    fit(matrix, starts, memory=2 * size)
    assert kept == []
    fit(matrix, starts, memory=2 * size + 1)
    assert kept == [size]


def test_few_customers_get_many_starts_and_of_many_some_are_tried(three_blobs, monkeypatch):
    tried = []

    class Recorded(KMeans):
        def fit(self, points, *arguments):
            tried.append((self.n_init, len(points)))
            return super().fit(points, *arguments)

    monkeypatch.setattr("sklearn.cluster.KMeans", Recorded)
    monkeypatch.setattr(kmeans, "FEW", 1000)
    monkeypatch.setattr(kmeans, "SEARCH_SAMPLE", 400)
    monkeypatch.setattr(kmeans, "MANY_STARTS", 5)
    monkeypatch.setattr(kmeans, "FEW_STARTS", 3)
    for customers in (999, 1000, 1001):
        starting_centres(three_blobs[:customers], [2], seed=0)
    # Each search is followed by one fit that polishes what it found.
    assert tried == [(5, 999), (1, 999), (5, 1000), (1, 1000), *[(1, 400)] * 3, (1, 1001)]


def test_starts_on_samples_find_what_starts_on_all_find(monkeypatch):
    """Few customers far away: on one sample for all starts, the better of two fits looks the worse."""
    draws = np.random.default_rng(7)
    points = np.concatenate(
        [draws.normal(0, 1, (9000, 3)), draws.normal((0, 9, 0), 0.5, (60, 3)), draws.normal(7, 0.5, (60, 3))]
    )
    best = {k: KMeans(k, n_init=30, tol=1e-8, random_state=0).fit(points).inertia_ for k in (3, 4, 5)}
    monkeypatch.setattr(kmeans, "FEW", 1000)
    monkeypatch.setattr(kmeans, "SEARCH_SAMPLE", 1000)
    for seed in range(8):
        for k, centres in starting_centres(points, best, seed=seed).items():
            assert sum_of_squares(points, centres) <= 1.01 * best[k], (seed, k)

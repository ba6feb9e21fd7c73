"""Made data with known truth, many seeds: is the choice of k right, and are its errors true?

Left out unless CUSTSEG_CAMPAIGN says how many seeds to try (100 takes about half an hour).
"""

import os

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from custseg.customers.matrix import Scaling
from custseg.running.compute import Here
from custseg.segments.choose_k import Effort, choose_k
from custseg.segments.nearest import label_block
from custseg.segments.scores import silhouettes

SEEDS = int(os.environ.get("CUSTSEG_CAMPAIGN", "0"))

pytestmark = pytest.mark.skipif(SEEDS == 0, reason="CUSTSEG_CAMPAIGN does not say how many seeds: 100")


def log_standard(raw):
    """Scale as custseg does by default."""
    logs = np.log1p(raw)
    return Scaling("log-standard", tuple(logs.mean(axis=0)), tuple(logs.std(axis=0))).apply(raw)


def separate_blobs(seed, *, apart=8.0):
    """Return customers in 2-9 Gaussian blobs, exponentiated to look like retail, and their number."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 10))
    reach = 1.2 * apart * k ** (1 / 3)
    while True:
        centres = rng.uniform(-reach, reach, (k, 3))
        distances = np.linalg.norm(centres[:, None] - centres, axis=2) + 1e9 * np.eye(k)
        if distances.min() >= apart:
            break
    weights = rng.dirichlet(np.full(k, 2.0))
    while weights.min() < 0.03:
        weights = rng.dirichlet(np.full(k, 2.0))
    blob = rng.choice(k, int(rng.integers(3000, 6000)), p=weights)
    points = centres[blob] + rng.normal(size=(len(blob), 3))
    return np.exp(4 + points / 8), k


def no_structure(seed):
    """Return one blob with some correlation, or uniform noise."""
    rng = np.random.default_rng(seed)
    if seed % 5 == 4:
        return rng.uniform(1, 1000, (4000, 3)), "uniform"
    correlation = rng.uniform(0, 0.9)
    covariance = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    return np.exp(
        4 + rng.multivariate_normal(np.zeros(3), covariance, 4000)
    ), f"correlation {correlation:.2f}"


def chosen(matrix, seed=0):
    return choose_k(matrix, asked=None, min_share=0.02, seed=seed, effort=Effort(memory=10**9))


def test_the_right_k_and_sums_of_squares_as_low_as_they_go(make_matrix):
    wrong, high = [], []
    for seed in range(SEEDS):
        raw, k = separate_blobs(seed)
        matrix = make_matrix(log_standard(raw), block_rows=2000)
        selection = chosen(matrix)
        if selection.k != k or selection.verdict == "none":
            wrong.append((seed, k, selection.k, selection.verdict))
        points = matrix.sample(10**9, 0).points
        with threadpool_limits(1):
            best = {
                c.k: KMeans(c.k, n_init=50, random_state=seed + 1).fit(points).inertia_
                for c in selection.candidates
            }
        worst = max(c.sse / best[c.k] for c in selection.candidates)
        if worst > 1.005:
            high.append((seed, worst))
    print("wrong k (seed, true, chosen, verdict):", wrong)
    print("sums of squares over 1.005 of the best (seed, ratio):", high)
    assert len(wrong) <= 0.05 * SEEDS
    assert len(high) <= 0.05 * SEEDS


def test_no_structure_is_called_none(make_matrix):
    called = []
    for seed in range(SEEDS):
        raw, kind = no_structure(seed)
        # Uniform noise is uniform as it stands; its logarithm would be a skewed blob.
        points = raw / raw.std(axis=0) if kind == "uniform" else log_standard(raw)
        selection = chosen(make_matrix(points, block_rows=2000))
        if selection.verdict != "none":
            called.append((seed, kind, selection.k, selection.verdict, selection.reference))
    print("called structured:", called)
    assert len(called) <= 0.05 * SEEDS


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_interval_holds_the_exact_silhouette(make_matrix, k):
    rng = np.random.default_rng(k)
    raw = np.exp(rng.multivariate_normal(np.zeros(3), [[1, 0.6, 0], [0.6, 1, 0.2], [0, 0.2, 1]], 8000))
    points = raw / raw.std(axis=0)
    matrix = make_matrix(points, block_rows=2000)
    every = matrix.sample(10**9, 0)
    with threadpool_limits(1):
        centres = KMeans(k, n_init=10, random_state=0).fit(every.points).cluster_centers_

    def scored(sample):
        labels = {k: label_block(sample.points, centres).cluster}
        return silhouettes(sample.points, labels, keys=sample.keys, population=8000, compute=Here(threads=2))

    exact = scored(every).score(k)
    held = 0
    for seed in range(2 * SEEDS):
        found = scored(matrix.sample(2000, seed))
        held += abs(found.score(k) - exact) <= 1.96 * found.error(k)
    print("held:", held, "of", 2 * SEEDS)
    assert 0.90 <= held / (2 * SEEDS) <= 0.99

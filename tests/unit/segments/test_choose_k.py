import json

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples, silhouette_score

from custseg.errors import InputError
from custseg.running.compute import Here
from custseg.segments import choose_k as module
from custseg.segments.choose_k import Effort, choose_k, count_steps
from custseg.segments.nearest import label_block

EFFORT = Effort(memory=10**9, compute=Here(threads=1))


def chosen(matrix, asked=None, *, min_share=0.02, seed=0, effort=EFFORT):
    return choose_k(matrix, asked=asked, min_share=min_share, seed=seed, effort=effort)


@pytest.fixture
def blobs(make_matrix, three_blobs):
    return make_matrix(three_blobs, block_rows=700)


@pytest.fixture
def quick(monkeypatch):
    """Leave out what a test does not look at: most of the starts, boxes and bootstrap samples."""
    monkeypatch.setattr("custseg.segments.kmeans.MANY_STARTS", 3)
    monkeypatch.setattr("custseg.segments.structure.REPLICATES", 2)
    monkeypatch.setattr(module, "SAMPLE", 300)


def test_three_blobs_are_three_segments(blobs, three_blobs):
    selection = chosen(blobs)
    points = three_blobs.astype(np.float32).astype(float)
    assert selection.k == selection.auto.k == 3
    assert selection.verdict == "clear"
    assert [c.k for c in selection.candidates] == list(range(2, 11))
    labels = label_block(points, selection.centres).cluster
    candidate = selection.candidates[1]
    assert candidate.sizes == (1800, 900, 300)
    assert candidate.silhouette == pytest.approx(silhouette_score(points, labels), abs=1e-9)
    assert candidate.sse == pytest.approx(((points - selection.centres[labels]) ** 2).sum(), rel=1e-9)
    assert candidate.silhouette_se == 0
    assert candidate.stability > 0.99
    assert selection.sse_k1 == pytest.approx(((points - points.mean(axis=0)) ** 2).sum(), rel=1e-9)
    assert selection.reason == f"k = 3 has the best silhouette ({candidate.silhouette:.3f})."


def test_three_customers_unlike_thousands_are_a_segment_of_their_own(quick, make_matrix):
    points = np.zeros((4_000, 1))
    points[[5, 900, 3_000]] = 9.0
    selection = chosen(make_matrix(points, block_rows=700), (2, 2))
    assert sorted(selection.candidates[0].sizes) == [3, 3_997]
    assert selection.verdict == "none"


def test_the_record_is_plain_and_follows_the_numbering(quick, blobs):
    selection = chosen(blobs)
    sizes = np.bincount(label_block(blobs.sample(9999, 0).points, selection.centres).cluster)
    record = json.loads(json.dumps(selection.to_record({1: 2, 2: 0, 3: 1}), allow_nan=False))
    assert [c["k"] for c in record["candidates"]] == list(range(2, 11))
    assert record["auto"] == record["chosen"] == 3
    assert record["votes"]["silhouette"] == 3
    assert record["votes"]["min_share"] == [c["k"] for c in record["candidates"] if c["eligible"]]
    assert record["elbow"] == record["votes"]["elbow"]
    assert record["silhouette_exact"] and record["silhouette_sampled"] == 3000
    assert record["verdict"] in ("clear", "weak", "none")
    by_segment = record["silhouette_by_segment"]
    assert [s["id"] for s in by_segment] == [1, 2, 3]
    assert [s["customers"] for s in by_segment] == [sizes[2], sizes[0], sizes[1]]
    assert all(len(s["quantiles"]) == 101 and s["quantiles"] == sorted(s["quantiles"]) for s in by_segment)
    points = blobs.sample(9999, 0).points
    labels = label_block(points, selection.centres).cluster
    below = silhouette_samples(points, labels) < 0
    assert [s["below_zero"] for s in by_segment] == [below[labels == cluster].mean() for cluster in (2, 0, 1)]
    assert [j["jaccard"] for j in record["jaccard_by_segment"]] == [
        selection.stability.jaccard[cluster] for cluster in (2, 0, 1)
    ]


def test_min_share_shuts_out_small_segments(quick, blobs):
    selection = chosen(blobs, min_share=0.2)
    assert selection.k == 2
    assert "k = 3 scores higher" in selection.reason
    assert "leaves a segment of 10 % of customers" in selection.reason


def test_one_k_is_obeyed_and_auto_stands_beside_it(quick, blobs):
    selection = chosen(blobs, (5, 5))
    assert (selection.k, selection.auto.k) == (5, 3)
    assert len(selection.centres) == 5
    assert selection.reason.startswith(
        "k = 5 was asked for; left to itself custseg takes k = 3, which has the best silhouette"
    )
    assert [c.k for c in selection.candidates] == list(range(2, 11))
    auto = chosen(blobs)
    assert auto.candidates == selection.candidates
    assert "itself custseg takes the same, which has the best silhouette" in chosen(blobs, (3, 3)).reason


def test_the_votes_are_those_of_the_k_asked_for(quick, blobs):
    votes = chosen(blobs, (4, 12), min_share=0.001).to_record({1: 0})["votes"]
    assert 3 not in votes["min_share"]
    assert {4, votes["silhouette"]} <= set(votes["min_share"]) <= set(range(4, 13))
    # One k leaves nothing to vote on: those of the usual range.
    one = chosen(blobs, (12, 12), min_share=0.001)
    votes = one.to_record({1: 0})["votes"]
    assert votes["silhouette"] == one.auto.k == 3
    assert {2, 3} <= set(votes["min_share"]) <= set(range(2, 11))


def test_a_range_is_obeyed(quick, blobs):
    selection = chosen(blobs, (5, 12))
    assert 5 <= selection.k <= 12
    assert selection.auto.k == 3
    assert [c.k for c in selection.candidates] == list(range(2, 13))
    assert "5-12 was asked for, left to itself custseg takes k = 3" in selection.reason


def test_same_answer_with_other_threads_and_memory(quick, blobs, monkeypatch):
    monkeypatch.setattr("custseg.segments.choose_k.EXACT_UP_TO", 1000)
    first = chosen(blobs)
    second = chosen(blobs, effort=Effort(memory=0, compute=Here(threads=3)))
    assert first.candidates == second.candidates
    np.testing.assert_array_equal(first.centres, second.centres)
    np.testing.assert_array_equal(first.silhouettes.replicates, second.silhouettes.replicates)
    assert first.to_record({1: 0, 2: 1, 3: 2}) == second.to_record({1: 0, 2: 1, 3: 2})
    assert not first.silhouettes.exact
    assert all(c.silhouette_se > 0 for c in first.candidates)


@pytest.mark.parametrize("asked", [None, (3, 3), (2, 12)])
def test_progress_adds_up(quick, make_matrix, three_blobs, asked):
    steps = []
    chosen(make_matrix(three_blobs[:300]), asked, effort=Effort(memory=10**9, advance=steps.append))
    assert sum(steps) == count_steps(asked)


@pytest.mark.parametrize("customers", [3, 4, 5, 7])
def test_few_customers_narrow_the_range(quick, make_matrix, customers):
    points = np.random.default_rng(customers).normal(size=(customers, 3))
    selection = chosen(make_matrix(points, block_rows=2), min_share=0)
    assert [c.k for c in selection.candidates] == list(range(2, customers))
    assert f"k goes to {customers - 1} at most, because there are {customers} customers" in selection.reason
    json.dumps(selection.to_record({c + 1: c for c in range(selection.k)}), allow_nan=False)


@pytest.mark.parametrize(
    ("points", "asked", "words"),
    [
        ([[1.0, 2.0]], None, "there is 1 customer"),
        ([[1.0, 2.0], [2.0, 1.0]], None, "there are 2 customers"),
        ([[1.0, 2.0]] * 50, None, "only 1 of 50 customers differ"),
        (
            [[1.0, 2.0], [3.0, 4.0]],
            (3, 3),
            "3 segments need 3 different customers, but there are 2 customers",
        ),
        ([[1.0, 2.0], [3.0, 4.0]] * 30, (2, 4), "4 segments need 4 different customers, but only 2 of 60"),
    ],
)
def test_too_few_customers_are_refused(make_matrix, points, asked, words):
    with pytest.raises(InputError, match=words) as caught:
        chosen(make_matrix(points, block_rows=20), asked)
    assert caught.value.code == "too-few-customers"
    assert caught.value.exit_code == 3


def test_as_many_segments_as_customers_when_asked(quick, make_matrix):
    selection = chosen(make_matrix([[1.0, 2.0], [3.0, 4.0]]), (2, 2))
    assert selection.k == 2
    assert selection.candidates[0].sse == 0
    assert selection.candidates[0].silhouette == 0


def test_few_different_customers(quick, make_matrix):
    points = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 9.0]], [40, 30, 30], axis=0)
    selection = chosen(make_matrix(points, block_rows=33))
    assert [c.k for c in selection.candidates] == [2, 3]
    assert selection.k == 3
    assert selection.candidates[1].sse == 0
    assert "k goes to 3 at most, because only 3 of 100 customers differ" in selection.reason

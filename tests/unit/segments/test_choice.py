import dataclasses

import pytest

from custseg.segments.choice import Candidate, choose, find_elbow


def candidate(k, silhouette, *, share=0.2, eligible=True, sse=None, jaccard=0.8):
    small = round(1000 * share)
    return Candidate(
        k=k,
        sse=1000 / k if sse is None else sse,
        silhouette=silhouette,
        silhouette_se=0.01,
        sizes=(1000 - small, small),
        stability=0.9,
        weakest_jaccard=jaccard,
        eligible=eligible,
    )


def chosen(candidates, *, error=0.0, sse_k1=1000.0):
    return choose(candidates, sse_k1=sse_k1, min_share=0.02, paired_error=lambda *_: error)


def test_the_best_silhouette_wins():
    choice = chosen([candidate(2, 0.4), candidate(3, 0.6), candidate(4, 0.5)])
    assert choice.k == choice.best_silhouette == 3
    assert choice.reason == "k = 3 has the best silhouette (0.600)"


def test_a_small_segment_is_not_eligible_and_the_reason_says_so():
    choice = chosen([candidate(2, 0.4006), candidate(3, 0.4186, share=0.01, eligible=False)])
    assert (choice.k, choice.best_silhouette) == (2, 3)
    assert choice.reason == (
        "k = 2 has the best silhouette (0.401) of those that leave every segment 2 % of customers; "
        "k = 3 scores higher (0.419) but leaves a segment of 1 % of customers"
    )


def test_near_ties_go_to_the_smallest_k():
    candidates = [candidate(2, 0.59), candidate(3, 0.595), candidate(4, 0.6), candidate(5, 0.5)]
    straight = [candidate(c.k, c.silhouette, sse=1000 - 100 * (c.k - 1)) for c in candidates]
    choice = chosen(straight, error=0.012)
    assert (choice.k, choice.elbow) == (2, None)
    assert (
        "within one standard error of the best silhouette (k = 4, 0.600) and is the smallest" in choice.reason
    )


def test_near_ties_go_to_the_elbow_first():
    candidates = [
        candidate(k, silhouette, sse=sse)
        for k, silhouette, sse in [
            (2, 0.595, 600),
            (3, 0.59, 200),
            (4, 0.6, 180),
            (5, 0.5, 165),
            (6, 0.4, 155),
        ]
    ]
    choice = chosen(candidates, error=0.012)
    assert (choice.k, choice.elbow) == (3, 3)
    assert choice.reason.endswith("and is the elbow of the sums of squares")
    assert chosen(candidates).k == 4


def test_an_elbow_far_below_the_best_has_no_say():
    candidates = [
        candidate(k, silhouette, sse=sse)
        for k, silhouette, sse in [(2, 0.3, 600), (3, 0.4, 200), (4, 0.6, 180), (5, 0.5, 165), (6, 0.4, 155)]
    ]
    assert chosen(candidates, error=0.01).k == 4


def test_a_finer_division_that_always_comes_back_is_taken():
    candidates = [
        candidate(7, 0.83, jaccard=1.0),
        candidate(8, 0.79, jaccard=0.7),
        candidate(9, 0.8, jaccard=0.98),
    ]
    choice = chosen([*candidates, candidate(10, 0.7, jaccard=1.0)])
    assert (choice.k, choice.best_silhouette) == (9, 7)
    assert choice.reason == (
        "k = 9 scores 0.800, hardly less than the best silhouette (k = 7, 0.830), "
        "and each of its segments comes back in bootstrap samples"
    )


@pytest.mark.parametrize(
    "finer",
    [
        candidate(3, 0.64, jaccard=0.99),
        candidate(3, 0.69, jaccard=0.89),
        candidate(3, 0.69, jaccard=None),
        candidate(3, 0.69, jaccard=0.99, share=0.01),
        candidate(3, 0.69, jaccard=0.99, eligible=False),
    ],
)
def test_a_finer_division_that_does_not_stand_on_its_own_is_not(finer):
    assert chosen([candidate(2, 0.7), finer]).k == 2


def test_no_finer_division_without_clear_structure():
    assert chosen([candidate(2, 0.5), candidate(3, 0.49, jaccard=1.0)]).k == 2


def test_none_eligible_takes_the_widest_smallest_segment():
    choice = chosen([candidate(k, 0.9, share=0.014 if k > 2 else 0.003, eligible=False) for k in (2, 3, 4)])
    assert choice.k == 3
    assert choice.reason == "No k leaves every segment 2 % of customers; k = 3 comes nearest with 1.4 %"


def test_a_share_just_under_the_least_is_not_said_to_be_it():
    near = candidate(2, 0.9, share=0.0, eligible=False)
    near = dataclasses.replace(near, sizes=(250, 5))
    choice = choose([near], sse_k1=1000.0, min_share=0.02, paired_error=lambda *_: 0.0, asked=(2, 3))
    assert (
        choice.reason == "No k of 2-3 leaves every segment 2 % of customers; k = 2 comes nearest with 1.96 %"
    )
    assert choice.eligible == ()


def test_a_finer_division_that_has_the_best_silhouette_is_not_compared_with_itself():
    candidates = [candidate(3, 0.83, jaccard=1.0), candidate(4, 0.834, jaccard=1.0)]
    straight = [dataclasses.replace(c, sse=1000.0 - 100 * (c.k - 1)) for c in candidates]
    choice = chosen(straight, error=0.01)
    assert (choice.k, choice.elbow) == (4, None)
    assert choice.reason == (
        "k = 4 has the best silhouette (0.834), and each of its segments comes back in bootstrap samples"
    )


def test_a_k_without_silhouette_cannot_win():
    assert chosen([candidate(2, None), candidate(3, 0.1)]).k == 3
    nothing = chosen([candidate(2, None, share=0.1), candidate(3, None)])
    assert (nothing.k, nothing.best_silhouette) == (3, None)
    assert nothing.reason.startswith("The sample held one segment only")


def test_elbow_by_hand():
    # Falls steeply to k = 4, hardly after it.
    sums = [1000, 700, 400, 100, 90, 80, 70, 60, 50, 40]
    assert find_elbow(range(1, 11), sums) == 4


@pytest.mark.parametrize("sums", [[10, 10, 10, 10], [40, 30, 20, 10], [10, 5]])
def test_no_elbow(sums):
    assert find_elbow(range(1, len(sums) + 1), sums) is None

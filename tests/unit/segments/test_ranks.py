"""Ranks against sorting, however few bits a pass looks at and however the values are cut."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custseg.segments import ranks
from custseg.segments.ranks import find_ranks

odd = st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.0, 1.0000000000000002, np.inf, -np.inf])
values = st.lists(st.floats(allow_nan=False) | odd | st.integers(-3, 3).map(float), max_size=40)


def in_parts(groups, cuts):
    """Cut each group's values into so many parts."""
    return [{name: part[i] for name, part in cut(groups, cuts).items()} for i in range(cuts)]


def cut(groups, cuts):
    return {name: np.array_split(np.array(own, float), cuts) for name, own in groups.items()}


def found(groups, wanted, cuts=1):
    parts = in_parts(groups, cuts)
    passes = []

    def read(part, names):
        passes.append(part)
        for name in names:
            yield name, parts[part][name]

    sizes = {name: len(own) for name, own in groups.items()}
    return find_ranks(read, range(cuts), wanted, sizes), len(passes) // cuts


@pytest.fixture(params=[(0, 14), (0, 9), (5, 3), (1 << 19, 14)])
def looks(request, monkeypatch):
    """Several sizes of what is held at once and of what a pass looks at."""
    monkeypatch.setattr(ranks, "FEW", request.param[0])
    monkeypatch.setattr(ranks, "DIGIT", request.param[1])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.dictionaries(st.sampled_from("abc"), values), cuts=st.integers(1, 5), data=st.data())
def test_ranks_are_those_of_sorting(looks, groups, cuts, data):
    wanted = {
        name: data.draw(st.lists(st.integers(1, len(own)), min_size=1, max_size=4))
        for name, own in groups.items()
        if own
    }
    by_group, _ = found(groups, wanted, cuts)
    assert set(by_group) == set(wanted)
    for name, asked in wanted.items():
        ordered = sorted(groups[name])
        expected = [ordered[rank - 1] for rank in asked]
        assert by_group[name].values.tolist() == expected
        assert not np.signbit(by_group[name].values[by_group[name].values == 0]).any()
        assert by_group[name].below.tolist() == [sum(v < e for v in ordered) for e in expected]


def test_few_values_are_read_once_and_many_no_more_than_six_times(monkeypatch):
    rng = np.random.default_rng(0)
    groups = {"a": rng.lognormal(3, 2, 5_000), "b": np.repeat([1.0, 7.0], 3_000)}
    wanted = {"a": [1, 2_500, 5_000], "b": [3_000, 3_001]}
    once, passes = found(groups, wanted, 3)
    assert passes == 1
    monkeypatch.setattr(ranks, "FEW", 100)
    again, passes = found(groups, wanted, 3)
    assert 2 <= passes <= 6
    assert [again[name].values.tolist() for name in wanted] == [once[name].values.tolist() for name in wanted]
    # What one value fills needs no further look.
    assert found({"b": groups["b"]}, {"b": [3_000]}, 2)[1] == 1


def test_what_comes_back_is_small_however_many_the_values(monkeypatch):
    rng = np.random.default_rng(1)
    values = rng.lognormal(3, 2, 300_000)
    monkeypatch.setattr(ranks, "FEW", 1_000)
    sent = []
    count = ranks._count

    def counted(*args, **kwargs):
        table = count(*args, **kwargs)
        sent.append(table.height)
        return table

    monkeypatch.setattr(ranks, "_count", counted)
    by_group, _ = found({"a": values}, {"a": [150_000, 270_000]})
    assert by_group["a"].values.tolist() == np.sort(values)[[149_999, 269_999]].tolist()
    assert max(sent) <= 2 << ranks.DIGIT

import numpy as np
import polars as pl
import pytest
from customer_blocks import Blocks
from deciles import edges_of
from test_model import model as made_model

from custseg.errors import InputError
from custseg.segments.drift import measure_drift, refuse_other_money, stability_index
from custseg.segments.model import SeenFeature


def seen(values):
    """What a model remembers of values, by NumPy alone."""
    edges = edges_of(values)
    counts = np.histogram(values, bins=[-np.inf, *edges, np.inf])[0]
    return SeenFeature(
        minimum=float(min(values)),
        median=float(np.median(values)),
        maximum=float(max(values)),
        edges=edges.tolist(),
        shares=(counts / len(values)).tolist(),
    )


def model_of(table):
    made = made_model()
    features = {name: seen(table[name].to_numpy()) for name in table.columns}
    object.__setattr__(made, "seen", features)
    object.__setattr__(made, "customers", table.height)
    object.__setattr__(made, "features", tuple(table.columns))
    return made


def customers(n=2000, seed=0, grown=1.0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "total_quantity": np.ceil(grown * rng.lognormal(5, 1, n)),
            "mean_unit_price": rng.lognormal(1, 0.6, n),
            "purchases": rng.geometric(0.4, n),
        }
    )


def test_customers_have_not_drifted_from_themselves():
    table = customers()
    drifts = measure_drift(table.lazy(), model_of(table))
    assert [(d.psi, d.below, d.above) for d in drifts.features] == [(0, 0, 0)] * 3
    assert drifts.outside == 0
    assert drifts.sentences(table.height) == []


def test_the_index_is_that_of_its_formula():
    old, new = customers(), customers(900, seed=1, grown=1.6)
    found = {d.name: d for d in measure_drift(new.lazy(), model_of(old)).features}
    for name in old.columns:
        edges = edges_of(old[name])
        p, q = (np.histogram(t[name], bins=[-np.inf, *edges, np.inf])[0] / t.height for t in (old, new))
        p, q = np.maximum(p, 0.5 / 900), np.maximum(q, 0.5 / 900)
        assert found[name].psi == pytest.approx(float(((q - p) * np.log(q / p)).sum()), abs=1e-12)
        assert found[name].below == (new[name] < old[name].min()).sum()
        assert found[name].above == (new[name] > old[name].max()).sum()
    outside = np.zeros(900, bool)
    for name in old.columns:
        outside |= ((new[name] < old[name].min()) | (new[name] > old[name].max())).to_numpy()
    assert measure_drift(new.lazy(), model_of(old)).outside == outside.sum()


@pytest.mark.parametrize(("most", "share"), [(1, 0.94), (2, 1.0)])
def test_a_rise_is_seen_where_nearly_all_were_alike(most, share):
    then = np.where(np.arange(2000) < 2000 * share, most, 6)
    now = np.where(np.arange(1000) % 10 < 4, most, 3)
    table = pl.DataFrame({"purchases": then}, schema={"purchases": pl.Int64})
    drifts = measure_drift(pl.DataFrame({"purchases": now}).lazy(), model_of(table))
    assert drifts.features[0].psi > 1
    assert "purchases" in drifts.sentences(1000)[0]


def test_users_are_told_of_change_and_not_of_chance():
    old = customers()
    told = measure_drift(customers(grown=8.0).lazy(), model_of(old)).sentences(2000)
    assert "total quantity" in told[0]
    assert "purchases" not in told[0]
    for few in (30, 300):
        drifts = [measure_drift(customers(few, seed).lazy(), model_of(old)) for seed in range(40)]
        assert sum("index" in " ".join(d.sentences(few)) for d in drifts) <= 3


def test_the_index_of_an_empty_bin_is_finite():
    assert stability_index([0.5, 0.5, 0.0], [0.0, 0.5, 0.5]) > 1
    assert stability_index([1.0], [1.0]) == 0


@pytest.mark.parametrize("factor", [100, 0.01, 160, 1 / 12, 12])
def test_other_money_is_refused(factor):
    old = customers()
    other = customers(50, seed=3).with_columns(pl.col("mean_unit_price") * factor)
    with pytest.raises(InputError, match="not on the scale") as caught:
        refuse_other_money(Blocks(other, 11), model_of(old), currency=None)
    assert caught.value.exit_code == 3
    assert "mean_unit_price" in caught.value.where


@pytest.mark.parametrize("factor", [1.0, 2.0, 0.5, 3.0])
def test_other_prices_are_not(factor):
    other = customers(50, seed=3).with_columns(pl.col("mean_unit_price") * factor)
    refuse_other_money(Blocks(other, 11), model_of(customers()), currency=None)


def test_nor_is_a_handful_of_customers_or_a_model_without_money():
    old = customers()
    few = customers(5, seed=3).with_columns(pl.col("mean_unit_price") * 100)
    refuse_other_money(Blocks(few), model_of(old), currency=None)
    without = old.drop("mean_unit_price")
    refuse_other_money(Blocks(customers()), model_of(without), currency="EUR")


def test_two_currencies_are_refused():
    with pytest.raises(InputError, match="are in EUR"):
        refuse_other_money(Blocks(customers()), model_of(customers()), currency="EUR")

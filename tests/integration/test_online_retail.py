"""Online Retail I and II through the command line: the same as pandas and scikit-learn."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import oracle
import pandas as pd
import pytest
from command import run_custseg

pytestmark = pytest.mark.xdist_group("online retail")

JOBS = Path(__file__).parents[2] / "jobs"
REFERENCE = json.loads(Path(__file__).with_name("online_retail.json").read_text("utf-8"))
CLASSIC = ["total_quantity", "mean_unit_price", "purchases"]
BOTH = pytest.mark.parametrize("name", ["I", "II"])


class Run(NamedTuple):
    record: dict[str, Any]
    customers: pd.DataFrame


def inputs(folder: Path, name: str) -> Path:
    return folder / {"I": "online_retail_by_day", "II": "online_retail_II.csv"}[name]


@pytest.fixture(scope="module")
def run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    @cache
    def batch(name: str, job: str = "") -> Run:
        output = tmp_path_factory.mktemp("retail") / "segments"
        options = ["--job", JOBS / job] if job else []
        done = run_custseg("batch", inputs(real_data, name), "-o", output, "-q", *options)
        assert done.code == 0, done.err
        customers = pd.read_parquet(output / "customers").set_index("customer_id").sort_index()
        return Run(json.loads((output / "run.json").read_text("utf-8")), customers)

    return batch


@pytest.fixture(scope="module")
def truth(real_data: Path) -> Callable[[str], oracle.Answer]:
    @cache
    def solve(name: str) -> oracle.Answer:
        path = inputs(real_data, name)
        return oracle.solve(sorted(path.glob("*.csv")) if path.is_dir() else [path])

    return solve


@BOTH
def test_every_line_has_the_fate_pandas_gives_it(
    name: str, run: Callable[..., Run], truth: Callable[[str], oracle.Answer]
) -> None:
    record, expected = run(name).record, REFERENCE[name]
    ledger = record["ledger"]
    assert ledger == truth(name).ledger
    assert sum(ledger[fate] for fate in oracle.FATES) == ledger["rows_read"] == expected["rows"]
    assert ledger["missing_customer"] == expected["missing_customer"]
    assert ledger["kept"] == expected["kept"]
    assert record["ledger_amount"] == pytest.approx(truth(name).money, rel=1e-12)


@BOTH
def test_every_customer_has_the_features_pandas_gives_him(
    name: str, run: Callable[..., Run], truth: Callable[[str], oracle.Answer]
) -> None:
    found, expected = run(name).customers, truth(name).customers
    assert len(found) == run(name).record["customers"] == REFERENCE[name]["customers"]
    assert found["purchases"].sum() == REFERENCE[name]["purchases"]
    assert list(found.index) == list(expected.index)
    for feature in ("total_quantity", "purchases", "lines", "recency_days", "tenure_days"):
        assert (found[feature] == expected[feature]).all(), feature
    for feature in ("first_purchase", "last_purchase"):
        assert (found[feature] == expected[feature]).all(), feature
    for feature in ("mean_unit_price", "spend", "mean_basket"):
        np.testing.assert_allclose(
            found[feature], expected[feature], rtol=0, atol=1e-9 * 1e3, err_msg=feature
        )
    np.testing.assert_allclose(found["mean_unit_price"], expected["mean_unit_price"], rtol=0, atol=1e-9)


@BOTH
def test_two_segments_are_chosen_on_the_reference_scores(name: str, run: Callable[..., Run]) -> None:
    choice, expected = run(name).record["k_selection"], REFERENCE[name]
    assert choice["chosen"] == choice["auto"] == 2
    found = {candidate["k"]: candidate for candidate in choice["candidates"]}
    assert list(found) == list(range(2, 11))
    for k in (2, 3):
        assert found[k]["silhouette"] == pytest.approx(expected["silhouette"][str(k)], abs=0.002)
    for k, candidate in found.items():
        assert candidate["sse"] <= 1.01 * expected["sse"][str(k)]
        assert candidate["silhouette_se"] == 0


def test_the_record_says_why_ii_is_not_cut_in_three(run: Callable[..., Run]) -> None:
    choice = run("II").record["k_selection"]
    found = {candidate["k"]: candidate for candidate in choice["candidates"]}
    assert found[3]["silhouette"] > found[2]["silhouette"]
    assert found[3]["smallest_share"] == pytest.approx(58 / 5878, abs=0.001)
    assert found[2]["eligible"]
    assert not found[3]["eligible"]
    assert "3" in choice["reason"]
    assert "1" in choice["reason"] and "%" in choice["reason"]


@BOTH
def test_segments_are_named_and_sized_as_in_the_reference(name: str, run: Callable[..., Run]) -> None:
    record, customers = run(name)
    low, high = REFERENCE[name]["sizes"]
    assert [segment["name"] for segment in record["segments"]] == ["High-Value", "Low-Value"]
    assert [segment["id"] for segment in record["segments"]] == [1, 2]
    sizes = [segment["customers"] for segment in record["segments"]]
    assert sizes == pytest.approx([high, low], rel=0.01)
    assert customers["segment_id"].value_counts().to_dict() == dict(enumerate(sizes, 1))
    spend = customers.groupby("segment")["spend"].mean()
    assert spend["High-Value"] > spend["Low-Value"]


@BOTH
def test_scores_are_those_scikit_learn_gives_the_same_labels(name: str, run: Callable[..., Run]) -> None:
    record, customers = run(name)
    points, labels = oracle.log_standard(customers[CLASSIC]), customers["segment_id"].to_numpy()
    chosen = next(c for c in record["k_selection"]["candidates"] if c["k"] == 2)
    assert chosen["silhouette"] == pytest.approx(oracle.silhouette(points, labels), abs=1e-5)
    assert chosen["sse"] == pytest.approx(oracle.sum_of_squares(points, labels), rel=1e-4)
    centres = np.array([points[labels == label].mean(axis=0) for label in (1, 2)])
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    own, other = distances[np.arange(len(labels)), labels - 1], distances[np.arange(len(labels)), 2 - labels]
    np.testing.assert_allclose(customers["distance"], own, atol=0.02)
    np.testing.assert_allclose(customers["margin"], other - own, atol=0.02)


@pytest.mark.slow
@BOTH
def test_the_classic_study_finds_its_few_bulk_buyers(name: str, run: Callable[..., Run]) -> None:
    record, customers = run(name, "classic_study.toml")
    assert record["k_selection"]["chosen"] == 2
    assert record["segments"][0]["name"] == "High-Value"
    assert record["segments"][0]["customers"] == REFERENCE[name]["study"]
    assert (customers["segment_id"] == 1).sum() == REFERENCE[name]["study"]


@pytest.mark.slow
def test_without_postage_and_fees_ii_has_no_segment_of_one_percent(
    run: Callable[..., Run], real_data: Path
) -> None:
    """26 of the 58 customers of that segment bought nothing but postage, manual and adjustment lines."""
    record = run("II", "online_retail.toml").record
    assert record["customers"] == 5852
    found = {candidate["k"]: candidate for candidate in record["k_selection"]["candidates"]}
    assert found[3]["smallest_share"] == pytest.approx(1219 / 5852, abs=0.01)
    assert found[3]["eligible"]
    assert record["ledger"]["excluded"] > 3000


@pytest.mark.slow
def test_recency_frequency_and_spend_can_be_clustered_on(run: Callable[..., Run]) -> None:
    record, _ = run("I", "rfm.toml")
    clustered = [feature["name"] for feature in record["features"] if feature["clustered"]]
    assert sorted(clustered) == ["purchases", "recency_days", "spend"]
    assert record["as_of"] == "2011-12-10"

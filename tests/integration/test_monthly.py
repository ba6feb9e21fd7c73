"""From one run to the next: numbers and names go on, and who moved is told."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command import run_custseg
from polars.testing import assert_frame_equal

import custseg

pytestmark = pytest.mark.xdist_group("monthly")

CLASSIC = ["total_quantity", "mean_unit_price", "purchases"]
SPLIT = "2010-11-30"

Segment = Callable[..., custseg.Segmentation]


@pytest.fixture(scope="module")
def segment(quick: None, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Segment:
    def run(**settings: object) -> custseg.Segmentation:
        output = tmp_path_factory.mktemp("run") / "segments"
        return custseg.segment(shop, output=output, settings=custseg.Settings(**settings))

    return run


@pytest.fixture(scope="module")
def january(segment: Segment) -> custseg.Segmentation:
    return segment(k="4", features="rfm", until="2011-05-31", names={"2": "VIP"}, currency="GBP")


def adds_up(now: custseg.Segmentation, before: custseg.Segmentation) -> None:
    """The migration matrix is what a join of both customer tables gives, in customers and in money."""
    told = now.record["previous"]
    columns = ["customer_id", "segment_id", "spend"]
    new, old = (run.customers.select(columns).collect() for run in (now, before))
    joined = new.join(old, on="customer_id", how="full", suffix="_before", coalesce=True)
    expected = (
        joined.group_by(from_id="segment_id_before", to_id="segment_id")
        .agg(customers=pl.len(), spend=pl.col("spend").sum(), spend_before=pl.col("spend_before").sum())
        .sort("from_id", "to_id")
    )
    found = pl.DataFrame(told["migration"]).sort("from_id", "to_id")
    assert found.select("from_id", "to_id").rows() == expected.select("from_id", "to_id").rows()
    assert found["customers"].to_list() == expected["customers"].to_list()
    for name in ("spend", "spend_before"):
        np.testing.assert_allclose(found[name].fill_null(0.0), expected[name], atol=1e-4)
    for segment in now.record["segments"]:
        own = found.filter(pl.col("to_id") == segment["id"])
        assert own["customers"].sum() == segment["customers"]
        assert own["spend"].sum() == pytest.approx(segment["spend"], abs=1e-3)
    for segment in told["segments"]:
        own = found.filter(pl.col("from_id") == segment["id"])
        assert own["customers"].sum() == segment["customers"]
        assert own["spend_before"].sum() == pytest.approx(segment["spend"], abs=1e-3)
    both = joined.drop_nulls(["segment_id", "segment_id_before"])
    assert told["in_both"] == both.height
    assert told["stayed"] == (both["segment_id"] == both["segment_id_before"]).sum()
    written = now.customers.select("customer_id", "previous_segment_id").collect()
    assert_frame_equal(
        written.sort("customer_id"),
        new.join(old, on="customer_id", how="left", suffix="_before")
        .select("customer_id", previous_segment_id="segment_id_before")
        .sort("customer_id"),
    )


def test_segments_go_on(segment: Segment, january: custseg.Segmentation) -> None:
    february = segment(previous=january.folder, lists=True)
    assert [s["id"] for s in february.record["segments"]] == [1, 2, 3, 4]
    names = [s["name"] for s in january.record["segments"]]
    assert names[1] == "VIP"
    assert [s["name"] for s in february.record["segments"]] == names
    settings = february.record["settings"]
    assert settings["k"]["value"] == "previous"
    assert settings["features"] == {"value": ["recency_days", "purchases", "spend"], "source": "previous run"}
    assert settings["currency"]["value"] == "GBP"
    assert february.record["scaling"] == january.record["scaling"]
    assert february.record["previous"]["new"] > 0
    assert "carried over" in february.record["k_selection"]["reason"]
    adds_up(february, january)
    ids = february.customers.select("customer_id", "segment_id").collect()
    for number, name in enumerate(names, start=1):
        (path,) = (february.folder / "lists").glob(f"{number}-*.csv")
        listed = pl.read_csv(path, infer_schema=False)["customer_id"].to_list()
        assert listed == ids.filter(pl.col("segment_id") == number)["customer_id"].to_list(), name


def test_the_same_customers_stay_where_they_are(segment: Segment, january: custseg.Segmentation) -> None:
    again = segment(previous=january.folder, until="2011-05-31", as_of=january.record["as_of"])
    told = again.record["previous"]
    assert told["stayed_share"] > 0.99
    assert told["adjusted_rand"] > 0.98
    assert (told["new"], told["gone"]) == (0, 0)
    assert all(row["psi"] == 0 for row in told["drift"])
    adds_up(again, january)


def test_a_column_that_the_previous_run_had_is_missed(
    january: custseg.Segmentation, shop: Path, tmp_path: Path
) -> None:
    fewer = pl.read_csv(sorted(shop.glob("*.csv")), infer_schema=False).drop("Invoice")
    chosen = custseg.Settings(previous=january.folder)
    found = custseg.segment(fewer, output=tmp_path / "february", settings=chosen).record["previous"]
    assert [words for words in found["changed_settings"] if words.startswith("invoice")] == [
        "invoice = one a customer and day was derived here, and not in the previous run: features may mean "
        "something else."
    ]


def test_a_third_month_goes_on_from_the_second(segment: Segment, january: custseg.Segmentation) -> None:
    february = segment(previous=january.folder, until="2011-08-31")
    march = segment(previous=february.folder, names={"VIP": "Gold"})
    names = [s["name"] for s in february.record["segments"]]
    assert [s["name"] for s in march.record["segments"]] == ["Gold" if n == "VIP" else n for n in names]
    adds_up(march, february)


def test_a_segment_that_nobody_is_left_in_is_named_as_gone(quick: None, tmp_path: Path) -> None:
    kinds = {"regular": (9, 30), "rare": (2, 4), "giant": (3, 90_000)}
    lines = pl.DataFrame(
        [
            (f"{kind} {person}", f"{kind} {person} {visit}", quantity + person % 7, 2.5 + person % 3)
            for kind, (visits, quantity) in kinds.items()
            for person in range(40)
            for visit in range(visits + person % 2)
        ],
        schema=["customer_id", "invoice", "quantity", "price"],
        orient="row",
    )
    first = custseg.segment(lines, output=tmp_path / "1", settings=custseg.Settings(k="3"))
    giants = first.record["segments"][0]
    assert giants["customers"] == 40
    left = lines.filter(~pl.col("customer_id").str.starts_with("giant"))
    now = custseg.segment(left, output=tmp_path / "2", settings=custseg.Settings(previous=first.folder))
    assert [s["id"] for s in now.record["segments"]] == [2, 3]
    advice = now.record["previous"]["advice"]
    assert "the 2 segments still fit" in advice or "is advised" in advice
    assert advice.endswith(f" Nobody is left in 1 {giants['name']}: it is gone.")


def test_customers_are_put_into_segments_that_went_on(
    segment: Segment, shop: Path, january: custseg.Segmentation, tmp_path: Path
) -> None:
    february = segment(previous=january.folder, until="2011-08-31", as_of="2011-09-01")
    assigned = custseg.assign(shop, model=february.folder, output=tmp_path / "assigned")
    columns = ["customer_id", "segment_id", "segment", "distance"]
    assert_frame_equal(
        assigned.customers.select(columns).collect(), february.customers.select(columns).collect()
    )


def test_a_fresh_choice_keeps_what_it_finds_again(
    segment: Segment, january: custseg.Segmentation, shop: Path
) -> None:
    fewer = segment(previous=january.folder, k="3")
    ids = [s["id"] for s in fewer.record["segments"]]
    names = {s["id"]: s["name"] for s in january.record["segments"]}
    assert len(ids) == 3
    assert set(ids) <= set(names)
    assert all(s["name"] == names[s["id"]] for s in fewer.record["segments"])
    assert fewer.record["scaling"] != january.record["scaling"]
    assert sorted(fewer.customers.select("segment_id").unique().collect()["segment_id"]) == sorted(ids)
    adds_up(fewer, january)
    more = segment(previous=fewer.folder, k="5", features="classic")
    numbers = [s["id"] for s in more.record["segments"]]
    # 1 to 4 were used, whichever of them is gone.
    assert set(numbers) == {*ids, 5, 6}
    assert len({s["name"] for s in more.record["segments"]}) == 5
    adds_up(more, fewer)
    put = custseg.assign(shop, model=more.folder, output=more.folder.parent / "put")
    labels = [run.customers.select("customer_id", "segment_id").collect() for run in (put, more)]
    assert labels[0].equals(labels[1])


def test_lists_can_be_had_of_a_finished_run(january: custseg.Segmentation, shop: Path) -> None:
    chosen = {"k": "4", "features": "rfm", "until": "2011-05-31", "names": {"2": "VIP"}, "currency": "GBP"}
    settings = custseg.Settings(**chosen, lists=True)
    found = custseg.segment(shop, output=january.folder, settings=settings)
    assert found.record["created"] == january.record["created"]
    listed = [pl.read_csv(path, infer_schema=False).height for path in (january.folder / "lists").iterdir()]
    assert sorted(listed) == sorted(s["customers"] for s in january.record["segments"])


def refused(run: Callable[[], object], code: str, exit_code: int) -> str:
    with pytest.raises(custseg.CustsegError) as caught:
        run()
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    return str(caught.value)


def test_what_does_not_go_on_is_refused(
    segment: Segment, january: custseg.Segmentation, shop: Path, tmp_path: Path
) -> None:
    for chosen in ({"features": "classic"}, {"scale": "none"}, {"names": ["A", "B"]}, {"names": {"9": "A"}}):
        refused(lambda c=chosen: segment(previous=january.folder, **c), "bad-setting", 2)
    refused(lambda: segment(previous=tmp_path), "no-such-file", 3)
    refused(lambda: segment(previous=january.folder, currency="EUR"), "other-currency", 3)
    chosen = custseg.Settings(previous=january.folder, fresh=True)
    refused(lambda: custseg.segment(shop, output=january.folder, settings=chosen), "output-is-input", 4)
    assert (january.folder / "run.json").exists()


@pytest.fixture(scope="module")
def years(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """Online Retail II: a run on the first year, and one on both years that goes on from it."""
    source, folder = real_data / "online_retail_II.csv", tmp_path_factory.mktemp("years")

    def run(k: str) -> list[Path]:
        first, both = folder / f"first-{k}", folder / f"both-{k}"
        for options in (
            (source, "-o", first, "--until", SPLIT, "--k", k),
            (source, "-o", both, "--previous", first),
        ):
            done = run_custseg("batch", *options, "-q")
            assert done.code == 0, done.err
        return [first, both]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("k", ["auto", "4"])
def test_online_retail_goes_on_over_the_year(
    years: Callable[[str], list[Path]], real_data: Path, k: str
) -> None:
    first, both = (
        custseg.Segmentation(folder, json.loads((folder / "run.json").read_text("utf-8")))
        for folder in years(k)
    )
    for name in ("id", "name"):
        assert [s[name] for s in both.record["segments"]] == [s[name] for s in first.record["segments"]]
    columns = ["customer_id", "segment_id", *CLASSIC]
    joined = both.customers.select(columns).join(
        first.customers.select(columns), on="customer_id", suffix="_before"
    )
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_before") for name in CLASSIC)
    unchanged = joined.filter(same).collect()
    assert unchanged.height > 1000
    assert (unchanged["segment_id"] == unchanged["segment_id_before"]).mean() >= 0.95
    adds_up(both, first)
    put = first.folder.parent / f"put-{k}"
    done = run_custseg("assign", real_data / "online_retail_II.csv", "--model", first.folder, "-o", put, "-q")
    assert done.code == 0, done.err
    assert pl.read_parquet(put / "customers" / "*.parquet").equals(first.customers.collect())

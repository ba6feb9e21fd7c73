"""custseg assign: the segments of an earlier run, nothing fitted again."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import oracle
import polars as pl
import pytest
from command import run_custseg
from made import write_transactions
from polars.testing import assert_frame_equal

import custseg

pytestmark = pytest.mark.xdist_group("assign")

SHOP = {"k": "4", "features": "rfm", "as_of": "2012-01-01", "currency": "GBP"}
IDS = {"Customer ID": pl.String, "Invoice": pl.String, "StockCode": pl.String}


@pytest.fixture(scope="module")
def first(quick: None, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> custseg.Segmentation:
    output = tmp_path_factory.mktemp("first") / "segments"
    return custseg.segment(shop, output=output, settings=custseg.Settings(**SHOP))


@pytest.fixture
def put(first: custseg.Segmentation, tmp_path: Path) -> Callable[..., custseg.Segmentation]:
    def run(inputs: Path | pl.DataFrame, **settings: object) -> custseg.Segmentation:
        chosen = custseg.Settings(**settings)
        return custseg.assign(inputs, model=first.folder, output=tmp_path / "put", settings=chosen)

    return run


def lines(shop: Path) -> pl.DataFrame:
    return pl.read_csv(sorted(shop.glob("*.csv")), schema_overrides=IDS, try_parse_dates=False)


def test_the_training_input_gets_the_labels_of_its_run(
    shop: Path, first: custseg.Segmentation, put: Callable[..., custseg.Segmentation]
) -> None:
    again = put(shop)
    assert_frame_equal(again.customers.collect(), first.customers.collect(), check_exact=True)
    assert_frame_equal(again.segments, first.segments)
    assert sorted(path.name for path in again.folder.iterdir()) == ["customers", "run.json", "segments.csv"]
    assert again.record["command"] == "assign"
    assert all(row["psi"] == 0 and row["above"] == row["below"] == 0 for row in again.record["drift"])
    assert again.record["outside"] == 0
    assert again.record["warnings"] == []
    assert again.record["settings"]["features"] == {
        "value": ["recency_days", "purchases", "spend"],
        "source": "model",
    }
    assert again.record["settings"]["currency"] == {"value": "GBP", "source": "model"}


def test_some_customers_get_what_they_would_have_got(
    shop: Path, first: custseg.Segmentation, put: Callable[..., custseg.Segmentation], tmp_path: Path
) -> None:
    """Each customer's label hangs on nobody else; the scaling and centres are the model's."""
    ids = first.customers.select("customer_id").head(30).collect()["customer_id"]
    path = tmp_path / "some.csv"
    lines(shop).filter(
        pl.col("Customer ID").str.strip_chars().str.replace(r"\.0+$", "").is_in(ids.implode())
    ).write_csv(path)
    found = put(path).customers.collect()
    expected = first.customers.filter(pl.col("customer_id").is_in(ids.implode())).collect()
    assert_frame_equal(found, expected, check_exact=True)
    model = json.loads((first.folder / "model.json").read_text("utf-8"))
    raw = expected.select(model["features"]).to_numpy().astype(float)
    scaled = (np.sign(raw) * np.log1p(np.abs(raw)) - model["scaling"]["means"]) / model["scaling"][
        "deviations"
    ]
    nearest = np.linalg.norm(scaled[:, None] - np.array(model["centres"]), axis=2).argmin(axis=1)
    assert (found["segment_id"].to_numpy() == np.array(model["numbers"])[nearest]).all()


def test_one_customer_is_enough_and_empty_segments_say_so(
    put: Callable[..., custseg.Segmentation], tmp_path: Path
) -> None:
    path = tmp_path / "one.csv"
    path.write_text(
        "Customer ID,Invoice,Quantity,Price,InvoiceDate\nX1,7,3,2.5,2011-12-30 10:00:00\n", "utf-8"
    )
    found = put(path)
    assert found.record["customers"] == 1
    assert sorted(found.segments["customers"]) == [0, 0, 0, 1]
    assert "Nobody is in this segment" in found.segments["rule"].to_list()
    assert "1 of 1 customers" in " ".join(found.record["warnings"]) or found.record["outside"] == 0
    assert found.summary()


def refused(run: Callable[[], object], code: str, exit_code: int = 3) -> custseg.CustsegError:
    with pytest.raises(custseg.CustsegError) as caught:
        run()
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code)
    return caught.value


def test_recency_is_counted_to_the_models_day_or_a_later_one(quick: None, tmp_path: Path) -> None:
    header = "Customer ID,Invoice,Quantity,Price,InvoiceDate\n"
    bought = [
        f"C{n},{n},{1 + n % 7},2.5,2011-{1 + n % 12:02d}-{1 + n % 27:02d} 10:00:00\n" for n in range(60)
    ]
    sales, lapsed, late = tmp_path / "sales.csv", tmp_path / "lapsed.csv", tmp_path / "late.csv"
    sales.write_text(header + "".join(bought) + "Z,99,1,2.5,2011-12-30 10:00:00\n", "utf-8")
    lapsed.write_text(header + "L,1,3,2.5,2011-01-31 10:00:00\n", "utf-8")
    late.write_text(header + "L,1,3,2.5,2011-01-31 10:00:00\nN,2,3,2.5,2012-01-30 10:00:00\n", "utf-8")
    model = tmp_path / "model"
    custseg.segment(sales, output=model, settings=custseg.Settings(k="3", features="rfm"))
    assert json.loads((model / "model.json").read_text("utf-8"))["as_of"] == "2011-12-31"

    def recency(path: Path, name: str, **given: object) -> tuple[int, str]:
        settings = custseg.Settings(**given)
        found = custseg.assign(path, model=model, output=tmp_path / name, settings=settings)
        days = found.customers.filter(customer_id="L").collect()["recency_days"].item()
        return days, found.record["as_of"]

    assert recency(lapsed, "a") == (334, "2011-12-31")
    assert recency(late, "b") == (365, "2012-01-31")
    assert recency(lapsed, "c", as_of="2011-02-10") == (10, "2011-02-10")
    done = run_custseg("assign", late, "--model", model, "-o", tmp_path / "d")
    assert "counted to 2012-01-31, the day after the last line; the model's run had 2011-12-31" in done.err


def test_pence_are_refused(shop: Path, put: Callable[..., custseg.Segmentation]) -> None:
    pence = lines(shop).with_columns((pl.col("Price").cast(pl.Float64) * 100).round(2))
    error = refused(lambda: put(pence), "other-scale")
    assert "100 times" in error.what


def test_another_currency_is_refused(shop: Path, put: Callable[..., custseg.Segmentation]) -> None:
    refused(lambda: put(shop, currency="EUR"), "other-currency")


@pytest.mark.parametrize("column", ["InvoiceDate", "Invoice", "Price", "Quantity"])
def test_features_that_cannot_be_had_are_refused(
    shop: Path, put: Callable[..., custseg.Segmentation], column: str
) -> None:
    error = refused(lambda: put(lines(shop).drop(column)), "feature-needs-column")
    assert "recency_days, purchases, spend" in error.where


def test_a_currency_can_be_said_later(quick: None, shop: Path, tmp_path: Path) -> None:
    """As if it had been said at once; another than the model's is refused then, too."""
    settings = custseg.Settings(features="rfm", k="3")
    model = custseg.segment(shop, output=tmp_path / "model", settings=settings).folder
    one = lines(shop).filter(pl.col("Customer ID") == pl.col("Customer ID").drop_nulls().first())
    custseg.assign(one, model=model, output=tmp_path / "put")
    custseg.draw_report(model, settings=custseg.Settings(currency="GBP"))
    for given, name in ((None, "put"), (None, "anew")):
        custseg.assign(one, model=model, output=tmp_path / name, settings=given)
    later, at_once = (tmp_path / name / "segments.csv" for name in ("put", "anew"))
    assert "GBP" in later.read_text("utf-8") or "£" in later.read_text("utf-8")
    assert later.read_text("utf-8") == at_once.read_text("utf-8")
    record = json.loads((tmp_path / "put" / "run.json").read_text("utf-8"))
    assert record["settings"]["currency"] == {"value": "GBP", "source": "model"}
    euros = custseg.Settings(currency="EUR")
    refused(
        lambda: custseg.assign(one, model=model, output=tmp_path / "put", settings=euros), "other-currency"
    )


@pytest.mark.parametrize("feature", ["mean_basket", "spend", "return_rate"])
def test_a_spend_of_prices_alone_is_refused(quick: None, shop: Path, tmp_path: Path, feature: str) -> None:
    chosen = custseg.Settings(features=(feature, "lines"), k="3")
    model = custseg.segment(shop, output=tmp_path / "a", settings=chosen).folder
    prices = lines(shop).drop("Quantity")
    error = refused(
        lambda: custseg.assign(prices, model=model, output=tmp_path / "b"), "feature-needs-column"
    )
    assert f"The feature {feature} was made from a column for quantity" in error.what


def test_lists_can_be_asked_for_later(shop: Path, put: Callable[..., custseg.Segmentation]) -> None:
    put(shop)
    again = put(shop, lists=True)
    assert again.record["settings"]["lists"]["value"] is True
    listed = sum(len(path.read_text().splitlines()) - 1 for path in (again.folder / "lists").iterdir())
    assert listed == again.record["customers"]
    assert put(shop).folder == again.folder


def test_what_the_segments_do_not_need_may_be_missing(shop: Path, quick: None, tmp_path: Path) -> None:
    made = custseg.segment(
        shop, output=tmp_path / "a", settings=custseg.Settings(features=("total_quantity", "lines"), k="3")
    )
    fewer = lines(shop).drop("Price", "InvoiceDate")
    put = custseg.assign(fewer, model=made.folder, output=tmp_path / "b")
    assert len(made.record["rfm_scores"]) == 3
    assert [score["name"] for score in put.record["rfm_scores"]] == ["frequency_score"]
    both = put.customers.collect().join(made.customers.collect(), on="customer_id", how="left")
    assert both.filter(pl.col("segment_id") == pl.col("segment_id_right")).height > 0.9 * both.height


def test_what_the_model_decided_cannot_be_set(shop: Path, put: Callable[..., custseg.Segmentation]) -> None:
    for name, value in (
        ("returns", "net"),
        ("duplicates", "keep"),
        ("features", "classic"),
        ("scale", "none"),
    ):
        refused(lambda n=name, v=value: put(shop, **{n: v}), "bad-setting", 2)
    put(shop, returns="exclude", k="7")


def test_a_model_is_never_replaced_by_what_is_made_from_it(shop: Path, first: custseg.Segmentation) -> None:
    chosen = custseg.Settings(fresh=True)
    refused(
        lambda: custseg.assign(shop, model=first.folder, output=first.folder, settings=chosen),
        "output-is-input",
        4,
    )
    assert (first.folder / "model.json").exists()


def test_a_changed_model_is_refused(shop: Path, first: custseg.Segmentation, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text((first.folder / "model.json").read_text("utf-8").replace('"GBP"', '"EUR"'), "utf-8")
    refused(lambda: custseg.assign(shop, model=path, output=tmp_path / "put"), "changed-model")
    refused(lambda: custseg.assign(shop, model=tmp_path / "none", output=tmp_path / "put"), "no-such-file")
    assert not (tmp_path / "put").exists()


def test_dates_of_the_models_run_that_leave_lines_out_are_said(
    quick: None, shop: Path, tmp_path: Path
) -> None:
    until = custseg.Settings(k="2", until="2011-05-31")
    model = custseg.segment(shop, output=tmp_path / "half", settings=until)
    again = custseg.assign(shop, model=model.folder, output=tmp_path / "again")
    assert_frame_equal(again.customers.collect(), model.customers.collect(), check_exact=True)
    assert "--until 2011-05-31" in again.record["warnings"][0]
    more = custseg.assign(
        shop,
        model=model.folder,
        output=tmp_path / "more",
        settings=custseg.Settings(until="2100-01-01"),
    )
    assert more.record["ledger"]["excluded"] == 0
    assert more.record["customers"] > again.record["customers"]


def test_the_features_are_the_oracles(shop: Path, put: Callable[..., custseg.Segmentation]) -> None:
    found = put(shop).customers.collect().to_pandas().set_index("customer_id").sort_index()
    expected = oracle.solve(sorted(shop.glob("*.csv"))).customers
    assert (found["purchases"] == expected["purchases"]).all()


def test_the_command(tmp_path: Path) -> None:
    sales = write_transactions(tmp_path / "sales.csv")
    assert run_custseg("batch", sales, "-o", tmp_path / "a", "--k", "2", "-q").code == 0
    done = run_custseg("assign", sales, "--model", tmp_path / "a", "-o", tmp_path / "b", "--json", "-q")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == json.loads((tmp_path / "b" / "run.json").read_text("utf-8"))
    again = run_custseg("assign", sales, "--model", tmp_path / "a", "-o", tmp_path / "b", "-v")
    assert "scale = log-standard (model)\n" in again.err
    assert again.code == 0
    assert "finished already" in again.err
    assert "High-Value" in again.out
    assert run_custseg("assign", sales, "-o", tmp_path / "c").code == 2
    assert run_custseg("assign", sales, "--model", tmp_path / "c", "-o", tmp_path / "d").code == 3
    other = run_custseg("assign", sales, "--model", tmp_path / "a", "-o", tmp_path / "a")
    assert other.code == 4

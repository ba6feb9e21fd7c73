"""The exchange against brute force: what is a duplicate, what a bucket adds up to, what is taken up again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custseg.customers import exchange, features, plan
from custseg.customers.duplicates import find_duplicates
from custseg.customers.exchange_files import Written
from custseg.customers.merging import merge
from custseg.customers.totals import Totals
from custseg.errors import InputError
from custseg.running.compute import HERE
from custseg.settings import Settings
from custseg.transactions import find, reading

LINES = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["1", "2", "C3"]),
        st.integers(-2, 3),
        st.sampled_from([0.0, 0.1, 2.55]),
    ),
    min_size=1,
    max_size=60,
)


def write_lines(folder: Path, rows: list[tuple[str, str, float, float]], name: str = "lines.csv") -> Path:
    path = folder / name
    table = pl.DataFrame(rows, schema=["Customer ID", "Invoice", "Quantity", "Price"], orient="row")
    table.write_csv(path)
    return path


class Exchange:
    """A whole exchange in a folder, so that tests say only what differs."""

    def __init__(self, folder: Path, paths: list[Path], **settings: object) -> None:
        self.folders = folder / "exchange", folder / "features"
        for part in self.folders:
            part.mkdir(exist_ok=True)
        made = Settings(**settings)  # type: ignore[arg-type]
        self.table = reading.open_input(find.find_files(paths), made)
        self.recipe = features.make_recipe(self.table, made)
        self.plan = plan.make_plan(self.table.sources, resources=HERE.resources, chunk_size=made.chunk_size)

    def map(self, at_once: int = 1) -> list[Written]:
        write = partial(exchange.map_chunk, self.table, self.plan, self.recipe)
        chunks = range(len(self.plan.chunks))
        return [file for chunk in chunks for file in write(chunk, self.folders[0], at_once=at_once)]

    def customers(self) -> pl.DataFrame:
        files = self.map()
        for bucket in range(self.plan.buckets):
            exchange.reduce_bucket(files, self.plan, self.recipe, bucket, self.folders)
        parts = sorted(self.folders[1].glob("*.parquet"))
        return pl.concat([pl.read_parquet(part) for part in parts]) if parts else pl.DataFrame()


def brute_force(rows: list[tuple[str, str, int, float]]) -> dict[str, tuple[int, int, float, float]]:
    """Lines, purchases, quantity and spend of each customer."""
    kept = {row for row in rows if not row[1].startswith("C") and row[2] > 0 and row[3] > 0}
    totals = {}
    for customer in {row[0] for row in kept}:
        own = [row for row in kept if row[0] == customer]
        totals[customer] = (
            len(own),
            len({row[1] for row in own}),
            sum(row[2] for row in own),
            round(sum(row[2] * row[3] for row in own), 4),
        )
    return totals


@given(LINES, st.integers(0, 3), st.sampled_from([100, 1000, 10_000]))
def test_any_buckets_and_slices_add_up_as_brute_force(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, int, float]],
    bits: int,
    bucket_bytes: int,
) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    run = Exchange(folder, [write_lines(folder, rows)])
    run.plan = replace(run.plan, bucket_bits=bits, bucket_bytes=bucket_bytes)
    found = {
        row["customer_id"]: (
            row["lines"],
            row["purchases"],
            row["total_quantity"] / 10_000,
            row["spend"] / 10_000,
        )
        for row in run.customers().iter_rows(named=True)
    }
    assert found == brute_force(rows)


@given(st.lists(st.integers(0, 5), max_size=200))
def test_duplicates_are_all_but_the_first_of_equal_lines(values: list[int]) -> None:
    # Few different hashes, so that equal hashes of different lines come up all the time.
    hashes = np.array([value % 3 for value in values], np.uint64)
    quantity = np.array(values, np.int64)
    heads = pl.DataFrame({"customer_id": ["a"], "n": [len(values)]})
    dropped = find_duplicates(heads, {"line": hashes, "quantity": quantity})
    assert dropped.tolist() == [value in values[:place] for place, value in enumerate(values)]


def test_equal_lines_of_different_customers_are_no_duplicates() -> None:
    heads = pl.DataFrame({"customer_id": ["a", "b"], "n": [1, 1]})
    columns = {"line": np.array([7, 7], np.uint64), "quantity": np.array([1, 1])}
    assert find_duplicates(heads, columns).tolist() == [False, False]


def test_a_written_chunk_is_left_and_a_short_file_is_made_again(tmp_path: Path) -> None:
    rows = [("a", str(i), 1, 1.0) for i in range(50)]
    run = Exchange(tmp_path, [write_lines(tmp_path, rows)])
    (first,) = run.map()
    file = run.folders[0] / first.file
    stamp = file.stat().st_mtime_ns
    assert run.map() == [first]
    assert file.stat().st_mtime_ns == stamp
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    assert run.map() == [first]
    assert file.read_bytes() == whole


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_long_file_goes_on_after_its_last_whole_block(tmp_path: Path, at_once: int) -> None:
    rows = [("a", str(i), 1, 1.0) for i in range(500)]
    run = Exchange(tmp_path, [write_lines(tmp_path, rows)], chunk_size=1000)
    files = run.map(at_once)
    assert len(files) > 4
    # The fourth is whole, but the third is not.
    for late in (files[2], *files[4:]):
        (run.folders[0] / late.file).unlink()
        (run.folders[0] / late.file.replace(".exchange", ".json")).unlink()
    assert run.map(3 - at_once) == files
    assert run.customers()["lines"].to_list() == [500]


def test_net_returns_are_carried_and_never_a_purchase(tmp_path: Path) -> None:
    rows = [("a", "1", 5, 2.0), ("a", "C2", -2, 2.0), ("a", "C2", -2, 2.0), ("b", "C3", -1, 1.0)]
    run = Exchange(tmp_path, [write_lines(tmp_path, rows)], returns="net")
    customers = run.customers()
    done = features.finish(customers.lazy(), run.recipe, None).collect()
    assert done.select("customer_id", "total_quantity", "purchases", "lines", "spend").rows() == [
        ("a", 3.0, 1, 1, 6.0)
    ]


@pytest.mark.parametrize(
    ("invoice", "back", "units"),
    [("2", "-2,6", 3), ("2", "-2,-6", 3), ("C2", "2,-6", 3), ("C2", "-2,6", 3), ("2", "2,-6", 5)],
)
def test_a_return_is_one_whichever_number_is_negative_and_a_discount_takes_no_goods_back(
    tmp_path: Path, invoice: str, back: str, units: int
) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(f"Customer ID,Invoice,Quantity,Total\na,1,5,20\na,{invoice},{back}\n")
    run = Exchange(tmp_path, [path], features="spend,purchases,returned_value", returns="net")
    done = features.finish(run.customers().lazy(), run.recipe, None).collect()
    wanted = ["total_quantity", "spend", "purchases", "returned_value"]
    assert done.select(wanted).rows() == [(units, 14.0, 1, 6.0)]


@pytest.mark.parametrize("wanted", ["distinct_products", "return_rate", "returned_value"])
def test_optional_features_when_named(tmp_path: Path, wanted: str) -> None:
    lines = ["Customer ID,Invoice,StockCode,Quantity,Price", "a,1,x,4,1.5", "a,2,x,1,1.5", "a,2,y,1,2"]
    lines += ["a,C3,x,-2,1.5", "b,4,x,1,1"]
    path = tmp_path / "lines.csv"
    path.write_text("\n".join(lines) + "\n")
    run = Exchange(tmp_path, [path], features=f"classic,{wanted}")
    done = features.finish(run.customers().lazy(), run.recipe, None).collect().sort("customer_id")
    truth = {"distinct_products": [2, 1], "returned_value": [3.0, 0.0], "return_rate": [3 / 12.5, 0.0]}
    assert done[wanted].to_list() == truth[wanted]
    assert done["spend"].to_list() == [9.5, 1.0]


def test_who_bought_for_less_than_money_is_kept_to_returned_no_share(tmp_path: Path) -> None:
    path = write_lines(tmp_path, [("a", "1", 0.01, 0.001), ("b", "2", 1, 1.0)])
    run = Exchange(tmp_path, [path], features="spend,return_rate")
    done = features.finish(run.customers().lazy(), run.recipe, None).collect()
    assert done.sort("customer_id").select("spend", "return_rate").rows() == [(0.0, 0.0), (1.0, 0.0)]


def test_slices_whose_sums_go_beyond_64_bits_together_are_refused() -> None:
    def part(spend: int) -> Totals:
        made = {"customer_id": ["c"], "key": [1], "lines": [1], "spend": [spend]}
        types = {"key": pl.UInt64, "spend": pl.Int64}
        return Totals(pl.DataFrame(made, schema_overrides=types), None, None)

    customers, _, _ = merge([part(10**18)] * 3)
    assert customers["spend"].to_list() == [3 * 10**18]
    assert customers.schema == part(1).customers.schema
    with pytest.raises(InputError) as caught:
        merge([part(5 * 10**18)] * 4)
    assert caught.value.code == "sum-too-large"

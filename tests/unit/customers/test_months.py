"""Spend over time against pandas: the same sums whatever the chunks, buckets and slices."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custseg.customers import exchange, features, keys, months, plan, totals
from custseg.running.compute import HERE
from custseg.settings import Settings
from custseg.transactions import find, reading

HEADER = ("Customer ID", "Invoice", "InvoiceDate", "Quantity", "Price")
DAYS = [dt.datetime(*day) for day in ((2010, 12, 31, 23, 59), (2011, 1, 1), (2011, 1, 31), (1970, 1, 5))]
LINES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["1", "2", "C3"]),
        st.sampled_from(DAYS),
        st.integers(-2, 3),
        st.sampled_from([0.1, 2.55, 7.0001]),
    ),
    min_size=1,
    max_size=60,
)


def segments_of(customers: pl.DataFrame) -> pl.Series:
    """Some segment for each customer, by nothing but the id."""
    return customers["customer_id"].replace_strict({"a": 1, "b": 2, "c": 1, "d": 3}, return_dtype=pl.UInt8)


def by_custseg(
    folder: Path, rows: list[tuple], *, header=HEADER, bits=0, bucket_bytes=1 << 30, **chosen
) -> list[dict]:
    path = folder / "lines.csv"
    pl.DataFrame(rows, schema=list(header), orient="row").write_csv(path)
    wanted = Settings(max_invalid=1, **chosen)
    table = reading.open_input(find.find_files([path]), wanted)
    recipe = features.make_recipe(table, wanted)
    made = plan.make_plan(table.sources, resources=HERE.resources, chunk_size=wanted.chunk_size)
    made = replace(made, bucket_bits=bits, bucket_bytes=bucket_bytes)
    folders = folder / "lines", folder / "parts"
    for room in folders:
        room.mkdir()
    files = [
        file
        for chunk in range(len(made.chunks))
        for file in exchange.map_chunk(table, made, recipe, chunk, folders[0])
    ]
    for bucket in range(made.buckets):
        exchange.reduce_bucket(files, made, recipe, bucket, folders)
    found = sorted(folders[1].glob("part-*.parquet"))
    if not found:
        return []
    parts = [pl.read_parquet(part) for part in found]
    return months.by_segment(found, [len(part) for part in parts], segments_of(pl.concat(parts)).slice)


def by_pandas(rows: list[tuple], *, net: bool = False) -> list[dict]:
    lines = pd.DataFrame(rows, columns=["customer", "invoice", "date", "quantity", "price"])
    cancelled = lines.invoice.str.startswith("C")
    back = (lines.quantity < 0) if net else pd.Series(False, index=lines.index)
    kept = ~cancelled & (lines.quantity > 0)
    lines = lines[kept | back].drop_duplicates()
    buyers = set(lines[lines.quantity > 0].customer)
    lines = lines[lines.customer.isin(buyers)]
    lines["segment"] = lines.customer.map({"a": 1, "b": 2, "c": 1, "d": 3})
    lines["month"] = lines.date.dt.strftime("%Y-%m")
    lines["amount"] = (lines.quantity * (lines.price * 10_000).round()).astype("int64")
    found = []
    for (month, segment), part in lines.groupby(["month", "segment"]):
        bought = part[part.quantity > 0]
        found.append(
            {
                "month": month,
                "segment_id": segment,
                "spend": int(part.amount.sum()) / 10_000,
                "purchases": len(bought.drop_duplicates(["customer", "invoice"])),
                "customers": bought.customer.nunique(),
            }
        )
    return found


@settings(deadline=None, max_examples=30)
@given(
    rows=LINES,
    bits=st.integers(0, 3),
    bucket_bytes=st.sampled_from([300, 3_000, 30_000]),
    chunk_size=st.sampled_from([40, 10_000]),
    returns=st.sampled_from(["exclude", "net"]),
)
def test_any_buckets_slices_and_chunks_add_up_as_pandas(
    tmp_path_factory, rows, bits, bucket_bytes, chunk_size, returns
):
    found = by_custseg(
        tmp_path_factory.mktemp("months"),
        rows,
        bits=bits,
        bucket_bytes=bucket_bytes,
        chunk_size=chunk_size,
        returns=returns,
    )
    assert found == by_pandas(rows, net=returns == "net")


def test_without_invoices_a_purchase_is_a_day(tmp_path):
    header = ("Customer ID", "InvoiceDate", "Quantity")
    rows = [("a", DAYS[1], 1), ("a", DAYS[2], 2), ("a", DAYS[2], 3), ("b", DAYS[0], 1)]
    assert by_custseg(tmp_path, rows, header=header, features="total_quantity,purchases") == [
        {"month": "2010-12", "segment_id": 2, "spend": None, "purchases": 1, "customers": 1},
        {"month": "2011-01", "segment_id": 1, "spend": None, "purchases": 2, "customers": 1},
    ]


def test_two_customers_of_one_hash_stay_apart(monkeypatch, tmp_path):
    def same(ids: pl.Series) -> pl.Series:
        return pl.Series([7] * len(ids), dtype=pl.UInt64)

    for room in (totals, keys):
        monkeypatch.setattr(room, "key", same)
    rows = [("a", "1", DAYS[0], 1, 2.0), ("b", "2", DAYS[0], 1, 3.0), ("d", "3", DAYS[1], 2, 3.0)]
    assert by_custseg(tmp_path, rows) == by_pandas(rows)


@pytest.mark.parametrize("bucket_bytes", [300, 1 << 20])
def test_sums_beyond_64_bits(tmp_path, bucket_bytes):
    rows = [("a", str(i), DAYS[i % 2], 1, 3.9e11) for i in range(2_000)]
    found = by_custseg(tmp_path, rows, bucket_bytes=bucket_bytes)
    assert [row["spend"] for row in found] == [3.9e14, 3.9e14]

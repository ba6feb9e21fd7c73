"""Small messy inputs made by hypothesis: ledger, money and every feature are the oracle's."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import oracle
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import custseg

pytestmark = pytest.mark.usefixtures("quick")

CELLS = {
    "Customer ID": ["13085.0", "13085", " 13085 ", "00418683", "418683", "A-17", "", "  ", "12346.00"],
    "Invoice": ["536365", "536366", "536367", " 536365", "C536368", "C536369", "c1", ""],
    "StockCode": ["85123A", "22041", "POST", ""],
    "Description": ["WHITE", 'BOWL 7" "SINGLE"', "RED, BIG", "two\nlines", " WHITE", "NA", ""],
    "Quantity": ["1", "12", "6.0", "2.5", "+3", "1e2", " 6", "-1", "-12", "0", "", "six", "nan", "inf"],
    "InvoiceDate": [
        "2010-12-01 08:26:00",
        "2010-12-01 23:59:59",
        "2011-02-28 00:00:00",
        "2011-12-09 12:50:00",
        "",
        "yesterday",
        "2011-13-01 00:00:00",
    ],
    "Price": [
        "2.55",
        "2.550",
        "0.01",
        "1e-1",
        "3.",
        " 2.55",
        "12.3456",
        "0.12404",
        "0",
        "-1.5",
        "",
        "£5",
        "inf",
    ],
    "Country": ["France", "EIRE", ""],
}
OTHER_HEADERS = {"Customer ID": "CustomerID", "Invoice": "InvoiceNo", "Price": "UnitPrice"}

# These buy in every example: there are always two segments, and each file has a date that can be read.
REGULARS = [
    ["900", "600001", "22041", "BOWL", "10", "2011-01-04 10:00:00", "1.5", "France"],
    ["901", "600002", "22041", "BOWL", "200", "2011-02-04 10:00:00", "2.5", "France"],
    ["901", "600004", "22041", "BOWL", "200", "2011-05-04 10:00:00", "2.5", "France"],
    ["902", "600003", "22041", "BOWL", "3", "2011-03-04 10:00:00", "7.5", "France"],
]

cells = st.tuples(*(st.sampled_from(texts) for texts in CELLS.values())).map(list)
lines = st.lists(cells, min_size=1, max_size=25)
file_kinds = st.sampled_from(["csv", "semicolon csv", "text parquet", "typed parquet"])


class File(NamedTuple):
    """A file to be: plain texts, so that a failing example can be read."""

    kind: str
    header: list[str]
    rows: list[list[str]]


# Every example is a whole run: making a failing one smaller would take many minutes.
QUICK = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@st.composite
def inputs(draw: st.DrawFn) -> list[File]:
    """Files that share lines: what is in one may be in another, or twice in itself."""
    pool = draw(lines)
    picks = st.lists(st.sampled_from(pool), max_size=20)
    files = []
    for kind in draw(st.lists(file_kinds, min_size=1, max_size=4)):
        left_out = draw(st.sampled_from(["", "Description", "Country"]))
        names = [name for name in draw(st.permutations(list(CELLS))) if name != left_out]
        others = OTHER_HEADERS if draw(st.booleans()) else {}
        places = [list(CELLS).index(name) for name in names]
        rows = [[row[place] for place in places] for row in REGULARS + draw(picks)]
        files.append(File(kind, [others.get(name, name) for name in names], rows))
    return files


def write(folder: Path, number: int, file: File) -> Path:
    """Write the file as its kind says; what a typed column cannot hold is null in it."""
    frame = pd.DataFrame(file.rows, columns=file.header, dtype=object)
    if file.kind.endswith("csv"):
        path = folder / f"{number}.csv"
        frame.to_csv(path, index=False, sep=";" if file.kind.startswith("semicolon") else ",")
        return path
    if file.kind.startswith("typed"):
        names = {oracle.HEADERS.get(name, f"other:{name}"): name for name in file.header}
        frame = oracle.canonical(frame).rename(columns=names)
    path = folder / f"{number}.parquet"
    frame.to_parquet(path)
    return path


def agree(paths: list[Path], rules: oracle.Rules, chosen: custseg.Settings, output: Path) -> None:
    expected = oracle.solve(paths, rules)
    found = custseg.segment(paths, settings=chosen, output=output)
    assert found.record["ledger"] == expected.ledger
    assert found.record["ledger_amount"] == pytest.approx(expected.money, abs=1e-6)
    assert found.record["rounded_lines"] == expected.rounded_lines
    looked = chosen.returns == "net" or {"returned_value", "return_rate"} & set(chosen.features)
    assert found.record["returns_only"] == (expected.returns_only if looked else 0)
    customers = found.customers.collect().to_pandas().set_index("customer_id").sort_index()
    assert list(customers.index) == list(expected.customers.index)
    features = [name for name in customers if name in expected.customers]
    assert set(chosen.features) <= set(features)
    assert {"lines", "spend", "mean_basket", "first_purchase", "tenure_days"} <= set(features)
    for name in features:
        ours, theirs = customers[name].to_numpy(), expected.customers[name].to_numpy()
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs.astype(float), rtol=1e-12, atol=1e-9, err_msg=name)
        else:
            assert (ours == theirs).all(), name


@settings(QUICK)
@given(files=inputs(), chunk_size=st.sampled_from([None, 1, 400]))
def test_messy_lines(files: list[File], chunk_size: int | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        paths = [write(Path(name), number, file) for number, file in enumerate(files)]
        chosen = custseg.Settings(k="2", max_invalid=1, chunk_size=chunk_size)
        agree(paths, oracle.Rules(), chosen, Path(name, "out"))


@settings(QUICK)
@given(
    files=inputs(),
    returns=st.sampled_from(["exclude", "net"]),
    duplicates=st.sampled_from(["drop", "keep"]),
    since=st.sampled_from([None, dt.date(2010, 12, 1), dt.date(2010, 12, 2)]),
    until=st.sampled_from([None, dt.date(2011, 12, 8), dt.date(2011, 12, 9)]),
    products=st.sampled_from([(), ("^POST$",), ("^POST$", "^8")]),
)
def test_messy_lines_under_rules(
    files: list[File],
    returns: str,
    duplicates: str,
    since: dt.date | None,
    until: dt.date | None,
    products: tuple[str, ...],
) -> None:
    rules = oracle.Rules(
        since=since, until=until, exclude_product=products, returns=returns, duplicates=duplicates
    )
    with tempfile.TemporaryDirectory() as name:
        paths = [write(Path(name), number, file) for number, file in enumerate(files)]
        chosen = custseg.Settings(
            k="2",
            max_invalid=1,
            since=since,
            until=until,
            exclude_product=products,
            returns=returns,
            duplicates=duplicates,
            features="classic,distinct_products,returned_value,return_rate",
        )
        agree(paths, rules, chosen, Path(name, "out"))


LAYOUTS = [
    ["Quantity", "Amount"],
    ["Amount", "Invoice"],
    ["Quantity", "Price", "Amount"],
    ["Price", "InvoiceDate"],
    ["Quantity", "Invoice"],
    ["Invoice"],
    ["Quantity"],
]


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(pool=st.lists(cells, min_size=1, max_size=25), columns=st.sampled_from(LAYOUTS))
def test_columns_that_are_derived(pool: list[list[str]], columns: list[str]) -> None:
    header = ["Customer ID", *columns]
    places = [list(CELLS).index("Price" if name == "Amount" else name) for name in header]
    rows = [[row[place] for place in places] for row in REGULARS + pool]
    clustered = "total_quantity" if {"Quantity", "Price", "Amount"} & set(columns) else "lines"
    with tempfile.TemporaryDirectory() as name:
        path = write(Path(name), 0, File("csv", header, rows))
        expected = oracle.solve([path])
        chosen = custseg.Settings(k="2", max_invalid=1, features=f"{clustered},purchases")
        found = custseg.segment(path, settings=chosen, output=Path(name, "out"))
        assert found.record["ledger"] == expected.ledger
        customers = found.customers.collect().to_pandas().set_index("customer_id").sort_index()
        assert list(customers.index) == list(expected.customers.index)
        for feature in set(customers) & set(expected.customers):
            if customers[feature].dtype.kind in "if":
                ours, theirs = customers[feature], expected.customers[feature]
                np.testing.assert_allclose(ours, theirs, rtol=1e-9, err_msg=feature)

"""Files that are worked on together are read as each is alone, whatever shares a chunk and in what order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dated import APART, TOGETHER, lines, write
from summed import Summed, sum_up

from custseg.customers import features, plan
from custseg.errors import InputError
from custseg.running.compute import HERE
from custseg.settings import Settings
from custseg.transactions import find, reading


def answer(found: Summed) -> tuple[Any, ...]:
    return found.ledger["ledger"], found.customers.to_dict(as_series=False)


@pytest.mark.parametrize("where", ["Country = 'France'", "quantity > 2"])
def test_conditions_find_columns_however_each_file_spells_them(where: str, tmp_path: Path) -> None:
    for name, header in (("a.csv", "Country"), ("b.csv", "COUNTRY")):
        rows = lines(40, "%Y-%m-%d", **{header: "France"}) + lines(20, "%Y-%m-%d", **{header: "Spain"})
        for number, row in enumerate(rows):
            row["invoice"] = f"{name}{number}"
        write(tmp_path / "in", name, rows)
    together, apart = (sum_up(tmp_path / "in", where=where, **size) for size in (TOGETHER, APART))
    assert answer(together) == answer(apart)
    assert together.ledger["ledger"]["kept"] == {"Country = 'France'": 80, "quantity > 2": 60}[where]


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
@pytest.mark.parametrize("size", [TOGETHER, APART])
@pytest.mark.parametrize(("long", "short"), [("%d/%m/%Y", "%d/%m/%y"), ("%d %b %Y", "%d %b %y")])
def test_years_of_two_digits_are_read_beside_years_of_four(
    long: str, short: str, size: dict[str, int], names: tuple[str, str], tmp_path: Path
) -> None:
    write(tmp_path / "in", names[0], lines(60, long))
    write(tmp_path / "in", names[1], lines(60, short, invoice="x"))
    found = sum_up(tmp_path / "in", features=("recency_days", "purchases"), **size)
    assert found.ledger["ledger"]["invalid"] == 0
    assert found.customers["recency_days"].max() == 7


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("b.csv", "a.csv")])
def test_a_date_against_an_inherited_order_is_never_overlooked(
    names: tuple[str, str], tmp_path: Path
) -> None:
    header = "customer_id,invoice,date,quantity,price"
    # More lines without a quantity than are told as examples, so that nobody looks for further ones.
    proved = [f"c,A{n},{13 + n % 15}/{1 + n % 12}/2011,{'' if n < 40 else 1},2.50" for n in range(2_000)]
    doubtful = [f"c,B{n},{1 + n % 12:02d}/{1 + n % 11:02d}/2011,1,2.50" for n in range(60_000)]
    # In none of the samples.
    doubtful[31_000:31_030] = [f"c,B{31_000 + n},11/25/2011,1,2.50" for n in range(30)]
    (tmp_path / "in").mkdir()
    for name, rows in zip(names, (proved, doubtful), strict=True):
        (tmp_path / "in" / name).write_text("\n".join([header, *rows]) + "\n")
    for size in (10_000_000, 500_000):
        found = sum_up(tmp_path / "in", chunk_size=size)
        assert found.ledger["ledger"]["invalid"] == 40


@pytest.mark.parametrize(
    ("day", "notes"),
    [("%Y-%m-%d", ()), ("%y-%m-%d", ("1 of 1 files: two-digit year first.",))],
)
def test_a_told_year_of_four_digits_is_said_to_have_no_two(
    day: str, notes: tuple[str, ...], tmp_path: Path
) -> None:
    write(tmp_path / "in", "a.csv", lines(30, day))
    assert sum_up(tmp_path / "in", date_format=day).table.notes == notes


@pytest.mark.parametrize("cell", ["1299.950", "2011.121", "2455293.8125", "20110403.123"])
def test_a_number_in_place_of_a_date_is_one_invalid_line(cell: str, tmp_path: Path) -> None:
    rows = lines(300, "%Y-%m-%d")
    rows[5]["date"] = cell
    write(tmp_path / "in", "a.csv", rows)
    assert sum_up(tmp_path / "in").ledger["ledger"]["invalid"] == 1


def test_of_many_unread_dates_the_same_are_looked_at_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custseg.transactions.heads.MOST_UNREAD_DATES", 3)
    rows = lines(6_000, "%Y-%m-%d")
    for number in range(3_000, 3_040):
        rows[number]["date"] += " 10:30"
        rows[number + 40]["date"] = f"{rows[number + 40]['date']}T10:30:07"
    write(tmp_path / "in", "a.csv", rows)
    assert sum_up(tmp_path / "in").ledger["ledger"]["invalid"] == 0


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("took", [dt.timedelta(seconds=5)] * 30),
        ("unit_price", pl.Series(["2.50"] * 30, dtype=pl.Categorical())),
        ("quantity", pl.Series(["2"] * 30, dtype=pl.Enum(["1", "2"]))),
        ("customer_id", pl.Series(["1.5e3", "16"] * 15, dtype=pl.Categorical())),
        ("*", ["x"] * 30),
        ("^.*$", ["x"] * 30),
    ],
)
def test_columns_of_any_type_and_name_are_read(column: str, values: Any, tmp_path: Path) -> None:
    frame = pl.DataFrame(lines(30, "%Y-%m-%d")).rename({"price": "unit_price"})
    frame.with_columns(pl.Series(values).alias(column)).write_parquet(tmp_path / "a.parquet")
    assert sum_up(tmp_path / "a.parquet").ledger["ledger"]["kept"] == 30


@pytest.mark.parametrize("dtype", [pl.Null(), pl.Boolean()])
def test_numbers_that_are_none_are_told_as_such(dtype: pl.DataType, tmp_path: Path) -> None:
    frame = pl.DataFrame(lines(30, "%Y-%m-%d")).with_columns(quantity=pl.lit(None, dtype))
    frame.write_parquet(tmp_path / "a.parquet")
    assert sum_up(tmp_path / "a.parquet", max_invalid=1).ledger["ledger"]["invalid"] == 30


def test_an_empty_cell_too_many_is_none_quoted_or_not(tmp_path: Path) -> None:
    header, *rows = pl.DataFrame(lines(30, "%Y-%m-%d")).write_csv(quote_style="always").splitlines()
    for ending in (",", ',""', ",x"):
        path = tmp_path / "a.csv"
        path.write_text("\n".join([header, rows[0] + ending, *rows[1:]]) + "\n")
        invalid = sum_up(path, max_invalid=1).ledger["ledger"]["invalid"]
        assert invalid == (1 if ending == ",x" else 0)


def test_a_blank_line_of_separators_has_nothing_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, *rows = pl.DataFrame(lines(30, "%Y-%m-%d")).write_csv().splitlines()
    path, runs = tmp_path / "a.csv", []
    collect = pl.collect_all
    monkeypatch.setattr(pl, "collect_all", lambda *a, **k: runs.append(a) or collect(*a, **k))
    for blank, read in ((",,,,", 1), ("", 2)):
        runs.clear()
        path.write_text("\n".join([header, *rows, blank, ""]))
        assert sum_up(path, max_invalid=1).ledger["ledger"]["kept"] == 30
        assert len(runs) == read


@pytest.mark.parametrize("where", ["quantity between 2 and 3", "note = 'a' or note = 'b'"])
def test_a_condition_may_name_a_column_twice(where: str, tmp_path: Path) -> None:
    rows = [row | {"note": "abc"[number % 3]} for number, row in enumerate(lines(60, "%Y-%m-%d"))]
    write(tmp_path / "in", "a.csv", rows)
    kept = sum(row["note"] in "ab" if "note" in where else row["quantity"] in "23" for row in rows)
    assert sum_up(tmp_path / "in", where=where).ledger["ledger"]["kept"] == kept


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("Discount < 50.5", {5, 9, 10}),
        ("Discount >= 10", {10, 100}),
        ("9 < Discount", {10, 100}),
        ('"Discount" in (5, 9)', {5, 9}),
        ("Discount not between 6 and 10 and customer_id <> 'x'", {5, 100}),
    ],
)
@pytest.mark.parametrize("typed", [True, False])
def test_text_that_is_compared_with_a_number_is_one(
    where: str, kept: set[int], typed: bool, tmp_path: Path
) -> None:
    given = (5, 9, 10, 100)
    rows = [row | {"Discount": given[number % 4]} for number, row in enumerate(lines(40, "%Y-%m-%d"))]
    if typed:
        pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    else:
        texts = [row | {"Discount": f"{row['Discount']},00", "price": "2,50"} for row in rows]
        pl.DataFrame(texts).write_csv(tmp_path / "a.csv", separator=";")
    ledger = sum_up(tmp_path, where=where).ledger["ledger"]
    assert ledger["kept"] == 10 * len(kept)


@pytest.mark.parametrize("cell", ["A7", "12,5"])
def test_a_cell_that_is_no_number_is_named_where_it_is_compared_with_one(cell: str, tmp_path: Path) -> None:
    rows = [row | {"store": cell if row["invoice"] == "17" else "1"} for row in lines(30, "%Y-%m-%d")]
    write(tmp_path / "in", "a.csv", rows)
    with pytest.raises(InputError, match=f"'store' is compared with a number and holds '{cell}'"):
        sum_up(tmp_path / "in", where="store <> 1")
    assert sum_up(tmp_path / "in", where="store <> '1'").ledger["ledger"]["kept"] == 1


def test_a_condition_finds_an_address_as_it_stands_in_the_file(tmp_path: Path) -> None:
    rows = [row | {"customer_id": row["customer_id"].upper() + "@Shop.com"} for row in lines(70, "%Y-%m-%d")]
    write(tmp_path / "in", "a.csv", rows)
    for where in ("customer_id <> 'C1@Shop.com'", "customer_id not in ('C1@Shop.com', 'X')"):
        assert sum_up(tmp_path / "in", where=where).ledger["ledger"]["kept"] == 60


@pytest.mark.parametrize("where", ["note", "quantity", "quantity + 1", "invoice"])
def test_a_condition_that_is_neither_true_nor_false_is_refused(where: str, tmp_path: Path) -> None:
    write(tmp_path / "in", "a.csv", lines(30, "%Y-%m-%d", note="x"))
    with pytest.raises(InputError) as caught:
        sum_up(tmp_path / "in", where=where)
    assert caught.value.code == "bad-where"


def test_a_decimal_mark_is_not_taken_over_from_another_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "comma.csv").write_text("customer_id;invoice;quantity;price\nc;1;2;1,10\n")
    header, row = '"customer_id","invoice","quantity","price"\n', '"c","{}","1,000","{}"\n'
    (tmp_path / "thousands.csv").write_text(header + row.format(2, 50) + row.format(3, 60))
    with pytest.raises(InputError) as caught:
        sum_up(tmp_path)
    assert caught.value.code == "decimal-mark"
    # Of the same kind it is.
    (tmp_path / "proved.csv").write_text(header + row.format(4, "1.50"))
    assert sum_up(tmp_path).customers["total_quantity"].to_list() == [3_002]


def test_lines_broken_inside_of_quotes_only_are_no_ends_of_lines(tmp_path: Path) -> None:
    rows = [f'c,{number},1,2.50,"two\n{"long " * 40}\nlines"' for number in range(400)]
    path = tmp_path / "a.csv"
    path.write_bytes("\r".join(["customer_id,invoice,quantity,price,note", *rows, ""]).encode())
    assert sum_up(path).ledger["ledger"]["kept"] == 400


def test_results_within_the_input_are_no_input(tmp_path: Path) -> None:
    write(tmp_path / "in", "a.csv", lines(30, "%Y-%m-%d"))
    results = tmp_path / "in" / "segments"
    (results / "customers").mkdir(parents=True)
    (results / "run.json").write_text("{}")
    (results / "segments.csv").write_text("segment,customers\n1,30\n")
    assert [Path(file.path).name for file in find.find_files([tmp_path / "in"])] == ["a.csv"]


@pytest.mark.parametrize("change", [lambda path: path.write_text("x"), lambda path: path.unlink()])
def test_a_file_that_changes_meanwhile_is_refused(change: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path / "in", "a.csv", lines(30, "%Y-%m-%d"))
    files = find.find_files([tmp_path / "in"])
    find.refuse_changed(files)
    change(tmp_path / "in" / "a.csv")
    with pytest.raises(InputError) as caught:
        find.refuse_changed(files)
    assert caught.value.code == "changed-file"


@pytest.mark.parametrize(("text", "chunks"), [("", 1), ("x" * 200, 3), ("x" * 1_800, 21)])
def test_long_lines_are_taken_in_smaller_chunks(text: str, chunks: int, tmp_path: Path) -> None:
    frame = pl.DataFrame(lines(1_000, "%Y-%m-%d", note=text))
    frame.write_parquet(tmp_path / "a.parquet")
    table = reading.open_input(find.find_files([tmp_path / "a.parquet"]), Settings())
    made = plan.make_plan(table.sources, resources=HERE.resources, chunk_size=90_000)
    assert len(made.chunks) == chunks
    assert sum_up(tmp_path, chunk_size=90_000).ledger["ledger"]["kept"] == 1_000


def test_a_feature_that_one_file_cannot_give_names_that_file(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", lines(20, "%Y-%m-%d", product="mug"))
    write(tmp_path, "b.csv", lines(20, "%Y-%m-%d"))
    table = reading.open_input(find.find_files([tmp_path]), Settings())
    with pytest.raises(InputError) as caught:
        features.make_recipe(table, Settings(features=("distinct_products",)))
    assert "b.csv" in str(caught.value.where)


@pytest.mark.parametrize("name", ["a.csv", "b.csv", "c.csv"])
def test_lines_that_end_otherwise_are_told_by_file_and_line(name: str, tmp_path: Path) -> None:
    header = "Invoice,Customer ID,Quantity,Price\n"
    rows = [f"{n},C{n % 40},1,2.50" for n in range(4000)]
    for other in ("a.csv", "b.csv", "c.csv"):
        text = header + "\n".join(rows[:600]) + "\n"
        if other == name:
            # Behind what is looked at before the run.
            text += "\n".join(rows[600:3000]) + "\n" + "\r".join(rows[3000:])
        (tmp_path / other).write_text(text, newline="")
    with pytest.raises(InputError) as caught:
        sum_up(tmp_path)
    assert caught.value.code == "mixed-line-ends"
    assert caught.value.where == f"{tmp_path / name}, line 3,002"

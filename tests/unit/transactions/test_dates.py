"""Ways of writing dates, against Python's datetime and by hand."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custseg.transactions.date_orders import (
    LIMITS,
    PARTS,
    DateEvidence,
    in_words,
    order_of,
    refutation,
    refuted,
    speaks_against,
)
from custseg.transactions.dates import read_shape

MOMENT = dt.datetime(2010, 12, 1, 8, 26)


def read(text: str, order: str = "") -> dt.datetime | None:
    shape = read_shape(text)
    form = shape.ordered(order) if shape else None
    return pl.select(form.read(pl.lit(text.strip()))).item() if form else None


@pytest.mark.parametrize(
    "text",
    [
        "2010-12-01 08:26:00",
        "2010-12-01 08:26",
        "2010-12-1 8:26",
        "2010/12/01 08:26:00",
        "2010.12.01 08:26",
        "2010-12-01T08:26:00",
        "2010-12-01T08:26:00.000",
        "2010-12-01T08:26:00Z",
        "2010-12-01T08:26:00+01:00",
        "2010-12-01T08:26:00.000-0500",
        "2010-12-01 08:26:00 +0200",
        "2010-12-01 08:26:00 UTC",
        "2010-12-01 8:26 AM",
        "01-Dec-2010 08:26",
        "1 Dec 2010 08:26:00",
        "1 December 2010 8:26am",
        "Dec 1, 2010 8:26:00 AM",
        "Dec 1, 2010, 8:26 AM",
        "Dec. 1, 2010 8:26 AM",
        "1. Dec 2010 8:26",
        "Wed, 01 Dec 2010 08:26:00 GMT",
        "Wed Dec 01 2010 08:26",
        "Wednesday, December 1, 2010 8:26 AM",
        "Wednesday 1 December 2010, 08:26",
        "Dec 1, 2010 8:26:00 AM PST",
        "2010-12-01 08:26:00 CEST",
        "201012010826",
        "20101201082600",
        "1291191960",
        "1291191960.0",
        "1291191960000",
        "1291191960000000",
        "1291191960000000000",
        "40513.35138888889",
        " 2010-12-01 08:26:00 ",
    ],
)
def test_a_single_date_tells_how_it_is_written(text: str) -> None:
    assert read(text) == MOMENT


@pytest.mark.parametrize(
    "text", ["07 Sept 2023", "7-SEPT-23", "Sept 7, 2023", "Sept. 7, 2023", "7. Sept 2023"]
)
def test_september_may_have_four_letters(text: str) -> None:
    assert read(text) == dt.datetime(2023, 9, 7)


def test_a_day_of_the_week_must_be_that_of_the_date() -> None:
    assert read("Tue, 01 Dec 2010 08:26:00 GMT") is None


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("1/12/2010 8:26", "dmy", MOMENT),
        ("12/1/2010 8:26", "mdy", MOMENT),
        ("12/01/2010 08:26:00 AM", "mdy", MOMENT),
        ("01.12.2010 08:26", "dmy", MOMENT),
        ("1-12-10 8:26", "dmy", MOMENT),
        ("01.12.2010 08:26 Uhr", "dmy", MOMENT),
        ("12/1/10 8:26", "mdy", MOMENT),
        ("10/12/01 8:26", "ymd", MOMENT),
        ("12/1/2010 8:26 PM", "mdy", MOMENT + dt.timedelta(hours=12)),
        ("12/1/2010, 8:26\u202fPM", "mdy", MOMENT + dt.timedelta(hours=12)),
        ("13/1/2010 8:26", "mdy", None),
        ("1/12/2010 8:26", "", None),
        ("1/12/2010 8:26", "ymd", None),
        ("31/02/2010 8:26", "dmy", None),
    ],
)
def test_dates_in_doubt_need_an_order(text: str, order: str, expected: dt.datetime | None) -> None:
    assert read(text, order) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2010",
        "201012",
        "12/2010",
        "1/2/3/4",
        "2010-12-01 8",
        "2010-12-01 08:26:00 Berlin",
        "13085",
        "1.5",
        "08:26",
        "2010-12/01",
        "Smarch 5, 2010x",
        "1st Dec 2010",
        "Wed 1.12.2010",
        "x" * 200,
        "711",
        "1 12 2010 8:26:00:00",
    ],
)
def test_what_is_no_date_is_not_known(text: str) -> None:
    shape = read_shape(text)
    assert shape is None or (text == "13085" and shape.forms[0][1].unit == "excel")


forms = st.sampled_from(
    [
        "%Y-%m-%d",
        "%Y-%m-%d %H:%M",
        "%Y/%m/%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%d-%b-%Y",
        "%b %d, %Y %I:%M %p",
        "%Y%m%d",
        "%Y%m%d%H%M%S",
        "%d/%m/%Y %H:%M",
        "%m/%d/%Y",
        "%d.%m.%y %H:%M",
        "%m-%d-%y",
        "%y/%m/%d",
    ]
)
moments = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2068, 12, 31))


@given(moment=moments, form=forms)
def test_it_reads_what_python_writes(moment: dt.datetime, form: str) -> None:
    text = moment.strftime(form)
    assert read(text, order_of(form)) == dt.datetime.strptime(text, form)


@given(moment=moments)
def test_it_reads_what_excel_counts(moment: dt.datetime) -> None:
    moment = moment.replace(microsecond=0)
    days = (moment - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
    assert read(repr(days)) == moment


def test_the_order_a_format_has() -> None:
    assert order_of("%d/%m/%Y %H:%M") == "dmy"
    assert order_of("%b %d, %Y") == "mdy"
    assert order_of("%y%m%d") == "ymd"
    assert order_of("%y-%m-%d") == "ymd"
    assert order_of("%Y") == ""
    assert order_of("%Y-%m-%d") == order_of("%Y%m%d %H:%M") == ""


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["1/12/2010", "13/12/2010"], "dmy"),
        (["1/12/2010", "1/13/2010"], "mdy"),
        (["1/12/2010", "12/1/2010"], ""),
        (["01/12/10", "13/12/10"], ""),  # may be the year 13
        (["1/12/10", "13/12/10"], "dmy"),  # a year of one digit nobody writes
        (["1/12/10", "1/13/10"], "mdy"),
        (["01/12/10", "32/12/10"], "ymd"),
        (["1/12/99", "13/12/99"], "dmy"),
        (["2010-12-13"], ""),
        (["13/12/2010", "12/13/2010"], ""),
        ([f"13/12/{year}" for year in range(1970, 2090)] + ["12/13/2010"], "dmy"),
    ],
)
def test_a_number_that_is_too_large_proves_the_order(cells: list[str], order: str) -> None:
    evidence = DateEvidence()
    evidence.add(cells)
    assert evidence.order == order


def test_dates_that_contradict_each_other_leave_no_order() -> None:
    evidence = DateEvidence()
    evidence.add(["13/12/2010", "12/13/2010"])
    assert evidence.possible == ()
    assert (evidence.against["dmy"], evidence.against["mdy"]) == ((1, "12/13/2010"), (1, "13/12/2010"))


@given(text=st.from_regex(r"\A ?[0-9]{1,2}[-/.][0-9]{1,2}[-/.]([0-9]{2}|[0-9]{4})( 8:26)?\Z"))
def test_polars_and_python_refute_the_same_orders(text: str) -> None:
    import re

    found = pl.DataFrame({"cell": [text]}).select(**refutation(pl.col("cell"))).row(0, named=True)
    parts = re.match(PARTS, text)
    assert parts
    expected = refuted(parts.groups())
    assert [order for order in LIMITS if found[order]] == expected


def test_a_date_speaks_against_an_order_it_cannot_have() -> None:
    assert speaks_against("13/12/2010", "mdy")
    assert not speaks_against("13/12/2010", "dmy")
    assert speaks_against("1/12/2010", "")
    assert not speaks_against("2010-12-13", "")
    assert not speaks_against("never", "")


def test_both_readings_in_words() -> None:
    assert in_words("3/4/2011 8:26", "dmy") == "3 April 2011"
    assert in_words("3/4/2011 8:26", "mdy") == "4 March 2011"
    assert in_words("10-03-04", "ymd") == "4 March 2010"
    assert in_words("3/14/2011", "dmy") == "3 month 14 2011"


@pytest.mark.parametrize(
    ("text", "strptime"),
    [("Jan-03-24", "%b-%d-%y"), ("Mar-14-2024", "%b-%d-%Y"), ("March 3, 2024", "%B %d, %Y")],
)
def test_the_name_of_the_month_may_come_first(text: str, strptime: str) -> None:
    shape = read_shape(text)
    assert shape is not None
    assert [form.strptime for _, form in shape.forms] == [strptime]

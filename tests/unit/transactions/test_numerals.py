"""Ways of writing numbers, by hand and against Python's own reading."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custseg.transactions.numerals import (
    COMMA,
    POINT,
    MarkEvidence,
    may_speak_against_point,
    needs_care,
    proofs,
    proved_mark,
    read_number,
)


def read(text: str, mark: str = POINT, *, thorough: bool = True) -> float | None:
    return pl.DataFrame({"cell": [text]}).select(read_number(pl.col("cell"), mark, thorough=thorough)).item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5),
        ("+5", 5),
        ("-5.25", -5.25),
        (" 5 ", 5),
        ("5.", 5),
        (".5", 0.5),
        ("1e3", 1000),
        ("1.5E+05", 150_000),
        ("1,234.50", 1234.5),
        ("1,234", 1234),
        ("12,34,567.8", 1_234_567.8),
        ("1'234.50", 1234.5),
        ("1’234", 1234),
        ("1 234.5", 1234.5),
        ("1\u00a0234\u00a0567", 1_234_567),
        ("1\u202f234.5", 1234.5),
        ("£5.00", 5),
        ("£ 5.00", 5),
        ("-£5", -5),
        ("£-5.00", -5),
        ("5.00 €", 5),
        ("USD 5", 5),
        ("5 USD", 5),
        ("R$ 5.5", 5.5),
        ("Rs. 500", 500),
        ("5 kr.", 5),
        ("₹1,00,000", 100_000),
        ("(5.00)", -5),
        ("(£1,234.50)", -1234.5),
        ("5.00-", -5),
        ("\u22125", -5),
        ("–5", -5),
        ("5.-", 5),
        ("5.–", 5),
        ("1,250.—", 1250),
        ("kr 361.--", 361),
        ("-5.-", -5),
        ("5.- €", 5),
        ("EUR361.25", 361.25),
        ("361.25EUR", 361.25),
    ],
)
def test_what_people_write(text: str, expected: float) -> None:
    assert read(text) == expected
    swapped = text.translate(str.maketrans(".,", ",.")).replace("Rs,", "Rs.").replace("kr,", "kr.")
    assert read(swapped, COMMA) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "six",
        "1,23",
        "1,2345",
        "1,23,4",
        "1.2.3",
        "--5",
        "-5-",
        "(-5)",
        "(5",
        "5)",
        "AB12",
        "12AB",
        "E5",
        "nan",
        "inf",
        "1_000",
        "0x1",
        ".",
        "-",
        "£",
        "5 6",
        "1 23",
        "1,234,56",
        "5%",
        "½",
        "5.00 5.00",
        "1..5",
        "0,750",
        "0,750.25",
        "0'750",
        "00,12,345",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert read(text) is None
    swapped = text.translate(str.maketrans(".,", ",."))
    assert read(swapped, COMMA) is None


def test_what_cannot_be_held_is_left_to_the_caller() -> None:
    assert read("1e400") == float("inf")


numbers = st.text(st.sampled_from(list("0123459.,-+e ")), max_size=9)


@given(text=numbers, mark=st.sampled_from([POINT, COMMA]))
def test_the_fast_reading_reads_nothing_otherwise(text: str, mark: str) -> None:
    fast = read(text, mark, thorough=False)
    if fast is not None and fast - fast == 0:
        assert read(text, mark) == fast


@given(value=st.decimals(-(10**9), 10**9, places=2))
def test_it_reads_what_python_formats(value: object) -> None:
    expected = float(str(value))
    assert read(f"{value:,}") == expected
    assert read(str(value)) == read(str(value), thorough=False) == expected
    assert read(f"{value:,}".translate(str.maketrans(".,", ",.")), COMMA) == expected


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("5", None),
        ("5.5", POINT),
        ("5,5", COMMA),
        ("5,55 €", COMMA),
        ("1,234", ""),
        ("1.234", ""),
        ("£1,234", ""),
        ("0.123", POINT),
        ("0,123", COMMA),
        ("1234.567", POINT),
        ("1,234,567", POINT),
        ("1.234.567", COMMA),
        ("1,234.5", POINT),
        ("1.234,5", COMMA),
        ("12,34,567", POINT),
        ("1.5e3", POINT),
        ("17,-", COMMA),
        ("kr 17.–", POINT),
        ("1,23,4", None),
        ("1.2.3", None),
        ("a.b", None),
        ("0,123.5", None),
        ("0,123,456", None),
        ("01,23,456", None),
    ],
)
def test_what_proves_the_decimal_mark(text: str, mark: str | None) -> None:
    assert proved_mark(text) == mark


@given(text=numbers)
def test_polars_and_python_see_the_same_proofs(text: str) -> None:
    frame = pl.DataFrame({"cell": [text]})
    found = frame.select(**proofs(pl.col("cell"))).row(0, named=True)
    expected = proved_mark(text)
    assert [mark for mark, proves in found.items() if proves] == ([] if expected is None else [expected])
    assert frame.select(may_speak_against_point(pl.col("cell"))).item() == (expected in ("", COMMA))


def test_the_mark_of_a_file() -> None:
    assert MarkEvidence.of(["1", "1,234", "5.50"]).mark == POINT
    assert MarkEvidence.of(["1", "1.234", "5,50"]).mark == COMMA
    assert MarkEvidence.of(["1", "1.234"]).mark == ""
    both = MarkEvidence.of(["5.50", "5,50"])
    assert both.is_contradictory
    assert both.examples == {POINT: "5.50", COMMA: "5,50"}
    slip = MarkEvidence.of([f"{number}.5" for number in range(200)] + ["5,5"])
    assert slip.mark == POINT
    assert not slip.is_contradictory


def test_plain_numbers_need_no_care() -> None:
    assert not needs_care(["5", "-5.5", "1e3", "", None, "  "], POINT)
    assert needs_care(["5", "£5"], POINT)
    assert needs_care([" 5"], POINT)
    assert needs_care(["1,234"], POINT)
    assert not needs_care(["5,5"], COMMA)

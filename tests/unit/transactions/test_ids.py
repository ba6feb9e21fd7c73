"""Ids as text, however a spreadsheet or a program wrote them."""

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.transactions import heads, values

IDS = st.one_of(
    st.none(),
    st.integers(0, 99_999).map(str),
    st.integers(0, 99_999).map("{}.0".format),
    st.sampled_from(["", "007", " 7", "7 ", "-7.0", "+7", "7.00", "7.0.0", "٧", "7\n", "1.5e3", "nan", "a7"]),
)


def test_ids_kept_from_becoming_numbers_are_what_is_between_the_quotes() -> None:
    cells = pl.DataFrame({"id": ['="00418683"', "00418683", '=""', '="N/A"', "=x"]})
    read = cells.select(values.customer_id(pl.col("id"), pl.String(), exponents=False))
    assert read["id"].to_list() == ["00418683", "00418683", None, None, "=x"]


def test_only_what_programs_write_for_numbers_is_a_number() -> None:
    ids = ["1.785e4", "1,785E+04", "1E+05", "12E003", "1e5", "1.2345E+02", "1e+20", "5.00e0"]
    read = heads.read_ids(pl.Series("id", ids), exponents=True)
    assert read.to_list() == ["17850", "17850", "100000", "12E003", "1e5", "1.2345E+02", "1e+20", "5"]


def test_case_and_unseen_signs_make_no_other_customer() -> None:
    ids = ["Anna@Shop.com", " anna@shop.com", "\ufeff12033", "AnnaB", "annab"]
    read = heads.read_ids(pl.Series("id", ids), exponents=False)
    assert read.to_list() == ["anna@shop.com", "anna@shop.com", "12033", "AnnaB", "annab"]


def test_an_invoice_is_one_whatever_program_wrote_it() -> None:
    invoices = ["1000", "1000.0", " 1000.0 ", '="1000"', "\ufeff1000", "C1000", "A.0", "", None]
    plain = ["1000", "1000", "1000", "1000", "1000", "C1000", "A.0", None, None]
    assert heads.read_invoices(pl.Series("invoice", invoices)).to_list() == plain
    assert heads.read_invoices(pl.Series("invoice", invoices, pl.Categorical)).to_list() == plain
    assert heads.read_invoices(pl.Series("invoice", [1000, None])).to_list() == ["1000", None]


@given(st.lists(IDS, max_size=20))
@example([None])
@example(["7.0", None, "7"])
def test_plain_ids_are_read_as_all_others_are(ids: list[str | None]) -> None:
    cells = pl.Series("id", ids, pl.String)
    read = values.customer_id(pl.col("id"), pl.String(), exponents=False)
    assert heads.read_ids(cells, exponents=False).to_list() == cells.to_frame().select(read)["id"].to_list()

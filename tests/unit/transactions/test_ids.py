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


@given(st.lists(IDS, max_size=20))
@example([None])
@example(["7.0", None, "7"])
def test_plain_ids_are_read_as_all_others_are(ids: list[str | None]) -> None:
    cells = pl.Series("id", ids, pl.String)
    read = values.customer_id(pl.col("id"), pl.String(), exponents=False)
    assert heads.read_ids(cells, exponents=False).to_list() == cells.to_frame().select(read)["id"].to_list()

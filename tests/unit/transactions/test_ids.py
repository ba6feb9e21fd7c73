"""Ids as text, however a spreadsheet or a program wrote them."""

import polars as pl

from custseg.transactions import values


def test_ids_kept_from_becoming_numbers_are_what_is_between_the_quotes() -> None:
    cells = pl.DataFrame({"id": ['="00418683"', "00418683", '=""', '="N/A"', "=x"]})
    read = cells.select(values.customer_id(pl.col("id"), pl.String(), exponents=False))
    assert read["id"].to_list() == ["00418683", "00418683", None, None, "=x"]

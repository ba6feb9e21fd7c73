import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custseg.report import formats

S = formats.SPACE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (2.5, "2.5"),
        (42.04, "42"),
        (3.14159, "3.14"),
        (0.0523, "0.052"),
        (42.46, "42.5"),
        (99.96, "100"),
        (3400, "3,400"),
        (999_499, "999,499"),
        (999_500, f"1.0{S}M"),
        (1_234_567, f"1.2{S}M"),
        (123_456_789, f"123{S}M"),
        (3.4e9, f"3.4{S}bn"),
        (-2_500_000, f"-2.5{S}M"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_number(value, text):
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (2.958, "GBP", "£2.96"),
        (2957.83, "gbp", "£2,958"),
        (17_374_804.2, "EUR", f"€17.4{S}M"),
        (-1_095_136.8, "USD", f"−$1.1{S}M"),
        (0, "GBP", "£0"),
        (12, "SEK", f"SEK{S}12.00"),
        (12, "<b>", f"<b>{S}12.00"),
        (1234, None, "1,234"),
        (None, "GBP", "–"),
    ],
)
def test_money(value, currency, text):
    assert formats.money(value, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, f"0{S}%"),
        (0.0004, f"<{S}0.1{S}%"),
        (0.0042, f"0.4{S}%"),
        (0.0096, f"1{S}%"),
        (0.483, f"48{S}%"),
        (0.9999, f"99.9{S}%"),
        (1, f"100{S}%"),
        (-0.03, f"−3{S}%"),
        (-0.0004, f"−<{S}0.1{S}%"),
        (None, "–"),
    ],
)
def test_share_is_never_rounded_to_nothing_or_all(value, text):
    assert formats.share(value) == text


def test_texts_of_dates_days_sizes_and_times():
    assert formats.date("2011-12-09T12:50:00") == "9 December 2011"
    assert formats.date(None) == "–"
    assert formats.month("2010-12") == "Dec 2010"
    assert [formats.days(d) for d in (1, 78.5, 253.4)] == ["1 day", "78.5 days", "253 days"]
    assert formats.size(94_850_204) == f"94.9{S}MB"
    assert [formats.seconds(t) for t in (0.004, 0.42, 59.7, 200, 7500)] == [
        f"<{S}0.1{S}s",
        f"0.4{S}s",
        f"1{S}min 0{S}s",
        f"3{S}min 20{S}s",
        f"2{S}h 5{S}min",
    ]
    assert [formats.times(r) for r in (0.337, 2.44, 30.6)] == [f"×{S}0.34", f"×{S}2.4", f"×{S}31"]
    assert (formats.plural(1, "customer"), formats.plural(3400, "customer")) == (
        "1 customer",
        "3,400 customers",
    )


def test_a_feature_has_its_own_unit():
    assert formats.feature("spend", 418, "GBP") == "£418"
    assert formats.feature("recency_days", 33, "GBP") == "33 days"
    assert formats.feature("return_rate", 0.12) == f"12{S}%"
    assert formats.feature("purchases", 8.0) == "8"


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_says_what_it_is_to_three_figures(value):
    text = formats.number(value).replace(",", "")
    for unit, factor in ((f"{S}bn", 1e9), (f"{S}M", 1e6), ("", 1)):
        if text.endswith(unit):
            assert math.isclose(float(text.removesuffix(unit)) * factor, value, rel_tol=0.051, abs_tol=1e-12)
            return


@given(st.text())
def test_printable_text_holds_nothing_that_a_page_may_not(text):
    clean = formats.printable(text)
    clean.encode()
    assert not formats.UNPRINTABLE.search(clean)
    assert formats.printable(clean) == clean

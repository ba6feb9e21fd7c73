import pytest

from custseg.report import formats
from custseg.segments.wording import digits, least, percent, share


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1"),
        (14.0, "14"),
        (1.5, "1.5"),
        (3404.2, "3,404"),
        (3415, "3,415"),
        (367193, "367,193"),
        (0.04, "0.04"),
        (0.012345, "0.0123"),
        (999.6, "1,000"),
        (-52.34, "-52.3"),
    ],
)
def test_three_digits(value, text):
    assert digits(value) == text


def test_percent():
    assert [percent(x) for x in (0.37, 0.0138, 0.0099, 0.0001, 0, 1)] == [
        "37 %",
        "1.4 %",
        "1 %",
        "under 0.1 %",
        "0 %",
        "100 %",
    ]


@pytest.mark.parametrize(
    ("value", "limit", "texts"),
    [
        (0.0196, 0.02, ("1.96 %", "2 %")),
        (0.019999, 0.02, ("1.9999 %", "2 %")),
        (0.01, 0.02, ("1 %", "2 %")),
        (0.123, 0.125, ("12 %", "12.5 %")),
        (0.1246, 0.124601, ("12 %", "12.4601 %")),
        (0.0002, 0.0005, ("0.02 %", "0.05 %")),
        (0.0002, 0.07, ("under 0.1 %", "7 %")),
        (0.0, 0.02, ("0 %", "2 %")),
    ],
)
def test_a_share_under_a_limit_reads_as_that(value: float, limit: float, texts: tuple[str, str]) -> None:
    assert (percent(value, limit), least(limit)) == texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (0.0004, "under 0.1 %"),
        (0.004, "0.4 %"),
        (0.06454, "6 %"),
        (0.48, "48 %"),
        (0.9999, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_said_as_in_the_tables(value: float, text: str) -> None:
    assert share(value) == text
    in_tables = formats.share(value).replace(formats.SPACE, " ")
    assert in_tables.replace("<", "under") == text

"""Ten digits: seconds since 1970, or two digits each of year, month, day, hour and minute."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from dated import APART, TOGETHER, lines, write
from summed import sum_up

import custseg
from custseg.settings import Settings


@pytest.mark.parametrize("day", ["%y%m%d1030", "%s"])
def test_ten_digits_are_a_minute_where_all_name_one_and_seconds_where_not(day: str, tmp_path: Path) -> None:
    rows = lines(60, "%Y-%m-%d")
    for number, row in enumerate(rows):
        moment = dt.datetime.fromisoformat(row["date"]).replace(tzinfo=dt.UTC) + dt.timedelta(hours=10.5)
        row["date"] = str(int(moment.timestamp()) + number) if day == "%s" else moment.strftime(day)
    write(tmp_path / "in", "a.csv", rows)
    found = sum_up(tmp_path / "in", features=("tenure_days", "recency_days"))
    assert found.customers["recency_days"].sort().to_list() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("quiet", ["a", "z"])
@pytest.mark.parametrize("size", [TOGETHER, APART])
def test_a_quiet_day_is_read_as_the_busy_ones_are(quiet: str, size: dict[str, int], tmp_path: Path) -> None:
    for name, count in ((quiet, 3), ("m", 200), ("n", 200)):
        rows = lines(count, "240301")
        for number, row in enumerate(rows):
            row["date"] += f"{9 + number % 10:02d}{number * 7 % 60:02d}"
            row["invoice"] = f"{name}{number}"
        write(tmp_path / "in", f"{name}.csv", rows)
    found = sum_up(tmp_path / "in", features=("recency_days", "lines"), **size)
    assert found.customers["last_purchase"].dt.date().unique().to_list() == [dt.date(2024, 3, 1)]
    assert found.customers["lines"].sum() == 403
    kinds = custseg.check(tmp_path / "in", settings=Settings(features="recency_days,lines")).kinds
    reasons = [reason for kind in kinds for reason in kind.reasons if reason.topic == "dates"]
    assert {reason.found for reason in reasons} == {"%y%m%d%H%M"}


def test_quiet_days_show_together_that_ten_digits_are_a_minute(tmp_path: Path) -> None:
    for day in range(1, 4):
        rows = [row | {"invoice": f"{day}-{row['invoice']}"} for row in lines(3, f"24030{day}1%d0")]
        write(tmp_path / "in", f"{day}.csv", rows)
    found = sum_up(tmp_path / "in", features=("tenure_days", "recency_days"))
    assert found.customers["recency_days"].to_list() == [1, 1, 1]
    assert found.customers["tenure_days"].to_list() == [3, 3, 3]


def test_ten_digits_are_seconds_in_one_file_and_a_minute_in_another(tmp_path: Path) -> None:
    first = int(dt.datetime(2011, 1, 1, 10, 30, tzinfo=dt.UTC).timestamp())
    rows = [row | {"date": str(first + n * 86_400)} for n, row in enumerate(lines(60, "", note="seconds"))]
    write(tmp_path / "in", "a.csv", rows)
    # A month too many is a slip, and no second of the year 2046.
    rows = lines(120, "%y%m%d1030") + lines(1, "2413010913", note="slip")
    write(tmp_path / "in", "b.csv", rows)
    found = sum_up(tmp_path / "in", features=("tenure_days", "recency_days"), max_invalid=1)
    assert found.ledger["ledger"]["invalid"] == 1
    assert found.customers["tenure_days"].max() == 120

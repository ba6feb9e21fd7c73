"""A check shows what the reading of lines passes over, and the option that would not."""

import datetime as dt
import shlex
from pathlib import Path

import pytest
import xlsxwriter
from command import run_custseg

import custseg
from custseg.settings import Settings


def write(path: Path, header: str, line: str, count: int = 400) -> Path:
    """Write lines: n, c(ustomer), o(rder), d(ay) and s(tate) are filled in."""
    rows = [
        line.format(
            n=n,
            c=n // 2 * 7 % 60,
            o=n // 2,
            d=f"2024-03-{1 + n // 2 % 28:02d}",
            s=("Paid", "Cancelled")[n % 9 == 0],
        )
        for n in range(count)
    ]
    path.write_text("\n".join([header, *rows, ""]))
    return path


CASES = {
    "date-column": ("Customer,Order,ordered on,Qty,Price", "k{c},{o},{d},1,2.50", "invoice_date=ordered on"),
    "invoice-column": ("Customer,Beleg-Kz,Date,Qty,Price", "k{c},{o},{d},{n},2.50", "invoice=Beleg-Kz"),
    "undone": (
        "Customer,Order,Date,Qty,Price,Status",
        "k{c},{o},{d},{n},2.50,{s}",
        "Status not in ('Cancelled')",
    ),
    "cancelled": ("Customer,Order,Date,Qty,Price", "k{c},CPH-{o},{d},{n}1,2.50", "invoice=-"),
}


@pytest.mark.parametrize("code", CASES)
def test_what_is_passed_over_is_shown_with_its_option(code: str, tmp_path: Path) -> None:
    header, line, option = CASES[code]
    found = custseg.check(write(tmp_path / "a.csv", header, line))
    (suspect,) = [suspect for suspect in found.suspects if suspect.code == code]
    assert option in suspect.flag


@pytest.mark.parametrize("code", [*CASES, "totals", "numbered-anew"])
def test_plain_lines_give_no_cause(code: str, tmp_path: Path) -> None:
    header, line = "Customer,Order,Date,Qty,Price,Status", "k{c},{o},{d},{n}1,2.50,Paid"
    assert code not in [s.code for s in custseg.check(write(tmp_path / "a.csv", header, line)).suspects]


def test_what_was_told_is_not_asked_again(tmp_path: Path) -> None:
    header, line, _ = CASES["date-column"]
    settings = Settings(column={"invoice_date": "-"})
    found = custseg.check(write(tmp_path / "a.csv", header, line), settings=settings)
    assert "date-column" not in [suspect.code for suspect in found.suspects]


@pytest.mark.parametrize(
    ("header", "days", "first"),
    [
        ("date_of_birth,placed", "1970-05-{day},2024-03-{day}", "placed"),
        ("shipped,due on,bought,expires", ",".join(["2024-03-{day}"] * 4), "bought"),
        ("SHOP_DATE", "202403{day}", "SHOP_DATE"),
        ("day of it", "{day}.03.2024", "day of it"),
    ],
)
def test_of_several_days_that_of_the_purchase_is_proposed(
    header: str, days: str, first: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    rows = [f"k{n % 60},{n},{days.format(day=f'{1 + n % 28:02}')},{n + 1},2.50" for n in range(300)]
    path.write_text("\n".join([f"Customer,Order,{header},Qty,Price", *rows, ""]))
    (suspect,) = [suspect for suspect in custseg.check(path).suspects if suspect.code == "date-column"]
    assert suspect.flag == f'--column "invoice_date={first}"'
    assert all(f"'{name}'" in suspect.what for name in header.split(",")[:4])
    settings = Settings(column={"invoice_date": first})
    assert custseg.check(path, settings=settings).estimate.lines["kept"] == 300


@pytest.mark.parametrize("number", ["{n}", "2024{n:04}", "20241{n:03}", "{n}.25", "20240230{n:03}"])
def test_numbers_are_no_days(number: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"k{n % 60},{n},{number.format(n=n)},{n + 1},2.50" for n in range(300)]
    path.write_text("\n".join(["Customer,Order,Slip,Qty,Price", *rows, ""]))
    assert "date-column" not in [suspect.code for suspect in custseg.check(path).suspects]


def test_numbers_that_begin_anew_and_lines_that_sum_up(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"k{n % 60},{n % 7},2024-03-{1 + n % 28:02d},{n + 1},2.50" for n in range(600)]
    path.write_text(
        "\n".join(["Customer,Receipt,Date,Qty,Price", *rows, "Grand Total,9,2024-03-01,9999,2.50", ""])
    )
    flags = {suspect.code: suspect.flag for suspect in custseg.check(path).suspects}
    assert "--column invoice=-" in flags["numbered-anew"]
    assert flags["totals"] == "--where \"customer_id not like 'Grand Total%'\""


def test_no_condition_is_offered_where_an_order_says_its_state_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [
        f"k{n // 4 % 20},{n // 2},{1 + n},2.50,{('refunded', 'paid')[n // 2 % 3 > 0]}" for n in range(200)
    ]
    once = [row if n % 2 == 0 else row.rpartition(",")[0] + "," for n, row in enumerate(rows)]
    for lines, offered in ((rows, True), (once, False)):
        path.write_text("\n".join(["Customer,Order,Qty,Price,Status", *lines, ""]))
        (undone,) = [s for s in custseg.check(path).suspects if s.code == "undone"]
        assert bool(undone.flag) == offered
        assert ("leave these orders out" in undone.what) == (not offered)


def test_subtotals_of_each_customer_are_all_left_out_by_the_condition_given(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"C{n // 3},x{n},1,2.50" if n % 3 < 2 else f"C{n // 3} Total,,2,5.00" for n in range(60)]
    path.write_text("\n".join(["Customer,Item,Qty,Amount", *rows, "Grand Total,,40,100", ""]))
    (totals,) = [s for s in custseg.check(path).suspects if s.code == "totals"]
    condition = shlex.split(totals.flag)[1]
    found = custseg.check(path, settings=Settings(where=condition))
    assert found.estimate.lines["kept"] == 40
    assert "totals" not in [suspect.code for suspect in found.suspects]


@pytest.mark.parametrize(
    ("further", "found"),
    [("{o},,{d}", True), (",,", True), (",,{d}", False), ("x{n},,{d}", False), ("{o},k{c},{d}", False)],
)
def test_lines_that_follow_the_one_with_the_customer_are_told_from_guests(
    further: str, found: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    rows = []
    for n in range(300):
        line = "{o},k{c},{d}" if n % 3 < 2 else further
        rows.append(line.format(o=n // 3, c=n // 3 % 40, d=f"2024-03-{1 + n // 3 % 28:02d}", n=n) + f",{n},2")
    path.write_text("\n".join(["Order,Customer,Date,Qty,Price", *rows, ""]))
    assert ("further-lines" in [s.code for s in custseg.check(path).suspects]) == found


def test_ids_that_stand_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    ids = [("GUEST", "0", "Walk-in")[n % 3] if n % 4 == 0 else f"k{n % 90}" for n in range(900)]
    rows = [f"{text},{n},2024-03-{1 + n % 28:02d},1,2.50" for n, text in enumerate(ids)]
    path.write_text("\n".join(["Customer,Receipt,Date,Qty,Price", *rows, ""]))
    (guest,) = [suspect for suspect in custseg.check(path).suspects if suspect.code == "guest"]
    assert all(f"'{text}'" in guest.flag for text in ("GUEST", "0", "Walk-in"))


def test_a_sheet_that_may_sum_up_another_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        data, pivot = book.add_worksheet("Data"), book.add_worksheet("Pivot")
        for n, row in enumerate(
            [["Customer", "Order", "Qty", "Price"]] + [[n % 40, n, 1, 2.5] for n in range(200)]
        ):
            data.write_row(n, 0, row)
        for n, row in enumerate([["Customer", "Total"]] + [[n, 12.5] for n in range(40)]):
            pivot.write_row(n, 0, row)
    problems = {problem.error.code: problem.error for problem in custseg.check(path).problems}
    assert "--sheet 'Data'" in problems["sheets-differ"].now
    assert custseg.check(path, settings=Settings(sheet=("Data",))).ok


def test_a_chart_sheet_is_left_out_with_our_word_only(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        data, picture = book.add_worksheet("Data"), book.add_chartsheet("Picture")
        for n, row in enumerate([["Customer", "Order", "Qty", "Price"]] + [[n, n, 1, 2.5] for n in range(9)]):
            data.write_row(n, 0, row)
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=Data!$D$2:$D$9"})
        picture.set_chart(chart)
    done = run_custseg("check", path)
    assert (done.code, done.err) == (0, "")
    assert "the sheet 'Picture' was left out" in done.out


def test_folders_that_are_called_as_columns_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "sales" / "store=7" / "day=2024-01-02"
    folder.mkdir(parents=True)
    write(folder / "a.csv", "Customer,Order,Date,Qty,Price,Status", "k{c},{o},{d},{n}1,2.50,Paid")
    notes = custseg.check(tmp_path / "sales").notes
    assert [f"'{key}=…'" in note for key, note in zip(("store", "day"), notes, strict=True)] == [True, True]


def book_of(path: Path, dates: list[object], *, hidden: bool = False, stray: int = 0) -> Path:
    """Write a workbook with a line a date, a hidden copy of its sheet, and a cell far to the right."""
    with xlsxwriter.Workbook(path) as book:
        iso = book.add_format({"num_format": "yyyy-mm-dd"})
        for name in ("Sales", "Old")[: 1 + hidden]:
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["Customer", "Order", "Date", "Qty", "Price"])
            for n, day in enumerate(dates, start=1):
                sheet.write_row(n, 0, [n % 7, n, None, 1, 2.5])
                sheet.write(n, 2, day, iso if isinstance(day, dt.date) else None)
            if stray:
                sheet.write(0, stray, "x")
            if name == "Old":
                sheet.hide()
    return path


DAYS = [dt.date(2024, 1, 3) + dt.timedelta(days=n) for n in range(40)]


def test_a_workbook_in_which_excel_turned_dates_round_is_refused(tmp_path: Path) -> None:
    turned = [dt.date(day.year, day.day, day.month) if day.day <= 12 else f"{day:%m/%d/%Y}" for day in DAYS]
    typed_in = [dt.date(2024, 2, 20), "02/11/2024"]
    for dates in (turned, turned + typed_in):
        (problem,) = custseg.check(book_of(tmp_path / "a.xlsx", dates)).problems
        assert problem.error.code == "date-order"
        assert "Excel has taken day and month for each other" in problem.error.what
    mixed = [day if n % 2 else f"{day:%m/%d/%Y}" for n, day in enumerate(DAYS)]
    assert custseg.check(book_of(tmp_path / "b.xlsx", mixed)).ok


def test_hidden_sheets_are_left_out_and_named(tmp_path: Path) -> None:
    path = book_of(tmp_path / "a.xlsx", list(DAYS), hidden=True)
    found = custseg.check(path)
    assert found.estimate.lines["kept"] == 40
    assert any("'Old' was left out: it is hidden" in note for note in found.notes)
    assert custseg.check(path, settings=Settings(sheet=("Sales", "Old"))).estimate.lines["duplicate"] == 40


def test_a_cell_that_strayed_far_to_the_right_costs_nothing(tmp_path: Path) -> None:
    (kind,) = custseg.check(book_of(tmp_path / "a.xlsx", list(DAYS), stray=16_000)).kinds
    assert len(kind.unused) < 60

"""Telling how a CSV file is written."""

from pathlib import Path

import pytest

from custseg.errors import InputError
from custseg.transactions.dialects import Dialect, Told, read_dialect
from custseg.transactions.streams import UNKNOWN
from custseg.transactions.vocabulary import is_header


def dialect(path: Path, data: bytes | str, **told: object) -> Dialect:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_dialect(str(path), Told(**told), lambda row: is_header(row, {}))  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "^", "~", "\x01"])
def test_separators(path: Path, separator: str) -> None:
    text = separator.join(["customer_id", "qty", "price"]) + "\n" + separator.join(["1", "2", "3"]) + "\n"
    found = dialect(path, text)
    assert (found.separator, found.header) == (separator, ("customer_id", "qty", "price"))
    assert found.start == len("customer_id qty price\n")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("Customer ID;Price, net;Qty\n1;2,50;3\n2;3,50;4\n", ";"),
        ("Customer ID\tQty, packed | loose\tPrice\n1\t2\t3\n", "\t"),
        ('"Customer; ID","Qty","Price"\n1,2,3\n', ","),
        ("customer|note, long, very\n1|a\n2|b, c\n", "|"),
    ],
)
def test_the_separator_cuts_all_lines_into_equally_many_cells(path: Path, text: str, separator: str) -> None:
    assert dialect(path, text).separator == separator


def test_what_the_user_says_holds(path: Path) -> None:
    assert dialect(path, "customer,qty;price\n1,2;3\n", separator=";").header == ("customer,qty", "price")
    assert dialect(path, "a\xe9,b\n1,2\n".encode("cp1251", "replace"), encoding="cp1251").encoding == "cp1251"
    found = dialect(path, "17,2,3.5\n18,2,3\n", no_header=True)
    assert (found.header, found.start, found.header_line) == (("1", "2", "3"), 0, 0)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", UNKNOWN),
        ("utf-8-sig", UNKNOWN),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", UNKNOWN),
    ],
)
def test_encodings(path: Path, encoding: str, expected: str) -> None:
    found = dialect(path, "Kunde,Stück,Preis\n1,2,3\n".encode(encoding))
    assert found.encoding == expected
    assert found.header == ("Kunde", "Stück", "Preis")


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
def test_line_ends(path: Path, eol: str) -> None:
    found = dialect(path, eol.join(["customer,qty", "1,2", "3,4", ""]))
    assert found.header == ("customer", "qty")
    assert found.eol == eol[-1]


def test_the_header_may_have_line_breaks_and_quotes(path: Path) -> None:
    found = dialect(path, '"Customer\nID","Size ""12""",Qty\n1,2,3\n')
    assert found.header == ("Customer\nID", 'Size "12"', "Qty")
    assert found.header_line == 1


def test_lines_above_the_header_are_passed_over(path: Path) -> None:
    found = dialect(path, "Sales\n\nfrom, to\nCustomer,Qty\n1,2\n")
    assert (found.header, found.header_line) == (("Customer", "Qty"), 4)


def test_excels_hint_is_no_header(path: Path) -> None:
    found = dialect(path, "sep=;\nCustomer;Qty, packed\n1;2\n")
    assert (found.separator, found.header, found.header_line) == (";", ("Customer", "Qty, packed"), 2)


def test_single_quotes(path: Path) -> None:
    found = dialect(path, "'customer','note','qty'\n'1','a, b','2'\n")
    assert (found.quote, found.header) == ("'", ("customer", "note", "qty"))
    assert dialect(path, "customer,note,qty\n1,O'Brien,2\n").quote == '"'


def test_a_long_header_is_read_to_its_end(path: Path) -> None:
    names = ["customer"] + [f"column {number}" for number in range(5_000)]
    assert dialect(path, ",".join(names) + "\n" + "1," * 5_000 + "2\n").header == tuple(names)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\n\n\r\n", "empty-file"),
        (b"customer\n1\n2\n", "one-column"),
        (b",\t,\t\n", "empty-file"),
        (b"customer   qty   price\n1          2     3\n", "one-column"),
        (bytes(range(256)) * 10, "unknown-format"),
        (b"\x7fELF" + bytes(200), "unknown-format"),
    ],
)
def test_what_is_no_table_is_refused(path: Path, data: bytes, code: str) -> None:
    with pytest.raises(InputError, match=path.name) as caught:
        dialect(path, data)
    assert caught.value.code == code
    assert caught.value.now


def test_a_title_and_a_rule_are_no_header_even_where_no_line_names_a_customer(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("02.01.2025   list\n\n-------\n| Auftraggeb |Menge |\n-------\n" + "|  10|  2|\n" * 9)
    dialect = read_dialect(str(path), Told(), lambda cells: is_header(cells, {}))
    assert dialect.header == ("", "Auftraggeb", "Menge", "")
    assert dialect.header_line == 4


def test_the_customer_that_was_told_makes_a_header_whatever_its_case_and_spaces() -> None:
    assert is_header(["", " Auftrag-Geb ", "X"], {"customer_id": "auftrag geb"})


def test_lines_in_quotes_as_a_whole_are_told(tmp_path: Path) -> None:
    path = tmp_path / "wrapped.csv"
    path.write_text('"customer,qty"\r\n"1,2"\r\n')
    with pytest.raises(InputError) as caught:
        read_dialect(str(path), Told(), lambda cells: is_header(cells, {}))
    assert caught.value.code == "one-column"
    assert "sed" in caught.value.now


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r\r\n"])
def test_a_quoted_header_ends_where_its_line_does(path: Path, ends: str) -> None:
    found = dialect(path, f'"Invoice","Customer ID"{ends}0,"C0"{ends}1,"C1"{ends}')
    assert found.header == ("Invoice", "Customer ID")
    assert found.start == len('"Invoice","Customer ID"' + ends)


@pytest.mark.parametrize(
    "title", ["Sales report, May 2024", "Sales report, May 2024\n", "Printed 9:30, page 1 of 2"]
)
@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_a_sign_in_the_title_is_not_taken_for_the_separator(path: Path, title: str, separator: str) -> None:
    header = ("Invoice", "Customer ID", "Price")
    lines = "".join(separator.join([str(n), f"C{n % 40}", "2.50"]) + "\n" for n in range(400))
    found = dialect(path, f"{title}\n{separator.join(header)}\n{lines}")
    assert (found.separator, found.header) == (separator, header)
    assert found.header_line == title.count("\n") + 2


def test_a_sign_alone_in_the_first_line_is_the_separator_where_nothing_is_a_header(path: Path) -> None:
    lines = "".join(f"{n};a,b,c;{n}|{n}|{n}|{n}\n" for n in range(50))
    assert dialect(path, f"x;y;z\n{lines}").separator == ";"


@pytest.mark.parametrize(
    "beginning",
    [
        "<!-- made by a till -->\n<table>",
        "<style>td { color: red; }</style>",
        "<div class='a'>",
        "<tr><td>Customer ID</td></tr>",
        "\n <!DOCTYPE html>",
        "<?xml version='1.0'?>",
        "MIME-Version: 1.0\nX-Document-Type: Workbook\nContent-Type: multipart/related",
        "From: <Saved by a browser>\nSubject: till",
    ],
)
def test_a_web_page_is_told_whatever_it_begins_with(path: Path, beginning: str) -> None:
    with pytest.raises(InputError, match="web page") as caught:
        dialect(path, beginning + "\n<td>1</td>\n" * 40)
    assert caught.value.code == "unknown-format"


def test_headers_in_angle_brackets_are_no_web_page(path: Path) -> None:
    found = dialect(path, "<CUSTOMER>,<DATE>,<QTY>\n1,2024-01-05,3\n")
    assert found.header == ("<CUSTOMER>", "<DATE>", "<QTY>")

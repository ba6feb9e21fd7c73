"""Hostile input: files that no program should have written, one maker each, and what has to come of them.

Run as a script, it puts all of them through the command line in one process and prints what came of each.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HEADER = "Invoice,StockCode,Quantity,InvoiceDate,Price,Customer ID,Country"
Make = Callable[[Path], list[Any]]


class Hostile(NamedTuple):
    """One hostile input.

    Attributes
    ----------
    wrong
        What is wrong with it.
    make
        Makes it in an empty folder and returns the command's further words.
    error
        The code of the error it ends with; empty where it is read all the same.
    names
        What the message has to name.
    """

    wrong: str
    make: Make
    error: str
    names: tuple[str, ...]


HOSTILE: dict[str, Hostile] = {}


def hostile(wrong: str, error: str = "", *names: str) -> Callable[[Make], Make]:
    def enter(make: Make) -> Make:
        HOSTILE[make.__name__] = Hostile(wrong, make, error, names or (("bad",) if error else ()))
        return make

    return enter


def line(n: int, **cells: str) -> str:
    row = {
        "Invoice": str(1000 + n // 3),
        "StockCode": f"{20000 + n % 50}A",
        "Quantity": str(1 + n * 7 % 12),
        "InvoiceDate": f"2011-{1 + n % 12:02d}-{1 + n % 28:02d} 10:00:00",
        "Price": f"{1 + n % 9}.{10 + n % 80}",
        "Customer ID": str(13000 + n % 30),
        "Country": "France",
    }
    return ",".join({**row, **cells}.values())


def text(count: int = 120, header: str = HEADER, **cells: Callable[[int], str]) -> str:
    rows = [
        line(n, **{name.replace("_", " "): cell(n) for name, cell in cells.items()}) for n in range(count)
    ]
    return "\n".join([header, *rows, ""])


def bad(folder: Path, content: str | bytes, name: str = "bad.csv") -> list[Any]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [path]


# Files that are no files, or not there.


@hostile("there is no such file", "no-such-file")
def missing(folder: Path) -> list[Any]:
    return [folder / "bad.csv"]


@hostile("a pattern that matches nothing", "nothing-matched")
def no_match(folder: Path) -> list[Any]:
    return [folder / "bad*.csv"]


@hostile("a folder without any transactions", "nothing-matched")
def nothing_there(folder: Path) -> list[Any]:
    (folder / "bad").mkdir()
    (folder / "bad" / "readme.md").write_text("nothing")
    return [folder / "bad"]


@hostile("a link to itself", "no-such-file")
def link_loop(folder: Path) -> list[Any]:
    (folder / "bad.csv").symlink_to(folder / "bad.csv")
    return [folder / "bad.csv"]


@hostile("a link to nothing, in a folder", "unreadable-file")
def dead_link(folder: Path) -> list[Any]:
    bad(folder, text(), "good.csv")
    (folder / "bad.csv").symlink_to(folder / "gone.csv")
    return [folder]


@hostile("folders that contain each other by links")
def folder_loop(folder: Path) -> list[Any]:
    bad(folder, text())
    (folder / "again").symlink_to(folder)
    return [folder]


@hostile("the same file by three names")
def three_names(folder: Path) -> list[Any]:
    (path,) = bad(folder, text())
    (folder / "b.csv").symlink_to(path)
    return [path, folder / "b.csv", folder]


@hostile("a pipe that nobody writes into", "unreadable-file")
def pipe(folder: Path) -> list[Any]:
    os.mkfifo(folder / "bad.csv")
    return [folder / "bad.csv"]


@hostile("a device without end", "unreadable-file", "/dev/zero")
def device(folder: Path) -> list[Any]:
    return ["/dev/zero"]


@hostile("a file that may not be read (root may read all)", "" if os.geteuid() == 0 else "unreadable-file")
def forbidden(folder: Path) -> list[Any]:
    (path,) = bad(folder, text())
    path.chmod(0)
    return [path]


@hostile("names with line breaks, quotes, brackets, stars and signs that are no UTF-8")
def strange_names(folder: Path) -> list[Any]:
    for number, name in enumerate(
        (b"a\nb.csv", b"[x]*?.csv", b"'\";$(rm).csv", b"\xff\xfe.csv", "日本 😀.csv".encode())
    ):
        rows = text(header=HEADER, Invoice=lambda n, start=number * 1000: str(5000 + start + n // 3))
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(rows)
    return [folder]


# Files without content, cut off, or damaged.


@hostile("nothing in it", "empty-file")
def empty(folder: Path) -> list[Any]:
    return bad(folder, "")


@hostile("nothing but a byte order mark", "empty-file")
def only_a_mark(folder: Path) -> list[Any]:
    return bad(folder, b"\xef\xbb\xbf")


@hostile("nothing but line breaks", "empty-file")
def only_breaks(folder: Path) -> list[Any]:
    return bad(folder, "\r\n" * 50)


@hostile("a header and no line", "no-line-kept", "header")
def only_a_header(folder: Path) -> list[Any]:
    return bad(folder, HEADER + "\n")


@hostile("an empty file among good ones", "empty-file")
def one_empty(folder: Path) -> list[Any]:
    return [*bad(folder, text(), "good.csv"), *bad(folder, "")]


@hostile("a gz file without its end", "unreadable-file")
def cut_gz(folder: Path) -> list[Any]:
    return bad(folder, gzip.compress(text(3000).encode())[:-40], "bad.csv.gz")


@hostile("a gz file with noise in it", "unreadable-file")
def noisy_gz(folder: Path) -> list[Any]:
    whole = bytearray(gzip.compress(text(30_000).encode()))
    whole[len(whole) // 2 : len(whole) // 2 + 50] = random.Random(1).randbytes(50)
    return bad(folder, bytes(whole), "bad.csv.gz")


@hostile("a zst file without its end", "unreadable-file")
def cut_zst(folder: Path) -> list[Any]:
    from custseg.transactions.streams import zstd

    return bad(folder, zstd.compress(text(3000).encode())[:-40], "bad.csv.zst")


@hostile("the last line is half there", "damaged-file")
def cut_csv(folder: Path) -> list[Any]:
    return bad(folder, text()[:-25])


@hostile("the disk left null bytes at the end", "damaged-file", "bad", "null bytes")
def null_tail(folder: Path) -> list[Any]:
    return bad(folder, text(2000).encode() + b"\x00" * 4096)


@hostile("the sign that DOS ends files with: a line that is invalid, and counted")
def dos_end(folder: Path) -> list[Any]:
    return bad(folder, text(200) + "\x1a")


@hostile("a block of null bytes in the middle: its lines are invalid, and counted")
def null_middle(folder: Path) -> list[Any]:
    whole = text(4000).encode()
    return [*bad(folder, whole[:100_000] + b"\x00" * 100 + whole[100_100:]), "--max-invalid", "5%"]


@hostile("noise", "unknown-format")
def noise(folder: Path) -> list[Any]:
    return bad(folder, random.Random(2).randbytes(100_000))


@hostile("a Parquet file without its end", "damaged-file")
def cut_parquet(folder: Path) -> list[Any]:
    return bad(folder, parquet()[:-200], "bad.parquet")


@hostile("a Parquet file with noise in its pages", "damaged-file")
def noisy_parquet(folder: Path) -> list[Any]:
    whole = bytearray(parquet())
    whole[10:400] = random.Random(3).randbytes(390)
    return bad(folder, bytes(whole), "bad.parquet")


def parquet(**columns: Any) -> bytes:
    import polars as pl

    frame = pl.read_csv(io.StringIO(text(2000)), try_parse_dates=True)
    data = io.BytesIO()
    frame.with_columns(**columns).write_parquet(data)
    return data.getvalue()


@hostile("a CSV file called Parquet", "damaged-file")
def called_parquet(folder: Path) -> list[Any]:
    return bad(folder, text(), "bad.parquet")


@hostile("a Parquet file called CSV")
def called_csv(folder: Path) -> list[Any]:
    return bad(folder, parquet())


@hostile("ids that are lists", "nested-column", "Customer ID")
def nested(folder: Path) -> list[Any]:
    import polars as pl

    return bad(folder, parquet(**{"Customer ID": pl.concat_list("Customer ID")}), "bad.parquet")


@hostile("a further column that is a struct")
def nested_further(folder: Path) -> list[Any]:
    import polars as pl

    return bad(folder, parquet(Country=pl.struct("Country", "Price")), "bad.parquet")


@hostile("text called a workbook", "damaged-file")
def text_called_xlsx(folder: Path) -> list[Any]:
    return bad(folder, "\x01\x02 no workbook", "bad.xlsx")


@hostile("an Excel file without its end", "damaged-file")
def cut_xlsx(folder: Path) -> list[Any]:
    return bad(folder, workbook()[:-500], "bad.xlsx")


def workbook(*sheets: list[list[Any]]) -> bytes:
    import xlsxwriter

    data = io.BytesIO()
    with xlsxwriter.Workbook(data) as book:
        for rows in sheets or ([row.split(",") for row in text().splitlines()],):
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return data.getvalue()


@hostile("a workbook without any table", "no-sheet")
def no_table(folder: Path) -> list[Any]:
    return bad(folder, workbook([["Figures"], ["as of today"]], []), "bad.xlsx")


@hostile("a workbook with a password", "damaged-file", "bad", "password")
def password(folder: Path) -> list[Any]:
    return bad(
        folder, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504 + b"E\x00n\x00c\x00" * 400, "bad.xlsx"
    )


@hostile("a workbook of 1995 with nothing behind its first bytes", "damaged-file")
def old_xls(folder: Path) -> list[Any]:
    return bad(folder, b"\xd0\xcf\x11\xe0" + b"\x00" * 2000, "bad.xls")


@hostile("a web page called Excel", "unknown-format", "bad", "web page")
def html(folder: Path) -> list[Any]:
    rows = "".join(f"<tr><td>{row.replace(',', '</td><td>')}</td></tr>" for row in text().splitlines())
    return bad(folder, f"<html><body><table>{rows}</table></body></html>", "bad.xls")


@hostile("JSON, one object a line", "unknown-format", "bad", "JSON")
def json_lines(folder: Path) -> list[Any]:
    names = HEADER.split(",")
    rows = [json.dumps(dict(zip(names, row.split(","), strict=True))) for row in text().splitlines()[1:]]
    return bad(folder, "\n".join(rows))


@hostile("a zip of two CSV files", "unknown-format", "bad", "zip")
def zipped(folder: Path) -> list[Any]:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.csv", text())
        archive.writestr("b.csv", text())
    return bad(folder, data.getvalue(), "bad.zip")


@hostile("a tar archive, packed", "unknown-format")
def tarred(folder: Path) -> list[Any]:
    import tarfile

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        info = tarfile.TarInfo("a.csv")
        info.size = len(text().encode())
        archive.addfile(info, io.BytesIO(text().encode()))
    return bad(folder, data.getvalue(), "bad.csv.gz")


@hostile("a database", "unknown-format")
def sqlite(folder: Path) -> list[Any]:
    import sqlite3

    with sqlite3.connect(folder / "bad.csv") as base:
        base.execute("create table sales (customer text, quantity int)")
    base.close()
    return [folder / "bad.csv"]


@hostile("a picture", "unknown-format")
def picture(folder: Path) -> list[Any]:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR"
    return bad(folder, head + random.Random(4).randbytes(5000))


# Text that is written in an odd way.


@hostile("UTF-16 without its mark")
def bare_utf_16(folder: Path) -> list[Any]:
    return bad(folder, text().encode("utf-16-le"))


@hostile("UTF-16 that ends within a sign", "wrong-encoding")
def half_utf_16(folder: Path) -> list[Any]:
    return bad(folder, text().encode("utf-16")[:-1])


@hostile("Shift-JIS, which nothing tells", "unknown-encoding", "bad", "--encoding cp932", "青いノート")
def shift_jis(folder: Path) -> list[Any]:
    return bad(folder, text(Country=lambda n: "青いノート").encode("cp932"))


@hostile("latin-1, told to be UTF-8", "wrong-encoding", "bad", "line 101")
def told_wrong(folder: Path) -> list[Any]:
    whole = text(300, Country=lambda n: "Côte d'Ivoire" if n == 99 else "France")
    return [*bad(folder, whole.encode("latin-1")), "--encoding", "utf-8"]


@hostile("an encoding that does not exist", "bad-setting", "klingon")
def no_encoding(folder: Path) -> list[Any]:
    return [*bad(folder, text()), "--encoding", "klingon"]


@hostile("UTF-8 and latin-1 by turns")
def mixed_encodings(folder: Path) -> list[Any]:
    rows = text(Country=lambda n: "Côte d'Ivoire").splitlines()
    return bad(
        folder, b"\n".join(row.encode("utf-8" if n % 2 else "latin-1") for n, row in enumerate(rows)) + b"\n"
    )


@hostile("a quote that is never closed: a sign like any other")
def unclosed_quote(folder: Path) -> list[Any]:
    return bad(folder, text(600, Country=lambda n: '"France' if n == 50 else "France"))


@hostile("ten million signs without a line break", "one-column")
def one_line(folder: Path) -> list[Any]:
    return bad(folder, "x" * 10_000_000)


@hostile("a cell of ten million signs")
def long_cell(folder: Path) -> list[Any]:
    return bad(folder, text(Country=lambda n: "x" * 10_000_000 if n == 60 else "France"))


@hostile("a million columns", "too-many-columns")
def million_columns(folder: Path) -> list[Any]:
    header = ",".join(["Customer ID", "Quantity", *(f"c{n}" for n in range(1_000_000))])
    return bad(folder, f"{header}\n{'1,' * 1_000_001}1\n")


@hostile("more cells than headers in every line", "ragged-lines")
def ragged(folder: Path) -> list[Any]:
    return bad(folder, text(Country=lambda n: "France,and,more"))


@hostile("too few cells in every line", "too-many-invalid", "bad", "line 2")
def short_lines(folder: Path) -> list[Any]:
    rows = text().splitlines()
    return bad(folder, "\n".join([f"{rows[0]},Amount", *rows[1:], ""]))


@hostile("cells in line by blanks", "one-column", "bad", "blanks")
def aligned(folder: Path) -> list[Any]:
    rows = [row.split(",") for row in text().splitlines()]
    return bad(folder, "".join("".join(cell.ljust(22) for cell in row) + "\n" for row in rows), "bad.txt")


@hostile("control signs in the header", "no-customer-column")
def control_signs(folder: Path) -> list[Any]:
    return bad(folder, text(header=HEADER.replace("Customer ID", "\x1b[2J\x07Who\x9b31m")))


# Columns that mean nothing, or two things.


@hostile("no column for the customer", "no-customer-column", "bad", "Who")
def no_customer(folder: Path) -> list[Any]:
    return bad(folder, text(header=HEADER.replace("Customer ID", "Who")))


@hostile("no header", "no-customer-column", "bad", "--no-header")
def no_header(folder: Path) -> list[Any]:
    return bad(folder, text().partition("\n")[2])


@hostile("two columns that could be the customer", "two-meanings", "bad", "Member", "Client ID")
def two_customers(folder: Path) -> list[Any]:
    return bad(folder, text(header=HEADER.replace("Country", "Client ID").replace("Customer ID", "Member")))


@hostile("one header twice", "two-meanings", "bad", "column 6", "column 7")
def twice(folder: Path) -> list[Any]:
    return bad(folder, text(header=HEADER.replace("Country", "Customer ID")))


@hostile("a customer and nothing to measure", "no-measure")
def nothing_to_measure(folder: Path) -> list[Any]:
    return bad(folder, "Customer ID,Country\n" + "1,France\n" * 50)


@hostile("one file of two without a date", "column-missing", "bad", "invoice_date")
def one_without_dates(folder: Path) -> list[Any]:
    return [
        *bad(folder, text(), "good.csv"),
        *bad(folder, text(header=HEADER.replace("InvoiceDate", "Till"))),
    ]


@hostile("one table of Olist's", "tables-to-join", "bad", "join")
def olist(folder: Path) -> list[Any]:
    return bad(
        folder,
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
        + "a,1,b,c,2018-01-01 00:00:00,1.5,2\n" * 40,
    )


@hostile("one table of Instacart's", "tables-to-join", "bad", "join")
def instacart(folder: Path) -> list[Any]:
    return bad(folder, "order_id,product_id,add_to_cart_order,reordered\n" + "1,2,3,1\n" * 40)


@hostile("an old Macintosh's lines behind those of others", "mixed-line-ends", "bad", "carriage return")
def mixed_line_ends(folder: Path) -> list[Any]:
    return bad(folder, text() + text().partition("\n")[2].replace("\n", "\r"))


@hostile("others' lines behind an old Macintosh's", "mixed-line-ends", "bad", "line feed")
def mixed_line_ends_otherwise(folder: Path) -> list[Any]:
    return bad(folder, text(600).replace("\n", "\r") + text().partition("\n")[2])


@hostile("the same with quotes", "mixed-line-ends", "bad", "carriage return")
def mixed_line_ends_with_quotes(folder: Path) -> list[Any]:
    lines = text(Country=lambda n: f'"Land {n}"')
    return bad(folder, lines + lines.partition("\n")[2].replace("\n", "\r"))


# Cells that cannot be what they should be.


@hostile("dates that may be either way round", "date-order", "bad", "--date-format")
def either_way(folder: Path) -> list[Any]:
    return bad(folder, text(InvoiceDate=lambda n: f"0{1 + n % 9}/{1 + n % 12:02d}/2011"))


@hostile("dates both ways round", "date-order")
def both_ways(folder: Path) -> list[Any]:
    return bad(folder, text(InvoiceDate=lambda n: "13/01/2011" if n % 2 else "01/13/2011"))


@hostile("dates that are none", "date-format")
def no_dates(folder: Path) -> list[Any]:
    return bad(folder, text(InvoiceDate=lambda n: "yesterday"))


@hostile("dates of the year 9999", "too-many-invalid", "bad", "9999")
def far_dates(folder: Path) -> list[Any]:
    return bad(folder, text(InvoiceDate=lambda n: "9999-12-31 00:00:00"))


@hostile("ids that a spreadsheet cut short", "shortened-ids", "bad", "4.00017E+11")
def shortened_ids(folder: Path) -> list[Any]:
    return bad(folder, text(**{"Customer ID": lambda n: f"{400_017_000_000 + 54_321 * n:.5E}"}))


@hostile("thousands or decimals, who knows", "decimal-mark", "bad", "--decimal-comma")
def which_mark(folder: Path) -> list[Any]:
    return bad(folder, text(Price=lambda n: f'"1,{100 + n}"'))


@hostile("points and commas as decimal marks", "decimal-mark")
def both_marks(folder: Path) -> list[Any]:
    return bad(folder, text(Price=lambda n: f'"{n},5"' if n % 2 else f"{n}.5"))


@hostile("quantities beyond all measure", "too-many-invalid", "bad", "1e300")
def overflow(folder: Path) -> list[Any]:
    return bad(folder, text(Quantity=lambda n: "1e300"))


@hostile("prices that are no numbers", "too-many-invalid", "bad", "inf")
def not_finite(folder: Path) -> list[Any]:
    return bad(folder, text(Price=lambda n: ("inf", "NaN", "-inf")[n % 3]))


@hostile("nothing but returns", "no-line-kept", "non_positive")
def negative(folder: Path) -> list[Any]:
    return bad(folder, text(Quantity=lambda n: "-3"))


@hostile("no line with a customer", "no-line-kept", "missing_customer")
def nobody(folder: Path) -> list[Any]:
    return bad(folder, text(Customer_ID=lambda n: ("", "nan", " ")[n % 3]))


@hostile("one customer only", "too-few-customers", "customer")
def one_customer(folder: Path) -> list[Any]:
    return bad(folder, text(Customer_ID=lambda n: "17850"))


@hostile("ids as numbers, with decimals and as words")
def mixed_ids(folder: Path) -> list[Any]:
    return bad(
        folder, text(Customer_ID=lambda n: (f"{13000 + n % 30}", f"{13000 + n % 30}.0", f"K{n % 30}")[n % 3])
    )


@hostile("cells that a spreadsheet would run")
def formulas(folder: Path) -> list[Any]:
    return bad(
        folder,
        text(Customer_ID=lambda n: f'"=HYPERLINK(""http://x/{n % 40}"")"', Country=lambda n: "@SUM(1)"),
    )


@hostile("quantities that add up beyond 64 bits")
def large_sums(folder: Path) -> list[Any]:
    return [
        *bad(folder, text(Quantity=lambda n: str(399_999_999_999 - n * n), Price=lambda n: "1.0")),
        "--duplicates",
        "keep",
    ]


# Running all of them.


@contextmanager
def into(file: Path, number: int) -> Iterator[None]:
    """Send what is written to a file descriptor into a file."""
    kept = os.dup(number)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(handle)
        os.close(kept)


def run(words: list[Any], place: Path) -> dict[str, Any]:
    """Run the command line here; return its exit code, what it wrote, and the seconds it took."""
    from custseg.cli import ending

    sys.argv = ["custseg", *map(str, words)]
    start = time.perf_counter()
    with into(place / "out", 1), into(place / "err", 2):
        try:
            code = ending.run()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    return {
        "code": code,
        "out": (place / "out").read_text("utf-8", "replace"),
        "err": (place / "err").read_text("utf-8", "replace"),
        "seconds": time.perf_counter() - start,
    }


def run_all(place: Path) -> dict[str, Any]:
    """Put every hostile input through check and batch."""
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    found = {}
    for name, case in HOSTILE.items():
        folder = place / name / "input"
        folder.mkdir(parents=True)
        words, output = case.make(folder), place / name / "output"
        checked = run(["check", *words, "--json", "--memory-limit", "1GB"], place)
        ran = run(["batch", *words, "-o", output, "-q", "--memory-limit", "1GB", "--k", "2"], place)
        left = sorted(entry.name for entry in output.iterdir()) if output.exists() else []
        found[name] = {"check": checked, "batch": ran, "left": left}
        found[name]["peak"] = peak_memory()
    return found


def peak_memory() -> int:
    """Bytes this program has held; `getrusage` counts what its parent held when it was started, too."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    print(json.dumps(run_all(Path(sys.argv[1]))))

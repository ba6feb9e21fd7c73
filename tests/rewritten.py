"""One input written in many ways, as real exports are: each takes Online Retail II's columns as text.

Each way must be read without a word from the user.
"""

from __future__ import annotations

import datetime as dt
import gzip
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

HEADERS = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
]
SPELLINGS = (
    HEADERS,
    [
        "InvoiceNo",
        "STOCKCODE",
        "description",
        "quantity",
        "invoice_date",
        "Unit Price",
        "customer_id",
        "COUNTRY",
    ],
    ["Order ID", "Stock Code", "Description", "Qty", "Order Date", "Price", "Client", "country"],
)


def dates(form: str) -> pl.Expr:
    return pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S").dt.strftime(form)


def commas(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.with_columns(pl.col("Price").str.replace(".", ",", literal=True))


def write(
    lines: pl.DataFrame, path: Path, encoding: str = "utf-8", eol: str = "\n", separator: str = ","
) -> None:
    text = lines.write_csv(separator=separator, line_terminator=eol)
    path.write_bytes(text.encode(encoding))


def german(lines: pl.DataFrame, folder: Path) -> None:
    lines = commas(lines).with_columns(dates("%d.%m.%Y %H:%M:%S"))
    write(lines, folder / "german.csv", "latin-1", "\r\n", ";")


def american(lines: pl.DataFrame, folder: Path) -> None:
    write(lines.with_columns(dates("%-m/%-d/%Y %-I:%M:%S %p")), folder / "american.csv")


def utf_16(lines: pl.DataFrame, folder: Path) -> None:
    write(lines, folder / "from excel.txt", "utf-16", "\r\n", "\t")


def utf_16_without_mark(lines: pl.DataFrame, folder: Path) -> None:
    write(lines, folder / "lines.csv", "utf-16-le")


def with_byte_order_mark(lines: pl.DataFrame, folder: Path) -> None:
    write(lines, folder / "lines.csv", "utf-8-sig", "\r\n")


def old_mac(lines: pl.DataFrame, folder: Path) -> None:
    without_breaks = lines.with_columns(pl.col("Description").str.replace("\n", "\r", literal=True))
    write(without_breaks, folder / "lines.csv", eol="\r")


def piped(lines: pl.DataFrame, folder: Path) -> None:
    write(lines, folder / "lines.csv", separator="|")


def rare_separator(lines: pl.DataFrame, folder: Path) -> None:
    write(lines, folder / "lines.csv", separator="^")


def gz(lines: pl.DataFrame, folder: Path) -> None:
    (folder / "lines.csv.gz").write_bytes(gzip.compress(lines.write_csv().encode()))


def zst(lines: pl.DataFrame, folder: Path) -> None:
    zstd = pytest.importorskip("backports.zstd", reason="comes with Python from 3.14 on")
    (folder / "lines.csv.zst").write_bytes(zstd.compress(lines.write_csv().encode()))


def preamble(lines: pl.DataFrame, folder: Path) -> None:
    (folder / "report.csv").write_text("Sales report\nmade on 3 May\n\n" + lines.write_csv(), "utf-8")


def excel_hint(lines: pl.DataFrame, folder: Path) -> None:
    (folder / "lines.csv").write_text("sep=;\n" + lines.write_csv(separator=";"), "utf-8")


def blank_lines(lines: pl.DataFrame, folder: Path) -> None:
    text = lines.write_csv().replace("\n4", "\n\n4").replace("\n5", "\n\r\n5")
    (folder / "lines.csv").write_text("\n" + text + "\n\n", "utf-8")


def money_signs(lines: pl.DataFrame, folder: Path) -> None:
    price = pl.col("Price").cast(pl.Float64)
    minus = pl.format("(£{})", (-price).cast(pl.String))
    lines = lines.with_columns(
        Price=pl.when(price < 0).then(minus).otherwise(pl.format("£ {}", "Price")),
        Quantity=pl.col("Quantity").str.replace(r"^-(\d+)$", "${1}-"),
    )
    write(lines, folder / "lines.csv")


def bare_inches(lines: pl.DataFrame, folder: Path) -> None:
    """Quotes that nobody doubled, in cells that nobody quoted."""
    lines = lines.with_columns(pl.col("Description").str.replace_all("\n", " "))
    rows = ["\t".join(row) for row in (lines.columns, *lines.iter_rows())]
    (folder / "lines.tsv").write_text("\n".join(rows) + "\n", "utf-8")


def typed(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.with_columns(
        pl.col("Quantity").cast(pl.Int32),
        pl.col("Price").cast(pl.Float64),
        pl.col("Customer ID").cast(pl.Float64, strict=False),
        pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S"),
        pl.col("Country").cast(pl.Categorical),
    )


def parquet(lines: pl.DataFrame, folder: Path) -> None:
    typed(lines).write_parquet(folder / "floats.parquet")


def parquet_with_zone(lines: pl.DataFrame, folder: Path) -> None:
    zone = pl.col("InvoiceDate").dt.replace_time_zone(
        "Europe/London", ambiguous="earliest", non_existent="null"
    )
    typed(lines).with_columns(zone).write_parquet(folder / "zone.parquet")


def parquet_numbers(lines: pl.DataFrame, folder: Path) -> None:
    """Ids as whole numbers, dates as Excel counts them."""
    moments = pl.col("InvoiceDate")
    days = (moments.dt.epoch("us") / 86_400e6 + 25_569).alias("InvoiceDate")
    ids = pl.col("Customer ID").cast(pl.Int64)
    typed(lines).with_columns(days, ids).write_parquet(folder / "numbers.parquet")


def epochs(lines: pl.DataFrame, folder: Path) -> None:
    moments = pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S")
    write(lines.with_columns(moments.dt.epoch("ms").cast(pl.String)), folder / "lines.csv")


def compact(lines: pl.DataFrame, folder: Path) -> None:
    write(lines.with_columns(dates("%Y%m%d%H%M%S")), folder / "lines.csv")


def iso_with_zone(lines: pl.DataFrame, folder: Path) -> None:
    write(lines.with_columns(dates("%Y-%m-%dT%H:%M:%S.000+01:00")), folder / "lines.csv")


def named_months(lines: pl.DataFrame, folder: Path) -> None:
    write(lines.with_columns(dates("%d-%b-%Y %H:%M:%S")), folder / "lines.csv")


def changing_dates(lines: pl.DataFrame, folder: Path) -> None:
    """The way of writing changes in the middle of a file, where no sample looks."""
    place = pl.int_range(pl.len())
    middle = place.is_between(3_500, 4_200)
    lines = lines.with_columns(
        pl.when(middle).then(dates("%Y-%m-%dT%H:%M:%S")).otherwise(dates("%d/%m/%Y %H:%M:%S"))
    )
    write(lines, folder / "lines.csv")


def excel(lines: pl.DataFrame, folder: Path) -> None:
    write_excel(lines, folder / "book.xlsx")


def write_excel(lines: pl.DataFrame, path: Path) -> None:
    """Two sheets of lines and one that is no table; numbers, dates and text mixed in a column."""
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        form = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        book.add_worksheet("About").write(0, 0, "Made by hand")
        half = lines.height // 2
        for name, part in (("First half", lines.head(half)), ("Second half", lines.tail(-half))):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, part.columns)
            for number, row in enumerate(part.iter_rows(), 1):
                for place, cell in enumerate(row):
                    if part.columns[place] == "InvoiceDate" and number % 3:
                        sheet.write_datetime(number, place, dt.datetime.fromisoformat(cell), form)
                    elif number % 2 and part.columns[place] != "Description" and is_number(cell):
                        sheet.write_number(number, place, float(cell))
                    else:
                        sheet.write_string(number, place, cell)


def is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).removeprefix("-").isdigit()


def many(lines: pl.DataFrame, folder: Path) -> None:
    """25 files, columns in any order, three spellings of the headers."""
    parts = (
        lines.with_row_index("row").with_columns(pl.col("row") % 25).partition_by("row", include_key=False)
    )
    for number, part in enumerate(parts):
        names = SPELLINGS[number % 3]
        shuffled = random.Random(number).sample(names, len(names))
        part.rename(dict(zip(HEADERS, names, strict=True))).select(shuffled).write_csv(
            folder / f"{number}.csv"
        )


def mix(lines: pl.DataFrame, folder: Path) -> None:
    """All at once, month by month, each in another way."""
    ways = (german, american, utf_16, gz, parquet, excel, many, parquet_numbers)
    months = lines.with_columns(month=pl.col("InvoiceDate").str.head(7)).partition_by(
        "month", include_key=False
    )
    for number, way in enumerate(ways):
        place = folder / f"{number:02d}"
        place.mkdir()
        way(pl.concat(months[number :: len(ways)]), place)


WAYS: tuple[Callable[[pl.DataFrame, Path], None], ...] = (
    german,
    american,
    utf_16,
    utf_16_without_mark,
    with_byte_order_mark,
    old_mac,
    piped,
    rare_separator,
    gz,
    zst,
    preamble,
    excel_hint,
    blank_lines,
    money_signs,
    parquet,
    parquet_with_zone,
    parquet_numbers,
    epochs,
    compact,
    iso_with_zone,
    named_months,
    changing_dates,
    excel,
    many,
    mix,
)

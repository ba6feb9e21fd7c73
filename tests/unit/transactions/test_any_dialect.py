"""Files in whatever dialect Python's csv writes are read as what was written, in blocks of any size."""

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from custseg.transactions.csv_blocks import open_csv
from custseg.transactions.dialects import Told, read_dialect
from custseg.transactions.vocabulary import is_header

HEADER = ["Invoice", "Customer ID", "Description", "Quantity", "Price"]
NAMES = [
    *("Mug", "Plate, blue", "a;b", "x|y\tz", '12" x', 'say "yes"', "two\nlines", '"A" frame', '"'),
    *('""', "é", "a\r\nb", ""),
]
QUOTING = [csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]


@given(
    st.permutations(HEADER),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=20),
    st.tuples(st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n", "\r\r\n"])),
    st.sampled_from(QUOTING),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([None, 1, 2, 7, 50, 333]),
)
def test_what_csv_writes_is_read(
    header: list[str],
    names: list[str],
    marks: tuple[str, str],
    quoting: int,
    encoding: str,
    limit: int | None,
) -> None:
    separator, ends = marks
    rows = []
    for number, name in enumerate(names):
        cells = dict(zip(HEADER, [str(number), f"C{number % 7}", name, 1, 2.5], strict=True))
        rows.append([cells[column] for column in header])
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=ends)  # type: ignore[arg-type]
    writer.writerows([header, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.csv")
        path.write_bytes(text.getvalue().encode(encoding))
        dialect = read_dialect(str(path), Told(), lambda row: is_header(row, {}))
        assert (dialect.separator, dialect.header) == (separator, tuple(header))
        contents = open_csv(str(path), path.stat().st_size, dialect)
        frames = [contents.scan(block.data).collect() for block in contents.blocks(limit)]
    found = [[(cell or "").rstrip("\r") for cell in row[:5]] for frame in frames for row in frame.rows()]
    assert found == [[str(cell) for cell in row] for row in rows]

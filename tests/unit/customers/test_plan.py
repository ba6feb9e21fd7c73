"""Plans: the work is cut by lines and customers there are, not by bytes alone."""

import gzip
import random
from pathlib import Path

import pytest
from backports import zstd

from custseg.customers.plan import Plan, make_plan
from custseg.running.compute import Resources
from custseg.settings import Settings
from custseg.transactions import compressed, find, reading
from custseg.transactions.pieces import batches
from custseg.transactions.reading import Table

SMALL = Resources(tasks=2, memory=2**30, spare=4_000_000)
HEADER = "Invoice,Quantity,Price,Customer ID\n"


def opened(path: Path) -> Table:
    return reading.open_input(find.find_files([path]), Settings())


def planned(path: Path) -> tuple[Table, Plan]:
    table = opened(path)
    return table, make_plan(table.sources, resources=SMALL, chunk_size=None)


def write(path: Path, lines: int, *, an_invoice: int = 1, remark: str = "") -> Path:
    """Write lines, so many an invoice; each invoice is of another customer."""
    head = HEADER if not remark else HEADER.replace("\n", ",Remark\n")
    rows = (
        f"{i // an_invoice},{1 + i % 9},{i % 97 / 100 + 1:.2f},C{i // an_invoice}{remark and ',' + remark}\n"
        for i in range(lines)
    )
    path.write_text(head + "".join(rows), "utf-8")
    return path


@pytest.mark.parametrize("remark", ["", "x" * 20, "x" * 400])
def test_lines_are_counted_by_their_length(tmp_path: Path, remark: str) -> None:
    source = opened(write(tmp_path / "a.csv", 50_000, remark=remark)).sources[0]
    assert source.lines == pytest.approx(50_000, rel=0.1)


def test_short_lines_come_in_shorter_blocks(tmp_path: Path) -> None:
    table, plan = planned(write(tmp_path / "a.csv", 100_000))
    least = 90
    for batch in batches(table, plan.chunks[0], plan.block):
        text = len(batch.parts[0].data[0])
        assert text / 22 <= 1.1 * plan.block / least, "no more lines than of usual length"


def test_lines_of_customers_of_their_own_get_more_buckets(tmp_path: Path) -> None:
    own = planned(write(tmp_path / "own.csv", 60_000))
    together = planned(write(tmp_path / "together.csv", 60_000, an_invoice=20))
    assert own[0].sources[0].stretch == 1
    assert together[0].sources[0].stretch > 10
    assert own[1].buckets >= 2 * together[1].buckets


def ordinary(lines: int) -> bytes:
    draws = random.Random(1)
    rows = (f"{i},{draws.randrange(9)},{draws.random():.4f},C{draws.randrange(9999)}\n" for i in range(lines))
    return (HEADER + "".join(rows)).encode()


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize(
    "text",
    [ordinary(20_000), HEADER.encode() + b"1,2,3,C4\n" * 400_000, ordinary(9_000) + b"1,2,3,C4\n" * 900_000],
    ids=["ordinary", "alike", "first ordinary, then alike"],
)
def test_what_compressed_files_hold_is_told_before_they_are_read(tmp_path, pack, text):
    path = tmp_path / "a.csv.packed"
    path.write_bytes(pack(text))
    told = compressed.text_bytes(str(path), path.stat().st_size)
    assert 0.7 * len(text) < told < 1.5 * len(text)


def test_a_file_of_many_parts_is_told_by_its_beginning(tmp_path: Path) -> None:
    text = ordinary(5_000)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text) * 20 + gzip.compress(b"1,2,3,C4\n"))
    told = compressed.text_bytes(str(path), path.stat().st_size)
    assert told == pytest.approx(20 * len(text), rel=0.2)


@pytest.mark.parametrize("data", [b"\x1f\x8b", b"\x1f\x8bdamaged" * 9, b"\x28\xb5\x2f\xfddamaged" * 9])
def test_damaged_files_are_told_about_something(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(data)
    assert compressed.text_bytes(str(path), len(data)) >= 0


def test_small_compressed_files_that_hold_much_are_chunks_of_their_own(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.csv.gz").write_bytes(gzip.compress(HEADER.encode() + b"1,2,3,C4\n" * 400_000))
    _, plan = planned(tmp_path)
    assert len(plan.chunks) == 3

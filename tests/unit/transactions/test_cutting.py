"""Blocks of a file, held against the file."""

from __future__ import annotations

import io
import tempfile
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.transactions import cutting, odd_records
from custseg.transactions.cutting import STEP, Cut, _Room, _Rooms, cut
from custseg.transactions.marks import Marks

MARKS = Marks(b",", b'"', b"\n")
CELLS = st.sampled_from(["a", "", "é", '"a"', '"a,b"', '"two\nlines"', '"say ""yes"""', "x" * 40])
RECORDS = st.lists(st.lists(CELLS, min_size=2, max_size=2).map(",".join), max_size=30)


def cut_file(data: bytes, limit: int | None) -> list[Cut]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.csv")
        path.write_bytes(data)
        with path.open("rb") as file:
            return list(cut(file, 0, limit, MARKS, 2))


class Passing(io.BytesIO):
    """A file that cannot be sought, as far as it is told: none that is read by a buffered reader."""


@given(RECORDS, st.booleans(), st.integers(1, 200))
@example([], True, 1)
@example(["a,b"], False, 1)
@example(['"' + "long\n" * 50 + '",b'], True, 7)
def test_blocks_are_the_file_however_it_is_read(records: list[str], ended: bool, limit: int) -> None:
    data = "\n".join(records).encode() + b"\n" * (ended and bool(records))
    in_place = cut_file(data, limit)
    assert b"".join(block.data for block in in_place) == data
    assert [block.start for block in in_place] == [0, *(block.end for block in in_place)][:-1]
    assert [block.last for block in in_place] == [False] * (len(in_place) - 1) + [True]
    assert all(block.foreign or block.data.isascii() for block in in_place if block.foreign is not None)
    in_passing = list(cut(Passing(data), 0, limit, MARKS, 2))
    assert [block[:4] for block in in_passing] == [block[:4] for block in in_place]
    for block in in_place:
        begins = [0, *(sum(len(r.encode()) + 1 for r in records[:n]) for n in range(1, len(records) + 1))]
        assert block.start in begins


@pytest.mark.parametrize("limit", [50, 1_000])
def test_what_is_left_of_a_long_record_is_no_reason_to_read_more(limit: int) -> None:
    data = b'"a,b\nc,d\n' * 20_000
    in_place = cut_file(data, limit)
    in_passing = list(cut(Passing(data), 0, limit, MARKS, 2))
    assert [block[:4] for block in in_passing] == [block[:4] for block in in_place]
    assert max(block.end - block.start for block in in_place) < 2 * odd_records.LONGEST


def test_signs_are_seen_wherever_a_step_of_reading_ends() -> None:
    for at in (0, STEP - 1, STEP, 2 * STEP + 3):
        data = bytearray(b"a" * 3 * STEP)
        data[at : at + 2] = "é".encode()
        seen = [at // STEP] if at % STEP < STEP - 1 else [at // STEP, at // STEP + 1]
        assert [block.foreign for block in cut_file(bytes(data), len(data) + 1)] == [
            tuple(step * STEP for step in seen)
        ]


class Counted(io.RawIOBase):
    """A file that counts how often it is read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.reads = io.BytesIO(data), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.data.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        self.reads += 1
        return self.data.readinto(buffer)


def test_what_is_no_local_file_is_read_a_block_at_a_time() -> None:
    data = b"a,b\n" * STEP
    file = Counted(data)
    blocks = list(cut(io.BufferedReader(file), 0, len(data) // 2, MARKS, 2))
    assert b"".join(block.data for block in blocks) == data
    assert file.reads <= 2 * len(blocks) + 2


def test_blocks_let_go_one_by_one_take_the_memory_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n" * 1000)
    made = []
    monkeypatch.setattr(cutting, "_Room", lambda size: made.append(_Room(size)) or made[-1])
    with path.open("rb") as file:
        assert sum(map(len, map(attrgetter("data"), cut(file, 0, 64, MARKS, 2)))) == 4000
    assert len(made) == 1
    made.clear()
    with path.open("rb") as file:
        assert len(list(cut(file, 0, 64, MARKS, 2))) == 63
    assert len(made) == 63


def test_a_block_that_is_held_is_not_written_to_and_one_let_go_is(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\nc,d\n")
    rooms = _Rooms()
    with path.open("rb") as file:
        first = rooms.free(4)
        first.read(file, 4, MARKS.quote)
        held = first.data()
        second = rooms.free(4)
        assert second is not first
        second.read(file, 4, MARKS.quote)
        assert (held, second.data()) == (b"a,b\n", b"c,d\n")
        del held
        assert rooms.free(4) in (first, second)
        file.seek(0)
        # Even somebody who writes to a room without asking spoils nothing.
        kept = second.data()
        second.read(file, 4, MARKS.quote)
        assert (kept, second.data()) == (b"c,d\n", b"a,b\n")

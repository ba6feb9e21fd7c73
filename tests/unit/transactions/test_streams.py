"""Decompressing and recoding, against Python's own codecs."""

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custseg.errors import InputError
from custseg.transactions import streams
from custseg.transactions.csv_blocks import open_csv
from custseg.transactions.dialects import Told, read_dialect
from custseg.transactions.streams import UNKNOWN, keeps_ascii, open_bytes, reading, skip, to_utf8
from custseg.transactions.vocabulary import is_header


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("utf-8", True),
        ("cp1252", True),
        ("latin-1", True),
        ("cp1251", True),
        ("iso-8859-15", True),
        ("ascii", True),
        ("utf-16", False),
        ("utf-32-be", False),
        ("shift_jis", False),
        ("gb18030", False),
        ("cp037", False),
    ],
)
def test_encodings_that_keep_ascii_are_known(name: str, expected: bool) -> None:
    assert keeps_ascii(name) is expected
    if expected:
        assert all(bytes([code]).decode(name) == chr(code) for code in range(128))


def test_each_line_is_read_by_itself() -> None:
    latin, utf, windows = "Café\n".encode("latin-1"), "Größe €\n".encode(), "5 € – “so”\n".encode("cp1252")
    assert to_utf8(latin + utf + windows, UNKNOWN).decode() == "Café\nGröße €\n5 € – “so”\n"


def test_no_byte_is_ever_lost() -> None:
    assert len(to_utf8(bytes(range(128, 256)), UNKNOWN).decode()) == 128


@given(
    lines=st.lists(
        st.sampled_from(
            [b"a", "é".encode(), "é".encode("cp1252"), "É’".encode("cp1252"), b"\x81\xff", b"", b"x" * 40]
        )
    )
)
@example(["é".encode("cp1252"), "È".encode("cp1252"), b"\x81\xff", b"\x80"])
def test_it_does_not_matter_where_data_are_cut(lines: list[bytes]) -> None:
    before, streams.STEP = streams.STEP, 16
    try:
        apart = b"".join(to_utf8(line + b"\n", UNKNOWN) for line in lines)
        assert to_utf8(b"".join(line + b"\n" for line in lines), UNKNOWN) == apart
    finally:
        streams.STEP = before


def test_an_encoding_that_was_told_is_kept_to() -> None:
    assert to_utf8("Ж".encode("cp1251"), "cp1251").decode() == "Ж"
    with pytest.raises(UnicodeDecodeError) as caught:
        to_utf8(b"x" * 100_000 + b"\n\xe9t\xe9\n", "utf-8")
    assert caught.value.start == 100_001


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "shift_jis", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_other_encodings_are_recoded_as_they_are_read(tmp_path: Path, encoding: str, packed: bool) -> None:
    text = "".join(f"line {number}, 日本\n" for number in range(30_000))
    path = tmp_path / "file"
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if packed else data)
    with open_bytes(str(path), encoding) as file:
        assert file.read().decode().removeprefix("\ufeff") == text
    with open_bytes(str(path), encoding) as file:
        skip(file, 300_000)
        assert file.read(50) == text.encode()[300_000:300_050]


def broken_gzip() -> bytes:
    return gzip.compress(b"1,2\n" * 10_000)[:-20]


def bad_checksum() -> bytes:
    data = bytearray(gzip.compress(b"1,2\n" * 10_000))
    data[-6] ^= 255
    return bytes(data)


def bad_middle() -> bytes:
    data = bytearray(gzip.compress(bytes(i * i % 251 for i in range(100_000))))
    data[300:340] = b"\xff" * 40
    return bytes(data)


def bad_zst() -> bytes:
    return b"\x28\xb5\x2f\xfdnonsense"


@pytest.mark.parametrize("damaged", [broken_gzip, bad_checksum, bad_middle, bad_zst])
def test_damaged_files_are_named(tmp_path: Path, damaged: Callable[[], bytes]) -> None:
    path = tmp_path / "cut.csv"
    path.write_bytes(damaged())
    with (
        pytest.raises(InputError, match=r"cut\.csv") as caught,
        reading(str(path)),
        open_bytes(str(path)) as file,
    ):
        file.read()
    assert caught.value.code == "unreadable-file"


def test_a_whole_file_of_a_large_window_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a b.csv.zst"
    packer = streams.zstd.ZstdCompressor(options={streams.zstd.CompressionParameter.window_log: 31})
    path.write_bytes(packer.compress(b"a,b\n1,2\n" * 1000) + packer.flush())
    with pytest.raises(InputError) as caught, reading(str(path)), open_bytes(str(path)) as file:
        file.read()
    assert f"zstd -d --long=31 '{path}'" in caught.value.now
    assert "Copy it again" not in str(caught.value)


def test_text_that_ends_within_a_sign_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "half.csv"
    path.write_bytes("a,b".encode("utf-16-le")[:-1])
    with pytest.raises(InputError) as caught, reading(str(path)), open_bytes(str(path), "utf-16-le") as file:
        file.read()
    assert caught.value.code == "wrong-encoding"


def test_skipping_beyond_the_end_stops_there(tmp_path: Path) -> None:
    path = tmp_path / "short.csv.gz"
    path.write_bytes(gzip.compress(b"1,2\n"))
    with open_bytes(str(path)) as file:
        skip(file, 1_000)
        assert file.read() == b""
    assert not streams.can_be_sought(io.BytesIO())  # type: ignore[arg-type]


@pytest.mark.parametrize("packed", [False, True])
def test_a_block_is_held_by_who_asked_for_it_alone(tmp_path: Path, packed: bool) -> None:
    data = b"Customer ID,Amount\n" + b"7,1.5\n" * 1000
    path = str(tmp_path / "lines.csv")
    Path(path).write_bytes(gzip.compress(data) if packed else data)
    blocks = open_csv(path, len(data), read_dialect(path, Told(), lambda cells: is_header(cells, {}))).blocks(
        1000
    )
    # One by the block, one by the question, and one by the memory that the next block is read into.
    assert max(sys.getrefcount(block.data) for block in blocks) <= (2 if packed else 3)


@pytest.mark.parametrize(
    "pack", [gzip.compress, streams.zstd.compress, lambda text: gzip.compress(text[:4000]) * 250]
)
def test_the_share_of_a_compressed_file_is_that_of_its_text(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    text = "".join(f"c{n * 7919 % 5003},{n},{n % 7}.{n * 31 % 97:02d}\n" for n in range(70_000)).encode()
    path = tmp_path / "a.csv.packed"
    path.write_bytes(pack(text))
    whole = len(streams.open_bytes(str(path)).read())
    assert streams.share_of(str(path), streams.UNKNOWN, text[:20_000]) == pytest.approx(
        20_000 / whole, rel=0.25
    )

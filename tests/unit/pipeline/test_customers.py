"""The rows of labelled blocks that a bucket's customers are in."""

import polars as pl
import pytest

from custseg.customers import matrix
from custseg.pipeline.customers import _segments
from custseg.running import places


@pytest.mark.parametrize(("start", "count"), [(0, 3), (9, 1), (9, 2), (10, 10), (5, 20), (29, 1), (0, 30)])
def test_segments_are_read_from_the_files_that_hold_them_only(monkeypatch, tmp_path, start, count):
    monkeypatch.setattr(matrix, "BLOCK_ROWS", 10)
    segments = pl.Series("segment_id", [i * 7 % 5 for i in range(30)], dtype=pl.UInt8)
    parts = [tmp_path / f"part-{i}.parquet" for i in range(3)]
    for i, part in enumerate(parts):
        segments.slice(i * 10, 10).to_frame().write_parquet(part)
    read, scan = [], places.scan_parquet
    monkeypatch.setattr(places, "scan_parquet", lambda paths: read.extend(paths) or scan(paths))
    assert _segments(parts, start, count).equals(segments.slice(start, count))
    assert read == parts[start // 10 : (start + count - 1) // 10 + 1]

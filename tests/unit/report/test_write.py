import json
import re
from pathlib import Path

import polars as pl
import pytest

from custseg.errors import MachineError, SettingsError
from custseg.report import write_report

PICTURE_LIMIT = 50_000
PAGE_LIMIT = 2_000_000


@pytest.fixture(scope="module", autouse=True)
def bundle(tmp_path_factory):
    """Make the bundle once for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def test_files_sizes_and_pictures(run, tmp_path):
    record, customers = run
    written = write_report(record, customers.lazy(), tmp_path, currency="GBP")
    assert written[0] == tmp_path / "report.html"
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    text = written[0].read_text("utf-8")
    assert len(text.encode()) < PAGE_LIMIT
    pictures = re.findall(r"<noscript>(.*?)</noscript>", text, re.S)
    charts = [path for path in written if path.suffix == ".html"][1:]
    assert len(pictures) == len(charts)
    assert max(len(picture.encode()) for picture in pictures) < PICTURE_LIMIT
    for path in charts:
        alone = path.read_text("utf-8")
        assert alone.count('class="chart"') == 1
        assert "default-src 'none'" in alone
        spec = json.loads(path.with_name(f"{path.stem}.vl.json").read_text("utf-8"))
        assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
        assert spec["datasets"][path.stem]
        assert "var(" not in json.dumps(spec)
    for path in written:
        assert "secret" not in path.read_text("utf-8")


def test_the_same_twice_and_whatever_the_order_of_customers(three, tmp_path):
    record, customers = three
    write_report(record, customers.lazy(), tmp_path / "a")
    write_report(record, customers.sample(fraction=1, shuffle=True, seed=5).lazy(), tmp_path / "b")
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_customers_may_lie_in_parts(three, tmp_path):
    record, customers = three
    for number, part in enumerate(customers.iter_slices(1500)):
        part.write_parquet(tmp_path / f"part-{number}.parquet")
    write_report(record, pl.scan_parquet(tmp_path / "part-*.parquet"), tmp_path / "parts")
    write_report(record, customers.lazy(), tmp_path / "whole")
    one, other = (tmp_path / name / "report.html" for name in ("parts", "whole"))
    assert one.read_text("utf-8") == other.read_text("utf-8")


def test_pictures_on_request(three, tmp_path):
    record, customers = three
    written = write_report(record, customers.lazy(), tmp_path, pictures=["svg", "png"])
    charts = [path for path in written if path.suffix == ".html"][1:]
    for chart in charts:
        assert chart.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in chart.with_suffix(".svg").read_text("utf-8")


def test_an_unknown_kind_of_picture(three, tmp_path):
    with pytest.raises(SettingsError, match="'gif'"):
        write_report(three[0], three[1].lazy(), tmp_path, pictures=["gif"])
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_page_and_no_rest(three, tmp_path, monkeypatch):
    record, customers = three
    (tmp_path / "report.html").write_text("the old one")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("broken")))
    with pytest.raises(MachineError, match="broken"):
        write_report(record, customers.lazy(), tmp_path)
    assert (tmp_path / "report.html").read_text() == "the old one"
    assert not list(tmp_path.rglob("*.tmp-*"))


def test_a_segment_of_three_and_a_segment_nobody_is_in(three, tmp_path):
    record, customers = three
    few = customers.filter((pl.col("segment_id") != 3) | (pl.int_range(pl.len()).over("segment_id") < 3))
    sizes = dict(few["segment_id"].value_counts().iter_rows())
    segments = [dict(s, customers=sizes[s["id"]]) for s in record["segments"]]
    record = dict(record, segments=segments, customers=len(few))
    write_report(record, few.lazy(), tmp_path)
    assert "Hibernating" in (tmp_path / "report.html").read_text("utf-8")
    write_report(record, customers.filter(segment_id=1).lazy(), tmp_path)


def test_a_handful_of_customers(three, tmp_path):
    record, customers = three
    five = customers.group_by("segment_id", maintain_order=True).head(2)
    record = dict(record, segments=[dict(s, customers=2) for s in record["segments"]], customers=6)
    written = write_report(record, five.lazy(), tmp_path)
    assert {path.stem for path in written if path.suffix == ".html"} >= {"report", "sizes", "ledger"}
    assert "customers" not in {path.stem for path in written}

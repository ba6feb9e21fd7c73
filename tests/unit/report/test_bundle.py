from importlib.metadata import version

import pytest

from custseg.report import bundle


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "custseg" / f"vega-{version('vl-convert-python')}.js"


def test_the_bundle_is_made_once_and_kept(cache, monkeypatch):
    made = bundle.start_bundle()()
    assert "vegaEmbed" in made
    assert "</script" not in made
    assert "<!--" not in made
    assert cache.read_text("utf-8").endswith("\n" + made)
    assert [file.name for file in cache.parent.iterdir()] == [cache.name]
    monkeypatch.setattr(bundle.subprocess, "Popen", None)
    assert bundle.start_bundle()() == made


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(bundle.sys, "executable", "/bin/false")
    monkeypatch.setattr(bundle.vl_convert, "javascript_bundle", lambda _: "made here")
    assert bundle.start_bundle()() == "made here"


def test_without_a_second_process_the_bundle_is_made_here(cache, monkeypatch):
    monkeypatch.setattr(bundle.sys, "executable", "")
    monkeypatch.setattr(bundle.vl_convert, "javascript_bundle", lambda _: "made here")
    assert bundle.start_bundle()() == "made here"
    assert cache.read_text("utf-8").endswith("\nmade here")


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda kept: kept[:-9], lambda kept: b"\xff\xfe", bytes.upper]
)
def test_a_damaged_cache_is_made_anew(cache, monkeypatch, damage):
    monkeypatch.setattr(bundle.sys, "executable", "")
    monkeypatch.setattr(bundle.vl_convert, "javascript_bundle", lambda _: "made here")
    bundle.start_bundle()()
    whole = cache.read_bytes()
    cache.write_bytes(damage(whole))
    assert bundle.start_bundle()() == "made here"
    assert cache.read_bytes() == whole


def test_without_a_home_nothing_is_kept(monkeypatch):
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}["nobody"])
    monkeypatch.setattr(bundle.sys, "executable", "")
    monkeypatch.setattr(bundle.vl_convert, "javascript_bundle", lambda _: "made here")
    assert bundle.start_bundle()() == "made here"

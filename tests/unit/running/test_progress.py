"""What the user is shown, and what is measured meanwhile."""

from __future__ import annotations

import pytest

from custseg.running.progress import PeakMemory, Progress, duration


def test_plain_lines_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(bar=False)
    with progress.stage("map", "Reading", 3, "chunks") as advance:
        advance(3)
    with progress.stage("map", "Reading more"):
        pass
    with progress.stage("reduce", "Summing up", 1, "buckets") as advance:
        advance(1)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0].startswith("Reading: 3 chunks, 0.")
    assert err.splitlines()[2].startswith("Summing up: 1 bucket, 0.")
    assert "\x1b" not in err
    assert list(progress.seconds) == ["map", "reduce"]


def test_time_left_is_said_in_long_stages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 15.0, 15.0, 16.0, 30.0, 30.0])
    monkeypatch.setattr("custseg.running.progress.time.perf_counter", lambda: next(clock))
    with Progress(bar=False).stage("map", "Reading", 4, "chunks") as advance:
        advance(1)
    assert "Reading: 1 of 4 chunks, about 45 s left" in capsys.readouterr().err


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(show=False, bar=False)
    with progress.stage("map", "Reading", 1):
        progress.say("anything")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7300, "2 h 1 min")]
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_peak_memory_sees_what_was_held_for_a_while() -> None:
    with PeakMemory() as memory:
        before = memory.bytes
        held = bytearray(300_000_000)
        # Until the watcher has looked: it looks ten times a second.
        while memory.bytes < before + 200_000_000:
            held[0] ^= 1
    assert memory.bytes > 300_000_000

"""The summary on a terminal: one screen, where things are, what to do next."""

from pathlib import Path

from made_run import made_run

from custseg.report import console
from custseg.report.summary import small_print


def summary(k, **changes):
    record, _ = made_run(k)
    settings = record["settings"] | {"currency": {"value": "GBP", "source": "flag"}}
    return console.write_summary(record | {"settings": settings} | changes, Path("out folder"))


def test_fits_one_screen_and_says_what_next():
    text = summary(10)
    lines = text.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 140
    assert "Report:    out folder/report.html" in lines
    assert "Customers: out folder/customers" in lines
    assert "--model 'out folder'" in lines[-1]


def test_many_segments_are_cut():
    record, _ = made_run(10)
    many = [segment | {"id": i} for i, segment in enumerate(record["segments"] * 5, 1)]
    lines = summary(10, segments=many).splitlines()
    assert len(lines) <= 26
    assert any("and 38 more in segments.csv" in line for line in lines)


def test_names_are_printable():
    record, _ = made_run(2)
    hostile = [segment | {"name": "\x1b[31mred\n"} for segment in record["segments"]]
    assert "\x1b" not in summary(2, segments=hostile)


def test_files_that_were_left_out_are_told():
    record, _ = made_run(3)
    skipped = [
        {"path": f"/till/{n}.csv", "code": "empty-file", "problem": "The file is empty."} for n in "abc"
    ]
    inputs = record["inputs"] | {"files": 2, "skipped": skipped}
    assert "left out: 3 of 5, such as /till/a.csv" in summary(3, inputs=inputs)
    assert "cannot be read" not in summary(3, inputs=inputs | {"skipped": []})
    groups = small_print(record | {"inputs": inputs}, small_cells=False)
    [text] = [text for group in groups for key, text in group["rows"] if key == "Left out"]
    assert text.startswith("3 files that cannot be read: /till/a.csv: The file is empty; /till/b.csv")

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custseg.customers.matrix import Scaling
from custseg.errors import InputError
from custseg.segments.model import Model, SeenFeature, _checksum, read_model, seen_features, write_model
from custseg.segments.profile import FeatureSummary

FEATURES = ("total_quantity", "purchases")
ODD = {"minimum": 0.0, "median": 1.0, "maximum": 3.0, "edges": [1.0, 2.0], "shares": [0.5, 0.25, 0.25]}


def model(centres=((0.5, -1.25), (1 / 3, 1e-9)), names=("High-Value", "Low-Value £")):
    seen = SeenFeature(minimum=0.0, median=1.0, maximum=9.5, edges=[1.0, 2.0], shares=[0.5, 0.25, 0.25])
    return Model(
        features=FEATURES,
        scaling=Scaling("log-standard", (0.1, 2.0), (1.5, 0.7)),
        centres=np.array(centres),
        numbers=tuple(range(1, len(centres) + 1)),
        last_number=len(centres),
        names=tuple(names),
        rules=(({"purchases": (5.0, None)}, {"purchases": (2.0, 3.0)}), *[()] * (len(centres) - 1)),
        scores={"frequency_score": (1.0, 1.0, 2.0, 7.0)},
        customers=4338,
        seen=dict.fromkeys(FEATURES, seen),
        derived=("quantity = 1",),
        currency="£",
        settings={"features": list(FEATURES), "since": None},
        versions={"custseg": "0.1.0"},
        as_of=dt.date(2011, 12, 10),
    )


def assert_equal(first, second):
    np.testing.assert_array_equal(first.centres, second.centres)
    for field in dataclasses.fields(Model):
        if field.name != "centres":
            assert getattr(first, field.name) == getattr(second, field.name)


def test_a_model_comes_back_as_it_was(tmp_path):
    write_model(tmp_path / "model.json", model())
    assert_equal(read_model(tmp_path / "model.json"), model())
    assert_equal(read_model(tmp_path), model())


def test_a_model_of_custseg_1_0_is_read(tmp_path):
    path = tmp_path / "model.json"
    write_model(path, model())
    body = json.loads(path.read_text("utf-8")) | {"format": 1}
    del body["as_of"], body["checksum"]
    path.write_text(json.dumps(body | {"checksum": _checksum(body)}), "utf-8")
    assert_equal(read_model(path), dataclasses.replace(model(), as_of=None))


def test_a_number_that_was_used_is_remembered(tmp_path):
    path = tmp_path / "model.json"
    gone = dataclasses.replace(model(), last_number=7)
    write_model(path, gone)
    assert_equal(read_model(path), gone)
    # As in models of earlier versions, nothing is said where the last number is still there.
    write_model(path, model())
    assert "last_number" not in json.loads(path.read_text("utf-8"))
    assert read_model(path).last_number == 2


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=30)
@given(centres=st.lists(st.tuples(finite, finite), min_size=2, max_size=9))
def test_every_double_comes_back(tmp_path_factory, centres):
    path = tmp_path_factory.mktemp("model") / "model.json"
    made = model(centres, [f"segment {i}" for i in range(len(centres))])
    write_model(path, made)
    assert_equal(read_model(path), made)


def test_the_layout_of_the_file_does_not_matter(tmp_path):
    path = tmp_path / "model.json"
    write_model(path, model())
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(dict(reversed(content.items())), indent=4), "utf-8")
    assert_equal(read_model(path), model())


def refused(path, code):
    with pytest.raises(InputError) as caught:
        read_model(path)
    assert caught.value.code == code
    assert caught.value.exit_code == 3
    assert str(path) in caught.value.where
    return caught.value


@pytest.mark.parametrize("content", ["", "[]", "1", "{", '{"kind": "other"}', "[" * 100_000, '"\\ud800"'])
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_text(content, "utf-8")
    refused(path, "bad-model")


def test_other_files_are_refused(tmp_path):
    refused(tmp_path / "nothing.json", "no-such-file")
    refused(tmp_path / "x" / "model.json", "no-such-file")
    path = tmp_path / "model.json"
    path.write_bytes(b"\x80\x04pickle")
    refused(path, "bad-model")
    path.write_bytes(b" " * 10_000_001)
    refused(path, "bad-model")


def changed(path, **values):
    write_model(path, model())
    content = json.loads(path.read_text("utf-8"))
    content |= values
    return content


def test_a_changed_model_is_refused(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(changed(path, names=["A", "B"])), "utf-8")
    refused(path, "changed-model")
    path.write_text(json.dumps(changed(path, checksum=None)), "utf-8")
    refused(path, "changed-model")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"names": ["A"]}, "one name"),
        ({"names": ["A", "A"]}, "one name"),
        ({"features": ["total_quantity", "nonsense"]}, "cannot cluster"),
        ({"features": ["purchases", "purchases"]}, "twice"),
        ({"features": ["purchases"]}, "1 numbers"),
        ({"features": ["purchases", "last_purchase"]}, "cannot cluster"),
        ({"centres": [[0.0, 1.0]]}, "at least 2"),
        ({"centres": [[0.0, 1.0], [2.0]]}, "numbers"),
        ({"centres": [[0.0, 1.0], [2.0, "3"]]}, "number"),
        ({"centres": [[0.0, 1.0], [2.0, float("nan")]]}, "finite"),
        ({"scaling": {"mode": "log-standard", "means": [0.0, 1.0], "deviations": [1.0, 0.0]}}, "above 0"),
        ({"scaling": {"mode": "other", "means": [0.0, 1.0], "deviations": [1.0, 1.0]}}, "Input should be"),
        ({"seen": {}}, "range"),
        ({"seen": {"total_quantity": ODD | {"median": 4.0}}}, "fit together"),
        ({"seen": {"total_quantity": ODD | {"shares": [0.5, 0.6, -0.1]}}}, "add up"),
        ({"seen": {"total_quantity": ODD | {"edges": [2.0, 1.0]}}}, "ascend"),
        ({"numbers": [1]}, "one number"),
        ({"numbers": [2, 1]}, "ascending"),
        ({"numbers": [0, 1]}, "greater"),
        ({"rules": [[]]}, "one rule"),
        ({"rules": [[], [{"spend": [1.0, None]}]]}, "on the features"),
        ({"rules": [[], [{"purchases": [1.0]}]]}, "at least 2"),
        ({"scores": {"luck_score": [1.0, 2.0, 3.0, 4.0]}}, "does not know"),
        ({"scores": {"spend_score": [1.0]}}, "at least 4"),
        ({"customers": 0}, "greater"),
        ({"extra": 1}, "Extra"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(tmp_path, values, words):
    path = tmp_path / "model.json"
    content = changed(path, **values)
    content.pop("checksum")
    path.write_text(json.dumps({**content, "checksum": _checksum(content)}), "utf-8")
    assert words in refused(path, "bad-model").what


def test_a_newer_model_says_so(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(changed(path, format=3)), "utf-8")
    assert "format 3" in refused(path, "newer-model").what


def test_what_was_seen_comes_from_the_summaries():
    summary = FeatureSummary("purchases", True, 1.0, 3.0, 4.0, 9.0, 0.5, 0.1, (2.0, 3.0), (0.25, 0.25, 0.5))
    assert seen_features((summary,)) == {
        "purchases": SeenFeature(
            minimum=1.0, median=3.0, maximum=9.0, edges=[2.0, 3.0], shares=[0.25, 0.25, 0.5]
        )
    }

"""run.json and model.json are as their schemas say, with no key that a schema or docs/files.md lacks."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from made import write_transactions

import custseg

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    name: json.loads((Path(custseg.__file__).parent / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    for name in ("run", "model")
}


def closed(schema: Any) -> Any:
    """The schema, refusing keys it does not name: a reader may meet new ones, these tests may not."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: value if key == "const" else closed(value) for key, value in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


def keys(schema: Any) -> Iterator[str]:
    """Every key that a schema names."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"]
        for value in schema.values():
            yield from keys(value)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys(part)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, quick: None) -> dict[str, Path]:
    """A finished run of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    path = write_transactions(folder / "a.csv", customers=80)
    text = path.read_text("utf-8")
    bad = folder / "bad" / "a.csv"
    bad.parent.mkdir()
    bad.write_text(text + text.splitlines()[1].replace(",20,", ",twenty,", 1) + "\n", "utf-8")
    (bad.parent / "b.csv").write_bytes(b"")
    money_free = folder / "visits.csv"
    money_free.write_text("customer,receipt\n" + "".join(f"{n * n % 60},{n}\n" for n in range(300)), "utf-8")

    def batch(name: str, inputs: Path = path, **given: Any) -> Path:
        custseg.segment(inputs, output=folder / name, settings=custseg.Settings(**given))
        return folder / name

    made = {
        "plain": batch("plain"),
        "five": batch("five", k="5", features="rfm"),
        "returns": batch("returns", returns="net", features="spend,return_rate", lists=True),
        "bad lines and files": batch("bad lines", bad.parent, skip_bad_files=True, max_invalid=0.5),
        "neither money nor dates": batch("visits", money_free, features="purchases,lines", k="2"),
    }
    made["previous"] = batch("later", previous=made["plain"])
    made["previous, chosen anew"] = batch("anew", previous=made["plain"], k="3")
    custseg.assign(path, model=made["plain"], output=folder / "assigned")
    return made | {"assigned": folder / "assigned"}


def faults(name: str, value: Any) -> list[str]:
    schema = closed(SCHEMAS[name])
    return [f"{list(e.path)}: {e.message[:200]}" for e in Draft202012Validator(schema).iter_errors(value)]


def test_runs_of_every_kind_are_as_the_schemas_say(runs: dict[str, Path]) -> None:
    found = {}
    for kind, folder in runs.items():
        for name in SCHEMAS:
            file = folder / f"{name}.json"
            if file.exists():
                found[f"{kind}, {name}"] = faults(name, json.loads(file.read_text("utf-8")))
    assert len(found) == 2 * len(runs) - 1
    assert {place: told for place, told in found.items() if told} == {}


def test_the_schemas_are_schemas_and_refuse(runs: dict[str, Path]) -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    record = json.loads((runs["plain"] / "run.json").read_text("utf-8"))
    assert faults("run", {**record, "new": 1})
    assert faults("run", {**record, "ledger": {**record["ledger"], "kept": -1}})
    assert faults("run", {name: value for name, value in record.items() if name != "k_selection"})


def test_the_package_and_the_schema_of_a_model_agree() -> None:
    from custseg.segments.model import _ModelFile

    fields = _ModelFile.model_fields
    assert set(SCHEMAS["model"]["properties"]) == set(fields)
    assert set(SCHEMAS["model"]["required"]) == {n for n, field in fields.items() if field.is_required()}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_is_in_the_documentation(name: str) -> None:
    told = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "files.md").read_text("utf-8")))
    assert {key for key in keys(SCHEMAS[name]) if key not in told} == set()

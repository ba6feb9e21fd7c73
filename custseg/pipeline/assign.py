"""Put customers into the segments of an earlier run: nothing is fitted again."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from custseg.columns import FEATURES
from custseg.customers import matrix
from custseg.errors import InputError, SettingsError, cut
from custseg.pipeline import drawing, lineup, record, runs
from custseg.pipeline.customers import Customers, Run, sum_up
from custseg.pipeline.runs import Command, Inputs
from custseg.pipeline.segmentation import Segmentation
from custseg.running import outputs, places, publishing
from custseg.running.places import AnyPath, any_path
from custseg.running.progress import Progress
from custseg.segments import label, rfm
from custseg.segments.drift import measure_drift, refuse_other_currency, refuse_other_money
from custseg.segments.lists import write_lists
from custseg.segments.model import Model, model_path, read_model
from custseg.segments.profiling import profile_segments
from custseg.segments.table import describe_segments
from custseg.settings import Settings
from custseg.transactions.reading import Table

FIXED = ("returns", "duplicates", "features", "scale")
"""What the model's run decided about the meaning of a customer; anything else would be other features."""

CHOICES = ("k", "min_share", "seed", "previous", "names")
"""What a run chooses its segments by; here they are chosen."""


def assign(
    inputs: Inputs,
    *,
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    settings: Settings | None = None,
    sources: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Put the customers of the given transactions into the segments of an earlier run.

    Parameters
    ----------
    inputs
        Files, folders and globs, or a Polars frame.
    model
        The folder of a finished run, or its model.json.
    output
        Folder for the results: new, empty, or an earlier run's.
    settings
        How these transactions are read and which lines count, where that differs from the model's run, and
        how the work is done. What is not set in it is as it was in the model's run.
    sources
        Where each setting came from, for the record.
    progress
        Shows the stages; silent when None.

    Returns
    -------
    Segmentation
        What the files in `output` hold.

    Raises
    ------
    InputError
        There is no model or it was changed; the input lacks what its features need; amounts are in another
        currency or unit; or as in `segment`.
    SettingsError
        A setting that the model's run has decided is set to something else.
    OutputError, MachineError
        As in `segment`.
    """
    path = any_path(model)
    read, file = read_model(path), model_path(path)
    chosen, known = _settle(read, settings or Settings(), sources or {}, path)
    reads = {file: runs.fingerprint(outputs.read_json(file), "currency", "checksum")}
    try:
        return runs.carry_out(
            Command(
                "assign",
                partial(_steps, model=read, path=path),
                again=partial(_again, model=read),
                reads=reads,
            ),
            inputs,
            output=any_path(output),
            settings=chosen,
            sources=known,
            progress=progress,
        )
    except InputError as error:
        if error.code != "feature-needs-column":
            raise
        raise InputError(
            error.code,
            error.what,
            where=f"the segments of {path} were made from {', '.join(read.features)}",
            now="Say which column it is with --column, or make other segments with 'custseg batch'.",
        ) from None


def _again(
    found: Segmentation,
    settings: Settings,
    sources: Mapping[str, str],
    progress: Progress,
    *,
    model: Model,
) -> Segmentation:
    """Write the lists of a run that stands finished without them, and its amounts in another currency."""
    made = dict(found.record)
    shown = {
        name: value for name, value in settings.shown().items() if name in ("currency", "lists") and value
    }
    changed = {name: value for name, value in shown.items() if made["settings"][name]["value"] != value}
    if not changed:
        return runs.nothing_to_do(found, settings, sources, progress)
    refuse_other_currency(model, settings.currency)
    options = ", ".join(f"--{name}" for name in changed)
    progress.say(f"This run is finished already: only what is shown otherwise is written again ({options}).")
    given = {name: {"value": changed[name], "source": sources.get(name, "given")} for name in changed}
    made["settings"] = made["settings"] | given
    if "currency" in changed:
        drawing.rename_currency(found.folder, made, found.folder)
    if "lists" in changed:
        drawing.list_again(found, found.folder)
    outputs.write_json(found.folder / publishing.RECORD, made, indent=1)
    return Segmentation(found.folder, made)


def _settle(
    model: Model, given: Settings, sources: Mapping[str, str], path: AnyPath
) -> tuple[Settings, dict[str, str]]:
    """Return the model's settings with what was given for this input, and where each came from."""
    values = given.model_dump(mode="json")
    explicit = {name for name in given.model_fields_set if sources.get(name) != "default"}
    for name in FIXED:
        if name in explicit and values[name] != model.settings.get(name):
            raise SettingsError(
                "bad-setting",
                f"--{name}: the segments were made with {cut(model.settings.get(name))}, not "
                f"{cut(values[name])}.",
                where=str(path),
                now="Leave the option out, or make other segments with 'custseg batch'.",
            )
    own = {name: values[name] for name in explicit if name not in (*FIXED, *CHOICES)}
    if "currency" not in own and model.currency:
        own["currency"] = model.currency
    if "column" in own:
        own["column"] = model.settings.get("column", {}) | own["column"]
    try:
        chosen = Settings(**model.settings | own)
    except SettingsError as error:
        raise InputError(
            "bad-model",
            f"The model's settings do not make sense: {error.what.rstrip('.')}.",
            where=str(path),
            now="Use the model.json of a finished run as it was written, with the custseg that wrote it.",
        ) from None
    origins = dict.fromkeys((*model.settings, *own), "model")
    origins |= {name: sources.get(name, "given") for name in own if name in explicit}
    return chosen, dict.fromkeys(Settings.model_fields, "default") | origins


def _steps(run: Run, *, model: Model, path: AnyPath) -> dict[str, Any]:
    """Do the steps in order; return what run.json says of them."""
    settings, progress, results = run.settings, run.progress, run.work.room("results")
    _refuse_derived(run.transactions, model)
    customers = sum_up(run, model.as_of)
    table, compute = customers.table, run.compute
    _tell_as_of(table.as_of, model, settings, progress)
    refuse_other_money(table, model, currency=settings.currency, compute=compute)
    with progress.stage("matrix", "Scaling features"):
        points = matrix.build_matrix(
            table.rows, len(table), model.features, model.scaling, run.work.room("matrix"), compute
        )
    near = compute.near(points.nbytes)
    edges = rfm.edges_of(model.scores, table.columns)
    with progress.stage("label", "Labelling customers"):
        (results / "customers").mkdir(exist_ok=True)
        parts = label.write_customers(
            points,
            model.centres,
            partial(rfm.scored_rows, rows=table.rows, edges=edges),
            numbers=model.numbers,
            names=model.names,
            folder=results / "customers",
            compute=compute,
        )
    with progress.stage("outputs", "Describing segments"):
        if settings.lists:
            write_lists(results / "lists", parts, numbers=model.numbers, names=model.names)
        labelled = places.scan_parquet(parts)
        profile = profile_segments(
            parts, numbers=model.numbers, clustered=model.features, scaling=model.scaling, compute=near
        )
        segments = describe_segments(
            labelled, profile, model, results / "segments.csv", currency=settings.currency
        )
        drifts = measure_drift(labelled, model)
    warnings = [*_differences(customers, model, settings), *drifts.sentences(customers.count)]
    for warning in warnings:
        progress.say(f"Warning: {warning}")
    return record.describe_customers(customers, labelled, profile) | {
        "model": {
            "path": str(model_path(path)),
            "customers": model.customers,
            "custseg": model.versions.get("custseg"),
        },
        "scaling": model.scaling.to_dict(),
        "segments": segments,
        "rfm_scores": rfm.to_record(edges),
        **drifts.to_record(),
        "warnings": warnings,
    }


def _tell_as_of(as_of: dt.date | None, model: Model, settings: Settings, progress: Progress) -> None:
    """Say which day recency is counted to, where nobody named one."""
    if as_of is None or model.as_of is None or settings.as_of:
        return
    if as_of == model.as_of:
        progress.say(f"Recency is counted to {as_of}, as in the model's run.")
    else:
        progress.say(
            f"Recency is counted to {as_of}, the day after the last line; the model's run had {model.as_of}."
        )


def _refuse_derived(table: Table, model: Model) -> None:
    """Refuse an input whose clustered features would be made up where the model's were read."""
    for words in table.derived:
        column = words.split(" = ")[0]
        if words in model.derived or column not in ("quantity", "invoice"):
            continue
        made_up = {column}
        if column == "quantity":
            # The price or the total of a line of which nobody knows how many units it is of.
            sides = [other.split(" = ") for other in table.derived]
            made_up |= {made for made, source in sides if "quantity" in source}
        affected = [name for name in model.features if made_up & {*FEATURES[name].needs}]
        if affected:
            raise InputError(
                "feature-needs-column",
                f"The feature {affected[0]} was made from a column for {column}, which the input does not "
                f"have ({words} would stand in for it).",
            )


def _differences(customers: Customers, model: Model, settings: Settings) -> list[str]:
    """Say how the input differs from the model's, where that changes what its features mean."""
    told = lineup.derived_otherwise(customers.transactions.derived, model, "for the model")
    dates = [
        f"--{name} {value}"
        for name in ("since", "until")
        if (value := getattr(settings, name)) and str(value) == model.settings.get(name)
    ]
    if dates and customers.ledger.lines["excluded"]:
        told.append(
            f"{customers.ledger.lines['excluded']:,} lines were left out, as the model's run had "
            f"{' and '.join(dates)}; give other dates to count them."
        )
    return told

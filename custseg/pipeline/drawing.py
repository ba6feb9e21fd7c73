"""Drawing the report of a run, at its end and again from what it left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from custseg.errors import InputError, cut
from custseg.pipeline import runs
from custseg.pipeline.record import FORMAT
from custseg.pipeline.segmentation import Segmentation
from custseg.running import outputs, places, publishing, workfolder
from custseg.running.lock import lock
from custseg.running.places import AnyPath, any_path
from custseg.running.progress import Progress
from custseg.segments.lists import write_lists
from custseg.segments.model import read_model, write_model
from custseg.segments.table import harmless, say_again
from custseg.settings import Settings

REPORT = "report.html"
NEW = f"{outputs.TEMPORARY}report"
NEEDED = ("settings", "inputs", "ledger", "customers", "features", "k_selection", "segments")
"""Keys of run.json that no report can do without."""


def draw(run: Segmentation, into: AnyPath) -> None:
    """Draw report and charts of a run, as its settings say it is shown."""
    # Takes a second to load, and a run that fails before has no use for it.
    from custseg.report.write import write_report

    shown = {name: run.record["settings"].get(name, {}).get("value") for name in Settings.presentation()}
    with outputs.disk_errors(into / REPORT):
        write_report(
            run.record,
            run.customers,
            into,
            currency=shown["currency"],
            small_cells=bool(shown["small_cells"]),
            pictures=shown["pictures"] or (),
        )


def draw_report(
    folder: str | os.PathLike[str],
    *,
    settings: Settings | None = None,
    sources: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Draw the report of a finished run again.

    Parameters
    ----------
    folder
        The output folder of a finished `segment`.
    settings
        How to show it: ``currency``, ``small_cells`` and ``pictures``. What is not set in it stays as it was.
    sources
        Where each setting came from, for the record.
    progress
        Shows what is done; silent when None.

    Returns
    -------
    Segmentation
        The run, its record saying how it is shown now.

    Raises
    ------
    InputError
        The folder holds no finished run, or not all of it.
    OutputError
        Another run is at work in it.

    Notes
    -----
    The transactions are not read. 2 s for 4 thousand customers, 5 s for 10 million.
    """
    run = any_path(folder)
    places.check_access(run)
    record = _read_finished(run)
    with places.clear_errors(run), lock(run):
        found = Segmentation(run, record)
        return _draw_again(found, settings or Settings(), sources or {}, progress or Progress(show=False))


def draw_if_asked(
    found: Segmentation, settings: Settings, sources: Mapping[str, str], progress: Progress
) -> Segmentation:
    """Draw the report of a finished run again if it is to be shown otherwise than it is."""
    before = {name: setting["value"] for name, setting in found.record["settings"].items()}
    changed = [name for name, value in settings.shown().items() if value != before.get(name)]
    if not changed and (found.folder / REPORT).exists():
        return runs.nothing_to_do(found, settings, sources, progress)
    why = ", ".join(f"--{name.replace('_', '-')}" for name in changed) or f"{REPORT} is gone"
    progress.say(f"This run is finished already: only its report is drawn again ({why}).")
    return _draw_again(found, settings, sources, progress)


def _draw_again(
    found: Segmentation, settings: Settings, sources: Mapping[str, str], progress: Progress
) -> Segmentation:
    """Draw into a folder beside the old files, and put all in their place once everything is there."""
    _check_customers(found)
    run, record = found.folder, dict(found.record)
    shown = settings.shown()
    chosen = {name: {"value": shown[name], "source": sources.get(name, "given")} for name in shown}
    currency = record["settings"].get("currency", {}).get("value")
    record["settings"] = record["settings"] | chosen
    new = run / NEW
    places.remove(new)
    with outputs.disk_errors(new):
        new.mkdir(mode=0o700)
    try:
        if record["settings"]["currency"]["value"] != currency:
            rename_currency(run, record, new)
            write_model(new / "model.json", replace(read_model(run), currency=shown["currency"]))
        again = Segmentation(run, record)
        with progress.stage("report", "Drawing the report"):
            draw(again, new)
        if record["settings"].get("lists", {}).get("value"):
            list_again(again, new)
        else:
            publishing.remove_own(run / "lists")
        outputs.write_json(new / publishing.RECORD, record, indent=1)
        publishing.put_in_place(new, run)
    finally:
        places.remove(new)
    return again


def list_again(run: Segmentation, folder: AnyPath) -> None:
    """Write the lists of a finished run's customers into a folder."""
    segments = {segment["id"]: segment["name"] for segment in run.record["segments"]}
    parts = places.parts_in(run.folder / "customers")
    write_lists(folder / "lists", parts, numbers=tuple(segments), names=tuple(segments.values()))


def rename_currency(run: AnyPath, record: dict[str, Any], new: AnyPath) -> None:
    """Say the amounts in another currency in the rules of a record and, in a folder, of segments.csv."""
    currency = record["settings"]["currency"]["value"]
    record["segments"] = [
        segment | {"rule": say_again(segment, currency=currency)} for segment in record["segments"]
    ]
    # As texts, so that every number stays as it stands.
    with places.open_binary(run / "segments.csv") as file:
        table = pl.read_csv(file, infer_schema=False)
    rules = pl.Series("rule", [harmless(segment["rule"]) for segment in record["segments"]])
    outputs.write_text(new / "segments.csv", table.with_columns(rules).write_csv())


def _read_finished(run: AnyPath) -> dict[str, Any]:
    """Return the record of the finished run in a folder.

    Raises
    ------
    InputError
        There is none.
    """
    if not run.is_dir():
        raise InputError("no-such-folder", f"There is no folder '{cut(run)}'.", now="Check the path.")
    path = run / publishing.RECORD
    if not path.is_file():
        unfinished = (run / workfolder.WORK).exists()
        raise InputError(
            "no-finished-run",
            f"The folder holds {'a run that is not finished' if unfinished else 'no run of custseg'}.",
            where=str(run),
            now="Give the same 'custseg batch' command again: it goes on where it was."
            if unfinished
            else "Name the output folder (-o) of a finished 'custseg batch'.",
        )
    try:
        record = outputs.read_json(path)
    except (OSError, ValueError) as error:
        raise _refused(path, f"cannot be read: {cut(error)}") from None
    if not isinstance(record, dict) or "custseg" not in record:
        raise _refused(path, "is not a record of custseg")
    if record.get("format") != FORMAT:
        raise _refused(path, f"has format {cut(record.get('format'))}; this custseg reads {FORMAT}")
    if record.get("command") == "assign":
        raise InputError(
            "no-report-of-assign",
            "The folder holds a run of 'custseg assign', which has no report.",
            where=str(run),
            now="Name the output folder of a 'custseg batch'.",
        )
    missing = [key for key in NEEDED if key not in record]
    if missing:
        raise _refused(path, f"lacks {', '.join(missing)}")
    return record


def _check_customers(run: Segmentation) -> None:
    """Refuse a run whose customers are gone or others."""
    try:
        found = run.customers.select(pl.col("segment_id").len()).collect(engine="streaming").item()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            "customers-unreadable",
            f"The customers of the run cannot be read: {cut(error)}.",
            where=str(run.folder / "customers"),
            now="Put the folder back as the run left it, or run 'custseg batch' again with --fresh.",
        ) from None
    if found != run.record["customers"]:
        raise InputError(
            "customers-missing",
            f"The run has {run.record['customers']:,} customers, its files {found:,}.",
            where=str(run.folder / "customers"),
            now="Put the folder back as the run left it, or run 'custseg batch' again with --fresh.",
        )


def _refused(path: AnyPath, what: str) -> InputError:
    return InputError(
        "bad-record",
        f"The record of the run {what}.",
        where=str(path),
        now="Use run.json as the run wrote it, or run 'custseg batch' again with --fresh.",
    )

"""Write the report: the page, each chart by itself, and pictures on request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import vl_convert

from custseg.errors import SettingsError
from custseg.report import sentences, summary, theme
from custseg.report.bundle import start_bundle
from custseg.report.figures import Source, make_figures
from custseg.report.page import Drawn, draw, make_table, render
from custseg.report.tables import segment_labels
from custseg.running import outputs
from custseg.running.places import AnyPath

PICTURES = ("svg", "png")


def write_report(
    record: Mapping[str, Any],
    customers: pl.LazyFrame,
    folder: AnyPath,
    *,
    currency: str | None = None,
    small_cells: bool = False,
    pictures: Sequence[str] = (),
) -> list[AnyPath]:
    """Write ``report.html`` and ``charts/`` of a finished run.

    Parameters
    ----------
    record
        What ``run.json`` holds.
    customers
        The customers of the run: ``segment_id`` and the features. No id is read.
    folder
        Where to write; ``charts`` is made in it.
    currency
        Code (``GBP``) or sign of the amounts' currency.
    small_cells
        Whether groups of fewer than ten customers are shown.
    pictures
        Formats of pictures of each chart: ``svg``, ``png``.

    Returns
    -------
    list of AnyPath
        The files written, each whole before it appeared under its name.

    Raises
    ------
    SettingsError
        A format of pictures that is not known.

    Notes
    -----
    Reads the customers twice, three or four columns each, streaming; 1.3 s for 4 thousand customers.
    """
    unknown = [kind for kind in pictures if kind not in PICTURES]
    if unknown:
        raise SettingsError(
            "bad-setting", f"There are no pictures of the kind '{unknown[0]}'.", now="Use svg, png or both."
        )
    wait_for_bundle = start_bundle()
    source = Source(record, customers, currency, small_cells)
    look = theme.Look(segment_labels(record), currency)
    drawn = make_figures(source, lambda figure: draw(figure, look).pictured(look))
    bundle = wait_for_bundle()
    texts = {"heading": "Customer segments", "footer": summary.footer(record)}
    charts = folder / "charts"
    charts.mkdir(parents=True, exist_ok=True)
    written = []
    for d in drawn:
        page = render([d], bundle, look, alone=True, title=d.figure.title, **texts)
        written.append(_write(charts / f"{d.name}.html", page.encode()))
        spec = json.dumps(d.whole("light"), ensure_ascii=False, indent=1)
        written.append(_write(charts / f"{d.name}.vl.json", spec.encode()))
        written += [_write(charts / f"{d.name}.{kind}", _picture(d, kind)) for kind in pictures]
    page = render(
        drawn,
        bundle,
        look,
        title="Customer segments",
        headline=sentences.headline(record, small_cells=small_cells),
        facts=summary.facts(record),
        segments=summary.cards(record, currency, small_cells=small_cells),
        summary=make_table(*summary.segment_table(record, small_cells=small_cells), currency),
        small_print=summary.small_print(record, small_cells=small_cells),
        **texts,
    )
    return [_write(folder / "report.html", page.encode()), *written]


def _picture(drawn: Drawn, kind: str) -> bytes:
    """Return a chart as a picture for slides, on white."""
    spec = drawn.whole("light") | {"background": "white", "padding": 16}
    if kind == "svg":
        return str(vl_convert.vegalite_to_svg(spec)).encode()
    return bytes(vl_convert.vegalite_to_png(spec, scale=2))


def _write(path: AnyPath, content: bytes) -> AnyPath:
    outputs.write_bytes(path, content)
    return path

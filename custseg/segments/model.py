"""model.json: all that is needed to put other customers into the same segments.

Plain JSON, never pickle: a model may come by mail, and reading it must not run anything. What is read is
checked in full before it is used.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from custseg._version import __version__
from custseg.columns import FEATURES, SCORES
from custseg.customers.matrix import Mode, Scaling
from custseg.errors import InputError, cut
from custseg.running import outputs
from custseg.running.places import AnyPath
from custseg.segments.nearest import Floats
from custseg.segments.profile import FeatureSummary
from custseg.segments.rfm import Edges
from custseg.segments.rules import Alternatives

FORMAT = 2
LARGEST_FILE = 10_000_000
"""Bytes; the largest real model, 50 segments on every feature, takes under 50 kB."""


class _Strict(BaseModel):
    """JSON values of exactly these names and kinds, numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class SeenFeature(_Strict):
    """What the model saw of one feature when it was made.

    Attributes
    ----------
    minimum, median, maximum
        In original units.
    edges, shares
        Inner deciles and the share of customers in each of the bins they bound.
    """

    minimum: float
    median: float
    maximum: float
    edges: list[float]
    shares: list[float]

    @model_validator(mode="after")
    def _fit_together(self) -> SeenFeature:
        if not self.minimum <= self.median <= self.maximum or len(self.shares) != len(self.edges) + 1:
            raise ValueError("range, edges and shares of a feature do not fit together")
        if sorted(set(self.edges)) != self.edges:
            raise ValueError("the edges of a feature do not ascend")
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError("the shares of a feature do not add up to 1")
        return self


class _ScalingFile(_Strict):
    mode: Mode
    means: list[float]
    deviations: list[float]


class _ModelFile(_Strict):
    format: Literal[1, 2]
    kind: Literal["custseg model"]
    features: list[str] = Field(min_length=1)
    scaling: _ScalingFile
    centres: list[list[float]] = Field(min_length=2, max_length=255)
    numbers: list[Annotated[int, Field(ge=1, le=255)]]
    last_number: int = Field(default=1, ge=1, le=255)
    names: list[str]
    rules: list[list[dict[str, Annotated[list[float | None], Field(min_length=2, max_length=2)]]]]
    scores: dict[str, Annotated[list[float], Field(min_length=4, max_length=4)]]
    customers: int = Field(ge=1)
    seen: dict[str, SeenFeature]
    derived: list[str]
    currency: str | None
    settings: dict[str, Any]
    versions: dict[str, str]
    as_of: Annotated[dt.date | None, Field(strict=False)] = None
    checksum: str

    @model_validator(mode="after")
    def _fit_together(self) -> _ModelFile:
        width = len(self.features)
        unknown = [name for name in self.features if name not in FEATURES or not FEATURES[name].clusterable]
        if unknown or len(set(self.features)) != width:
            raise ValueError(f"features custseg cannot cluster on, or twice the same: {cut(self.features)}")
        rows = [self.scaling.means, self.scaling.deviations, *self.centres]
        if any(len(row) != width for row in rows):
            raise ValueError(f"scaling or centres do not have {width} numbers for {width} features")
        if min(self.scaling.deviations) <= 0:
            raise ValueError("a deviation is not above 0")
        if len(self.names) != len(self.centres) or len(set(self.names)) != len(self.names):
            raise ValueError("there is not one name a centre, each different")
        if len(self.numbers) != len(self.centres) or sorted(set(self.numbers)) != self.numbers:
            raise ValueError("there is not one number a centre, ascending")
        bounds = [name for rule in self.rules for part in rule for name in part]
        if len(self.rules) != len(self.centres) or set(bounds) - set(self.features):
            raise ValueError("there is not one rule a centre, on the features")
        if set(self.scores) - set(SCORES):
            raise ValueError("there is a score that custseg does not know")
        if not set(self.features) <= set(self.seen) <= set(FEATURES):
            raise ValueError("the range of a feature is missing, or one is unknown")
        return self


@dataclass(frozen=True, kw_only=True)
class Model:
    """A finished segmentation, without its customers.

    Attributes
    ----------
    features
        Clustered on, in the order of the columns of `centres`.
    scaling
        How raw features became columns.
    centres
        Of the segments in the order of their numbers, ``(k, n_features)`` in the scaled space.
    numbers
        Of the segments, ascending: from 1, with gaps where a segment of an earlier run is gone.
    last_number
        The highest that this run or one before it used.
    names
        Of the segments.
    rules
        The bounds of each segment's if-then rule, alternatives side by side.
    scores
        The edges of each RFM score.
    customers
        How many it was made from.
    seen
        Range and deciles of the features when it was made.
    derived
        What was derived from what when it was made, in words.
    currency
        Of the amounts, where it was given.
    settings
        The settings that decided what was computed.
    versions
        Of custseg and the libraries.
    as_of
        The day recency was counted to; None without dates, and in models of format 1.
    """

    features: tuple[str, ...]
    scaling: Scaling
    centres: Floats
    numbers: tuple[int, ...]
    last_number: int
    names: tuple[str, ...]
    rules: tuple[Alternatives, ...]
    scores: Edges
    customers: int
    seen: dict[str, SeenFeature]
    derived: tuple[str, ...]
    currency: str | None
    settings: dict[str, Any]
    versions: dict[str, str]
    as_of: dt.date | None = None


def seen_features(summaries: tuple[FeatureSummary, ...]) -> dict[str, SeenFeature]:
    """Keep of the summaries what a later comparison needs."""
    return {
        summary.name: SeenFeature(
            minimum=summary.minimum,
            median=summary.median,
            maximum=summary.maximum,
            edges=list(summary.edges),
            shares=list(summary.shares),
        )
        for summary in summaries
    }


def write_model(path: AnyPath, model: Model) -> None:
    """Write a model as JSON; every number comes back as the same double."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "kind": "custseg model",
        "features": list(model.features),
        "scaling": model.scaling.to_dict(),
        "centres": model.centres.tolist(),
        "numbers": list(model.numbers),
        **({"last_number": model.last_number} if model.last_number > model.numbers[-1] else {}),
        "names": list(model.names),
        "rules": [[{name: [*ends] for name, ends in part.items()} for part in rule] for rule in model.rules],
        "scores": {name: list(edges) for name, edges in model.scores.items()},
        "customers": model.customers,
        "seen": {name: seen.model_dump() for name, seen in model.seen.items()},
        "derived": list(model.derived),
        "currency": model.currency,
        "settings": model.settings,
        "versions": model.versions,
        "as_of": model.as_of and model.as_of.isoformat(),
    }
    outputs.write_json(path, {**content, "checksum": _checksum(content)}, indent=1)


def model_path(path: AnyPath) -> AnyPath:
    """Return the file of a model that is named by itself or by the folder of its run."""
    return path / "model.json" if path.is_dir() else path


def read_model(path: AnyPath) -> Model:
    """Read a model and check all of it.

    Parameters
    ----------
    path
        A model.json, or the folder of a run that holds one.

    Raises
    ------
    InputError
        There is no model, it is not one, it was changed, or a newer custseg wrote it.
    """
    path = model_path(path)
    content = _read(path)
    if content.get("kind") != "custseg model":
        raise _refused(path, "bad-model", "This is no model of custseg.")
    if isinstance(content.get("format"), int) and content["format"] > FORMAT:
        raise InputError(
            "newer-model",
            f"The model has format {content['format']}; custseg {__version__} reads {FORMAT}.",
            where=str(path),
            now="Use the custseg that wrote it, or a newer one.",
        )
    body = {name: value for name, value in content.items() if name != "checksum"}
    if content.get("checksum") != _checksum(body):
        raise _refused(path, "changed-model", "The model was changed after custseg wrote it.")
    try:
        file = _ModelFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise _refused(path, "bad-model", f"The model does not make sense: {cut(message)}.", place) from None
    return Model(
        features=tuple(file.features),
        scaling=Scaling(file.scaling.mode, tuple(file.scaling.means), tuple(file.scaling.deviations)),
        centres=np.array(file.centres, np.float64),
        numbers=tuple(file.numbers),
        last_number=max(file.last_number, file.numbers[-1]),
        names=tuple(file.names),
        rules=tuple(
            tuple({name: (low, high) for name, (low, high) in bounds.items()} for bounds in rule)
            for rule in file.rules
        ),
        scores={name: tuple(edges) for name, edges in file.scores.items()},
        customers=file.customers,
        seen=file.seen,
        derived=tuple(file.derived),
        currency=file.currency,
        settings=file.settings,
        versions=file.versions,
        as_of=file.as_of,
    )


def _read(path: AnyPath) -> dict[str, Any]:
    """Read a JSON object of bearable size."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _refused(path, "bad-model", "The file is far too large for a model.")
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(
            "no-such-file",
            "There is no model here.",
            where=str(path),
            now="Name the output folder of a finished 'custseg batch'.",
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(path, "bad-model", f"The model cannot be read: {cut(error)}.") from None
    if not isinstance(content, dict):
        raise _refused(path, "bad-model", "This is no model of custseg.")
    return content


def _refused(path: AnyPath, code: str, what: str, place: str = "") -> InputError:
    where = f"{path}, {place}" if place else str(path)
    return InputError(code, what, where=where, now="Use the model.json of a finished run as it was written.")


def _checksum(content: dict[str, Any]) -> str:
    """Hash the content, however it is laid out in the file."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

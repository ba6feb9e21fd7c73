"""The settings: what they are, their limits, and which decide the answer."""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from custseg.columns import FEATURES, LINE_COLUMNS, PRESETS
from custseg.errors import cut
from custseg.settings.refusal import refusal
from custseg.settings.values import (
    Bytes,
    Columns,
    Condition,
    Currency,
    Folder,
    Names,
    Pictures,
    Share,
    Sign,
    Texts,
)

AUTO_K = (2, 10)
LARGEST_K = 50
PROCESS_FLOOR = 500_000_000
"""Bytes; with less a process has nothing left for its tasks."""

Run: dict[str, Any] = {"kind": "run"}
Show: dict[str, Any] = {"kind": "presentation"}


def memory_floor(workers: int = 0) -> int:
    """Return the least memory limit, in bytes, for one process or for so many workers beside it."""
    return PROCESS_FLOOR * (workers + 2)


class Settings(BaseModel):
    """Everything a user can set for a run; frozen, limits checked on making it.

    Raises
    ------
    SettingsError
        There is no such setting, or a value is outside its limits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**{name.replace("-", "_"): value for name, value in values.items()})
        except ValidationError as error:
            raise refusal(error, type(self).model_fields) from error

    # Reading
    column: Columns = Field({}, description="header of each column, where it is not found by name")
    date_format: str | None = Field(None, description="strptime format of the dates")
    encoding: str | None = Field(None, description="encoding of CSV files, such as cp1252 or utf-16")
    separator: Sign | None = Field(None, description="what is between the cells of CSV files")
    decimal_comma: bool | None = Field(None, description="whether numbers are written 1.234,50 or 1,234.50")
    no_header: bool = Field(False, description="whether the first line is a line like all others")
    sheet: Texts = Field((), description="Excel sheets to read")
    skip_bad_files: bool = Field(False, description="go on without files that cannot be read")
    max_invalid: Share = Field(0.01, description="share of lines that may be invalid before the run ends")
    # Which lines
    since: dt.date | None = Field(None, description="first day that counts")
    until: dt.date | None = Field(None, description="last day that counts")
    exclude_product: Texts = Field((), description="regular expressions of products that are no products")
    where: Condition = Field(
        None, description="SQL condition on the input's columns, or a list of them; other lines are excluded"
    )
    returns: Literal["exclude", "net"] = Field("exclude", description="leave returns out, or subtract them")
    duplicates: Literal["drop", "keep"] = Field("drop", description="what to do with repeated lines")
    # Features
    features: tuple[str, ...] = Field(PRESETS["classic"], description="features to cluster on")
    scale: Literal["log-standard", "standard", "none"] = Field("log-standard", description="scaling")
    as_of: dt.date | None = Field(None, description="day recency is counted to [day after the last line]")
    # Segments
    k: str = Field("auto", description="number of segments: auto, N, LO-HI or previous")
    min_share: Share = Field(0.02, description="smallest share of customers a segment may hold")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of everything drawn")
    previous: Folder | None = Field(None, description="folder of the run whose segments go on")
    names: Names = Field((), description="names of segments, by number or by the name they would get")
    # Presentation
    currency: Currency | None = Field(None, description="currency of the amounts", json_schema_extra=Show)
    small_cells: bool = Field(
        False, description="show groups of fewer than ten customers", json_schema_extra=Show
    )
    pictures: Pictures = Field((), description="pictures of each chart", json_schema_extra=Show)
    lists: bool = Field(False, description="write each segment's customer ids", json_schema_extra=Show)
    # How it is run
    memory_limit: Bytes | None = Field(None, description="memory of all processes", json_schema_extra=Run)
    chunk_size: Bytes | None = Field(None, ge=1, description="input read at once", json_schema_extra=Run)
    work_dir: Folder | None = Field(None, description="folder for temporary files", json_schema_extra=Run)
    workers: int | None = Field(
        None, ge=1, le=1024, description="processes to run it in", json_schema_extra=Run
    )
    scheduler: str | None = Field(
        None, min_length=1, description="Dask scheduler to run it on", json_schema_extra=Run
    )
    fresh: bool = Field(False, description="start over, whatever is in the output", json_schema_extra=Run)

    @model_validator(mode="before")
    @classmethod
    def _go_on(cls, values: Any) -> Any:
        """With a previous run its number of segments goes on, unless one is given."""
        if isinstance(values, dict) and values.get("previous") and "k" not in values:
            return {**values, "k": "previous"}
        return values

    @field_validator("column")
    @classmethod
    def _known_columns(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in LINE_COLUMNS:
                raise ValueError(
                    f"no column '{cut(name)}' among {', '.join(LINE_COLUMNS)}"
                    if name not in cls.model_fields
                    else f"'{name}' is no column but a setting: in a job file it stands above [column]"
                )
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            text = value is None or codecs.lookup(value)._is_text_encoding
        except LookupError:
            text = False
        if not text:
            raise ValueError(f"'{cut(value)}' is no encoding Python knows: write utf-8, cp1252, utf-16 …")
        return value

    @field_validator("features", mode="before")
    @classmethod
    def _known_features(cls, value: object) -> object:
        names = value.split(",") if isinstance(value, str) else value
        if not isinstance(names, list | tuple):
            raise ValueError("give a preset or a list of features")
        features: list[str] = []
        for name in (str(name).strip() for name in names):
            if name in PRESETS:
                features.extend(PRESETS[name])
            elif name not in FEATURES:
                known = [*PRESETS, *(name for name, feature in FEATURES.items() if feature.clusterable)]
                raise ValueError(f"no feature '{cut(name)}' among {', '.join(known)}")
            elif not FEATURES[name].clusterable:
                raise ValueError(f"'{name}' is a date; cluster on recency_days or tenure_days instead")
            else:
                features.append(name)
        if not features:
            raise ValueError("name at least one feature")
        return tuple(dict.fromkeys(features))

    @field_validator("exclude_product")
    @classmethod
    def _valid_expressions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for expression in value:
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"'{cut(expression)}' is no regular expression: {error}") from None
        return value

    @field_validator("k", mode="before")
    @classmethod
    def _valid_k(cls, value: object) -> str:
        text = str(value).replace(" ", "").lower()
        if text in ("auto", "previous"):
            return text
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
        if not match:
            raise ValueError(f"'{cut(value)}' is not auto, a number or a range such as 3-6")
        low, high = int(match[1]), int(match[2] or match[1])
        if not 2 <= low <= high <= LARGEST_K:
            raise ValueError(f"k goes from 2 to {LARGEST_K}, the smaller first")
        return text

    @model_validator(mode="after")
    def _names_for_segments(self) -> Settings:
        if self.k == "previous" and self.previous is None:
            raise ValueError("k = previous needs a previous run: --previous DIR")
        if self.names and self.k != "previous":
            least, most = self.asked_k or AUTO_K
            listed = isinstance(self.names, tuple)
            if listed and not least == most == len(self.names):
                raise ValueError(
                    f"names: a list of {len(self.names)} needs as many segments, so --k {len(self.names)}; "
                    "or name some by number"
                )
            if any(key.isdecimal() and int(key) > most for key in self.names_by_key):
                raise ValueError(f"names: segments are numbered from 1 to {most} at most")
        return self

    @model_validator(mode="after")
    def _one_place_with_enough_memory(self) -> Settings:
        if self.workers and self.scheduler:
            raise ValueError("--workers starts workers and --scheduler uses those that are there: give one")
        floor = memory_floor(self.workers or 0)
        if self.memory_limit is not None and self.memory_limit < floor:
            more = f" with {self.workers} workers" if self.workers else ""
            raise ValueError(f"--memory-limit: custseg needs at least {floor / 1e9:g}GB{more}")
        return self

    @property
    def asked_k(self) -> tuple[int, int] | None:
        """Smallest and largest k asked for; None when none was, or that of a previous run."""
        if self.k in ("auto", "previous"):
            return None
        low, _, high = self.k.partition("-")
        return int(low), int(high or low)

    @property
    def names_by_key(self) -> dict[str, str]:
        """Names of segments by number, as text, or by the name they would get."""
        if isinstance(self.names, tuple):
            return {str(number): name for number, name in enumerate(self.names, start=1)}
        return self.names

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what is computed, as plain JSON values."""
        values = self.model_dump(mode="json")
        return {
            name: values[name]
            for name, field in type(self).model_fields.items()
            if not field.json_schema_extra
        }

    @classmethod
    def presentation(cls) -> list[str]:
        """Return the names of the settings that say how results are shown."""
        return [name for name, field in cls.model_fields.items() if field.json_schema_extra is Show]

    def shown(self) -> dict[str, Any]:
        """Return those of them that were set, not left at their default, as plain JSON values."""
        values = self.model_dump(mode="json")
        return {name: values[name] for name in self.presentation() if name in self.model_fields_set}

    def lasting(self) -> dict[str, Any]:
        """Return the settings that a model keeps: the identity, less what is of one run only."""
        own = {"previous", "names"} | ({"k"} if self.k == "previous" else set())
        return {name: value for name, value in self.identity().items() if name not in own}

    def to_record(self, sources: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Return each setting's value and source, as run.json holds them."""
        values = self.model_dump(mode="json")
        return {name: {"value": values[name], "source": sources.get(name, "given")} for name in values}

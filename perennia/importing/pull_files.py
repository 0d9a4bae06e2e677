"""Which databases are asked for what, and how often: ``pulls.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text

from perennia.catalog.one_document import read_one
from perennia.core.calendar import parse_span
from perennia.importing.mapping import IGNORE, PARTS, ColumnMap, Kind

CURSOR: Final = "cursor"
SHORTEST: Final = timedelta(seconds=30)


def _query(query: str) -> str:
    if set(text(query).compile().params) != {CURSOR}:
        raise ValueError(f"it has to ask for what is behind :{CURSOR}, and for no other value")
    return query


def _span(said: str) -> str:
    """Raises ValueError (also `SpanError`) for what is no such span."""
    if parse_span(said).business_days:
        raise ValueError(f'"{said}" counts business days; write for example 15m')
    return said


def _every(said: str) -> str:
    if _length(_span(said)) < SHORTEST:
        raise ValueError(f'"{said}" is shorter than 30s; write for example 15m')
    return said


def _length(said: str) -> timedelta:
    span = parse_span(said)
    return span.exact + timedelta(days=span.days)


class Pull(BaseModel):
    """``url``: the environment's variable that holds the database's address. ``cursor``: the column that ``:cursor`` stands for.

    ``start``: its value before anything was read. ``overlap``: how far behind the last row a run begins.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    url: str
    query: Annotated[str, AfterValidator(_query)]
    cursor: str
    start: int | str
    every: Annotated[str, AfterValidator(_every)] = "15m"
    overlap: Annotated[str, AfterValidator(_span)] = "0s"
    columns: dict[str, str] = Field(default_factory=dict[str, str])
    key: str | None = None

    @model_validator(mode="after")
    def _keys_are_of_events(self) -> Pull:
        if self.key is not None and self.kind != "events":
            raise ValueError(
                "only events have a key: a changed row of another kind would be taken for one that is known"
            )
        return self

    @property
    def interval(self) -> timedelta:
        return _length(self.every)

    @property
    def back(self) -> timedelta:
        return _length(self.overlap)

    def map(self) -> ColumnMap:
        """The cursor's column is no trait unless that is said."""
        said = ColumnMap(self.kind, self.columns, key=self.key)
        required, optional = PARTS[self.kind]
        if self.cursor in self.columns or said.target(self.cursor) in (*required, *optional):
            return said
        return ColumnMap(self.kind, {**self.columns, self.cursor: IGNORE}, key=self.key)


class Pulls(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pulls: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")], Pull]


def read_pulls(path: Path) -> Mapping[str, Pull]:
    """By name; none where there is no file. Raises `FileWrong`."""
    found = read_one(path, Pulls)
    return {} if found is None else found.pulls

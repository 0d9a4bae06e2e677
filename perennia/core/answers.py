"""What a part of an expression answers: a value, until when it is good for, and what could change it sooner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import NamedTuple, Protocol, cast

from perennia.core.calendar import Calendar, microseconds
from perennia.core.decisions import Evidence
from perennia.core.facts import Facts
from perennia.core.json_values import Json

NOTHING: frozenset[str] = frozenset()


@dataclass(slots=True)
class View:
    """What an expression is evaluated on.

    ``names``: the roots that are not facts: ``enter``, ``event``, ``steps``, ``contact``. ``stages``: track to stage and
    since when. Occurrences in ``facts`` are never later than ``now``.
    """

    now: datetime
    facts: Facts
    calendar: Calendar
    names: Mapping[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])
    stages: Mapping[str, tuple[str, datetime]] = field(default_factory=dict[str, tuple[str, datetime]])
    _now_us: int | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def now_us(self) -> int:
        """``now`` in microseconds since 1970 UTC."""
        if self._now_us is None:
            self._now_us = microseconds(self.now)
        return self._now_us


class Answer(NamedTuple):
    """A value, which stays what it is until ``until`` if nothing of ``watching`` comes in.

    ``until``: microseconds since 1970 UTC, None: for good. ``error``: what was missing or what clashed; ``value`` is None
    then. Inside an expression CEL's timestamps, durations and bytes are values, too.
    """

    value: object
    error: str | None = None
    until: int | None = None
    watching: frozenset[str] = NOTHING


class Node(Protocol):
    """A compiled part of an expression. Immutable, usable by several threads at once.

    ``volatility``: how often its answer is likely to change: 0 by traits, stages and steps, 1 by time, 2 by events.
    """

    @property
    def text(self) -> str: ...

    @property
    def volatility(self) -> int: ...

    def answer(self, view: View) -> Answer: ...

    def evidence(self, view: View) -> Evidence: ...


def earlier(one: int | None, other: int | None) -> int | None:
    """The earlier of two instants; None is never."""
    if one is None:
        return other
    return one if other is None or one < other else other


def together(answers: list[Answer], value: object, error: str | None = None) -> Answer:
    """A value that rests on all of ``answers``."""
    if len(answers) == 1:
        return Answer(value, error, answers[0].until, answers[0].watching)
    until: int | None = None
    watching = NOTHING
    for answer in answers:
        until = earlier(until, answer.until)
        if answer.watching:
            watching = watching | answer.watching if watching else answer.watching
    return Answer(value, error, until, watching)


def kind_of(value: object) -> str:
    """A value's type in words for people."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a map"
        case datetime():
            return "a timestamp"
        case _:
            return f"a {type(value).__name__}"


def as_json(value: object) -> Json:
    """A value of CEL's as JSON: timestamps as ISO text, durations as seconds with an ``s``, the rest in words."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if isfinite(value) else str(value)
        case list():
            return [as_json(each) for each in cast("list[object]", value)]
        case dict():
            return {str(key): as_json(each) for key, each in cast("dict[object, object]", value).items()}
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return f"{value.total_seconds():g}s"
        case _:
            return str(value)

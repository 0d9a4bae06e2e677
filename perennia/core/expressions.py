"""Expressions: compile once, evaluate often, and know when the answer could change (language, section 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import cel

from perennia.core.calendar import Calendar, Span, parse_span
from perennia.core.decisions import Evidence
from perennia.core.facts import EPOCH, MICROSECOND, Facts, Tally, TallySpec
from perennia.core.json_values import Json


class ExpressionError(ValueError):
    """An expression that cannot be published. ``offset``: 0-based character in its text."""

    def __init__(self, message: str, offset: int = 0, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}; {hint}")
        self.message = message
        self.offset = offset
        self.hint = hint


class Verdict(NamedTuple):
    """An expression's value, and until when it is good for.

    ``error``: what was missing or what clashed; the value is None then. ``next_change``: the first instant at which the value could
    change by time alone, None: only by input. ``watching``: tokens ``event:NAME``, ``trait:NAME``, ``account:NAME``,
    ``stage:TRACK`` of the inputs that could change it earlier.
    """

    value: Json
    error: str | None = None
    next_change: datetime | None = None
    watching: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether a condition is met: true, and no error."""
        return self.value is True and self.error is None


@dataclass(slots=True)
class View:
    """What an expression is evaluated on.

    ``names``: the roots that are not facts: ``enter``, ``event``, ``steps``, ``contact``. ``stages``: track to stage and since when.
    """

    now: datetime
    facts: Facts
    calendar: Calendar
    names: Mapping[str, Mapping[str, Json]] = field(default_factory=dict[str, Mapping[str, Json]])
    stages: Mapping[str, tuple[str, datetime]] = field(default_factory=dict[str, tuple[str, datetime]])


@dataclass(frozen=True)
class Expression:
    text: str
    reads: frozenset[str]
    traits: frozenset[str]
    events: frozenset[str]
    tallies: tuple[TallySpec, ...]
    tracks: frozenset[str]
    program: cel.Program

    def evaluate(self, view: View) -> Verdict:
        context = cel.Context()
        for root in ("traits", "account", "contact", "enter", "event", "steps", "stage"):
            context.add_variable(root, self._root(root, view))
        context.add_function("happened", lambda event, span=None: self._count(view, event, span) > 0)
        context.add_function("count", lambda event, span=None: self._count(view, event, span))
        context.add_function("idle", lambda event, span: self._count(view, event, span) == 0)
        watching = frozenset({f"event:{name}" for name in self.events} | {f"trait:{name}" for name in self.traits})
        try:
            return Verdict(self.program.execute(context), None, None, watching)
        except (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError) as error:
            return Verdict(None, str(error), None, watching)

    def explain(self, view: View) -> Evidence:
        verdict = self.evaluate(view)
        return Evidence(self.text, verdict.value, verdict.error)

    def _root(self, root: str, view: View) -> dict[str, Json]:
        values: dict[str, Json] = {path.split(".")[1]: None for path in self.reads if path.startswith(root + ".")}
        if root == "traits":
            return values | view.facts.traits
        if root == "account":
            return values | (view.facts.account or {})
        if root == "stage":
            return values | {track: stage for track, (stage, _) in view.stages.items()}
        return values | dict(view.names.get(root, {}))

    def _count(self, view: View, event: str, span: str | None) -> int:
        tally = view.facts.tallies.get(event, Tally())
        if span is None:
            return tally.count
        parsed = parse_span(span)
        return sum(view.calendar.after(EPOCH + us * MICROSECOND, parsed) > view.now for us, _ in tally.recent)


def compile_expression(text: str, *, names: frozenset[str]) -> Expression:
    """Compiles ``text``, which may read the roots ``names``. Raises `ExpressionError`."""
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ExpressionError(str(error)) from error
    for name in program.variables():
        if name not in names:
            raise ExpressionError(f'unknown name "{name}"', max(text.find(name), 0))
    reads = frozenset(re.findall(r"\b(?:traits|account|contact|enter|event|steps|stage)\.[\w.]+", text))
    calls = re.findall(r'\b(?:happened|count|idle|total)\(\s*"([^"]*)"(?:\s*,\s*"([^"]*)")?', text)
    tallies = tuple(TallySpec(event, window=_span(span)) for event, span in calls)
    return Expression(
        text=text,
        reads=reads,
        traits=frozenset(path.split(".")[1] for path in reads if path.startswith("traits.")),
        events=frozenset(event for event, _ in calls),
        tallies=tallies,
        tracks=frozenset(path.split(".")[1] for path in reads if path.startswith("stage.")),
        program=program,
    )


def _span(text: str) -> Span | None:
    return parse_span(text) if text else None

"""Expressions: compile once, evaluate often, and know when the answer could change (language, section 3).

What the language leaves open is decided so:

- What is null is missing and the reverse: ``has(traits.x)`` is false for both, and so for what lies below a text or a number.
- A property filter is an expression over ``event`` alone, without functions of ours. It is the last argument and may stand
  without a span: ``count("E", "event.total > 100")``, ``idle("E", "14d", FILTER)``, ``total("E", "amount", "90d", FILTER)``.
- ``total`` is a double. A property that is missing or no number counts 0; an event whose filter ends in an error is not
  counted.
- Functions name whole events: ``NAME*`` is for triggers.
- ``idle`` counts from the later of the last E and the first sight of the customer, in one calendar addition.
- An instant may be ISO text (a date alone: its midnight in the customer's zone; without offset: wall clock there), Unix
  seconds, from 1e11 on milliseconds, or a CEL timestamp.
- A name that is no CEL identifier is written in brackets: ``steps["first-project"].outcome``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from perennia.core.answers import Node, View, as_json
from perennia.core.calendar import instant
from perennia.core.calls import NO_VIEW
from perennia.core.cel_syntax import parse
from perennia.core.cel_tokens import ExpressionError
from perennia.core.decisions import Evidence
from perennia.core.expression_compiler import Compiler
from perennia.core.facts import TallySpec
from perennia.core.json_values import Json, JsonObject

__all__ = ["Expression", "ExpressionError", "Verdict", "View", "compile_expression"]

# 200 years: nobody is woken then, and clocks and timers of the world overflow at dates such as 9999-12-31.
FAR_FUTURE_US = 200 * 365 * 86_400 * 1_000_000


class Verdict(NamedTuple):
    """An expression's value, and until when it is good for.

    ``error``: what was missing or what clashed; the value is None then. ``next_change``: the first instant at which the value
    could change by time alone, None: only by input. ``watching``: tokens ``event:NAME``, ``trait:NAME``, ``account:NAME``,
    ``stage:TRACK``, ``answer:SURVEY``, ``health:ID`` of the inputs that could change it earlier. Of a condition, a change
    between false and an error is none: both mean that it does not hold. Not among the tokens, as only the caller knows of
    it: the results of an enrollment's steps (an expression that ``reads`` them) and the customer's zone, which moves every
    calendar span (one that ``follows_zone``).
    """

    value: Json
    error: str | None = None
    next_change: datetime | None = None
    watching: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether a condition is met: true, and no error."""
        return self.value is True and self.error is None


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression: immutable, for any number of customers and threads.

    ``reads``: full dotted names. ``traits``: the customer's own (also those read as ``contact.NAME``). ``tracks``: read through
    ``stage.T`` or ``in_stage``. ``follows_zone``: the customer's zone alone can change the value, since it has spans of days
    or reads dates.
    """

    text: str
    reads: frozenset[str]
    traits: frozenset[str]
    events: frozenset[str]
    tallies: tuple[TallySpec, ...]
    tracks: frozenset[str]
    root: Node = field(repr=False)
    follows_zone: bool = False

    @property
    def surveys(self) -> frozenset[str]:
        """Those whose answers it reads."""
        return frozenset(path.split(".")[1] for path in self.reads if path.startswith("answers."))

    @property
    def healths(self) -> frozenset[str]:
        """Those it reads; an empty one stands for ``health`` alone."""
        parts = (path.partition(".") for path in self.reads)
        return frozenset(rest.split(".")[0] for root, _, rest in parts if root == "health")

    def evaluate(self, view: View) -> Verdict:
        """The value now. Raises nothing: what goes wrong is the verdict's ``error``."""
        value, error, until, watching = self.root.answer(view)
        if not (value is True or value is False or value is None):
            value = as_json(value)
        if until is None or until > view.now_us + FAR_FUTURE_US:
            return Verdict(value, error, None, watching)
        return Verdict(value, error, instant(until), watching)

    def explain(self, view: View) -> Evidence:
        """The same value, with the parts it was made of and what each of them saw."""
        return self.root.evidence(view)


def compile_expression(
    text: str,
    *,
    names: frozenset[str],
    segments: Mapping[str, str] | None = None,
    inside: frozenset[str] = frozenset(),
    condition: bool = True,
) -> Expression:
    """Compiles ``text``, which may read the roots ``names`` (of `expression_compiler.ROOTS`). Raises `ExpressionError`.

    ``segments``: the criterion of each segment that `in_segment` may name; ``inside``: those that ``text`` is part of.
    ``condition``: it is only asked whether it holds; a value is missing where it is an error, which is not to be false.
    """
    compiler = Compiler(text, names, filters=compile_filter, segments=segments, inside=inside)
    root = compiler.node(parse(text), error_as=False if condition else None)
    tallies = tuple(compiler.tallies)
    return Expression(
        text=text,
        reads=frozenset(compiler.paths),
        traits=frozenset(compiler.traits),
        events=frozenset(spec.event for spec in tallies),
        tallies=tallies,
        tracks=frozenset(compiler.tracks),
        root=root,
        follows_zone=compiler.follows_zone,
    )


def compile_filter(text: str) -> Callable[[JsonObject], bool]:
    """A property filter, compiled. An error in it at an event: the event does not count."""
    return compile_test(text, "event").holds


@dataclass(frozen=True, slots=True)
class MapTest:
    """A condition over the one map ``name``. ``reads``: full dotted names. What ends in an error does not hold."""

    name: str
    reads: frozenset[str]
    root: Node = field(repr=False)

    def holds(self, properties: JsonObject) -> bool:
        answer = self.root.answer(replace(NO_VIEW, names={self.name: properties}))
        return answer.value is True and answer.error is None


def compile_test(text: str, name: str) -> MapTest:
    """A condition that sees nothing but the map ``name``: a property filter (``event``), a survey's ``if`` (``answer``).

    Raises `ExpressionError`.
    """
    compiler = Compiler(text, frozenset({name}), filters=None)
    root = compiler.node(parse(text))
    return MapTest(name, frozenset(compiler.paths), root)

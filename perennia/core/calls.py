"""Calls of the language's own functions, checked: event names, spans and filters are literals, so all is known beforehand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from math import ceil, floor, isfinite
from typing import Protocol, TypeGuard
from zoneinfo import ZoneInfo

from perennia.core.answers import Node, View
from perennia.core.calendar import EPOCH, Calendar, Span, SpanError, parse_span
from perennia.core.cel_syntax import Call, ListOf, Literal, Tree
from perennia.core.cel_tokens import ExpressionError, Scalar
from perennia.core.facts import Facts, TallySpec
from perennia.core.functions import (
    AtLeast,
    Count,
    Counted,
    Exactly,
    Happened,
    Idle,
    InStage,
    Older,
    Total,
    TotalTest,
    Within,
)
from perennia.core.json_values import JsonObject
from perennia.core.leaves import ORDERINGS, Constant

# How each is written, for people. A filter is an expression over `event`; it may stand where the span could.
FUNCTIONS = {
    "happened": 'happened("E"), happened("E", "30d") or happened("E", "30d", "event.total > 100")',
    "count": 'count("E"), count("E", "30d") or count("E", "30d", "event.total > 100")',
    "total": 'total("E", "amount"), total("E", "amount", "90d") or total("E", "amount", "90d", "event.paid == true")',
    "idle": 'idle("E", "14d") or idle("E", "14d", "event.total > 100")',
    "older": 'older(traits.since, "30d")',
    "within": 'within(traits.renewal_date, "60d")',
    "in_stage": 'in_stage("TRACK", "STAGE") or in_stage("TRACK", "STAGE", "30d")',
}
UNSUPPORTED_FUNCTIONS = frozenset({"in_segment"})
ARGUMENTS = {
    "happened": (1, 3),
    "count": (1, 3),
    "total": (2, 4),
    "idle": (2, 3),
    "older": (2, 2),
    "within": (2, 2),
    "in_stage": (2, 3),
}

LONGEST_SPAN_DAYS = 400

_LIKE_A_SPAN = re.compile(r"\s*(?:[\d.]+\s*[a-zA-Z]*\s*)+|P[\dA-Z]*")

# For what depends on nothing: constants and property filters.
_UTC = ZoneInfo("UTC")
NO_VIEW = View(now=EPOCH, facts=Facts(ref="", first_seen=EPOCH), calendar=Calendar(_UTC, _UTC))


class Outer(Protocol):
    """The compiler that a call is part of."""

    @property
    def tallies(self) -> dict[TallySpec, None]: ...

    @property
    def tracks(self) -> set[str]: ...

    follows_zone: bool

    def node(self, tree: Tree) -> Node: ...

    def slice(self, tree: Tree) -> str: ...

    def filter(self, text: str, offset: int) -> Callable[[JsonObject], bool]: ...


class CallCompiler:
    """Compiles one call, and notes the tallies and tracks that it reads. ``newest``: as many occurrences decide."""

    def __init__(self, outer: Outer, call: Call, newest: int | None = None) -> None:
        self.outer = outer
        self.call = call
        self.newest = newest
        self.text = outer.slice(call)
        self.arguments = call.arguments

    def compile(self) -> Node:
        least, most = ARGUMENTS[self.call.name]
        if not least <= len(self.arguments) <= most:
            raise self.wrong(self.call, f"{self.call.name}() has {len(self.arguments)} arguments")
        match self.call.name:
            case "happened":
                return Happened(self.text, self.counted(newest=1))
            case "count":
                return Count(self.text, self.counted(newest=self.newest))
            case "total":
                return Total(self.text, self.counted(property_=self.words(self.arguments[1], "a property's name")))
            case "idle":
                return Idle(self.text, self.counted(keeps_occurrences=False, needs_span=True))
            case "older" | "within":
                self.outer.follows_zone = True  # also without days: a date alone is midnight in the customer's zone
                call = Older if self.call.name == "older" else Within
                return call(self.text, self.outer.node(self.arguments[0]), self.span(self.arguments[1]))
            case _:
                return self.in_stage()

    def wrong(self, at: Tree, message: str) -> ExpressionError:
        return ExpressionError(message, at.start, f"write {FUNCTIONS[self.call.name]}")

    # --- events -----------------------------------------------------------------------------------------------------

    def counted(
        self,
        *,
        property_: str | None = None,
        keeps_occurrences: bool = True,
        needs_span: bool = False,
        newest: int | None = None,
    ) -> Counted:
        """``keeps_occurrences`` False: the last occurrence of all time is enough."""
        span, filter_, passes = self.span_and_filter(self.arguments[1 if property_ is None else 2 :])
        if needs_span and span is None:
            raise self.wrong(self.call, f"{self.call.name}() needs a span")
        events = self.events(self.arguments[0])
        window = span if keeps_occurrences else None
        if span is not None and span.business_days:
            newest = None  # over a weekend, what happened days later may leave first
        specs = [TallySpec(event, filter_, property_, window, passes, newest) for event in events]
        self.outer.tallies.update(dict.fromkeys(specs))
        return Counted(tuple(spec.key for spec in specs), span, frozenset(f"event:{event}" for event in events))

    def events(self, tree: Tree) -> tuple[str, ...]:
        items = tree.items if isinstance(tree, ListOf) else (tree,)
        names = tuple(dict.fromkeys(self.words(item, "an event's name") for item in items))
        if not names:
            raise self.wrong(tree, "an empty list of events")
        for name in names:
            if name.endswith("*"):
                raise self.wrong(tree, f'"{name}": functions count events by their whole names')
        return names

    def span_and_filter(
        self, arguments: tuple[Tree, ...]
    ) -> tuple[Span | None, str | None, Callable[[JsonObject], bool] | None]:
        """The second of two, or one that does not look like a span, is a filter."""
        span: Span | None = None
        if arguments and (len(arguments) == 2 or _LIKE_A_SPAN.fullmatch(self.words(arguments[0], "a span"))):
            span = self.span(arguments[0])
            arguments = arguments[1:]
        if not arguments:
            return span, None, None
        text = self.words(arguments[0], "a filter")
        quote = self.outer.slice(arguments[0])
        opening = len(quote) - len(quote.lstrip("rR\"'"))
        return span, text, self.outer.filter(text, arguments[0].start + (opening if text else 0))

    # --- the others -------------------------------------------------------------------------------------------------

    def in_stage(self) -> Node:
        track = self.words(self.arguments[0], "a track's id")
        stage = self.words(self.arguments[1], "a stage's id")
        self.outer.tracks.add(track)
        return InStage(self.text, track, stage, self.span(self.arguments[2]) if len(self.arguments) == 3 else None)

    def words(self, tree: Tree, what: str) -> str:
        if isinstance(tree, Literal) and isinstance(tree.value, str) and tree.value.strip():
            return tree.value
        raise self.wrong(tree, f"{what} in {self.call.name}() is a literal text in quotes")

    def span(self, tree: Tree) -> Span:
        text = self.words(tree, "a span")
        try:
            span = parse_span(text)
        except SpanError as error:
            raise ExpressionError(str(error), tree.start) from error
        if span.days + span.business_days + span.exact / timedelta(days=1) > LONGEST_SPAN_DAYS:
            raise ExpressionError(f'"{text}": a span in an expression is at most {LONGEST_SPAN_DAYS}d', tree.start)
        self.outer.follows_zone |= span.days > 0
        return span


def _is_number(constant: Scalar) -> TypeGuard[int | float]:
    return isinstance(constant, int | float) and not isinstance(constant, bool) and isfinite(constant)


def counted_to(operator: str, constant: Scalar) -> int | None:
    """How many occurrences decide ``count(...) OPERATOR constant``; None: all that there are."""
    if not _is_number(constant):
        return None
    return max(ceil(constant) if operator in {">=", "<"} else floor(constant) + 1, 1)


def compared_call(text: str, call: Count | Total, operator: str, constant: Scalar) -> Node | None:
    """The node of ``call OPERATOR constant``, which knows when it can flip; None where the constant is no number."""
    if not _is_number(constant):
        return None
    if isinstance(call, Total):
        compare = ORDERINGS.get(operator)
        if compare is not None:
            return TotalTest(text, call, lambda total: compare(total, constant))
        return TotalTest(text, call, lambda total: (total == constant) is (operator == "=="))
    match operator:
        case ">=":
            return AtLeast(text, call, ceil(constant), wanted=True)
        case ">":
            return AtLeast(text, call, floor(constant) + 1, wanted=True)
        case "<":
            return AtLeast(text, call, ceil(constant), wanted=False)
        case "<=":
            return AtLeast(text, call, floor(constant) + 1, wanted=False)
        case _:
            if constant != floor(constant):
                return Constant(text, operator == "!=")
            return Exactly(text, call, floor(constant), wanted=operator == "==")

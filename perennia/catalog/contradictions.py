"""Conditions that can never be true, found by their form: ``traits.plan == "pro" && traits.plan == "free"``.

Looks at what stands in the expression, not at what customers have: each way in which the whole could be true (its
alternatives) is a list of tests, and two tests of one name may exclude each other. What it does not understand it takes to be
possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from perennia.catalog.property_filters import filters_in
from perennia.core.calendar import SpanError, parse_span
from perennia.core.cel_syntax import (
    MIRRORED,
    OPPOSITE,
    Binary,
    Call,
    Conditional,
    Junction,
    ListOf,
    Literal,
    Tree,
    Unary,
    parse,
)
from perennia.core.cel_tokens import ExpressionError, Scalar

# More alternatives than this are not looked at: nobody writes such a condition by mistake.
MOST_ALTERNATIVES = 64
_NEVER_NEGATIVE = ("count(", "size(")


@dataclass(frozen=True)
class Impossible:
    """The part of an expression that can never be true; ``whole``: nothing else could make it true either."""

    offset: int
    text: str
    whole: bool


@dataclass(frozen=True)
class _Test:
    """``subject OPERATOR one of values``; operator "is": the subject itself is true (or, with ``wanted`` False, is not)."""

    subject: str
    operator: str
    values: tuple[Scalar, ...] = ()
    wanted: bool = True
    call: Call | None = None


_Alternatives: TypeAlias = list[tuple[_Test, ...]]
_ALWAYS: _Alternatives = [()]


def impossible(text: str) -> Impossible | None:
    """The first part of the condition ``text`` that can never be true; None where none was found or it cannot be parsed."""
    try:
        tree = parse(text)
    except ExpressionError:
        return None
    reading = _Reading(text)
    if reading.is_impossible(tree):
        return Impossible(tree.bare[0], text, whole=True)
    operands = tree.operands if isinstance(tree, Junction) and tree.operator == "||" else ()
    for operand in operands:
        if not isinstance(operand, Literal) and reading.is_impossible(operand):
            return Impossible(operand.bare[0], text[slice(*operand.bare)], whole=False)
    return None


def impossible_filter(text: str) -> Impossible | None:
    """The first property filter in an expression, value or condition, that no event can pass, in the same way."""
    try:
        tree = parse(text)
    except ExpressionError:
        return None
    for offset, inner in filters_in(tree, text):
        found = impossible(inner)
        if found is not None:
            return Impossible(offset + found.offset, found.text, whole=found.whole)
    return None


class _Reading:
    def __init__(self, text: str) -> None:
        self._text = text

    def is_impossible(self, tree: Tree) -> bool:
        alternatives = self._alternatives(tree, wanted=True)
        return alternatives is not None and all(_contradict(tests) for tests in alternatives)

    def _alternatives(self, tree: Tree, *, wanted: bool) -> _Alternatives | None:
        """The ways in which ``tree`` can be ``wanted``; empty: in none. None: too many to look at."""
        match tree:
            case Unary(operator="!", operand=operand):
                return self._alternatives(operand, wanted=not wanted)
            case Junction(operator=operator, operands=operands):
                parts = [self._alternatives(operand, wanted=wanted) for operand in operands]
                return self._all(parts) if (operator == "&&") is wanted else _any(parts)
            case Conditional():
                return _ALWAYS
            case Literal(value=bool() as value):
                return _ALWAYS if value is wanted else []
            case Binary():
                return self._comparison(tree, wanted=wanted)
            case Call():
                return [(_Test(self._slice(tree), "is", wanted=wanted, call=tree),)]
            case _:
                return [(_Test(self._slice(tree), "is", wanted=wanted),)]

    def _comparison(self, tree: Binary, *, wanted: bool) -> _Alternatives:
        left, right, operator = tree.left, tree.right, tree.operator
        if operator == "in" and isinstance(right, ListOf):
            if not all(isinstance(item, Literal) for item in right.items):
                return _ALWAYS
            values = tuple(item.value for item in right.items if isinstance(item, Literal))
            return [(_Test(self._slice(left), "==" if wanted else "!=", values),)]
        if operator not in MIRRORED:
            return _ALWAYS
        if isinstance(left, Literal) and not isinstance(right, Literal):
            left, right, operator = right, left, MIRRORED[operator]
        if not isinstance(right, Literal) or isinstance(left, Literal):
            return _ALWAYS
        operator = operator if wanted else OPPOSITE[operator]
        return [(_Test(self._slice(left), operator, (right.value,)),)]

    def _slice(self, tree: Tree) -> str:
        """The text of a part, however it is spaced."""
        return "".join(self._text[slice(*tree.bare)].split())

    def _all(self, parts: Sequence[_Alternatives | None]) -> _Alternatives | None:
        known = [part for part in parts if part is not None]
        number = 1
        for part in known:
            number *= len(part)
        if number > MOST_ALTERNATIVES:
            return None
        return [tuple(test for tests in each for test in tests) for each in product(*known)]


def _any(parts: Sequence[_Alternatives | None]) -> _Alternatives | None:
    if any(part is None for part in parts):
        return None
    joined = [tests for part in parts if part is not None for tests in part]
    return joined if len(joined) <= MOST_ALTERNATIVES else None


# --- tests that exclude each other ------------------------------------------------------------------------------------


def _contradict(tests: Sequence[_Test]) -> bool:
    by_subject: dict[str, list[_Test]] = {}
    for test in tests:
        by_subject.setdefault(test.subject, []).append(test)
    return any(_exclude(subject, own) for subject, own in by_subject.items()) or _calls_exclude(tests)


def _exclude(subject: str, tests: Sequence[_Test]) -> bool:
    truths = {test.wanted for test in tests if test.operator == "is"}
    if len(truths) == 2:
        return True
    allowed = [test.values for test in tests if test.operator == "=="]
    if not allowed:
        return _bounds_exclude(subject, tests)
    return not any(_passes(value, subject, tests) for value in allowed[0])


def _passes(value: Scalar, subject: str, tests: Iterable[_Test]) -> bool:
    for test in tests:
        equal = any(_same(value, other) for other in test.values)
        match test.operator:
            case "==" if not equal:
                return False
            case "!=" if equal:
                return False
            case "<" | "<=" | ">" | ">=" if not _ordered(value, test.operator, test.values[0]):
                return False
            case _:
                pass
    return not (isinstance(value, int | float) and value < 0 and subject.startswith(_NEVER_NEGATIVE))


def _same(one: Scalar, other: Scalar) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _ordered(value: Scalar, operator: str, bound: Scalar) -> bool:
    """Whether the comparison could hold; of what is neither two numbers nor two texts nothing is said."""
    if isinstance(value, str) and isinstance(bound, str):
        one, other = value, bound
        return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator]
    if isinstance(value, int | float) and isinstance(bound, int | float):
        return {"<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[operator]
    return value is not None


def _bounds_exclude(subject: str, tests: Sequence[_Test]) -> bool:
    lowest, open_below = (0.0, False) if subject.startswith(_NEVER_NEGATIVE) else (float("-inf"), False)
    highest, open_above = float("inf"), False
    for test in tests:
        bound = test.values[0] if test.values else None
        if not isinstance(bound, int | float) or isinstance(bound, bool):
            continue
        if test.operator in (">", ">=") and (bound, test.operator == ">") > (lowest, open_below):
            lowest, open_below = float(bound), test.operator == ">"
        if test.operator in ("<", "<=") and (bound, test.operator != "<") < (highest, not open_above):
            highest, open_above = float(bound), test.operator == "<"
    return lowest > highest or (lowest == highest and (open_below or open_above))


# --- functions that exclude each other --------------------------------------------------------------------------------


def _calls_exclude(tests: Sequence[_Test]) -> bool:
    """``idle(E, long)`` beside ``happened(E, short)``; an instant that is past beside the same one ahead."""
    calls = [test.call for test in tests if test.call is not None and test.wanted and test.operator == "is"]
    for one in calls:
        for other in calls:
            if (one.name, other.name) == ("idle", "happened") and _no_longer(other, one):
                return True
            if (one.name, other.name) == ("older", "within") and _first(one) == _first(other):
                return True
    return False


def _no_longer(happened: Call, idle: Call) -> bool:
    """Whether the event cannot have happened in the shorter span where nothing did in the longer."""
    if len(happened.arguments) != 2 or len(idle.arguments) != 2 or _first(happened) != _first(idle):
        return False
    shorter, longer = _days(happened.arguments[1]), _days(idle.arguments[1])
    return shorter is not None and longer is not None and shorter <= longer


def _first(call: Call) -> object:
    return _form(call.arguments[0]) if call.arguments else call


def _form(tree: Tree) -> object:
    match tree:
        case Literal(value=value):
            return value
        case ListOf(items=items):
            return tuple(_form(item) for item in items)
        case _:
            fields = (getattr(tree, name, None) for name in ("name", "target", "index"))
            return (type(tree).__name__, *(_form(each) if hasattr(each, "bare") else each for each in fields))  # pyright: ignore[reportArgumentType] (a tree has `bare`)


def _days(tree: Tree) -> float | None:
    if not isinstance(tree, Literal) or not isinstance(tree.value, str):
        return None
    try:
        span = parse_span(tree.value)
    except SpanError:
        return None
    return None if span.business_days else span.length_us

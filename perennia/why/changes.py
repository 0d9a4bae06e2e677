"""What would have to change for a condition to hold that did not: from its evidence, in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from perennia.core.calendar import Calendar, SpanError, parse_span
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
from perennia.core.decisions import Evidence
from perennia.core.json_values import Json
from perennia.why.evidence import local_time, value_text

_WORDS = {"<": "less than ", "<=": "at most ", ">": "more than ", ">=": "at least ", "==": "", "!=": "anything but "}


def changes(evidence: Evidence, zone: ZoneInfo) -> tuple[str, ...]:
    """One sentence for each thing that would have to change; empty where the condition held or is no condition."""
    if evidence.value is True:
        return ()
    try:
        return tuple(dict.fromkeys(_Reading(zone).needed(parse(evidence.expression), evidence, wanted=True)))
    except ExpressionError:
        return ()


class _Reading:
    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._calendar = Calendar(zone, zone)

    def needed(self, tree: Tree, evidence: Evidence, *, wanted: bool) -> list[str]:
        if evidence.error is None and evidence.value is wanted:
            return []
        match tree:
            case Junction(operator=operator, operands=operands) if len(operands) == len(evidence.parts):
                every = (operator == "&&") is wanted
                parts = [
                    self.needed(parse(part.expression), part, wanted=wanted)
                    for part, _ in zip(evidence.parts, operands, strict=True)
                ]
                return [each for part in parts for each in part] if every else _either(parts)
            case Unary(operator="!") if evidence.parts:
                inner = evidence.parts[0]
                return self.needed(parse(inner.expression), inner, wanted=not wanted)
            case Conditional() if len(evidence.parts) == 2:
                taken = evidence.parts[1]
                return self.needed(parse(taken.expression), taken, wanted=wanted)
            case Binary():
                return [self._comparison(tree, evidence, wanted=wanted)]
            case Call():
                return self._call(tree, evidence, wanted=wanted)
            case _:
                return [f"{self._seen(evidence)}; it would have to be {json.dumps(wanted)}"]

    def _seen(self, evidence: Evidence, name: str | None = None) -> str:
        name = name or evidence.expression
        if name != evidence.expression and name not in evidence.values:
            seen = ", ".join(f"{key} is {value_text(value, self._zone)}" for key, value in evidence.values.items())
            return f"{name} does not do ({seen})"
        value = evidence.values.get(name, evidence.value)
        return f"{name} is not known" if value is None else f"{name} is {value_text(value, self._zone)}"

    # --- comparisons ------------------------------------------------------------------------------------------------

    def _comparison(self, tree: Binary, evidence: Evidence, *, wanted: bool) -> str:
        text, operator = evidence.expression, tree.operator
        left, right = tree.left, tree.right
        if isinstance(left, Literal) and operator in MIRRORED:
            left, right, operator = right, left, MIRRORED[operator]
        name = _slice(text, left)
        if isinstance(left, Call) and left.name in ("count", "total") and isinstance(right, Literal):
            return self._counted(left, name, operator, right.value, evidence, wanted=wanted)
        if operator == "in" and isinstance(right, ListOf):
            choices = [item.value for item in right.items if isinstance(item, Literal)]
            least = "" if wanted else "none of "
            return f"{self._seen(evidence, name)}; it would have to be {least}{_one_of(choices)}"
        if operator == "in":
            holder = _slice(text, right)
            verb = "contain" if wanted else "be without"
            return f"{self._seen(evidence, holder)}; it would have to {verb} {name}"
        operator = operator if wanted else OPPOSITE.get(operator, operator)
        if operator in _WORDS and isinstance(right, Literal):
            return f"{self._seen(evidence, name)}; it would have to be {_WORDS[operator]}{_value(right.value)}"
        seen = ", ".join(f"{key} is {value_text(value, self._zone)}" for key, value in evidence.values.items())
        return f"{text} would have to be {json.dumps(wanted)}{f' ({seen})' if seen else ''}"

    def _counted(self, call: Call, name: str, operator: str, mark: Scalar, evidence: Evidence, *, wanted: bool) -> str:
        operator = operator if wanted else OPPOSITE[operator]
        seen = evidence.values.get(name)
        what = _events(call) if call.name == "count" else f"the total of {_events(call)}"
        span = _span_of(call, 2 if call.name == "total" else 1)
        within = f" in the last {span}" if span else ""
        verb = "needs" if operator in (">", ">=", "==") else "may be"
        words = f"{what}: {value_text(seen, self._zone)}{within}, {verb} {_WORDS[operator]}{_value(mark)}"
        leaves = span is not None and operator in ("<", "<=", "==")
        return f"{words}; or wait until older ones leave the {span}" if leaves else words

    # --- functions of the language ----------------------------------------------------------------------------------

    def _call(self, call: Call, evidence: Evidence, *, wanted: bool) -> list[str]:
        last = evidence.values.get("last")
        span = _span_of(call, 1)
        match call.name:
            case "happened":
                return [self._happened(call, span, last, wanted=wanted)]
            case "idle":
                return [self._idle(call, span, last, wanted=wanted)]
            case "older" | "within":
                return [self._instant(call, span, evidence, wanted=wanted)]
            case "in_segment" if evidence.parts:
                inner = evidence.parts[0]
                return self.needed(parse(inner.expression), inner, wanted=wanted)
            case "in_stage":
                return [self._in_stage(call, evidence, wanted=wanted)]
            case "has" if call.arguments:
                name = _slice(evidence.expression, call.arguments[0])
                return [f"{name} would have to be {'told' if wanted else 'removed'}"]
            case _:
                return [f"{evidence.expression} would have to be {json.dumps(wanted)}"]

    def _happened(self, call: Call, span: str | None, last: Json, *, wanted: bool) -> str:
        seen = self._last(call, last)
        if wanted:
            return f"{seen}; it would have to happen{f', within {span}' if span else ''}"
        until = self._after(last, span)
        return f"{seen}; wait until {until}" if until else f"{seen}, and it must never have"

    def _idle(self, call: Call, span: str | None, last: Json, *, wanted: bool) -> str:
        seen = self._last(call, last)
        if not wanted:
            return f"{seen}; it would have to happen, within {span}"
        until = self._after(last, span)
        return f"{seen}; wait until {until} without another" if until else f"{seen}; wait until {span} have passed"

    def _last(self, call: Call, last: Json) -> str:
        never = f"{_events(call)} never happened"
        return never if last is None else f"{_events(call)} last happened {value_text(last, self._zone)}"

    def _instant(self, call: Call, span: str | None, evidence: Evidence, *, wanted: bool) -> str:
        name, at = next(iter(evidence.values.items()), ("the instant", None))
        if at is None:
            return f"{name} is not known; it would have to be told"
        seen = f"{name} is {value_text(at, self._zone)}"
        if call.name == "older":
            until = self._after(at, span)
            return f"{seen}; wait until {until}" if wanted and until else f"{seen}; it would have to be later"
        return f"{seen}; it would have to lie {'' if wanted else 'not '}ahead by at most {span}"

    def _in_stage(self, call: Call, evidence: Evidence, *, wanted: bool) -> str:
        track, stage = (_value(each.value) for each in call.arguments[:2] if isinstance(each, Literal))
        span = _span_of(call, 2)
        now = evidence.values.get(f"stage.{track}")
        seen = f"{track} is at {value_text(now, self._zone)}"
        if not wanted:
            return f"{seen}; it would have to leave {stage}"
        if now == stage and span and (until := self._after(evidence.values.get("since"), span)):
            return f"{seen}; wait until {until}"
        return f"{seen}; it would have to be at {stage}{f' for {span}' if span else ''}"

    def _after(self, told: Json, span: str | None) -> str | None:
        """The instant so long after the one told, in words."""
        if not isinstance(told, str) or span is None:
            return None
        try:
            instant = datetime.fromisoformat(told)
            parsed = parse_span(span)
        except (ValueError, SpanError):
            return None
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=self._zone)
        return local_time(self._calendar.after(instant, parsed), self._zone)


def _either(parts: Sequence[list[str]]) -> list[str]:
    """One sentence out of alternatives, each of which would be enough."""
    ways = [" and ".join(part) for part in parts if part]
    return [" -- or: ".join(ways)] if ways else []


def _slice(text: str, tree: Tree) -> str:
    return text[slice(*tree.bare)]


def _events(call: Call) -> str:
    match call.arguments[:1]:
        case (Literal(value=name),):
            return str(name)
        case (ListOf(items=items),):
            return " or ".join(str(item.value) for item in items if isinstance(item, Literal))
        case _:
            return "the event"


def _span_of(call: Call, place: int) -> str | None:
    match call.arguments[place : place + 1]:
        case (Literal(value=str() as text),):
            try:
                parse_span(text)
            except SpanError:
                return None  # a property filter
            return text
        case _:
            return None


def _one_of(values: Sequence[Scalar]) -> str:
    words = [_value(value) for value in values]
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _value(value: Scalar) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else json.dumps(value) if not isinstance(value, bytes) else repr(value)

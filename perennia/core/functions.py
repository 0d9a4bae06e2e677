"""The language's own functions (section 3): what each is worth now, when time alone changes that, and what else can.

An event can only make `idle` false and `happened` true and can only raise a count: so what has happened watches nothing, and
neither does what is not idle yet or a count that has reached its mark. It wakes when it can fall, looks, and sleeps again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from perennia.core.answers import NOTHING, Answer, Node, View, as_json, earlier, kind_of
from perennia.core.calendar import Span, instant, microseconds
from perennia.core.decisions import Evidence
from perennia.core.facts import Tally
from perennia.core.instants import instant_us
from perennia.core.json_values import Json
from perennia.core.windows import (
    Occurrences,
    departures,
    kth_departure,
    leaves_in_order,
    merged,
    number_inside,
    sums_as_they_leave,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """The tallies that a call reads, and the span it looks at them through (None: of all time)."""

    keys: tuple[str, ...]
    span: Span | None
    watching: frozenset[str]

    def tallies(self, view: View) -> list[Tally]:
        known = view.facts.tallies
        return [known[key] for key in self.keys if key in known]

    def recent(self, view: View) -> Occurrences:
        if len(self.keys) == 1:
            tally = view.facts.tallies.get(self.keys[0])
            return () if tally is None else tally.recent
        return merged(tally.recent for tally in self.tallies(view))

    def last(self, view: View) -> Json:
        """The last occurrence of all time, for people."""
        seen = [tally.last for tally in self.tallies(view) if tally.last is not None]
        return as_json(max(seen)) if seen else None


class EventCall(ABC):
    """What all calls over events have in common."""

    volatility = 2

    def __init__(self, text: str, counted: Counted) -> None:
        self.text = text
        self.counted = counted

    @abstractmethod
    def answer(self, view: View) -> Answer: ...

    def evidence(self, view: View) -> Evidence:
        answer = self.answer(view)
        return Evidence(self.text, as_json(answer.value), answer.error, {"last": self.counted.last(view)})


class Happened(EventCall):
    def answer(self, view: View) -> Answer:
        span = self.counted.span
        if span is None:
            found = any(tally.count for tally in self.counted.tallies(view))
            return Answer(True) if found else Answer(False, None, None, self.counted.watching)
        recent = self.counted.recent(view)
        if recent:
            until = kth_departure(recent, 1, span, view.calendar)
            if until > view.now_us:
                return Answer(True, None, until)
        return Answer(False, None, None, self.counted.watching)


class Idle(EventCall):
    """True from the later of the last event and the first sight of the customer, plus the span."""

    def answer(self, view: View) -> Answer:
        span = self.counted.span
        assert span is not None  # noqa: S101 (its signature wants one)
        since = view.facts.first_seen
        for tally in self.counted.tallies(view):
            if tally.last is not None and tally.last > since:
                since = tally.last
        since_us = microseconds(since)
        until = view.calendar.after_us(since_us, span)
        if until <= view.now_us:
            return Answer(True, None, None, self.counted.watching)
        postponed = leaves_in_order(since_us, span, view.calendar)
        return Answer(False, None, until, NOTHING if postponed else self.counted.watching)


class Count(EventCall):
    def answer(self, view: View) -> Answer:
        span = self.counted.span
        if span is None:
            number = sum(tally.count for tally in self.counted.tallies(view))
            return Answer(number, None, None, self.counted.watching)
        number, until = number_inside(self.counted.recent(view), view.now_us, span, view.calendar)
        return Answer(number, None, until, self.counted.watching)


class Total(EventCall):
    """A double, also where all values are whole."""

    def answer(self, view: View) -> Answer:
        span = self.counted.span
        if span is None:
            total = float(sum(tally.total for tally in self.counted.tallies(view)))
            return Answer(total, None, None, self.counted.watching)
        inside = departures(self.counted.recent(view), view.now_us, span, view.calendar)
        sums = sums_as_they_leave([value for _, value in inside])
        return Answer(sums[0], None, inside[0][0] if inside else None, self.counted.watching)


# --- comparisons with a constant, which wake only when they can flip ---------------------------------------------------


class AtLeast:
    """``count(...) >= mark`` or, with ``wanted`` False, its opposite."""

    volatility = 2

    def __init__(self, text: str, count: Count, mark: int, *, wanted: bool) -> None:
        self.text = text
        self.count = count
        self.mark = mark
        self.wanted = wanted
        self.reached = Answer(wanted)
        self.missed = Answer(not wanted, None, None, count.counted.watching)

    def answer(self, view: View) -> Answer:
        counted, mark = self.count.counted, self.mark
        if mark <= 0:
            return self.reached
        if counted.span is None:
            number = sum(tally.count for tally in counted.tallies(view))
            return self.reached if number >= mark else self.missed
        recent = counted.recent(view)
        if len(recent) >= mark:
            until = kth_departure(recent, mark, counted.span, view.calendar)
            if until > view.now_us:
                return Answer(self.wanted, None, until)
        return self.missed

    def evidence(self, view: View) -> Evidence:
        return _compared(self, self.count, view, counted_to=self.mark)


class Exactly:
    """``count(...) == number``, or ``!=`` with ``wanted`` False: above, until it falls to it; at it, until either way."""

    volatility = 2

    def __init__(self, text: str, count: Count, number: int, *, wanted: bool) -> None:
        self.text = text
        self.count = count
        self.wanted = wanted
        self.at_least = AtLeast(text, count, number, wanted=True)
        self.above = AtLeast(text, count, number + 1, wanted=True)

    def answer(self, view: View) -> Answer:
        above = self.above.answer(view)
        if above.value is True:
            return above._replace(value=not self.wanted)
        reached = self.at_least.answer(view)
        if reached.value is True:
            return Answer(self.wanted, None, reached.until, self.count.counted.watching)
        return reached._replace(value=not self.wanted)

    def evidence(self, view: View) -> Evidence:
        return _compared(self, self.count, view, counted_to=self.above.mark)


class TotalTest:
    """``total(...)`` against a constant: wakes when enough has left the span to turn the comparison."""

    volatility = 2

    def __init__(self, text: str, total: Total, test: Callable[[float], bool]) -> None:
        self.text = text
        self.total = total
        self.test = test

    def answer(self, view: View) -> Answer:
        counted = self.total.counted
        if counted.span is None:
            answer = self.total.answer(view)
            return answer._replace(value=isinstance(answer.value, float) and self.test(answer.value))
        inside = departures(counted.recent(view), view.now_us, counted.span, view.calendar)
        holds, *later = map(self.test, sums_as_they_leave([value for _, value in inside]))
        until = None
        for place, then in enumerate(later):
            last_at_its_instant = place + 1 == len(inside) or inside[place + 1][0] != inside[place][0]
            if then is not holds and last_at_its_instant:
                until = inside[place][0]
                break
        return Answer(holds, None, until, counted.watching)

    def evidence(self, view: View) -> Evidence:
        return _compared(self, self.total, view)


def _compared(node: Node, call: EventCall, view: View, counted_to: int | None = None) -> Evidence:
    """``counted_to``: in a span no more occurrences than these are surely kept, so there may have been others."""
    answer = node.answer(view)
    value = as_json(call.answer(view).value)
    of_all_time = sum(tally.count for tally in call.counted.tallies(view))
    if counted_to is not None and isinstance(value, int) and counted_to <= value < of_all_time:
        value = f"{counted_to} or more"
    return Evidence(node.text, as_json(answer.value), answer.error, {call.text: value, "last": call.counted.last(view)})


# --- instants and stages ----------------------------------------------------------------------------------------------


class Older:
    """True from the instant + span on."""

    def __init__(self, text: str, when: Node, span: Span) -> None:
        self.text = text
        self.when = when
        self.span = span
        self.volatility = max(1, when.volatility)

    def answer(self, view: View) -> Answer:
        when, us = _instant(self.when, view)
        if us is None:
            return when
        turns = view.calendar.after_us(us, self.span)
        if view.now_us >= turns:
            return Answer(True, None, when.until, when.watching)
        return Answer(False, None, earlier(when.until, turns), when.watching)

    def evidence(self, view: View) -> Evidence:
        return _from_instant(self, self.when, view)


class Within:
    """True from the instant - span until before the instant."""

    def __init__(self, text: str, when: Node, span: Span) -> None:
        self.text = text
        self.when = when
        self.span = span
        self.volatility = max(1, when.volatility)

    def answer(self, view: View) -> Answer:
        when, us = _instant(self.when, view)
        if us is None:
            return when
        if view.now_us >= us:
            return Answer(False, None, when.until, when.watching)
        opens = microseconds(view.calendar.before(instant(us), self.span))
        inside = view.now_us >= opens
        return Answer(inside, None, earlier(when.until, us if inside else min(opens, us)), when.watching)

    def evidence(self, view: View) -> Evidence:
        return _from_instant(self, self.when, view)


def _instant(node: Node, view: View) -> tuple[Answer, int | None]:
    answer = node.answer(view)
    if answer.error is not None:
        return answer, None
    us = instant_us(answer.value, view.calendar.zone)
    if us is not None:
        return answer, us
    shown = f' ("{answer.value}")' if isinstance(answer.value, str) else ""
    error = f"{node.text} is {kind_of(answer.value)}{shown}, not an instant such as 2026-03-02T10:00:00Z"
    return answer._replace(value=None, error=error), None


def _from_instant(node: Node, when: Node, view: View) -> Evidence:
    answer = node.answer(view)
    return Evidence(node.text, as_json(answer.value), answer.error, {when.text: as_json(when.answer(view).value)})


class InStage:
    """True while the customer stands in the stage, from ``span`` after it came there on."""

    def __init__(self, text: str, track: str, stage: str, span: Span | None) -> None:
        self.text = text
        self.track = track
        self.stage = stage
        self.span = span
        self.volatility = 0 if span is None else 1
        self.watching = frozenset((f"stage:{track}",))

    def answer(self, view: View) -> Answer:
        stage, since = view.stages.get(self.track, (None, None))
        if stage != self.stage or since is None:
            return Answer(False, None, None, self.watching)
        turns = None if self.span is None else view.calendar.after_us(microseconds(since), self.span)
        if turns is None or turns <= view.now_us:
            return Answer(True, None, None, self.watching)
        return Answer(False, None, turns, self.watching)

    def evidence(self, view: View) -> Evidence:
        answer = self.answer(view)
        stage, since = view.stages.get(self.track, (None, None))
        seen: dict[str, Json] = {f"stage.{self.track}": stage, "since": as_json(since)}
        return Evidence(self.text, as_json(answer.value), None, seen)

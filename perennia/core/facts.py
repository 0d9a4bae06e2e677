"""What is known of a customer: traits, tallies of events, the account. Inputs are absorbed here and nowhere else."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json import dumps
from typing import Protocol

import msgspec

from perennia.core.calendar import DAY_US, Calendar, Span, microseconds
from perennia.core.decisions import CustomerEvent
from perennia.core.json_values import Json, JsonObject

# A customer's zone may change while an occurrence is kept; zones lie up to 26 hours apart, and a date line move is a day.
SLACK_US = 3 * DAY_US

# Where clocks go back, what happened later may leave a calendar span earlier, by no more than this (`windows`).
FOLD_US = 3 * 3600 * 1_000_000

# Larger numbers are no amounts. Their sum could become infinite, which JSON has not: the state could not be read again.
LARGEST_AMOUNT = 1e290


class Tally(msgspec.Struct, omit_defaults=True):
    """Occurrences of one event name, or of those that pass one filter.

    ``count``, ``total`` and ``last`` are of all time. ``recent`` holds ``(instant in microseconds since 1970 UTC, value)``
    in ascending order, only as far back as the longest window of any published expression reaches, and at least as many as any
    of them counts to; ``value`` is the summed
    property, 0 where none is.
    """

    count: int = 0
    total: float = 0
    last: datetime | None = None
    recent: list[tuple[int, float]] = []


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """The latest answer to one survey. ``label``: what its score was called by the survey that was asked.

    ``answers``: to its other questions, by id. An account's score is the mean of its contacts' latest, each kept in
    ``of_contacts``; all else is the last one's.
    """

    score: float | None
    at: datetime
    label: str | None = None
    comment: str | None = None
    of_contacts: dict[str, float] = {}
    answers: JsonObject = {}

    def told(self) -> JsonObject:
        """What expressions and texts know of it."""
        at = self.at.isoformat().replace("+00:00", "Z")
        return {**self.answers, "score": self.score, "label": self.label, "comment": self.comment, "at": at}


class Facts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``ref`` is the id the outside uses; ``account`` the account's traits with ``id`` (contact scope), None without one.

    ``answers``: the latest, by survey. ``account_stages``: where a contact's account stands in its tracks, and since when;
    ``account_healths``: the parts of its health scores (`AccountTraitsChanged`).
    """

    ref: str
    first_seen: datetime
    traits: dict[str, Json] = {}
    account: JsonObject | None = None
    tallies: dict[str, Tally] = {}
    answers: dict[str, Response] = {}
    account_stages: dict[str, tuple[str, datetime]] = {}
    account_healths: dict[str, JsonObject] = {}


@dataclass(frozen=True, slots=True)
class TallySpec:
    """What one expression needs counted: events of one name, those that pass ``filter``, the sum of ``property``.

    ``window``: how far back single occurrences matter; None: figures of all time (and the last occurrence) are enough.
    ``newest``: how many of those matter, the newest; None: all of them. Whoever asks for three logins in a month is told by
    three of them, and a customer with ten thousand is as small as one with three.
    ``passes`` is ``filter``, compiled: properties to whether the event counts (an error in it: no). ``key`` is the tally's
    key in `Facts.tallies`: the event's name, or a JSON list where there is more to say.
    """

    event: str
    filter: str | None = None
    property: str | None = None
    window: Span | None = None
    passes: Callable[[JsonObject], bool] | None = field(default=None, compare=False, repr=False)
    newest: int | None = None
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        plain = self.filter is None and self.property is None and not self.event.startswith("[")
        key = self.event if plain else dumps([self.event, self.filter, self.property], ensure_ascii=False)
        object.__setattr__(self, "key", key)


class Counting(Protocol):
    """Anything that says which tallies it reads: an expression."""

    @property
    def tallies(self) -> tuple[TallySpec, ...]: ...


@dataclass(frozen=True, slots=True)
class Need:
    """One tally to keep, all windows that anybody looks at it through, and how many occurrences anybody counts to."""

    spec: TallySpec
    key: str
    windows: tuple[Span, ...]
    newest: int | None


@dataclass(frozen=True, slots=True)
class TallyNeeds:
    """What a whole catalog needs counted, by event name."""

    by_event: dict[str, tuple[Need, ...]]

    @property
    def events(self) -> frozenset[str]:
        return frozenset(self.by_event)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(need.key for needs in self.by_event.values() for need in needs)


def tally_needs(expressions: Iterable[Counting]) -> TallyNeeds:
    """Everything ``expressions`` need counted, each tally once."""
    by_key: dict[str, list[TallySpec]] = {}
    for expression in expressions:
        for spec in expression.tallies:
            by_key.setdefault(spec.key, []).append(spec)
    by_event: dict[str, tuple[Need, ...]] = {}
    for specs in by_key.values():
        need = _need(specs)
        by_event[need.spec.event] = (*by_event.get(need.spec.event, ()), need)
    return TallyNeeds(by_event)


def _need(specs: Sequence[TallySpec]) -> Need:
    """What all of them come to, which are of one tally."""
    windows = tuple(dict.fromkeys(spec.window for spec in specs if spec.window is not None))
    counts = [spec.newest for spec in specs if spec.window is not None]
    known = [count for count in counts if count is not None]
    return Need(specs[0], specs[0].key, windows, max(known) if known and len(known) == len(counts) else None)


def absorb(facts: Facts, event: CustomerEvent, needs: TallyNeeds, calendar: Calendar) -> frozenset[str]:
    """Counts ``event`` at its own time, which is never after its acceptance; events may come in any order.

    Returns ``{"event:NAME"}`` where some tally changed. Occurrences that have left every window are dropped.
    """
    when = event.at if event.timestamp is None else min(event.timestamp, event.at)
    changed = False
    for need in needs.by_event.get(event.name, ()):
        if need.spec.passes is None or need.spec.passes(event.properties):
            tally = facts.tallies.get(need.key)
            if tally is None:
                tally = facts.tallies[need.key] = Tally()
            _count(tally, when, _amount(event.properties, need.spec.property), need, event.at, calendar)
            changed = True
    return frozenset((f"event:{event.name}",)) if changed else frozenset()


def _count(tally: Tally, when: datetime, value: float, need: Need, now: datetime, calendar: Calendar) -> None:
    tally.count += 1
    if value:
        tally.total += value  # untouched, it stays the default, which is not written
    if tally.last is None or when > tally.last:
        tally.last = when
    if not need.windows:
        return
    occurrence, recent = (microseconds(when), value), tally.recent
    if recent and occurrence < recent[-1]:
        insort(recent, occurrence)
    else:
        recent.append(occurrence)
    horizon = _horizon(need, now, calendar)
    if need.newest is not None and len(recent) > need.newest:
        horizon = max(horizon, recent[-need.newest][0] - FOLD_US)
    if recent[0][0] < horizon:
        del recent[: bisect_left(recent, (horizon,))]


def _horizon(need: Need, now: datetime, calendar: Calendar) -> int:
    """An instant (microseconds) before which no occurrence can be inside any window, whatever zones and DST do."""
    now_us = microseconds(now)
    reaches = [
        now_us - window.length_us if not window.business_days else microseconds(calendar.before(now, window))
        for window in need.windows
    ]
    return min(reaches) - SLACK_US


def _amount(properties: JsonObject, name: str | None) -> float:
    """The numeric property, 0 where it is missing, no number, or too large to be one."""
    value = properties.get(name) if name is not None else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if abs(value) <= LARGEST_AMOUNT else 0.0


def zones_told(facts: Facts) -> tuple[Json, Json]:
    """The ``timezone`` traits of the customer and of its account, as they were told; None where there is none."""
    return facts.traits.get("timezone"), None if facts.account is None else facts.account.get("timezone")


def set_traits(facts: Facts, changes: JsonObject) -> frozenset[str]:
    """Sets traits, removes those that are None, and returns ``trait:NAME`` of each that is different now."""
    changed: list[str] = []
    for name, value in changes.items():
        if value is None:
            if facts.traits.pop(name, None) is not None:
                changed.append(f"trait:{name}")
        elif name not in facts.traits or not same_json(facts.traits[name], value):
            facts.traits[name] = value
            changed.append(f"trait:{name}")
    return frozenset(changed)


def same_json(one: Json, other: Json) -> bool:
    """Equal as JSON: unlike Python's ``==``, ``1``, ``1.0`` and ``true`` are three values."""
    return one == other and (type(one) is type(other) is str or repr(one) == repr(other))

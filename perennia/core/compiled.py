"""The catalog, made ready to run: definitions compiled once, events indexed by name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Final, NamedTuple, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from perennia.core.admission import ANY_TIME, Timing, calendar_of, timing_of
from perennia.core.calendar import Calendar, Span, find_zone, parse_span
from perennia.core.decisions import EnrollOrder
from perennia.core.definition_compiler import compile_health, compile_playbook, compile_track
from perennia.core.definitions import BroadcastBook, Health, Playbook, Policies, Scope, Segment, Survey, Track
from perennia.core.documents import BROADCAST, Document, PlaybookBody, Triggers, content_hash
from perennia.core.expressions import Expression
from perennia.core.facts import TallyNeeds, tally_needs
from perennia.core.json_values import Json
from perennia.core.nodes import CompiledHealth, CompiledPlaybook, CompiledTrack, CompiledTrigger
from perennia.core.playbook_orders import Pause, PlaybookOrder, pauses_of

Key = TypeVar("Key", bound=Hashable)
Standing: TypeAlias = CompiledTrack | CompiledHealth
DEFINITIONS_KEPT: Final = 1000  # of each kind, compiled: 35 KB each, and the shipped workspace has 40 in all


@dataclass(frozen=True)
class Rehearsal:
    """What a scenario forces: each split's variant by step id; with ``holdouts`` false only a holdout of all is one."""

    variants: Mapping[str, str] = field(default_factory=dict[str, str])
    holdouts: bool = True


NO_REHEARSAL = Rehearsal()


class Cooldown(NamedTuple):
    """How long nobody is asked after any survey, and no relational one after another."""

    any: Span | None = None
    relational: Span | None = None


NO_COOLDOWN = Cooldown()


@dataclass(frozen=True, repr=False)
class Catalog:
    """One immutable revision of all published definitions, compiled.

    ``standings``: tracks and health scores, each after those that it reads.
    ``past``: older versions some are still pinned to. ``orders``: what was ordered for everybody in a playbook, in order,
    as far back as somebody may not have carried it out yet; ``pauses``: all of them.
    ``felt_by_contacts``: health scores of accounts that something about contacts reads.
    ``awaited_events``: names of events that some wait, goal or exit of any version looks for.
    """

    revision: str
    policies: Policies
    playbooks: Mapping[str, CompiledPlaybook]
    tracks: Mapping[str, CompiledTrack]
    needs: TallyNeeds
    needs_version: str
    past: Mapping[tuple[str, str], CompiledPlaybook]
    event_triggers: Mapping[str, tuple[CompiledTrigger, ...]]
    prefix_triggers: tuple[CompiledTrigger, ...]
    when_triggers: Mapping[str, tuple[CompiledTrigger, ...]]
    stage_triggers: Mapping[tuple[str, str], tuple[CompiledTrigger, ...]]
    end_triggers: Mapping[str, tuple[CompiledTrigger, ...]]
    timed_triggers: Mapping[str, tuple[CompiledTrigger, ...]]
    workspace_calendar: Calendar
    zoned: frozenset[Scope]
    orders: tuple[PlaybookOrder, ...] = ()
    pauses: Mapping[str, tuple[Pause, ...]] = field(default_factory=dict[str, "tuple[Pause, ...]"])
    rehearsal: Rehearsal = NO_REHEARSAL
    timing: Timing = ANY_TIME
    surveys: Mapping[str, Survey] = field(default_factory=dict[str, Survey])
    healths: Mapping[str, CompiledHealth] = field(default_factory=dict[str, CompiledHealth])
    standings: tuple[Standing, ...] = ()
    survey_cooldown: Cooldown = NO_COOLDOWN
    felt_by_contacts: frozenset[str] = frozenset()
    awaited_events: frozenset[str] = frozenset()
    _calendars: dict[ZoneInfo, Calendar] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Catalog({self.revision!r}, {sorted(self.playbooks)})"

    def playbook(self, id_: str, version: str) -> CompiledPlaybook:
        """Raises `KeyError` where that version was never published."""
        current = self.playbooks.get(id_)
        if current is not None and current.version == version:
            return current
        return self.past[id_, version]

    def knows(self, id_: str, version: str) -> bool:
        current = self.playbooks.get(id_)
        return (current is not None and current.version == version) or (id_, version) in self.past

    def entered_by(self, order: EnrollOrder) -> CompiledPlaybook | None:
        """The playbook that the order means, None where there is none (any more)."""
        if order.version is None:
            return self.playbooks.get(order.playbook)
        return self.past.get((order.playbook, order.version))

    def is_paused(self, playbook: str, at: datetime) -> bool:
        """Whether the playbook as a whole was paused at that instant."""
        pauses = self.pauses.get(playbook, ())
        return any(pause.since <= at and (pause.until is None or at < pause.until) for pause in pauses)

    def orders_after(self, number: int) -> tuple[PlaybookOrder, ...]:
        """Those of later revisions than ``number``."""
        if not self.orders or self.orders[-1].number <= number:
            return ()
        return tuple(order for order in self.orders if order.number > number)

    def calendar(self, timezone: Json, account_timezone: Json = None) -> Calendar:
        """The calendar of a customer with these ``timezone`` traits; unknown names fall back to the next."""
        # Kept by zone, not by trait: senders tell anything as a trait, also lists, and no end of unknown names.
        zone, _ = find_zone(timezone, account_timezone, self.policies.timezone)
        known = self._calendars.get(zone)
        if known is None:
            known = self._calendars[zone] = replace(self.workspace_calendar, zone=zone)
        return known

    def triggers(self) -> Triggers:
        """What the store must know of the catalog: which events start something for anybody, which topics are confirmed."""
        prefixes = {(trigger.event or "").removesuffix("*") for trigger in self.prefix_triggers}
        return Triggers(
            names=tuple(sorted(self.event_triggers)),
            prefixes=tuple(sorted(prefixes)),
            confirmed=tuple(sorted(name for name, topic in self.policies.topics.items() if topic.confirm)),
        )

    def started_by(self, event: str) -> tuple[CompiledTrigger, ...]:
        exact = self.event_triggers.get(event, ())
        if not self.prefix_triggers:
            return exact
        prefixed = (t for t in self.prefix_triggers if event.startswith((t.event or "").removesuffix("*")))
        return (*exact, *prefixed)


def compile_catalog(
    revision: str,
    current: Sequence[Document],
    past: Sequence[Document] = (),
    orders: Iterable[PlaybookOrder] = (),
) -> Catalog:
    """A catalog of published documents. Raises `ExpressionError`, `SpanError` or pydantic's error for what no check passed.

    ``past`` must have the version that each of ``orders`` leads to, unless it is current.
    """
    segments = _segments(current)
    present = [(each, _playbook_of(each.body, each.version, segments)) for each in current if each.kind == "playbook"]
    former = [(each, _playbook_of(each.body, each.version, segments)) for each in past if each.kind == "playbook"]
    first = _first_published([*present, *former])
    tracks = {each.id: _track_of(each.body, each.version, segments) for each in current if each.kind == "track"}
    healths = [_health_of(each.body, each.version, segments) for each in current if each.kind == "health"]
    surveys = [Survey.model_validate_json(document.body) for document in current if document.kind == "survey"]
    policies = next((Policies.model_validate_json(d.body) for d in current if d.kind == "policies"), None)
    catalog = assemble(
        revision,
        policies or Policies(policies="default"),
        {document.id: _dated(book, first) for document, book in present},
        tracks,
        {(document.id, document.version): book for document, book in former},
        {health.id: health for health in healths},
        tuple(sorted(orders, key=lambda order: order.number)),
    )
    return replace(catalog, surveys={survey.survey: survey for survey in surveys})


def assemble(
    revision: str,
    policies: Policies,
    books: Mapping[str, CompiledPlaybook],
    tracks: Mapping[str, CompiledTrack],
    past: Mapping[tuple[str, str], CompiledPlaybook],
    healths: Mapping[str, CompiledHealth] | None = None,
    orders: tuple[PlaybookOrder, ...] = (),
) -> Catalog:
    """A catalog of compiled parts. Tallies are kept for what past versions count, too: people may still be inside."""
    standings = _in_order([*tracks.values(), *(healths or {}).values()])
    needs = tally_needs(_expressions([*books.values(), *past.values()], standings))
    triggers = [trigger for book in books.values() for trigger in book.triggers]
    by_event = _grouped(
        (t for t in triggers if t.event is not None and not t.event.endswith("*")), lambda t: t.event or ""
    )
    return Catalog(
        revision=revision,
        policies=policies,
        survey_cooldown=Cooldown(*map(_span, (policies.survey_cooldown.any, policies.survey_cooldown.relational))),
        playbooks=books,
        tracks={each.id: each for each in standings if isinstance(each, CompiledTrack)},
        healths=healths or {},
        standings=standings,
        needs=needs,
        needs_version=_needs_version(needs),
        past=past,
        orders=orders,
        pauses=pauses_of(orders),
        event_triggers=by_event,
        prefix_triggers=tuple(t for t in triggers if t.event is not None and t.event.endswith("*")),
        timed_triggers=_grouped(
            (t for t in triggers if t.timing is not None), lambda t: books[t.playbook].definition.scope
        ),
        stage_triggers=_grouped((t for t in triggers if t.stage is not None), lambda t: t.stage or ("", "")),
        end_triggers=_grouped((t for t in triggers if t.end is not None), lambda t: (t.end or ("", ""))[0]),
        when_triggers=_grouped(
            (t for t in triggers if t.when is not None), lambda t: books[t.playbook].definition.scope
        ),
        timing=timing_of(policies),
        workspace_calendar=calendar_of(policies),
        zoned=frozenset(_zoned(books.values(), standings)),
        felt_by_contacts=_felt_by_contacts([*books.values(), *past.values()], standings),
        awaited_events=frozenset(_awaited([*books.values(), *past.values()])),
    )


def _awaited(books: Iterable[CompiledPlaybook]) -> Iterable[str]:
    for book in books:
        yield from book.event_tests
        yield from book.rule_events


def _felt_by_contacts(books: Iterable[CompiledPlaybook], standings: Sequence[Standing]) -> frozenset[str]:
    read = [expression for book in books if book.definition.scope == "contact" for expression in book.expressions]
    for standing in standings:
        if standing.definition.scope == "contact":
            read += _criteria(standing)
    named = frozenset[str]().union(*(expression.healths for expression in read))
    healths = [each for each in standings if isinstance(each, CompiledHealth)]
    return frozenset(each.id for each in healths if each.definition.scope == "account" and each.id in named)


def _zoned(books: Iterable[CompiledPlaybook], standings: Iterable[Standing]) -> Iterable[Scope]:
    """Whose zone can start something or move somebody, whether they are in a playbook or not."""
    for book in books:
        entering = [*(trigger.when for trigger in book.triggers), book.where]
        if any(each is not None and each.follows_zone for each in entering):
            yield book.definition.scope
    for standing in standings:
        if any(each.follows_zone for each in _criteria(standing)):
            yield standing.definition.scope


def _in_order(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """Each after those that its expressions read. A circle, which `check` refuses, stays as it stands."""
    named = {("track" if isinstance(each, CompiledTrack) else "health", each.id): each for each in standings}
    healths = [name for kind, name in named if kind == "health"]
    reads = {
        key: sorted(
            {("track", track) for expression in _criteria(each) for track in expression.tracks}
            | {
                ("health", name)
                for expression in _criteria(each)
                for health in expression.healths
                for name in ([health] if health else healths)
            }
        )
        for key, each in named.items()
    }
    try:
        return tuple(named[key] for key in TopologicalSorter(reads).static_order() if key in named)
    except CycleError:
        return tuple(standings)


def _criteria(standing: Standing) -> Iterable[Expression]:
    if isinstance(standing, CompiledTrack):
        return [stage.enter for stage in standing.stages if stage.enter is not None]
    return [measure.value for measure in standing.measures]


def _span(text: str | None) -> Span | None:
    return None if text is None else parse_span(text)


class _Published(dict[str, str]):
    """Criteria by segment. One that is gone has no members: people may still be inside older versions that name it."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "false"


class _Segments(NamedTuple):
    """Name and criterion of each segment, by scope."""

    contact: tuple[tuple[str, str], ...]
    account: tuple[tuple[str, str], ...]

    def of(self, scope: Scope) -> _Published:
        return _Published(self.contact if scope == "contact" else self.account)


def _segments(current: Iterable[Document]) -> _Segments:
    found: dict[Scope, list[tuple[str, str]]] = {"contact": [], "account": []}
    for document in current:
        if document.kind == "segment":
            segment = Segment.model_validate_json(document.body)
            found[segment.scope].append((segment.segment, segment.when))
    return _Segments(tuple(sorted(found["contact"])), tuple(sorted(found["account"])))


# What a definition compiles to depends on nothing but these arguments, and nothing changes it afterwards. So a catalog that
# shares most definitions with one from before costs little: the next revision, each of a hundred scenarios, a plan.


@lru_cache(maxsize=DEFINITIONS_KEPT)
def _track_of(body: str, version: str, segments: _Segments) -> CompiledTrack:
    track = Track.model_validate_json(body)
    return compile_track(track, version, segments.of(track.scope))


@lru_cache(maxsize=DEFINITIONS_KEPT)
def _health_of(body: str, version: str, segments: _Segments) -> CompiledHealth:
    health = Health.model_validate_json(body)
    return compile_health(health, version, segments.of(health.scope))


def playbook_in(document: PlaybookBody) -> Playbook:
    """The playbook that was published, or that a broadcast is made of."""
    of_broadcast = str(document.definition.get("playbook")).startswith(BROADCAST)
    return (BroadcastBook if of_broadcast else Playbook).model_validate(document.definition)


@lru_cache(maxsize=DEFINITIONS_KEPT)
def _playbook_of(body: str, version: str, segments: _Segments) -> CompiledPlaybook:
    written = msgspec.json.decode(body, type=PlaybookBody)
    playbook = playbook_in(written)
    surveys = {name: Survey.model_validate(survey) for name, survey in written.surveys.items()}
    return compile_playbook(playbook, version, written.templates, segments.of(playbook.scope), surveys)


def _first_published(published: Iterable[tuple[Document, CompiledPlaybook]]) -> dict[str, datetime]:
    """By trigger key: since when what happens can start the playbook through it. Not there: it always could."""
    first: dict[str, datetime] = {}
    always: set[str] = set()
    for document, book in published:
        for trigger in book.triggers:
            if document.published_at is None:
                always.add(trigger.key)
            else:
                first[trigger.key] = min(first.get(trigger.key, document.published_at), document.published_at)
    return {key: since for key, since in first.items() if key not in always}


def _dated(book: CompiledPlaybook, first: Mapping[str, datetime]) -> CompiledPlaybook:
    triggers = tuple(replace(trigger, since=first.get(trigger.key)) for trigger in book.triggers)
    return replace(book, triggers=triggers)


def _needs_version(needs: TallyNeeds) -> str:
    kept = [
        (need.key, sorted(window.text for window in need.windows), need.newest)
        for each in needs.by_event.values()
        for need in each
    ]
    return content_hash(repr(sorted(kept)))[:8]


def _expressions(books: Iterable[CompiledPlaybook], standings: Iterable[Standing]) -> Iterable[Expression]:
    for book in books:
        yield from book.expressions
    for standing in standings:
        yield from _criteria(standing)


def _grouped(
    triggers: Iterable[CompiledTrigger], key: Callable[[CompiledTrigger], Key]
) -> dict[Key, tuple[CompiledTrigger, ...]]:
    groups: dict[Key, list[CompiledTrigger]] = {}
    for trigger in triggers:
        groups.setdefault(key(trigger), []).append(trigger)
    return {name: tuple(members) for name, members in groups.items()}

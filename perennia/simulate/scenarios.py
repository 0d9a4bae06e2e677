"""Runs a scenario: a customer lives through it in virtual time, and what became visible is held against what must follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from perennia.catalog.scenario_models import (
    AnswerInput,
    ApproveInput,
    BounceInput,
    ClickInput,
    ConsentInput,
    DenyInput,
    EndInput,
    EnrollInput,
    EventInput,
    LockInput,
    OpenInput,
    PauseInput,
    PublishInput,
    ReplyInput,
    ResumeInput,
    Scenario,
    ScenarioInput,
    SkipInput,
    StageInput,
    SuppressInput,
    TaskDoneInput,
    TraitsInput,
    UnlockInput,
    UnsubscribeInput,
)
from perennia.catalog.scenario_world import ANYTHING, ScenarioPerson
from perennia.core.advance import new_customer
from perennia.core.calendar import Calendar, parse_span, resolve
from perennia.core.compiled import Catalog
from perennia.core.contacts import roles_in
from perennia.core.decisions import (
    CustomerEvent,
    EnrollmentOrder,
    EnrollOrder,
    Input,
    JournalEntry,
    StageLockOrder,
    StageOrder,
    SurveyAnswered,
    TraitsChanged,
)
from perennia.core.definitions import Scope, StageStep
from perennia.core.documents import Document
from perennia.core.json_values import JsonObject
from perennia.core.state import CustomerState
from perennia.core.step_ids import place_steps
from perennia.simulate.comparison import Difference, Expected, compare, expected_of
from perennia.simulate.outside import Fault, Rendering
from perennia.simulate.publications import AUTHOR, first_edition, later_editions
from perennia.simulate.timeline import Happening, Kind, happenings_among
from perennia.simulate.world import Act, World


@dataclass(frozen=True)
class ScenarioResult:
    """``differences`` empty: it passed. ``reached``: ``(playbook, step)`` of every step that it came to.

    ``sources``: by template, title or event, the steps ``(playbook, step)`` that send, open or emit it. ``tracks``: those
    that an expectation names, or a step of the playbooks sets.
    """

    scenario: Scenario
    zone: ZoneInfo
    actual: tuple[Happening, ...]
    expected: tuple[Expected, ...]
    differences: tuple[Difference, ...]
    journal: tuple[JournalEntry, ...]
    reached: frozenset[tuple[str, str]]
    start: datetime
    calendar: Calendar
    sources: Mapping[str, frozenset[tuple[str, str]]]
    tracks: frozenset[str]

    @property
    def passed(self) -> bool:
        return not self.differences


def scenario_catalog(documents: Sequence[Document], scenario: Scenario) -> Catalog:
    """What is published in the scenario when it begins."""
    return first_edition(documents, scenario).catalog(scenario)


def run_scenario(
    documents: Sequence[Document],
    scenario: Scenario,
    rendering: Rendering,
    drafts: Mapping[str, Sequence[Document]] | None = None,
) -> ScenarioResult:
    """Raises nothing that depends on the scenario: what goes wrong is a difference.

    ``drafts``: by file the documents that it publishes on its way.
    """
    world, moments, catalog = live_through(documents, scenario, rendering, drafts)
    chronicle = [(whose.facts.ref if whose.kind == "contact" else None, entry) for whose, entry in world.chronicle]
    actual = happenings_among(chronicle, world.outside.texts)
    expected = [each for item in scenario.expect for each in expected_of(item, moments.instant)]
    return ScenarioResult(
        scenario=scenario,
        zone=moments.calendar.zone,
        actual=tuple(actual),
        expected=tuple(expected),
        differences=tuple(compare(actual, expected, strict=scenario.strict)),
        journal=tuple(world.journal),
        reached=_reached(world),
        start=moments.start,
        calendar=moments.calendar,
        sources=_sources(catalog),
        tracks=frozenset(_tracks_named(catalog, expected)),
    )


class LivedThrough(NamedTuple):
    """The world at the end of a scenario; ``catalog``: what was published at its start."""

    world: World
    moments: Moments
    catalog: Catalog


def live_through(
    documents: Sequence[Document],
    scenario: Scenario,
    rendering: Rendering,
    drafts: Mapping[str, Sequence[Document]] | None = None,
) -> LivedThrough:
    """Everything that happens in the scenario, up to and with its end. ``drafts``: as of `run_scenario`."""
    first = first_edition(documents, scenario)
    catalog = first.catalog(scenario)
    moments = Moments(catalog, scenario)
    published = [(moments.instant(item.at), item) for item in scenario.when if isinstance(item, PublishInput)]
    editions = later_editions(first, scenario, drafts or {}, published)
    world = furnish(catalog, scenario, moments, rendering, iter([each for _, each in editions]))
    world.run(moments.instant(scenario.until))
    return LivedThrough(world, moments, catalog)


def _reached(world: World) -> frozenset[tuple[str, str]]:
    over = {(entry.playbook, entry.step) for entry in world.journal if entry.playbook and entry.step}
    return frozenset(over) | world.standing


def _sources(catalog: Catalog) -> dict[str, frozenset[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for book in catalog.playbooks.values():
        for placed in place_steps(book.definition):
            subject = getattr(placed.step, placed.verb, None)
            if isinstance(subject, str):
                found.setdefault(subject, set()).add((book.id, placed.id))
    return {subject: frozenset(steps) for subject, steps in found.items()}


def _tracks_named(catalog: Catalog, expected: Sequence[Expected]) -> Iterator[str]:
    for each in expected:
        if each.kind is Kind.STAGE:
            yield from catalog.tracks if each.subject == ANYTHING else (each.subject,)
    for book in catalog.playbooks.values():
        for placed in place_steps(book.definition):
            if isinstance(placed.step, StageStep):
                yield from placed.step.stage


class Moments:
    """Instants of a scenario: spans count from ``start``, in the customer's zone as it is at ``start``."""

    def __init__(self, catalog: Catalog, scenario: Scenario) -> None:
        told = scenario.customer.timezone or scenario.customer.traits.get("timezone")
        self.calendar: Calendar = catalog.calendar(told)
        self.start = self._absolute(scenario.start)

    def instant(self, moment: str | datetime) -> datetime:
        if isinstance(moment, datetime):
            return self._absolute(moment)
        return self.calendar.after(self.start, parse_span(moment))

    def _absolute(self, instant: datetime) -> datetime:
        """An instant without an offset is wall-clock time in the customer's zone."""
        return resolve(instant, self.calendar.zone) if instant.tzinfo is None else instant.astimezone(UTC)


def scope_of(catalog: Catalog, scenario: Scenario) -> Scope:
    books: dict[str, Scope] = {name: book.definition.scope for name, book in catalog.playbooks.items()}
    tracks: dict[str, Scope] = {name: track.definition.scope for name, track in catalog.tracks.items()}
    return scenario.about(books, tracks)


def furnish(
    catalog: Catalog,
    scenario: Scenario,
    moments: Moments,
    rendering: Rendering,
    editions: Iterator[Catalog] | None = None,
) -> World:
    """The world at the scenario's start, with everything that will happen on its agenda.

    ``editions``: what each publish on the way brings into force, in the order of their instants.
    """
    scope = scope_of(catalog, scenario)
    world = World(catalog, _newcomer(scenario.customer, scope, moments), rendering)
    world.outside.faults = [
        Fault(moments.instant(fault.at), trouble == "refuses", fault.times, kind)
        for fault in sorted(scenario.provider, key=lambda fault: moments.instant(fault.at))
        for kind, trouble in fault.troubles.items()
    ]
    traits = initial_traits(scenario)
    # Before its contacts', of which an account hears: nobody looks at it before its own have arrived.
    world.at(moments.start, TraitsChanged(at=moments.start, traits=traits))
    for contact in scenario.customer.contacts:
        newcomer = _newcomer(contact, "contact", moments)
        newcomer.facts.account = {**traits, "id": scenario.customer.id}
        told = contact.told()
        world.settle(newcomer, roles_in(told))
        world.at(moments.start, TraitsChanged(at=moments.start, traits=told), contact.id)
    seen: set[str] = set()
    for item in scenario.when:
        if isinstance(item, EventInput) and item.id is not None:
            if item.id in seen:
                continue
            seen.add(item.id)
        world.at(moments.instant(item.at), _happening(item, moments, editions or iter(())), item.contact)
    return world


def _newcomer(person: ScenarioPerson, kind: Scope, moments: Moments) -> CustomerState:
    first_seen = moments.start if person.first_seen is None else moments.instant(person.first_seen)
    return new_customer(person.id, kind, person.id, first_seen)


def initial_traits(scenario: Scenario) -> JsonObject:
    """The customer's. Whose account it is, its owner is the account's."""
    traits = scenario.customer.told()
    if scenario.owner is not None:
        traits["owner"] = scenario.owner.model_dump(exclude_none=True)
    return traits


def _publish(at: datetime, editions: Iterator[Catalog], world: World) -> None:
    world.publish(at, next(editions))


def _happening(item: ScenarioInput, moments: Moments, editions: Iterator[Catalog]) -> Input | Act:
    """What an item of ``when`` puts on the agenda: an input, or something that happens to the world."""
    at = moments.instant(item.at)
    match item:
        case PublishInput():
            return partial(_publish, at, editions)
        case ConsentInput():
            return lambda world: world.consent(item.consent, given=True, customer=item.contact)
        case UnsubscribeInput():
            return lambda world: world.consent(item.unsubscribe, given=False, customer=item.contact)
        case SuppressInput():
            return lambda world: world.suppress(item.contact)
        case TaskDoneInput():
            return lambda world: world.finish_task(at, item.task_done, item.result, item.contact, item.key)
        case OpenInput():
            return lambda world: world.tell(at, item.open, "opened", item.contact, item.key)
        case ClickInput():
            return lambda world: world.tell(at, item.click, "clicked", item.contact, item.key)
        case ReplyInput():
            return lambda world: world.tell(at, item.reply, "replied", item.contact, item.key)
        case BounceInput():
            return lambda world: world.tell(at, item.bounce, "bounced", item.contact, item.key)
        case ApproveInput():
            return lambda world: world.answer(at, item.approve, "approved", item.comment, item.contact, item.key)
        case DenyInput():
            return lambda world: world.answer(at, item.deny, "denied", item.comment, item.contact, item.key)
        case _:
            return scenario_input(item, at, moments)


def scenario_input(
    item: EventInput
    | TraitsInput
    | AnswerInput
    | EnrollInput
    | SkipInput
    | PauseInput
    | ResumeInput
    | EndInput
    | StageInput
    | LockInput
    | UnlockInput,
    at: datetime,
    moments: Moments,
) -> Input:
    """The input that such an item stands for, accepted at ``at``."""
    match item:
        case EventInput():
            own = None if item.timestamp is None else min(moments.instant(item.timestamp), at)
            return CustomerEvent(at=at, name=item.event, properties=item.properties, timestamp=own)
        case TraitsInput():
            return TraitsChanged(at=at, traits=item.traits)
        case AnswerInput(answer=answer):
            return SurveyAnswered(
                at=at,
                survey=answer.survey,
                score=answer.score,
                comment=answer.comment,
                by=AUTHOR,
                answers=answer.answers,
                partial=answer.partial,
            )
        case EnrollInput():
            return EnrollOrder(at=at, playbook=item.enroll, by_person=True, by=AUTHOR, payload=item.with_)
        case SkipInput():
            return EnrollmentOrder(at=at, order="skip", playbook=item.skip, by=AUTHOR, key=item.key)
        case PauseInput():
            return EnrollmentOrder(at=at, order="pause", playbook=item.pause, by=AUTHOR, key=item.key)
        case ResumeInput():
            return EnrollmentOrder(at=at, order="resume", playbook=item.resume, by=AUTHOR, key=item.key)
        case EndInput():
            return EnrollmentOrder(at=at, order="end", playbook=item.end, by=AUTHOR, key=item.key)
        case StageInput():
            ((track, stage),) = item.stage.items()
            return StageOrder(at=at, track=track, stage=stage, by=AUTHOR)
        case LockInput():
            until = None if item.until is None else moments.instant(item.until)
            return StageLockOrder(at=at, track=item.lock, locked=True, by=AUTHOR, until=until, why=item.why)
        case UnlockInput():
            return StageLockOrder(at=at, track=item.unlock, locked=False, by=AUTHOR)

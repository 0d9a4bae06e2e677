"""One customer and one playbook, from the beginning to an end: somebody made up in a file, or somebody the store knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from perennia.catalog.scenario_models import Scenario
from perennia.core.calendar import Calendar, Span
from perennia.core.compiled import Catalog
from perennia.core.decisions import Act, EnrollOrder, JournalEntry
from perennia.core.definitions import Scope
from perennia.core.documents import Document
from perennia.core.facts import zones_told
from perennia.core.lives import Household
from perennia.core.nodes import CompiledPlaybook
from perennia.core.state import CustomerState, Enrollment
from perennia.simulate.outside import Rendering
from perennia.simulate.reliving import Draft, relive
from perennia.simulate.scenarios import live_through
from perennia.simulate.surroundings import standings_of
from perennia.simulate.timeline import Happening, Kind, happenings_among, shows
from perennia.simulate.world import World


class OtherScope(Exception):
    """The playbook is not for customers of this kind. ``others``: ids of those near it whom it is for."""

    def __init__(self, playbook: str, scope: Scope, others: Sequence[str]) -> None:
        super().__init__(f'"{playbook}" is for {scope}s')
        self.scope = scope
        self.others = tuple(others)


@dataclass(frozen=True)
class Decided:
    """A decision; ``contact``: which of the account's contacts it is about, None: the customer itself."""

    contact: str | None
    entry: JournalEntry


@dataclass(frozen=True)
class Simulation:
    """``start``: where spans count from. ``now``: up to there the customer's own history; None: all of it is made up.

    ``decisions`` and ``timeline`` are those about the customer, and of an account's contacts what its playbooks do there.
    ``alive``: the enrollments that live on at the end. ``reads``: tracks and health scores that the playbook does.
    ``catalog``: what is in force at the end.
    """

    playbook: str
    customer: str
    catalog: Catalog
    calendar: Calendar
    start: datetime
    now: datetime | None
    until: datetime
    decisions: tuple[Decided, ...]
    timeline: tuple[Happening, ...]
    alive: tuple[Enrollment, ...]
    reads: frozenset[tuple[str, str]]

    def book(self, version: str | None) -> CompiledPlaybook:
        """The playbook in this version, which somebody was in."""
        current = self.catalog.playbooks[self.playbook]
        known = version is not None and self.catalog.knows(self.playbook, version)
        return self.catalog.playbook(self.playbook, version) if version is not None and known else current

    def matters(self, entry: JournalEntry) -> bool:
        """Whether it is about a playbook, or about a track or a health score that the playbook reads."""
        standing = (("track", entry.detail.get("track")), ("health", entry.detail.get("health")))
        return entry.act not in (Act.STAGE, Act.RAISED, Act.HEALTH) or any(each in self.reads for each in standing)


def simulate_scenario(
    documents: Sequence[Document],
    scenario: Scenario,
    playbook: str,
    rendering: Rendering,
    drafts: Mapping[str, Sequence[Document]] | None = None,
) -> Simulation:
    """The scenario's customer, up to and with its end; what it expects is not looked at.

    ``drafts``: as of `run_scenario`.
    """
    world, moments, _ = live_through(documents, scenario, rendering, drafts)
    told = _Told(world, world.state.customer, world.catalog)
    return Simulation(
        playbook=playbook,
        customer=scenario.customer.id,
        catalog=world.catalog,
        calendar=moments.calendar,
        start=moments.start,
        now=None,
        until=moments.instant(scenario.until),
        decisions=tuple(told.decisions()),
        timeline=tuple(told.timeline()),
        alive=tuple(world.state.enrollments),
        reads=_read_by(documents, playbook),
    )


def simulate_life(
    documents: Sequence[Document],
    draft: Draft,
    household: Household,
    customer: str,
    span: Span,
    *,
    enrolled_by: str | None = None,
) -> Simulation:
    """What the household lived through up to the draft's end, which is now, and the ``span`` after it.

    From now on nobody does anything. ``customer``: the internal id of the one to tell about; ``enrolled_by``: who enrolls
    it by hand now. Raises `OtherScope`.
    """
    _must_be_for(draft, household, customer)
    world = relive(draft, household)
    calendar = draft.catalog.calendar(*zones_told(world.state_of(customer).facts))
    now, until = draft.until, calendar.after(draft.until, span)
    if enrolled_by is not None:
        world.at(now, EnrollOrder(at=now, playbook=draft.playbook, by_person=True, by=enrolled_by), customer)
    world.run(until)
    told = _Told(world, customer, draft.catalog)
    return Simulation(
        playbook=draft.playbook,
        customer=world.state_of(customer).facts.ref,
        catalog=draft.catalog,
        calendar=calendar,
        start=now,
        now=now,
        until=until,
        decisions=tuple(told.decisions()),
        timeline=tuple(told.timeline()),
        alive=tuple(world.state_of(customer).enrollments),
        reads=_read_by(documents, draft.playbook),
    )


def _must_be_for(draft: Draft, household: Household, customer: str) -> None:
    scope = draft.catalog.playbooks[draft.playbook].definition.scope
    kind = next(life.kind for life in household if life.id == customer)
    if kind != scope:
        raise OtherScope(draft.playbook, scope, [life.ref for life in household if life.kind == scope])


def _read_by(documents: Sequence[Document], playbook: str) -> frozenset[tuple[str, str]]:
    book = [each for each in documents if (each.kind, each.id) == ("playbook", playbook)]
    return standings_of(book, [each for each in documents if each.kind != "playbook"])


class _Told:
    """What a world has to tell about one customer."""

    def __init__(self, world: World, customer: str, catalog: Catalog) -> None:
        self._customer = customer
        self._catalog = catalog
        self._is_account = world.state_of(customer).kind == "account"
        chronicle = [(state.customer, entry) for state, entry in world.chronicle]
        self._happenings = happenings_among(chronicle, world.outside.texts)
        self._chronicle = world.chronicle

    def decisions(self) -> Iterator[Decided]:
        happenings = iter(self._happenings)
        for state, entry in self._chronicle:
            happening = next(happenings) if shows(entry) else None
            if self._is_told(state, entry):
                contact = None if state.customer == self._customer else state.facts.ref
                yield Decided(contact, entry if happening is None else _as_rendered(entry, happening))

    def timeline(self) -> Iterator[Happening]:
        happenings = iter(self._happenings)
        for state, entry in self._chronicle:
            happening = next(happenings) if shows(entry) else None
            if happening is not None and self._is_told(state, entry):
                contact = None if state.customer == self._customer else state.facts.ref
                yield replace(happening, contact=contact)

    def _is_told(self, state: CustomerState, entry: JournalEntry) -> bool:
        return state.customer == self._customer or (self._is_account and entry.playbook in self._catalog.playbooks)


# What of a released effect's detail is a text of the playbook's, by the kind of the effect.
_TEXTS = {Kind.TASK: "task", Kind.ESCALATED: "task", Kind.APPROVE: "question", Kind.WEBHOOK: "webhook"}


def _as_rendered(entry: JournalEntry, happening: Happening) -> JournalEntry:
    """The decision with the title, the question or the address as a person reads it."""
    name = _TEXTS.get(happening.kind)
    if name is not None:
        return msgspec.structs.replace(entry, detail={**entry.detail, name: happening.subject})
    if happening.kind is Kind.NOTIFY:
        return msgspec.structs.replace(entry, detail={**entry.detail, "text": happening.told.get("text")})
    return entry

"""A scenario driven on the real workflow, turns and store: what it says is done to the installation at its instants."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias, cast

import msgspec
import pytest

from perennia.catalog.scenario_models import (
    ApproveInput,
    BounceInput,
    ClickInput,
    ConsentInput,
    DenyInput,
    EventInput,
    OpenInput,
    PublishInput,
    ReplyInput,
    Scenario,
    ScenarioInput,
    SuppressInput,
    TaskDoneInput,
    TraitsInput,
    UnsubscribeInput,
)
from perennia.catalog.scenario_world import ScenarioPerson
from perennia.core.decisions import (
    Answer,
    ApprovalEnded,
    CustomerEvent,
    EffectEnded,
    JournalEntry,
    MessageTold,
    Outcome,
    Reason,
    SendEmail,
    TaskEnded,
    Told,
    TraitsChanged,
)
from perennia.core.definitions import Scope
from perennia.core.documents import Document, PlaybookBody
from perennia.core.json_values import Json, JsonObject
from perennia.simulate.publications import first_edition
from perennia.simulate.scenarios import (
    Moments,
    ScenarioResult,
    initial_traits,
    scenario_catalog,
    scenario_input,
    scope_of,
)
from perennia.simulate.timeline import Happening, happenings
from perennia.store import open_store
from perennia.store.port import Store
from perennia.store.records import Accepted
from tests.support.time_skipping import SkippedTime, skipped_time, time_skipping_server

# By contact, and under None for the customer itself, what happened in its order.
Timelines: TypeAlias = dict[str | None, list[Happening]]


async def lived_on_the_engine(scenario: Scenario, database: Path, documents: Sequence[Document]) -> Timelines:
    """On a time-skipping server of its own: timers that an earlier scenario left behind would hold this one's clock."""
    catalog = scenario_catalog(documents, scenario)
    moments = Moments(catalog, scenario)
    published = [without_holdout(document) for document in first_edition(documents, scenario).documents]
    store = open_store(f"sqlite:///{database}")
    await store.migrate()

    async def publish() -> None:
        await store.publish(published, catalog.triggers(), moments.start, "test", None)

    async with (
        time_skipping_server() as server,
        skipped_time(server, store, moments.start, "scenario", Faults(scenario, moments)) as time,
    ):
        drive = Drive(time, scenario, scope_of(catalog, scenario), moments)
        await drive.begin(publish)
        await drive.live()
        timelines = {contact: await lived(store, id_) for contact, id_ in drive.people.items()}
    await store.close()
    return timelines


def without_holdout(document: Document) -> Document:
    """The playbook with nobody left out, as scenarios see it; one that leaves out everybody stays as it is."""
    if document.kind != "playbook":
        return document
    body = msgspec.json.decode(document.body, type=PlaybookBody)
    enter = dict(cast("JsonObject", body.definition.get("enter", {})))
    if enter.get("holdout") == "100%":
        return document
    enter.pop("holdout", None)
    whole = msgspec.structs.replace(body, definition={**body.definition, "enter": enter})
    return msgspec.structs.replace(document, body=msgspec.json.encode(whole).decode())


@dataclass
class Faults:
    """The scenario's mail server: fails and refuses as it says, else sends."""

    scenario: Scenario
    moments: Moments
    left: list[int] = field(default_factory=list[int])

    def __call__(self, effect: SendEmail, at: datetime) -> EffectEnded | None:
        self.left = self.left or [fault.times for fault in self.scenario.provider]
        for position, fault in enumerate(self.scenario.provider):
            trouble = fault.email or (fault.survey if effect.survey is not None else None)
            if trouble is not None and self.moments.instant(fault.at) <= at and self.left[position] > 0:
                self.left[position] -= 1
                if trouble == "fails":
                    return None
                return EffectEnded(at=at, key=effect.key, outcome=Outcome.FAILED, reason=Reason.PROVIDER_REFUSED)
        return EffectEnded(at=at, key=effect.key, outcome=Outcome.SENT)


@dataclass
class Drive:
    """``people``: internal ids, by contact, of the customer itself under None; the account first."""

    time: SkippedTime
    scenario: Scenario
    scope: Scope
    moments: Moments
    people: dict[str | None, str] = field(default_factory=dict[str | None, str])
    message_ids: itertools.count[int] = field(default_factory=itertools.count)

    async def begin(self, publish: Callable[[], Awaitable[None]]) -> None:
        """Publishing precedes the customer. An account and its contacts know each other from the beginning, as in the
        simulator: they meet before, at the same instant, when nothing can come of it yet.
        """
        contacts = self.scenario.customer.contacts
        if not contacts:
            await publish()
        await self.time.accept(
            *(self._told(contact, "contact", contact.told()) for contact in contacts),
            self._told(self.scenario.customer, self.scope, initial_traits(self.scenario)),
        )
        store = self.time.store
        self.people = {None: await store.find(self.scenario.customer.id, self.scope)}
        self.people |= {
            contact.id: await store.find(contact.id, "contact")
            for contact in sorted(contacts, key=lambda contact: contact.id)
        }
        if contacts:
            await publish()
            await self.time.ring_all()

    def _told(self, person: ScenarioPerson, kind: Scope, traits: JsonObject) -> Accepted:
        told = TraitsChanged(at=self.moments.start, traits=traits)
        account = None if person is self.scenario.customer else self.scenario.customer.id
        return Accepted(message_id=self._message_id(), kind=kind, external_id=person.id, input=told, account=account)

    def _message_id(self) -> str:
        return f"m{next(self.message_ids)}"

    async def live(self) -> None:
        for item in sorted(self.scenario.when, key=lambda item: self.moments.instant(item.at)):
            at = self.moments.instant(item.at)
            await self.time.advance_to(at)
            await self._do(item, at)
        await self.time.finish(self.moments.instant(self.scenario.until))

    async def _do(self, item: ScenarioInput, at: datetime) -> None:
        customer, store = self.people[item.contact], self.time.store
        match item:
            case EventInput() | TraitsInput():
                await self._accept(item, at)
            case ConsentInput():
                await store.consent(customer, item.consent, True, at, "scenario")
            case UnsubscribeInput():
                await store.unsubscribe(customer, item.unsubscribe, at, "scenario")
                await self.time.settle()
            case SuppressInput():
                await store.suppress(await self._address(customer), "scenario", at)
                await self.time.settle()
            case TaskDoneInput(task_done=step):
                key = await self._last(step, item.contact, self._tasks)
                await self.time.order(key.split("/")[0], TaskEnded(at=at, key=key, outcome="done", result=item.result))
            case ApproveInput(approve=step) | DenyInput(deny=step):
                decision: Answer = "approved" if isinstance(item, ApproveInput) else "denied"
                key = await self._last(step, item.contact, self._approvals)
                await self.time.order(key.split("/")[0], ApprovalEnded(at=at, key=key, decision=decision))
            case OpenInput() | ClickInput() | ReplyInput() | BounceInput():
                await self._tell(item, at)
            case PublishInput():
                pytest.fail("a publication in a scenario is no order to a customer: tests of versions do that")
            case _:
                await self.time.order(customer, scenario_input(item, at, self.moments))

    async def _accept(self, item: EventInput | TraitsInput, at: datetime) -> None:
        given = scenario_input(item, at, self.moments)
        assert isinstance(given, CustomerEvent | TraitsChanged)
        known = item.id if isinstance(item, EventInput) else None
        kind = self.scope if item.contact is None else "contact"
        who = item.contact or self.scenario.customer.id
        await self.time.accept(
            Accepted(message_id=known or self._message_id(), kind=kind, external_id=who, input=given)
        )

    async def _tell(self, item: OpenInput | ClickInput | ReplyInput | BounceInput, at: datetime) -> None:
        match item:
            case OpenInput(open=step):
                what: Told = "opened"
            case ClickInput(click=step):
                what = "clicked"
            case ReplyInput(reply=step):
                what = "replied"
            case BounceInput(bounce=step):
                what = "bounced"
        key = await self._last(step, item.contact, self._messages)
        address = await self._address(key.split("/")[0]) if what == "bounced" else None
        await self.time.tell(MessageTold(at=at, key=key, what=what), self._message_id(), address)

    async def _last(self, step: str, contact: str | None, keys: Callable[[str], Awaitable[list[str]]]) -> str:
        """The key of what the step released last, for anybody where no contact is named."""
        for customer in self.people.values() if contact is None else [self.people[contact]]:
            found = [key for key in await keys(customer) if key.split("/")[2] == step]
            if found:
                return found[-1]
        raise AssertionError(f"{step} has released nothing")

    async def _tasks(self, customer: str) -> list[str]:
        return [task.key for task in sorted(await self.time.store.tasks(customer), key=lambda task: task.opened_at)]

    async def _approvals(self, customer: str) -> list[str]:
        return [approval.key for approval in await self.time.store.approvals(customer)]

    async def _messages(self, customer: str) -> list[str]:
        found = await self.time.store.messages(customer)
        return [message.key for message in sorted(found, key=lambda message: message.released_at)]

    async def _address(self, customer: str) -> str:
        summary, _ = await self.time.store.customer(customer)
        return str(summary.email)


async def lived(store: Store, customer: str) -> list[Happening]:
    """What became visible of one customer."""
    journal = [row.entry for row in await store.journal(customer)]
    return happenings(journal, await _texts(store, customer, journal))


async def _texts(store: Store, customer: str, journal: list[JournalEntry]) -> list[Json]:
    """What outward effects but emails said, in the order in which the journal tells of them."""
    told: dict[str, Json] = {task.key: task.title for task in await store.tasks(customer)}
    told |= {approval.key: approval.question for approval in await store.approvals(customer)}
    told |= {delivery.key: delivery.said for delivery in await store.deliveries(customer)}
    visits: Counter[tuple[str | None, str | None]] = Counter()
    texts: list[Json] = []
    for entry in journal:
        if entry.act == "released":
            visits[entry.enrollment, entry.step] += 1
            visit = visits[entry.enrollment, entry.step]
            if entry.code not in ("email", "survey"):
                texts.append(told.get(f"{customer}/{entry.enrollment}/{entry.step}/{visit}"))
    return texts


def visible(scenario: Scenario, result: ScenarioResult) -> Timelines:
    """The simulator's timeline, by whom it is about."""
    found: Timelines = {None: [], **{contact.id: [] for contact in scenario.customer.contacts}}
    for each in result.actual:
        found[each.contact if scenario.customer.contacts else None].append(each)
    return found


def shown(timelines: Timelines) -> dict[str | None, list[tuple[str, str]]]:
    """What happened to each, in its order. Contacts of an account live in workflows of their own: what the account asks of one
    of them and what that contact's own clock brings at the same instant come in either order.
    """
    lines = {
        contact: [(each.at.isoformat(), str(replace(each, contact=None))) for each in timeline]
        for contact, timeline in timelines.items()
    }
    return {contact: told if contact is None else sorted(told) for contact, told in lines.items()}

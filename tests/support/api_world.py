"""What stands behind the HTTP API in tests that need no database: a store in memory that can be made to fail, heard bells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx
import msgspec
from fastapi import FastAPI

from perennia.api.app import create_app
from perennia.core.decisions import Input, JournalEntry, SurveyAnswered
from perennia.core.definitions import Scope
from perennia.core.documents import Document, Triggers
from perennia.core.facts import Facts
from perennia.core.json_values import JsonObject
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.reach import EVERYBODY, Reach
from perennia.core.state import CustomerState
from perennia.ingest.segment import Record
from perennia.ingest.survey_hooks import NO_SECRETS
from perennia.rendering.links import Links
from perennia.store.attempt_records import Attempt
from perennia.store.desk_records import TaskWish
from perennia.store.permission_records import (
    ConsentLink,
    ConsentOutcome,
    ConsentRecord,
    ConsentSaid,
    ConsentStanding,
    Suppression,
)
from perennia.store.port import StaleRevision, Store, StoreUnavailable, UnknownCustomer
from perennia.store.records import (
    AuditEntry,
    CustomerSummary,
    GivenAnswer,
    JournalRow,
    Message,
    MessageReport,
    PublishOutcome,
    Receipt,
    Rejected,
    Response,
    Revision,
    SendStatus,
    StoredCatalog,
    SurveyQuestion,
    Task,
    Totals,
)
from perennia.store.survey_records import AnonymousAnswer, AnonymousBatch, Answered, UnclaimedAnswer

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ADMIN = {"Authorization": "Bearer admin-key"}


POLICIES = Document(
    kind="policies",
    id="default",
    version="p1",
    body=(
        '{"policies":"default","name":"Example Ltd","topics":{"tips":{"kind":"opt_out","name":"Tips <1>",'
        '"description":"How to get more out of it"},"news":{"kind":"opt_in","name":"News"}}}'
    ),
)
TRACKED = msgspec.structs.replace(
    POLICIES, version="p2", body=POLICIES.body.replace('"name":"Tips', '"tracking":{"clicks":true},"name":"Tips')
)


class FixedClock:
    """A clock that stands at `NOW` until it is moved."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant

    def real(self, span: timedelta) -> timedelta:
        return span


class HeardBells:
    def __init__(self) -> None:
        self.nudges: list[list[str]] = []
        self.heard = asyncio.Event()

    def nudge(self, customers: Sequence[str]) -> None:
        self.heard.set()
        self.nudges.append(list(customers))


def summary(internal: str, external: str, kind: Scope = "contact") -> CustomerSummary:
    return CustomerSummary(
        id=internal,
        kind=kind,
        external_id=external,
        account=None,
        email=f"{external}@example.com",
        stages={"adoption": "onboarding"},
        enrollments=("welcome",),
        wake_at=NOW + timedelta(days=1),
        first_seen=NOW,
    )


def task(key: str, status: str = "open") -> Task:
    assert status in ("open", "done")
    return Task(
        key=key,
        customer="c1",
        external_id="ana",
        playbook="welcome",
        title="Call Ana",
        body=None,
        assignee="sam",
        due=NOW + timedelta(days=1),
        priority="normal",
        status="open" if status == "open" else "done",
        result=None,
        opened_at=NOW,
        ended_at=None,
    )


def sent_message(key: str) -> Message:
    return Message(
        key=key,
        customer="c1",
        playbook="welcome",
        step="hello",
        template="hello",
        topic="tips",
        status=SendStatus.SENT,
        reason=None,
        provider="smtp",
        provider_id="<1@example.com>",
        released_at=NOW,
        ended_at=NOW,
    )


@dataclass
class MemoryStore:
    """The part of the store that the API uses. ``away``: every call answers `StoreUnavailable`.

    ``turns``: whether orders are taken at once, as by a worker that is there; each leaves the entries of ``decides``.
    """

    away: bool = False
    turns: bool = True
    decides: list[JournalEntry] = field(default_factory=list[JournalEntry])
    accepted: list[Record] = field(default_factory=list[Record])
    people: list[CustomerSummary] = field(default_factory=lambda: [summary("c1", "ana"), summary("c2", "bo/b")])
    orders: list[tuple[str, Input]] = field(default_factory=list[tuple[str, Input]])
    message_ids: dict[str, int] = field(default_factory=dict[str, int])
    read: dict[str, int] = field(default_factory=dict[str, int])
    rows: list[JournalRow] = field(default_factory=list[JournalRow])
    work: list[Task] = field(default_factory=lambda: [task("c1/welcome.1/call/1")])
    questions: dict[str, SurveyQuestion] = field(default_factory=dict[str, SurveyQuestion])
    unsigned: list[tuple[AnonymousAnswer, tuple[str, ...]]] = field(
        default_factory=list[tuple[AnonymousAnswer, tuple[str, ...]]]
    )
    known: dict[str, GivenAnswer] = field(default_factory=dict[str, GivenAnswer])
    aside: list[UnclaimedAnswer] = field(default_factory=list[UnclaimedAnswer])
    marks: list[Answered] = field(default_factory=list[Answered])
    batches: list[AnonymousBatch] = field(default_factory=list[AnonymousBatch])
    given: list[Response] = field(default_factory=list[Response])
    said: dict[str, bool] = field(default_factory=dict[str, bool])
    closed: list[Suppression] = field(default_factory=list[Suppression])
    heard: list[ConsentSaid] = field(default_factory=list[ConsentSaid])
    confirmed: list[tuple[ConsentLink, JsonObject]] = field(default_factory=list[tuple[ConsentLink, JsonObject]])
    unsubscribed: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    entries: list[AuditEntry] = field(default_factory=list[AuditEntry])
    published: list[tuple[Revision, tuple[Document, ...], Triggers]] = field(
        default_factory=list[tuple[Revision, tuple[Document, ...], Triggers]]
    )
    reaches: list[Reach] = field(default_factory=list[Reach])
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def _reach(self) -> None:
        if self.away:
            raise StoreUnavailable("locked")

    async def accept(self, items: Sequence[Record], at: datetime) -> Receipt:
        assert at == NOW
        await asyncio.sleep(0)
        self.asked.set()
        self._reach()
        self.accepted += items
        rejected = sum(isinstance(item, Rejected) for item in items)
        return Receipt(accepted=len(items) - rejected, duplicates=0, rejected=rejected, rung=("c1",))

    async def place_order(self, customer: str, order: Input, message_id: str | None = None) -> int:
        self._reach()
        if message_id is not None and message_id in self.message_ids:
            return self.message_ids[message_id]
        self.orders.append((customer, order))
        if message_id is not None:
            self.message_ids[message_id] = len(self.orders)
        seq = len(self.orders)
        if self.turns:
            self.read[customer] = seq
            self.rows += [JournalRow(id=seq, customer=customer, entry=entry) for entry in self.decides]
        return seq

    async def place_order_at_task(self, key: str, order: Input) -> tuple[str, int]:
        for one in self.work:
            if one.key == key:
                return one.customer, await self.place_order(one.customer, order)
        raise UnknownCustomer(key)

    async def cursor(self, customer: str) -> int:
        self._reach()
        return self.read.get(customer, 0)

    async def messages(self, customer: str | None = None, limit: int = 100, after: str | None = None) -> list[Message]:
        assert after is None
        return [sent_message("c1/welcome.1/hello/1")][:limit] if customer in (None, "c1") else []

    async def attempts(self, keys: Sequence[str]) -> dict[str, list[Attempt]]:
        return {key: [] for key in keys}

    async def reports_on(self, keys: Sequence[str]) -> dict[str, list[MessageReport]]:
        return {key: [] for key in keys}

    async def survey_question(self, key: str) -> SurveyQuestion | None:
        self._reach()
        return self.questions.get(key)

    async def given_answer(self, key: str) -> GivenAnswer | None:
        return self.known.get(key)

    async def contact_of(self, reference: str | None, email: str | None) -> str | None:
        found = [one.id for one in self.people if one.external_id == reference or one.email == email]
        return found[0] if len(found) == 1 else None

    async def keep_unclaimed(self, answer: UnclaimedAnswer) -> None:
        self.aside.append(answer)

    async def answer_anonymously(
        self, customer: str, told: SurveyAnswered, said: AnonymousAnswer, by: Sequence[str]
    ) -> bool:
        await self.place_order(customer, told)
        self.unsigned.append((said, tuple(by)))
        return True

    async def answered(
        self, survey: str, since: datetime | None, until: datetime | None, *, states: bool = False
    ) -> list[Answered]:
        assert (survey, since, until) == ("nps", None, None)
        return [msgspec.structs.replace(each, state=each.state if states else None) for each in self.marks]

    async def anonymous_batches(self, survey: str) -> tuple[list[AnonymousBatch], int]:
        assert survey == "nps"
        return self.batches, 3

    async def responses(
        self,
        survey: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Response]:
        assert (survey, since, until, after) == ("nps", None, None, None)
        return self.given[:limit]

    async def consents(self, customer: str) -> dict[str, bool]:
        self._reach()
        if customer == "erased":
            raise UnknownCustomer(customer)
        return dict(self.said)

    async def say_consent(self, customer: str, said: ConsentSaid) -> ConsentOutcome:
        self._reach()
        assert (customer, said.at) == ("c1", NOW)
        self.heard.append(said)
        self.said[said.topic] = said.given
        return ConsentOutcome.GIVEN if said.given else ConsentOutcome.WITHDRAWN

    async def confirm_consent(self, link: ConsentLink, at: datetime, proof: JsonObject) -> bool:
        self._reach()
        if link.customer == "erased":
            raise UnknownCustomer(link.customer)
        self.confirmed.append((link, proof))
        return at < link.asked_at + timedelta(days=7)

    async def suppression(self, address: str) -> Suppression | None:
        return next((each for each in self.closed if each.address == address), None)

    async def consent_standings(self, customer: str, now: datetime) -> list[ConsentStanding]:
        return [
            ConsentStanding(topic=topic, state="given" if given else "withdrawn", at=now, source="form")
            for topic, given in self.said.items()
            if customer == "c1"
        ]

    async def consent_records(self, customer: str) -> list[ConsentRecord]:
        assert customer == "c1"
        return [
            ConsentRecord(
                topic=each.topic, act="given", at=each.at, source=each.source, text=each.text, proof=each.proof
            )
            for each in self.heard
        ]

    async def unsubscribe(self, customer: str, topic: str, at: datetime, source: str) -> bool:
        self._reach()
        assert at == NOW
        if customer == "erased":
            raise UnknownCustomer(customer)
        self.unsubscribed.append((customer, topic, source))
        return True

    async def publish(
        self,
        documents: Sequence[Document],
        triggers: Triggers,
        at: datetime,
        by: str,
        expected: str | None,
        orders: Sequence[PlaybookOrder] = (),
        reach: Reach = EVERYBODY,
    ) -> PublishOutcome:
        current = self.published[-1][0] if self.published else None
        if current is not None and not orders and self.published[-1][1] == tuple(documents):
            return PublishOutcome(revision=current, rung=(), is_new=False)
        if expected != (current.id if current else None):
            raise StaleRevision(expected, [each for each, _, _ in self.published], ())
        number = len(self.published) + 1
        revision = Revision(id=f"r{number}", number=number, parent=expected, published_at=at, published_by=by)
        self.published.append((revision, tuple(documents), triggers))
        self.reaches.append(reach)
        rung = () if reach.is_nobody else tuple(person.id for person in self.people)
        return PublishOutcome(revision=revision, rung=rung, is_new=True)

    async def current_revision(self) -> Revision | None:
        self._reach()
        return self.published[-1][0] if self.published else None

    async def find_revision(self, reference: str) -> Revision | None:
        self._reach()
        return next((each for each, _, _ in self.published if reference in (each.id, str(each.number))), None)

    async def catalog(self, revision: str) -> StoredCatalog:
        for known, documents, _ in self.published:
            if known.id == revision:
                return StoredCatalog(revision=known, current=documents, past=())
        raise KeyError(revision)

    async def find(self, reference: str, kind: Scope | None = None) -> str:
        self._reach()
        for person in self.people:
            if reference in (person.id, person.external_id) and kind in (None, person.kind):
                return person.id
        raise UnknownCustomer(reference)

    async def customers(self, limit: int = 100, after: str | None = None) -> list[CustomerSummary]:
        return [person for person in self.people if after is None or person.id > after][:limit]

    async def customer(self, customer: str) -> tuple[CustomerSummary, CustomerState | None]:
        person = next(person for person in self.people if person.id == customer)
        facts = Facts(ref=person.external_id, first_seen=NOW, traits={"plan": "pro"})
        return person, CustomerState(customer=customer, kind=person.kind, now=NOW, facts=facts)

    async def journal(
        self, customer: str, limit: int = 1000, subject: str | None = None, step: str | None = None
    ) -> list[JournalRow]:
        entries = [row for row in self.rows if row.customer == customer]
        return [r for r in entries if subject in (None, r.entry.playbook) and step in (None, r.entry.step)][:limit]

    async def find_tasks(self, wish: TaskWish, limit: int = 100, after: str | None = None) -> list[Task]:
        assert after is None
        found = [one for one in self.work if wish.customer in (None, one.customer)]
        return [one for one in found if wish.status in (None, one.status)][:limit]

    async def totals(self) -> Totals:
        return Totals(customers=2, events=5, messages={"sent": 1}, skipped={}, enrollments={}, stages={}, tasks_open=1)

    async def audit(self, entry: AuditEntry) -> None:
        self._reach()
        self.entries.append(entry)

    async def audited(self, limit: int = 100, before: int | None = None) -> list[AuditEntry]:
        assert before is None
        return self.entries[::-1][:limit]


@dataclass
class World:
    store: MemoryStore
    bells: HeardBells
    clock: FixedClock
    links: Links
    app: FastAPI
    client: httpx.AsyncClient


@asynccontextmanager
async def api_world(
    patience: timedelta = timedelta(seconds=5), survey_hooks: Mapping[str, str] = NO_SECRETS
) -> AsyncGenerator[World]:
    """The application over a store in memory, and a client of it without a network."""
    store, bells, clock = MemoryStore(), HeardBells(), FixedClock()
    links = Links("https://perennia.example", ["new-secret", "old-secret"])
    app = create_app(
        store=cast("Store", store),
        bells=bells,
        clock=clock,
        links=links,
        write_keys=["write-key", "other-key"],
        admin_key="admin-key",
        survey_hooks=survey_hooks,
        patience=patience,
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://perennia.example") as client:
        yield World(store, bells, clock, links, app, client)

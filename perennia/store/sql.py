"""The store on SQLite or PostgreSQL: `Store`'s methods, each one transaction that has its room in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from perennia.core.decisions import (
    ApprovalEnded,
    CustomerEvent,
    EffectEnded,
    Input,
    JournalEntry,
    MessageTold,
    SendEmail,
    SurveyAnswered,
    TaskEnded,
)
from perennia.core.definitions import Scope
from perennia.core.documents import Document, Triggers
from perennia.core.json_values import JsonObject
from perennia.core.lives import Household
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.reach import EVERYBODY, Reach
from perennia.core.reputation import Standing
from perennia.core.state import CustomerState, LedgerEntry
from perennia.store import (
    accepting,
    anonymous,
    arrivals,
    audit_log,
    bells,
    counted_messages,
    counting,
    deliveries,
    ledger,
    ledger_rows,
    lives,
    orders,
    permission,
    reaching,
    reading,
    releases,
    reports,
    reputations,
    responses,
    suppressing,
    telling,
    turning,
    warming,
    words,
    work,
)
from perennia.store.driver import Driver, Statements
from perennia.store.page import read_history
from perennia.store.permission_records import (
    ConsentLink,
    ConsentOutcome,
    ConsentRecord,
    ConsentSaid,
    ConsentStanding,
    Suppression,
)
from perennia.store.port import REACHED_AT_ONCE, Store, Take
from perennia.store.postgres import PostgresDriver
from perennia.store.records import (
    Accepted,
    Approval,
    AuditEntry,
    CustomerSummary,
    Delivering,
    Delivery,
    GivenAnswer,
    JournalRow,
    Merge,
    Message,
    MessageReport,
    PublishOutcome,
    Reached,
    Receipt,
    Rejected,
    Reputation,
    Response,
    Revision,
    RevisionProgress,
    Sending,
    SendingKind,
    SendingRate,
    SendStatus,
    StoredCatalog,
    SurveyQuestion,
    Totals,
    TurnOutcome,
    UnderWay,
    Words,
)
from perennia.store.sql_access import SqlAccess
from perennia.store.sql_attempts import SqlAttempts
from perennia.store.sql_audiences import SqlAudiences
from perennia.store.sql_crm import SqlCrmMemory
from perennia.store.sql_desk import SqlDesk
from perennia.store.sql_imports import SqlImports
from perennia.store.sql_outbound import SqlOutbound
from perennia.store.sql_privacy import SqlPrivacy
from perennia.store.sql_unclaimed import SqlUnclaimed
from perennia.store.sqlite import SqliteDriver
from perennia.store.survey_records import AnonymousAnswer, AnonymousBatch, Answered
from perennia.store.warming_port import uncounted
from perennia.store.warming_records import DayOfPlaces, Place


def open_store(url: str) -> SqlStore:
    """The store at ``sqlite:///path`` or ``postgresql://user:password@host/database``. Connects when it is first used.

    Raises ValueError for any other URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(_wanted(url)) from None
    match parsed.get_backend_name():
        case "sqlite":
            return SqlStore(SqliteDriver(parsed.set(drivername="sqlite")))
        case "postgresql" | "postgres":
            return SqlStore(PostgresDriver(parsed))
        case _:
            raise ValueError(_wanted(parsed.render_as_string()))


def _wanted(url: str) -> str:
    return f"no store at {url!r}; give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


class SqlStore(
    SqlAccess,
    SqlOutbound,
    SqlImports,
    SqlPrivacy,
    SqlAudiences,
    SqlCrmMemory,
    SqlDesk,
    SqlUnclaimed,
    SqlAttempts,
    Store,
):
    """``statements`` counts what was sent to the database, for tests and the bench."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @property
    def statements(self) -> Statements:
        return self._driver.statements

    # --- life ---

    async def migrate(self) -> None:
        await self._driver.migrate()

    async def close(self) -> None:
        await self._driver.close()

    # --- accepting ---

    async def accept(self, items: Sequence[Accepted | Merge | Rejected], at: datetime) -> Receipt:
        return await self._driver.write("accept", lambda c: accepting.accept(c, items, at))

    async def place_order(self, customer: str, order: Input, message_id: str | None = None) -> int:
        return await self._driver.write("order", lambda c: orders.place_order(c, customer, order, message_id))

    async def place_order_at_task(self, key: str, order: TaskEnded | ApprovalEnded) -> tuple[str, int]:
        return await self._driver.write("order", lambda c: orders.place_order_at_task(c, key, order))

    async def cursor(self, customer: str) -> int:
        return await self._driver.read("cursor", lambda c: orders.cursor(c, customer))

    # --- turns ---

    async def turn(self, customer: str, take: Take) -> TurnOutcome:
        accounts: frozenset[str] = frozenset()
        while True:
            try:
                return await self._driver.write(
                    "turn", lambda c, first=accounts: turning.turn(c, customer, take, first)
                )
            except turning.AccountsFirst as found:
                accounts = found.accounts

    # --- bells ---

    async def rung(self, limit: int) -> list[str]:
        return await self._driver.read("rung", lambda c: bells.rung(c, limit))

    async def forgotten(self, now: datetime, age: timedelta, limit: int) -> list[str]:
        return await self._driver.write("forgotten", lambda c: bells.forgotten(c, now, age, limit))

    async def ring_all(self) -> int:
        return await self._driver.write("ring_all", bells.ring_all)

    # --- messages ---

    async def claim_message(
        self, key: str, at: datetime, places: Callable[[SendEmail], Sequence[Place]] = uncounted
    ) -> Sending:
        return await self._driver.write("claim_message", lambda c: ledger.claim_message(c, key, at, places))

    async def release_message(self, key: str) -> None:
        await self._driver.write("release_message", lambda c: ledger.release_message(c, key))

    async def end_message(
        self, key: str, status: SendStatus, ended: EffectEnded, provider: str | None, provider_id: str | None
    ) -> None:
        try:
            await self._driver.write(
                "end_message", lambda c: ledger.end_message(c, key, status, ended, provider, provider_id)
            )
        except ledger_rows.AlreadyEnded:
            return  # rolled back: nothing has changed

    async def counted_messages(self, contact: str, since: datetime) -> tuple[LedgerEntry, ...]:
        return await self._driver.read(
            "counted_messages", lambda c: counted_messages.counted_messages(c, contact, since)
        )

    async def tell_message(self, told: MessageTold, message_id: str, closed_address: str | None = None) -> bool:
        return await self._driver.write(
            "tell_message", lambda c: telling.tell_message(c, told, message_id, closed_address)
        )

    async def hear_report(self, report: MessageReport, at: datetime) -> bool:
        return await self._driver.write("hear_report", lambda c: reports.hear_report(c, report, at))

    async def reports(self, customer: str, limit: int = 100) -> list[MessageReport]:
        return await self._driver.read("reports", lambda c: reports.list_reports(c, customer, limit))

    async def survey_question(self, key: str) -> SurveyQuestion | None:
        return await self._driver.read("survey_question", lambda c: responses.survey_question(c, key))

    async def given_answer(self, key: str) -> GivenAnswer | None:
        return await self._driver.read("given_answer", lambda c: responses.given_answer(c, key))

    async def rejected_items(self, limit: int = 100, after: str | None = None) -> list[Rejected]:
        return await self._driver.read("rejected", lambda c: arrivals.list_rejected(c, limit, after))

    async def answer_anonymously(
        self, customer: str, told: SurveyAnswered, said: AnonymousAnswer, by: Sequence[str]
    ) -> bool:
        return await self._driver.write(
            "answer_anonymously", lambda c: anonymous.answer_anonymously(c, customer, told, said, by)
        )

    async def anonymous_batches(self, survey: str) -> tuple[list[AnonymousBatch], int]:
        return await self._driver.read("anonymous_batches", lambda c: anonymous.anonymous_batches(c, survey))

    async def answered(
        self, survey: str, since: datetime | None, until: datetime | None, *, states: bool = False
    ) -> list[Answered]:
        return await self._driver.read("answered", lambda c: responses.answered(c, survey, since, until, states=states))

    async def responses(
        self,
        survey: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Response]:
        return await self._driver.read(
            "responses", lambda c: responses.list_responses(c, survey, since, until, limit, after)
        )

    async def messages(self, customer: str | None = None, limit: int = 100, after: str | None = None) -> list[Message]:
        return await self._driver.read("messages", lambda c: ledger.list_messages(c, customer, limit, after))

    # --- places at providers that are warming up ---

    async def pass_on(self, key: str, places: Sequence[Place]) -> str | None:
        return await self._driver.write("pass_on", lambda c: warming.pass_on(c, key, places))

    async def keep_waiting(self, key: str, until: datetime, entry: JournalEntry) -> None:
        await self._driver.write("keep_waiting", lambda c: warming.keep_waiting(c, key, until, entry))

    async def day_of_places(self, day: str, now: datetime) -> DayOfPlaces:
        return await self._driver.read("day_of_places", lambda c: warming.day_of_places(c, day, now))

    # --- how senders and topics stand ---

    async def harmed_since(self, at: datetime) -> bool:
        return await self._driver.read("harmed_since", lambda c: reputations.harmed_since(c, at))

    async def sending_rates(self, since: datetime) -> list[SendingRate]:
        return await self._driver.read("sending_rates", lambda c: reputations.sending_rates(c, since))

    async def reputations(self) -> list[Reputation]:
        return await self._driver.read("reputations", reputations.list_reputations)

    async def judge(self, rate: SendingRate, level: Standing, at: datetime, by: str) -> bool:
        return await self._driver.write("judge", lambda c: reputations.judge(c, rate, level, at, by))

    async def note_told(self, kind: SendingKind, name: str, at: datetime) -> None:
        await self._driver.write("note_told", lambda c: reputations.note_told(c, kind, name, at))

    async def resume_sending(self, kind: SendingKind, name: str, at: datetime, by: str) -> bool:
        return await self._driver.write("resume_sending", lambda c: reputations.resume(c, kind, name, at, by))

    # --- what other systems are told ---

    async def claim_delivery(self, key: str, at: datetime) -> Delivering:
        return await self._driver.write("claim_delivery", lambda c: deliveries.claim_delivery(c, key, at))

    async def release_delivery(self, key: str) -> None:
        await self._driver.write("release_delivery", lambda c: deliveries.release_delivery(c, key))

    async def end_delivery(
        self,
        key: str,
        status: SendStatus,
        ended: EffectEnded,
        provider: str | None,
        provider_id: str | None,
        said: JsonObject | None,
    ) -> None:
        try:
            await self._driver.write(
                "end_delivery", lambda c: deliveries.end_delivery(c, key, status, ended, provider, provider_id, said)
            )
        except ledger_rows.AlreadyEnded:
            return  # rolled back: nothing has changed

    async def deliveries(
        self, customer: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[Delivery]:
        return await self._driver.read("deliveries", lambda c: deliveries.list_deliveries(c, customer, limit, after))

    # --- permission ---

    async def unsubscribe(self, customer: str, topic: str, at: datetime, source: str) -> bool:
        return await self.consent(customer, topic, given=False, at=at, source=source)

    async def consents(self, customer: str) -> dict[str, bool]:
        return await self._driver.read("consents", lambda c: permission.consents_of(c, customer))

    async def consent(self, customer: str, topic: str, given: bool, at: datetime, source: str) -> bool:
        said = ConsentSaid(topic=topic, given=given, at=at, source=source, proven=True)
        return await self.say_consent(customer, said) is not ConsentOutcome.UNCHANGED

    async def say_consent(self, customer: str, said: ConsentSaid) -> ConsentOutcome:
        return await self._driver.write("consent", lambda c: permission.say(c, customer, said))

    async def confirm_consent(self, link: ConsentLink, at: datetime, proof: JsonObject) -> bool:
        return await self._driver.write("confirm_consent", lambda c: permission.confirm(c, link, at, proof))

    async def consent_standings(self, customer: str, now: datetime) -> list[ConsentStanding]:
        return await self._driver.read("consents", lambda c: permission.standings(c, customer, now))

    async def consent_records(self, customer: str) -> list[ConsentRecord]:
        return await self._driver.read("consents", lambda c: permission.history(c, customer))

    async def suppress(self, address: str, reason: str, at: datetime) -> bool:
        return await self._driver.write("suppress", lambda c: suppressing.suppress(c, address, reason, at))

    async def suppress_all(self, closed: Sequence[Suppression], at: datetime) -> int:
        return await self._driver.write("suppress_all", lambda c: suppressing.suppress_all(c, closed, at))

    async def lift_suppression(self, address: str, at: datetime, by: str) -> bool:
        return await self._driver.write("lift_suppression", lambda c: suppressing.lift(c, address, at, by))

    async def suppression(self, address: str) -> Suppression | None:
        return await self._driver.read("suppressions", lambda c: suppressing.find(c, address))

    async def suppressions(self, limit: int = 100, after: str | None = None) -> list[Suppression]:
        return await self._driver.read("suppressions", lambda c: suppressing.listed(c, limit, after))

    # --- catalog ---

    async def publish(
        self,
        documents: Sequence[Document],
        triggers: Triggers,
        at: datetime,
        by: str,
        expected: str | None,
        orders: Sequence[PlaybookOrder] = (),
        reach: Reach = EVERYBODY,
        at_once: int = REACHED_AT_ONCE,
    ) -> PublishOutcome:
        return await self._driver.write(
            "publish", lambda c: releases.publish(c, documents, triggers, at, by, expected, orders, reach, at_once)
        )

    async def reach_on(self, number: int, size: int, at: datetime) -> Reached:
        return await self._driver.write("reach_on", lambda c: reaching.reach_on(c, number, size, at))

    async def concerned(self, reach: Reach) -> int:
        return await self._driver.read("concerned", lambda c: reaching.concerned(c, reach))

    async def unreached(self) -> list[int]:
        return await self._driver.read("unreached", reaching.unreached)

    async def revisions(self, limit: int = 100, before: int | None = None) -> list[RevisionProgress]:
        return await self._driver.read("revisions", lambda c: releases.list_revisions(c, limit, before))

    async def under_way(self) -> list[UnderWay]:
        return await self._driver.read("under_way", releases.under_way)

    async def find_revision(self, reference: str) -> Revision | None:
        return await self._driver.read("revisions", lambda c: releases.find_revision(c, reference))

    async def revision_of(self, documents: Sequence[Document]) -> Revision | None:
        return await self._driver.read("revisions", lambda c: releases.revision_of(c, documents))

    async def current_revision(self) -> Revision | None:
        return await self._driver.read("catalog", releases.current_revision)

    async def catalog(self, revision: str) -> StoredCatalog:
        return await self._driver.read("catalog", lambda c: releases.catalog(c, revision))

    async def template(self, version: str) -> Document:
        return await self._driver.read("template", lambda c: releases.template(c, version))

    # --- reading ---

    async def find(self, reference: str, kind: Scope | None = None) -> str:
        return await self._driver.read("find", lambda c: reading.find(c, reference, kind))

    async def customers(self, limit: int = 100, after: str | None = None) -> list[CustomerSummary]:
        return await self._driver.read("customers", lambda c: reading.list_customers(c, limit, after))

    async def history(self, customer: str, names: Sequence[str]) -> tuple[CustomerEvent, ...]:
        return await self._driver.read("history", lambda c: read_history(c, customer, names))

    async def states_in(self, playbooks: Sequence[str], after: str, limit: int) -> list[CustomerState]:
        return await self._driver.read("states_in", lambda c: reaching.states_in(c, playbooks, after, limit))

    async def customer(self, customer: str) -> tuple[CustomerSummary, CustomerState | None]:
        return await self._driver.read("customer", lambda c: reading.show_customer(c, customer))

    async def journal(
        self, customer: str, limit: int = 1000, subject: str | None = None, step: str | None = None
    ) -> list[JournalRow]:
        return await self._driver.read("journal", lambda c: reading.read_journal(c, customer, limit, subject, step))

    async def approvals(
        self, customer: str | None = None, status: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[Approval]:
        return await self._driver.read("approvals", lambda c: work.list_approvals(c, customer, status, limit, after))

    async def totals(self) -> Totals:
        return await self._driver.read("totals", counting.totals)

    async def households(self, limit: int, after: str | None = None, of: str | None = None) -> list[Household]:
        return await self._driver.read("households", lambda c: lives.households(c, limit, after, of))

    async def count_lives(self) -> int:
        return await self._driver.read("households", lives.count_customers)

    async def words(self) -> Words:
        return await self._driver.read("words", words.words)

    async def audit(self, entry: AuditEntry) -> None:
        await self._driver.write("audit", lambda c: audit_log.write_audit(c, entry))

    async def audited(self, limit: int = 100, before: int | None = None) -> list[AuditEntry]:
        return await self._driver.read("audited", lambda c: audit_log.read_audit(c, limit, before))

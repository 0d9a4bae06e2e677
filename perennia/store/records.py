"""The rows that cross the store's border, as frozen structs. No SQL here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from perennia.core.decisions import (
    CustomerEvent,
    Effect,
    EscalateTask,
    Input,
    JournalEntry,
    Telling,
    TraitsChanged,
)
from perennia.core.definitions import Scope
from perennia.core.documents import Document
from perennia.core.json_values import Json, JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.reputation import Standing
from perennia.core.state import CustomerState, Recipient, Trial

# --- accepting ------------------------------------------------------------------------------------------------------


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that ingest accepted for one customer, who is made if unknown.

    ``external_id`` is the sender's id (Segment ``userId`` or ``groupId``). ``anonymous_id``: where only that is known, the
    row belongs to nobody yet (a stranger) until an `Accepted` names both. ``account``: the contact's account from here on
    (external id). A contact's event is also its account's event (``properties.contact`` is the contact's external id).
    """

    message_id: str
    kind: Scope
    external_id: str | None
    anonymous_id: str | None = None
    input: CustomerEvent | TraitsChanged | None = None
    account: str | None = None


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """``alias``: what ``previous_id`` did belongs to the contact ``external_id`` from here on."""

    message_id: str
    at: datetime
    previous_id: str
    external_id: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """An item that could not be accepted: kept with its reason, so that nothing is lost silently. ``id``: once it is kept."""

    at: datetime
    reason: str
    raw: str
    id: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """``rung``: internal ids of customers whose bell flag this transaction set."""

    accepted: int
    duplicates: int
    rejected: int
    rung: tuple[str, ...]


# --- turns ----------------------------------------------------------------------------------------------------------


class TurnSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn reads under the customer's row lock.

    ``state`` None: the first turn. ``first_seen``: when the customer was made. ``inputs``: after the cursor, in order,
    at most a page; ``unread``: more of them wait. ``history``: events from before that the turn asked for. ``stopped``: senders
    and topics whose mail may not leave, as ``sender:NAME`` and ``topic:NAME``. ``waits``: by key, until when an open effect is
    not to be asked for.
    """

    customer: str
    kind: Scope
    external_id: str
    account: str | None
    first_seen: datetime
    state: CustomerState | None
    revision: str | None
    inputs: tuple[Input, ...]
    unread: bool
    recipient: Recipient
    open_effects: tuple[Effect, ...]
    history: tuple[CustomerEvent, ...] | None = None
    stopped: frozenset[str] = frozenset()
    waits: dict[str, datetime] = {}


class NeedsHistory(msgspec.Struct, frozen=True):
    """The turn's answer when it must first see earlier events of these names (already read ones, before the cursor)."""

    names: tuple[str, ...]


class NeedsLedger(msgspec.Struct, frozen=True):
    """The turn's answer when it must first see what the contact was sent since then (`Recipient.ledger`)."""

    since: datetime


WorkKind: TypeAlias = Literal["task", "approval"]


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """Work for a person as it is stored: text rendered. Of an approval ``title`` is the question."""

    key: str
    playbook: str
    enrollment: str
    title: str
    body: str | None
    assignee: str | None
    due: datetime | None
    priority: str
    at: datetime
    kind: WorkKind = "task"


class TurnWrite(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn writes. ``closed``: keys of effects that are no longer open (ended, or withdrawn before they left).

    ``tellings``: inputs for other customers, whose bells are set where those concern them. ``heard``: events that the
    decision itself raised; they join the customer's past. ``trials``: enrollments that are compared, as they stand. The
    store also clears the bell and moves the cursor past the inputs.
    """

    state: CustomerState
    effects: tuple[Effect, ...]
    closed: tuple[str, ...]
    tasks: tuple[NewTask, ...]
    closed_tasks: tuple[str, ...]
    journal: tuple[JournalEntry, ...]
    wake_at: datetime | None
    watching: tuple[str, ...]
    tellings: tuple[Telling, ...] = ()
    heard: tuple[CustomerEvent, ...] = ()
    escalated: tuple[EscalateTask, ...] = ()
    trials: tuple[Trial, ...] = ()


class TurnOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """After the commit: all effects still open, ``wake_at``, whether inputs are unread, whose bells were set besides."""

    effects: tuple[Effect, ...]
    wake_at: datetime | None
    unread: bool
    rung: tuple[str, ...] = ()


# --- messages -------------------------------------------------------------------------------------------------------


class SendStatus(StrEnum):
    RESERVED = "reserved"
    SENDING = "sending"
    SENT = "sent"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the send ledger: one per idempotency key. ``waits_until``: when it is tried again, if no provider had a place."""

    key: str
    customer: str
    playbook: str
    step: str
    template: str
    topic: str | None
    status: SendStatus
    reason: str | None
    provider: str | None
    provider_id: str | None
    released_at: datetime
    ended_at: datetime | None
    waits_until: datetime | None = None


class MessageReport(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a provider told of one message (`perennia.providers.reports`).

    ``id`` and ``token`` are the provider's; ``reference`` names the message when the report is heard, ``message`` is its key
    when it is read again. ``unsigned``: it came as mail, which anybody can write. Then it counts only for a message of ours,
    and whatever ``address`` it names, only for the one that the message went to. ``seen``: by ourselves, once whatever the ``id``
    names, by a machine and by a person apart. ``item``: of a digest the place of the message that a click was on.
    """

    id: str
    provider: str
    what: str
    reference: str | None = None
    address: str | None
    raw: str
    bounce: str | None = None
    machine: bool = False
    token: str | None = None
    message: str | None = None
    at: datetime | None = None
    unsigned: bool = False
    seen: bool = False
    item: int | None = None


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What the send activity finds when it claims a key.

    ``effect`` None: no longer open (ended, withdrawn). ``before``: the ledger's status at the claim: ``reserved`` (go),
    ``sending`` (an attempt died in the middle, or is still under way). ``zones``: the ``timezone`` traits of the recipient
    and of its account. ``provider``: who is asked, where several could be or places are counted: as noted by this claim, or by an
    attempt that was under way. ``stopped``: mail of its sender or topic may not leave (`Reputation`). ``full``: none of those
    that may take it has a place that day; the row stays as it is.
    """

    effect: Effect | None
    before: SendStatus
    recipient: Recipient
    erased: bool
    paused: bool
    zones: tuple[Json, Json] = (None, None)
    provider: str | None = None
    stopped: bool = False
    full: bool = False


SendingKind: TypeAlias = Literal["sender", "topic"]


class SendingRate(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages of a sender or a topic left, how many of them were complained of, and how many came back for good."""

    kind: SendingKind
    name: str
    sent: int
    complained: int
    bounced: int


class Reputation(msgspec.Struct, frozen=True, kw_only=True):
    """How a sender or a topic stands. ``rate``: the numbers that led to it; ``told``: whether the team has heard of it."""

    rate: SendingRate
    level: Standing
    at: datetime
    by: str
    told: bool


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger of what other systems are told: one per idempotency key. ``said``: what was told."""

    key: str
    customer: str
    kind: str
    playbook: str
    step: str
    target: str
    status: SendStatus
    reason: str | None
    provider: str | None
    provider_id: str | None
    said: JsonObject | None
    released_at: datetime
    ended_at: datetime | None


class Delivering(msgspec.Struct, frozen=True, kw_only=True):
    """What an activity finds when it claims a key that is no message's (`Sending`)."""

    effect: Effect | None
    before: SendStatus
    erased: bool
    paused: bool


class GivenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a message's survey was answered with last; ``first_at``: when it was answered first.

    ``answers``: to its other questions, by id; ``partial``: some are still to come. ``customer``: whose it is by now.
    """

    score: float | None
    comment: str | None
    first_at: datetime
    answers: JsonObject = {}
    partial: bool = False
    customer: str | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a survey, the last one where it was changed. ``source``: the page, the API, or who wrote it down.

    ``cursor``: what stands behind it in the list is asked for by this.
    """

    customer: str
    external_id: str
    score: float | None
    comment: str | None
    source: str
    at: datetime
    answers: JsonObject = {}
    partial: bool = False
    cursor: str = ""


class SurveyQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """The survey that a message asked its customer (internal id), with the names that its text may use.

    ``asked_at``: when the message was released; ``erased``: who was asked is not known any more.
    """

    customer: str
    asked: AskedSurvey
    context: JsonObject
    answer: GivenAnswer | None
    asked_at: datetime | None = None
    erased: bool = False


# --- catalog --------------------------------------------------------------------------------------------------------


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the catalog.

    ``id`` is a hash of its documents' versions, its orders and its parent's id; ``number`` counts publishes from 1.
    """

    id: str
    number: int
    parent: str | None
    published_at: datetime
    published_by: str


class StoredCatalog(msgspec.Struct, frozen=True, kw_only=True):
    """``current``: the documents of the revision.

    ``past``: older versions that an enrollment may still be pinned to, or that ``orders`` lead to: what was ordered for
    everybody in a playbook, as far back as somebody may not have carried it out.
    """

    revision: Revision
    current: tuple[Document, ...]
    past: tuple[Document, ...]
    orders: tuple[PlaybookOrder, ...] = ()


class PublishOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a publish came to. ``rung``: customers whose bells it set. ``reached``: it concerns nobody else."""

    revision: Revision
    rung: tuple[str, ...]
    is_new: bool
    reached: bool = True


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the customers that a revision concerns. ``done``: the last one."""

    rung: tuple[str, ...]
    done: bool


class RevisionProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A revision, what was ordered with it, and how many customers were rung for it; ``reached_at`` None: not all yet."""

    revision: Revision
    orders: tuple[PlaybookOrder, ...]
    reached: int
    reached_at: datetime | None


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """A revision that has not reached everybody: ``reached`` of those whom it concerns were rung for it, ``left`` were not."""

    revision: Revision
    reached: int
    left: int


# --- reading --------------------------------------------------------------------------------------------------------


class CustomerSummary(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: Scope
    external_id: str
    account: str | None
    email: str | None
    stages: dict[str, str]
    enrollments: tuple[str, ...]
    wake_at: datetime | None
    first_seen: datetime


class Task(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    customer: str
    external_id: str
    playbook: str
    title: str
    body: str | None
    assignee: str | None
    due: datetime | None
    priority: str
    status: Literal["open", "done", "cancelled"]
    result: str | None
    opened_at: datetime
    ended_at: datetime | None
    snoozed_until: datetime | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a person. ``until``: when silence becomes the answer; ``by``: who answered."""

    key: str
    customer: str
    external_id: str
    playbook: str
    question: str
    approver: str | None
    until: datetime | None
    status: Literal["open", "approved", "denied", "timed_out", "cancelled"]
    comment: str | None
    by: str | None
    opened_at: datetime
    ended_at: datetime | None


class JournalRow(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    customer: str
    entry: JournalEntry


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """``number``: of what was read; those of later entries are larger."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: dict[str, Json] = {}
    number: int = 0


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Names of all events that were ever accepted for a known customer, and of all traits that customers have."""

    events: frozenset[str]
    contact_traits: frozenset[str]
    account_traits: frozenset[str]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What a dashboard counts: events accepted, messages by status and reason, enrollments, customers per stage."""

    customers: int
    events: int
    messages: dict[str, int]
    skipped: dict[str, int]
    enrollments: dict[str, dict[str, int]]
    stages: dict[str, dict[str, int]]
    tasks_open: int

"""The one store interface. SQLite and PostgreSQL implement it and pass the same tests.

Every method is one transaction (or one read). Instants are aware UTC datetimes, given by the caller: the store reads no
clock. Errors: `StoreUnavailable` may pass (locked, connection lost; the caller retries), `UnknownCustomer`,
`StaleRevision` do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

from perennia.core.decisions import (
    ApprovalEnded,
    CustomerEvent,
    EffectEnded,
    Input,
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
from perennia.store.access_port import Access
from perennia.store.attempt_port import Attempts
from perennia.store.audience_port import Audiences
from perennia.store.crm_port import CrmMemory
from perennia.store.desk_port import Desk
from perennia.store.import_port import Imports
from perennia.store.outbound_port import Outbound
from perennia.store.permission_port import Permission
from perennia.store.privacy_port import Privacy
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
    NeedsHistory,
    NeedsLedger,
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
    TurnSnapshot,
    TurnWrite,
    UnderWay,
    Words,
)
from perennia.store.survey_records import AnonymousAnswer, AnonymousBatch, Answered
from perennia.store.unclaimed_port import Unclaimed
from perennia.store.warming_port import Warming, uncounted
from perennia.store.warming_records import Place

# A publish that concerns no more customers than this has set their bells when it returns.
REACHED_AT_ONCE: Final = 500


class StoreError(Exception):
    """What the store can answer instead of an answer.

    StoreError
    +-- StoreUnavailable    locked or out of reach; may pass
    +-- UnknownCustomer     no such customer
    +-- OtherWork           a task where an approval was meant, or the reverse
    +-- NotMigrated         the database lacks tables of this version
    +-- StaleRevision       somebody else published in between
    +-- UnknownVersion      no such revision, or no such template version
    """


class StoreUnavailable(StoreError):
    pass


class UnknownCustomer(StoreError):
    pass


class OtherWork(StoreError):
    """The key is that of a task where an approval was meant, or the other way round. ``kind``: what it is."""

    def __init__(self, key: str, kind: str) -> None:
        super().__init__(f"{key!r} is a {'task' if kind == 'task' else 'question for approval'}")
        self.kind = kind


class NotMigrated(StoreError):
    pass


class StaleRevision(StoreError):
    """``between``: revisions that the publisher has not seen, oldest first. ``changed``: definitions and orders among them."""

    def __init__(self, expected: str | None, between: Sequence[Revision], changed: Sequence[str]) -> None:
        self.expected = expected
        self.between = tuple(between)
        self.changed = tuple(changed)
        super().__init__(self._said())

    def _said(self) -> str:
        if not self.between:
            return f"there is no revision {self.expected!r}"
        each = [
            f"{one.published_by} published revision {one.number} ({one.id}) at {one.published_at:%Y-%m-%d %H:%M} UTC"
            for one in self.between[-3:]
        ]
        more = [f"{len(self.between) - 3} more"] if len(self.between) > 3 else []
        what = f", which change {', '.join(self.changed)}" if self.changed else ""
        return " and ".join([*more, *each]) + what


class UnknownVersion(StoreError):
    pass


# Pure, synchronous, called inside the transaction, and again with the history, and with the ledger, that it asked for. An
# exception it raises rolls the transaction back and reaches the caller as it is.
Take: TypeAlias = Callable[[TurnSnapshot], TurnWrite | NeedsHistory | NeedsLedger | None]


class Store(
    Permission,
    Unclaimed,
    Attempts,
    Access,
    Outbound,
    Privacy,
    Audiences,
    CrmMemory,
    Warming,
    Imports,
    Desk,
    Protocol,
):
    # --- life ---
    async def migrate(self) -> None:
        """Brings the schema to this version. Safe to run by several processes at once."""
        ...

    async def close(self) -> None: ...

    # --- accepting ---
    async def accept(self, items: Sequence[Accepted | Merge | Rejected], at: datetime) -> Receipt:
        """Stores what ingest accepted, durably, when it returns. A ``message_id`` seen before is a duplicate: no effect.

        Sets the bell of each new customer and of each whose event or trait is named by the current revision's triggers
        or by the customer's own ``watching``.
        """
        ...

    async def place_order(self, customer: str, order: Input, message_id: str | None = None) -> int:
        """Appends an input for one customer (internal id), sets the bell, returns the input's ``seq``.

        An answer to a survey is also kept as a response, in place of the one that the same message was given before.
        A ``message_id`` seen before changes nothing: returns the first one's ``seq``, 0 where that was no order to this
        customer.
        """
        ...

    async def place_order_at_task(self, key: str, order: TaskEnded | ApprovalEnded) -> tuple[str, int]:
        """The same for the customer whose task or approval ``key`` is. Returns internal id and ``seq``.

        Raises `UnknownCustomer`; `OtherWork` where it is an approval's key and the order ends a task, or the reverse.
        """
        ...

    async def cursor(self, customer: str) -> int:
        """The ``seq`` of the last input that a committed turn has read."""
        ...

    # --- turns ---
    async def turn(self, customer: str, take: Take) -> TurnOutcome:
        """Lock the row, read, ``take``, write, clear the bell, commit. ``take`` returning None writes nothing but that.

        Raises `UnknownCustomer`.
        """
        ...

    # --- bells ---
    async def rung(self, limit: int) -> list[str]:
        """Customers whose bell wants a doorbell, longest first. A flag set by `end_message` alone wants none."""
        ...

    async def forgotten(self, now: datetime, age: timedelta, limit: int) -> list[str]:
        """Customers the sweep should ring: overdue ``wake_at``, a set bell, open effects; each older than ``age``.

        One that is still forgotten after it was rung comes again after 2, 4 ... 64 times ``age``.
        """
        ...

    async def ring_all(self) -> int:
        """Sets the bell of every customer (a new revision; `perennia rebuild`). Returns how many."""
        ...

    # --- messages ---
    async def claim_message(
        self, key: str, at: datetime, places: Callable[[SendEmail], Sequence[Place]] = uncounted
    ) -> Sending:
        """Moves the ledger row ``reserved`` -> ``sending`` and says what is to be done. Commits before the provider is called.

        The row stays as it is where the message must not leave now: no open effect, enrollment paused, customer erased,
        sender or topic stopped, none of ``places`` free. The first that is free is taken, and whose it is noted: should the
        process die, the next attempt asks the same one, or lets it be.
        """
        ...

    async def end_message(
        self, key: str, status: SendStatus, ended: EffectEnded, provider: str | None, provider_id: str | None
    ) -> None:
        """Ends the ledger row and appends ``ended`` as an input, in one transaction, with the bell flag set.

        A key that has ended before changes nothing. One that was skipped or failed gives its place back.
        """
        ...

    async def release_message(self, key: str) -> None:
        """Moves the ledger row ``sending`` -> ``reserved``: the provider has certainly not accepted it, so it may be tried again.

        Its place is given back. Any other status stays.
        """
        ...

    async def counted_messages(self, contact: str, since: datetime) -> tuple[LedgerEntry, ...]:
        """What the contact was sent since then, and what is about to be, as far as it takes places under caps."""
        ...

    async def tell_message(self, told: MessageTold, message_id: str, closed_address: str | None = None) -> bool:
        """Appends what became of a message to its customer's inputs; a ``message_id`` seen before changes nothing.

        Sets the bell only where the customer watches for it: most messages are opened long after anybody cares.
        ``closed_address``: where a message came back from for good; nothing is sent there from here on. False: nothing new,
        also where nothing is known of the message.
        """
        ...

    async def hear_report(self, report: MessageReport, at: datetime) -> bool:
        """Keeps what a provider told and does what follows from it; False where it was told before: then nothing happens.

        A person's opening, click and answer, and each bounce, are told to the customer (`tell_message`). A hard bounce and a
        complaint close the address, and so does the fifth soft bounce in thirty days. Who unsubscribes there says no to the
        message's topic. Where it came as mail (``unsigned``): nothing happens unless the message is ours, and its own recipient
        is who bounced or complained.
        """
        ...

    async def reports(self, customer: str, limit: int = 100) -> list[MessageReport]:
        """What providers told of the customer's messages, the last first."""
        ...

    async def survey_question(self, key: str) -> SurveyQuestion | None:
        """The survey that the message ``key`` asked, and its answer so far. None: it asks none, or its customer is erased."""
        ...

    async def given_answer(self, key: str) -> GivenAnswer | None:
        """What was answered under this key so far."""
        ...

    async def rejected_items(self, limit: int = 100, after: str | None = None) -> list[Rejected]:
        """Newest first."""
        ...

    async def answer_anonymously(
        self, customer: str, told: SurveyAnswered, said: AnonymousAnswer, by: Sequence[str]
    ) -> bool:
        """Places the order ``told``, which says only that there was an answer, and keeps ``said`` apart from it.

        ``by``: the customer's traits that are kept with it. False: the message ``told.key`` was answered before; nothing
        changes, since nobody knows what was said then.
        """
        ...

    async def anonymous_batches(self, survey: str) -> tuple[list[AnonymousBatch], int]:
        """Anonymous answers that may be shown, and how many others wait for their group to be large enough."""
        ...

    async def answered(
        self, survey: str, since: datetime | None, until: datetime | None, *, states: bool = False
    ) -> list[Answered]:
        """All answers to a survey from ``since`` until before ``until``, newest first. ``states``: with their authors'."""
        ...

    async def responses(
        self,
        survey: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Response]:
        """Answers to a survey, newest first; behind the one whose cursor is ``after``."""
        ...

    async def messages(self, customer: str | None = None, limit: int = 100, after: str | None = None) -> list[Message]:
        """The last released first; behind the one whose cursor (`cursors.cursor_of`) is ``after``. So in other lists, too."""
        ...

    # --- how senders and topics stand ---
    async def harmed_since(self, at: datetime) -> bool:
        """Whether since then anybody complained, or mail came back for good."""
        ...

    async def sending_rates(self, since: datetime) -> list[SendingRate]:
        """Of each sender and each topic, what left since then; of one that a person let go again, since that instant."""
        ...

    async def reputations(self) -> list[Reputation]:
        """How they stand, as far as there was ever something to say."""
        ...

    async def judge(self, rate: SendingRate, level: Standing, at: datetime, by: str) -> bool:
        """Writes down how a sender or topic stands from here on. False: it stands so already, or is stopped.

        Marketing mail of one that is ``stopped`` is neither claimed nor offered by turns; `resume_sending` alone ends that.
        """
        ...

    async def note_told(self, kind: SendingKind, name: str, at: datetime) -> None:
        """The team has heard of how it stands."""
        ...

    async def resume_sending(self, kind: SendingKind, name: str, at: datetime, by: str) -> bool:
        """Lets its mail leave again, counted anew, and rings those for whom some waits. False: it was not stopped."""
        ...

    # --- what other systems are told ---
    async def claim_delivery(self, key: str, at: datetime) -> Delivering:
        """`claim_message` for what is no message."""
        ...

    async def end_delivery(
        self,
        key: str,
        status: SendStatus,
        ended: EffectEnded,
        provider: str | None,
        provider_id: str | None,
        said: JsonObject | None,
    ) -> None:
        """`end_message` for what is no message. ``said``: what the system was told, kept to be looked at."""
        ...

    async def release_delivery(self, key: str) -> None:
        """`release_message` for what is no message."""
        ...

    async def deliveries(
        self, customer: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[Delivery]:
        """What other systems were told, the last released first."""
        ...

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
        """Makes the documents the current revision. ``expected``: the revision the publisher saw (None: there was none).

        ``orders`` are for everybody in a playbook; their number, instant and author are the revision's. Sets the bells of
        the first ``at_once`` customers whom it concerns (``reach``); `reach_on` does the rest. Publishing what is current
        already, without orders, returns it unchanged. Raises `StaleRevision`.
        """
        ...

    async def reach_on(self, number: int, size: int, at: datetime) -> Reached:
        """Sets the bells of the next ``size`` customers whom that revision concerns and who were not decided with it yet."""
        ...

    async def concerned(self, reach: Reach) -> int:
        """How many customers that is."""
        ...

    async def unreached(self) -> list[int]:
        """Revisions that have not reached everybody whom they concern."""
        ...

    async def revisions(self, limit: int = 100, before: int | None = None) -> list[RevisionProgress]:
        """Newest first; ``before``: of a smaller number."""
        ...

    async def under_way(self) -> list[UnderWay]:
        """Those of `unreached`, oldest first, and how far each is."""
        ...

    async def current_revision(self) -> Revision | None: ...

    async def find_revision(self, reference: str) -> Revision | None:
        """The revision with this id or number; of several with one id, the newest."""
        ...

    async def revision_of(self, documents: Sequence[Document]) -> Revision | None:
        """The newest revision that consists of just these documents."""
        ...

    async def catalog(self, revision: str) -> StoredCatalog:
        """Raises `UnknownVersion`."""
        ...

    async def template(self, version: str) -> Document:
        """Raises `UnknownVersion`."""
        ...

    # --- reading ---
    async def find(self, reference: str, kind: Scope | None = None) -> str:
        """The internal id of the customer with this external id (or internal id). Raises `UnknownCustomer`."""
        ...

    async def customers(self, limit: int = 100, after: str | None = None) -> list[CustomerSummary]: ...

    async def states_in(self, playbooks: Sequence[str], after: str, limit: int) -> list[CustomerState]:
        """States of customers who are in one of the playbooks, in the order of their internal ids, behind ``after``."""
        ...

    async def history(self, customer: str, names: Sequence[str]) -> tuple[CustomerEvent, ...]:
        """The customer's events of these names that its turns have read, in the order of their acceptance."""
        ...

    async def customer(self, customer: str) -> tuple[CustomerSummary, CustomerState | None]: ...

    async def journal(
        self, customer: str, limit: int = 1000, subject: str | None = None, step: str | None = None
    ) -> list[JournalRow]:
        """The last ``limit`` decisions about a customer: all, or those about a playbook or track, and one of its steps."""
        ...

    async def approvals(
        self, customer: str | None = None, status: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[Approval]: ...

    async def totals(self) -> Totals: ...

    async def households(self, limit: int, after: str | None = None, of: str | None = None) -> list[Household]:
        """What customers lived through: a page in the order of their heads' internal ids, behind ``after``.

        The head, which comes first, is the account, or the contact without one. ``of``: only that customer's.
        """
        ...

    async def count_lives(self) -> int:
        """How many customers `households` has in all."""
        ...

    async def words(self) -> Words:
        """Names of events and traits that customers' data uses."""
        ...

    async def audit(self, entry: AuditEntry) -> None: ...

    async def audited(self, limit: int = 100, before: int | None = None) -> list[AuditEntry]:
        """What was audited, newest first; ``before``: of a smaller number."""
        ...

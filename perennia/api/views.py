"""What the API shows and takes: pydantic twins of the store's records, from which OpenAPI is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from perennia.access.callers import signed
from perennia.api.forms import Instant
from perennia.core.definition_forms import whole
from perennia.core.definitions import Scope
from perennia.core.documents import DocumentKind
from perennia.core.json_values import Json, JsonObject
from perennia.store.records import JournalRow

Who = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="Who asks: a person or a system, for the audit log; the key is named there beside it",
        validate_default=True,
    ),
    AfterValidator(signed),
]
Text = Annotated[str, Field(min_length=1, max_length=255)]


class View(BaseModel):
    """Read from the store's records by attribute."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Order(BaseModel):
    """A body that somebody sends. Unknown keys are refused: a typo must not be ignored; nor is a value of another type taken."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


# --- publishing -----------------------------------------------------------------------------------------------------


class RevisionView(View):
    id: str
    number: int
    parent: str | None
    published_at: datetime
    published_by: str


class DocumentHead(View):
    """One definition of a revision; ``version`` is the content hash of its body."""

    kind: DocumentKind
    id: str
    version: str


class DocumentBody(Order):
    """One version of one definition; ``version`` is the content hash of ``body``, which is canonical JSON."""

    kind: DocumentKind
    id: Text
    version: Text
    body: str


class ModeBody(Order):
    """What becomes of whoever is in a former version of ``playbook``.

    ``migrate``: goes on from the same step, or where ``map`` leads from a removed one, else ends; ``exit``: ends.
    """

    playbook: Text
    mode: Literal["migrate", "exit"]
    map: dict[str, str] = Field(default_factory=dict)


class ReleaseBody(Order):
    """All documents of the next revision. ``expected``: the revision the publisher saw, null where there was none.

    It is named by its id or its number. ``modes``: playbooks whose people do not stay in the version they began with.
    ``only_new``: refused (409) where just these documents were in force before, and others are now.
    """

    documents: list[DocumentBody] = Field(min_length=1)
    expected: str | None
    by: Who = "api"
    modes: list[ModeBody] = Field(default_factory=list[ModeBody])
    only_new: bool = False


class RateBody(Order):
    """``rate``: customers a second."""

    rate: Annotated[int, Field(ge=1, le=100_000), whole]
    by: Who = "api"


class RollbackBody(Order):
    """``revision``: the id or the number of the revision whose documents become current again."""

    revision: Text
    expected: str
    by: Who = "api"
    modes: list[ModeBody] = Field(default_factory=list[ModeBody])


class PauseBody(Order):
    by: Who = "api"


class SteerSendingBody(Order):
    by: Who = "api"


class ResumeBody(Order):
    """``skip``: what fell due while the playbook was paused is skipped; else it goes on now."""

    by: Who = "api"
    skip: bool = False


class PlanBody(Order):
    """All documents of a release that may be published, and what would become of people in flight."""

    documents: list[DocumentBody] = Field(min_length=1)
    modes: list[ModeBody] = Field(default_factory=list[ModeBody])


class StepChangesView(View):
    """Step ids; ``keys``: what else of the playbook is another (``enter``, ``goal`` ...)."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    keys: tuple[str, ...]


class PeopleView(View):
    """Enrollments in former versions, by what becomes of them.

    ``moves`` by ``step -> step``; of these ``retimed`` wait until another instant, ``released`` go on at once. ``ended`` by
    reason.
    """

    stays: int
    moves: dict[str, int]
    retimed: int
    released: int
    ended: dict[str, int]


class PlaybookPlanView(View):
    playbook: str
    what: Literal["new", "changed", "removed", "same"]
    mode: str
    steps: StepChangesView
    people: PeopleView


class PlanView(View):
    """What a publish would do.

    ``revision``: the one that the plan is made on: name it as ``expected`` to publish exactly this. ``others``: definitions
    that are no playbooks and change. ``concerned``: customers who would be brought to the new revision at once.
    """

    revision: RevisionView | None
    playbooks: list[PlaybookPlanView]
    others: list[str]
    concerned: int


class PlaybookOrderView(View):
    """What was ordered for everybody in a playbook. ``version``: the one that people are migrated to."""

    playbook: str
    word: str
    by: str
    at: datetime
    version: str | None
    map: dict[str, str]


class RevisionProgressView(View):
    """``reached``: customers who were rung for it; ``reached_at`` null: not all whom it concerns."""

    revision: RevisionView
    orders: tuple[PlaybookOrderView, ...]
    reached: int
    reached_at: datetime | None


class UnderWayView(View):
    """A publish that is under way. ``reached``: customers who were rung for it; ``left``: those whom it concerns, too.

    ``rate`` (customers a second) and ``paused`` null: not known, since no worker or no Temporal answers.
    """

    revision: RevisionView
    reached: int
    left: int
    rate: int | None
    paused: bool | None


# --- customers ------------------------------------------------------------------------------------------------------


class CustomerView(View):
    id: str
    kind: Scope
    external_id: str
    account: str | None
    email: str | None
    stages: dict[str, str]
    enrollments: tuple[str, ...]
    wake_at: datetime | None
    first_seen: datetime


class CustomerPage(View):
    """``next``: pass it as ``after`` to go on; null at the end."""

    customers: list[CustomerView]
    next: str | None


class ConsentView(View):
    """``kind`` null: no topic of the policies any more. ``until``: when a pending consent can no longer be confirmed.

    The topic ``:tracking`` is what they said of being tracked.
    """

    topic: str
    kind: Literal["opt_in", "opt_out"] | None
    state: Literal["given", "withdrawn", "pending", "unsaid"]
    at: datetime | None
    source: str | None
    until: datetime | None


class CustomerDetail(View):
    """``state``: what decisions know of the customer; null before the first turn. ``timezone``: whose clock it lives by.

    ``suppressed``: why nothing is sent to its address; null where something may be.
    """

    customer: CustomerView
    state: JsonObject | None
    timezone: str
    consents: list[ConsentView] = []
    suppressed: str | None = None


class EvidenceView(View):
    expression: str
    value: Json
    error: str | None
    values: dict[str, Json]
    parts: tuple[EvidenceView, ...]


class DecisionView(View):
    """One entry of the decision log."""

    at: datetime
    act: str
    code: str
    playbook: str | None
    version: str | None
    enrollment: str | None
    step: str | None
    reason: str | None
    detail: JsonObject
    evidence: tuple[EvidenceView, ...]


class StoryLine(View):
    """A decision in words. ``because``: what was looked at; ``needed``: what would have to change."""

    when: str
    subject: str
    text: str
    because: tuple[str, ...]
    needed: tuple[str, ...]


class Decisions(View):
    """``lines``: the decisions in words, in the customer's own time. ``outlook``: what the playbook would look at now."""

    customer: str
    decisions: list[DecisionView]
    timezone: str = "UTC"
    lines: list[StoryLine] = []
    outlook: list[str] = []


def decision_view(row: JournalRow) -> DecisionView:
    return DecisionView.model_validate(row.entry)


def plain(value: object) -> JsonObject | None:
    """A record as plain JSON, for what is shown as it is."""
    return None if value is None else msgspec.to_builtins(value)


# --- orders ---------------------------------------------------------------------------------------------------------


class EnrollBody(Order):
    """``by_person``: a person's hand, which overrides entry filter and re-entry policy; else an API call, which does not."""

    playbook: Text
    payload: JsonObject = {}
    by_person: bool = False
    by: Who = "api"


class OrderBody(Order):
    """``key``: only the enrollment with this key; null: all that the customer has in the playbook."""

    order: Literal["skip", "pause", "resume", "end"]
    playbook: Text
    key: Text | None = None
    by: Who = "api"


class StageBody(Order):
    track: Text
    stage: Text
    by: Who = "api"


class LockBody(Order):
    """``until``: null locks for good; ``why``: for whoever looks later."""

    track: Text
    until: Instant | None = None
    why: Annotated[str, Field(max_length=1000)] | None = None
    by: Who = "api"


class UnlockBody(Order):
    track: Text
    by: Who = "api"


class AnswerBody(Order):
    """One answer to a survey, given elsewhere than on its page: on the telephone, in another tool.

    ``answers``: to its other questions, by id. The same ``message_id`` again has no effect.
    """

    survey: Text
    score: Annotated[float, Field(allow_inf_nan=False)] | None = None
    answers: JsonObject = Field(default_factory=dict)
    comment: Annotated[str, Field(max_length=10_000)] | None = None
    message_id: Text | None = None
    by: Who = "api"


class OrderAnswer(View):
    """``taken`` false (202): the order is stored for good and the customer's next turn takes it.

    ``decisions``: what has been decided for this customer since the order was placed.
    """

    customer: str
    taken: bool
    decisions: list[DecisionView]


# --- tasks and messages ---------------------------------------------------------------------------------------------


class TaskView(View):
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
    snoozed_until: datetime | None


class TaskBody(Order):
    result: Annotated[str, Field(max_length=2_000)] | None = None
    by: Who = "api"


class ApprovalView(View):
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


class ApprovalBody(Order):
    comment: Annotated[str, Field(max_length=2_000)] | None = None
    by: Who = "api"


class SendingView(View):
    """How a sender or a topic stands: what left, how much of it was complained of or came back for good."""

    kind: Literal["sender", "topic"]
    name: str
    sent: int
    complained: int
    bounced: int
    level: Literal["good", "warned", "stopped"]
    since: datetime | None
    by: str | None


class TotalsView(View):
    customers: int
    events: int
    messages: dict[str, int]
    skipped: dict[str, int]
    enrollments: dict[str, dict[str, int]]
    stages: dict[str, dict[str, int]]
    tasks_open: int


class AuditView(View):
    at: datetime
    by: str
    action: str
    subject: str
    detail: JsonObject


class Health(View):
    status: Literal["ok"]

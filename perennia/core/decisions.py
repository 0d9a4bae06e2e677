"""What goes into a decision and what comes out: inputs, effects, journal entries, outcomes, reason codes.

All are frozen and serialise to JSON with a ``type`` tag: inputs and effects are rows of the store. Add fields with defaults
at the end; never reorder, never repurpose.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

import msgspec

from perennia.core.definition_forms import Scope
from perennia.core.json_values import Json, JsonObject
from perennia.core.message_parts import AskedSurvey, DigestItem


class Reason(StrEnum):
    """Why a message, a step or an entry did not happen (`vocabulary`)."""

    FAILED_ENTRY_FILTER = "failed_entry_filter"
    ALREADY_ENROLLED = "already_enrolled"
    REENTRY_BLOCKED = "reentry_blocked"
    NOT_WHILE = "not_while"
    STEP_CONDITION_FALSE = "step_condition_false"
    GOAL_REACHED = "goal_reached"
    EXIT_CRITERIA = "exit_criteria"
    SUPPRESSED = "suppressed"
    UNSUBSCRIBED_TOPIC = "unsubscribed_topic"
    NO_CONSENT = "no_consent"
    MISSING_ADDRESS = "missing_address"
    INVALID_ADDRESS = "invalid_address"
    NO_RECIPIENT = "no_recipient"
    TEMPLATE_ERROR = "template_error"
    PROVIDER_REFUSED = "provider_refused"
    PLAYBOOK_PAUSED = "playbook_paused"
    SENDING_STOPPED = "sending_stopped"
    CUSTOMER_ERASED = "customer_erased"
    LOOP_GUARD = "loop_guard"
    BY_PERSON = "by_person"
    STEP_FAILED = "step_failed"
    UNKNOWN_PLAYBOOK = "unknown_playbook"
    WRONG_SCOPE = "wrong_scope"
    EXPRESSION_ERROR = "expression_error"
    NOT_ENROLLED = "not_enrolled"
    UNKNOWN_STAGE = "unknown_stage"
    UNKNOWN_ZONE = "unknown_zone"
    MERGED = "merged"
    MISSING_DATE = "missing_date"
    IN_HOLDOUT = "in_holdout"
    MISSING_KEY = "missing_key"
    FREQUENCY_CAP = "frequency_cap"
    LOWER_PRIORITY = "lower_priority"
    QUIET_HOURS = "quiet_hours"
    EXPIRED = "expired"
    UNKNOWN_SURVEY = "unknown_survey"
    OUTSIDE_SCALE = "outside_scale"
    SURVEY_COOLDOWN = "survey_cooldown"
    VERSION_MIGRATED = "version_migrated"
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_TIMEOUT = "approval_timeout"
    STAGE_LOCKED = "stage_locked"
    CONSENT_PENDING = "consent_pending"
    UNKNOWN_TOPIC = "unknown_topic"
    DIGEST = "digest"
    WARM_UP = "warm_up"


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    SENT = "sent"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


# --- inputs: what happened ------------------------------------------------------------------------------------------


class InputModel(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """``at``: when it was accepted (UTC). ``seq``: the customer's own count, dense and ascending in order of arrival."""

    at: datetime
    seq: int = 0


class CustomerEvent(InputModel, frozen=True, kw_only=True, tag="event"):
    """Something the customer did. ``timestamp`` is the event's own time, where it has one, never after ``at``."""

    name: str
    properties: JsonObject = {}
    timestamp: datetime | None = None


class TraitsChanged(InputModel, frozen=True, kw_only=True, tag="traits"):
    """Facts told to us; ``null`` removes a trait. Other traits stay."""

    traits: JsonObject


class AccountTraitsChanged(InputModel, frozen=True, kw_only=True, tag="account_traits"):
    """A contact learns its account's traits: all of them, in place of what it knew. None: it left its account.

    ``stages``: where the account stands in its tracks, and since when. ``healths``: by health score its parts, measures and
    the band by name, the score itself without one.
    """

    account: str | None
    traits: JsonObject
    stages: dict[str, tuple[str, datetime]] = {}
    healths: dict[str, JsonObject] = {}


class EffectEnded(InputModel, frozen=True, kw_only=True, tag="effect_ended"):
    """An effect's result. ``result`` joins ``steps.ID``. ``left_out``: of a digest by key what could not be rendered, and why."""

    key: str
    outcome: Outcome
    reason: str | None = None
    result: JsonObject = {}
    left_out: dict[str, str] = {}


class TaskEnded(InputModel, frozen=True, kw_only=True, tag="task_ended"):
    """A person finished or cancelled the task that the effect ``key`` opened."""

    key: str
    outcome: Literal["done", "cancelled"]
    result: str | None = None
    by: str | None = None


# What is told of a message that has left.
Told: TypeAlias = Literal["opened", "clicked", "replied", "bounced"]


class MessageTold(InputModel, frozen=True, kw_only=True, tag="message_told"):
    """The recipient opened, clicked or answered the message of the effect ``key``, or it came back.

    ``contact``: which of its contacts, where an account is told; then ``key`` is that of its own step.
    """

    key: str
    what: Told
    contact: str | None = None


class SurveyAnswered(InputModel, frozen=True, kw_only=True, tag="answer"):
    """A person answered a survey. ``contact``: which of its contacts, where an account is told (their id outside).

    ``key``: of the message whose link was followed, None where nobody knows. ``score`` None: the survey has none, nobody is
    to learn it, or it was not said. ``answers``: to the other questions, by id. ``partial``: more may follow soon.
    """

    survey: str
    score: float | None = None
    comment: str | None = None
    contact: str | None = None
    key: str | None = None
    by: str | None = None
    answers: JsonObject = {}
    partial: bool = False


Answer: TypeAlias = Literal["approved", "denied"]


class ApprovalEnded(InputModel, frozen=True, kw_only=True, tag="approval_ended"):
    """A person answered the question that the effect ``key`` asked."""

    key: str
    decision: Answer
    by: str | None = None
    comment: str | None = None


class EnrollOrder(InputModel, frozen=True, kw_only=True, tag="enroll"):
    """Somebody enrolls the customer. ``by_person``: overrides entry filter and re-entry policy (not for API or steps).

    ``errand``: the key under which the customer's account waits for the enrollment's end (`ErrandEnded`).
    ``caused``: a step asks for it, not somebody outside. ``version``: of a broadcast's playbook; None: what is published.
    """

    playbook: str
    by_person: bool
    by: str
    payload: JsonObject = {}
    errand: str | None = None
    caused: bool = False
    version: str | None = None


# --- inputs: what an account and its contacts tell each other -------------------------------------------------------


class ContactChanged(InputModel, frozen=True, kw_only=True, tag="contact_changed"):
    """An account learns of a contact (internal id): that it belongs to it and has these roles. None: it left.

    ``answers``: by survey the score that it has given before it came.
    """

    contact: str
    ref: str
    roles: tuple[str, ...] | None
    answers: dict[str, float] = {}


class ErrandGiven(InputModel, frozen=True, kw_only=True, tag="errand"):
    """A contact is to carry out one step of its account's playbook, and to say how that ended.

    ``key`` is the account's: ``account/enrollment/step/visit/contact``. ``values``: what the step gives its texts, worked
    out; ``enter``, ``steps``, ``stages``: what else its texts may name of the account.
    """

    key: str
    playbook: str
    version: str
    step: str
    values: JsonObject = {}
    enter: JsonObject = {}
    steps: dict[str, JsonObject] = {}
    stages: JsonObject = {}


class ErrandCancelled(InputModel, frozen=True, kw_only=True, tag="errand_cancelled"):
    """Nobody waits for the errand any more: what has not left yet does not leave."""

    key: str


class ErrandWarranted(InputModel, frozen=True, kw_only=True, tag="errand_warranted"):
    """A contact learns whether its account's playbook goes on (its `while`): looked at when what is held could leave."""

    key: str
    holds: bool


class ErrandEnded(InputModel, frozen=True, kw_only=True, tag="errand_ended"):
    """An account learns how an errand ended. ``base``: the instant from which the next step's span counts."""

    key: str
    base: datetime
    result: JsonObject


class EnrollmentOrder(InputModel, frozen=True, kw_only=True, tag="order"):
    """Somebody steers the active enrollments of ``playbook``. Skip: the step each stands at ends ``skipped``.

    ``key``: only the enrollment with this key; None: all of them.
    """

    order: Literal["skip", "pause", "resume", "end"]
    playbook: str
    by: str
    key: str | None = None


class StageOrder(InputModel, frozen=True, kw_only=True, tag="stage_order"):
    """Somebody sets the stage of a track by hand."""

    track: str
    stage: str
    by: str


class StageLockOrder(InputModel, frozen=True, kw_only=True, tag="stage_lock"):
    """Somebody locks the stage in which the customer stands, until an instant or for good, or unlocks it."""

    track: str
    locked: bool
    by: str
    until: datetime | None = None
    why: str | None = None


class ConsentAsked(InputModel, frozen=True, kw_only=True, tag="consent_asked"):
    """Somebody asked for a topic whose consent counts only once the contact confirms it by the link in a message."""

    topic: str


class Recollection(InputModel, frozen=True, kw_only=True, tag="recollection"):
    """Events from before, read back from the store because a new revision counts what nobody counted so far.

    Made by the turn, never stored. Each event is absorbed into tallies at its own time and concerns nothing else.
    """

    names: tuple[str, ...]
    events: tuple[CustomerEvent, ...]


Input: TypeAlias = (
    CustomerEvent
    | TraitsChanged
    | AccountTraitsChanged
    | EffectEnded
    | TaskEnded
    | MessageTold
    | SurveyAnswered
    | ApprovalEnded
    | EnrollOrder
    | ContactChanged
    | ErrandGiven
    | ErrandCancelled
    | ErrandWarranted
    | ErrandEnded
    | EnrollmentOrder
    | StageOrder
    | StageLockOrder
    | Recollection
    | ConsentAsked
)


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """An input for another customer (internal id), which a decision makes. ``to`` None: the contact's account, if it has one."""

    to: str | None
    input: Input


# --- effects: what the world should do ------------------------------------------------------------------------------


class EffectModel(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """``key`` is the idempotency key ``customer/enrollment/step/visit``; ``at`` the instant of release."""

    key: str
    at: datetime
    playbook: str
    version: str
    enrollment: str
    step: str
    priority: int


class SendEmail(EffectModel, frozen=True, kw_only=True, tag="email"):
    """One message to one recipient: the customer itself (``contact``) or the owner (internal mail).

    ``context`` holds the names a template may use (language, section 3), as the decision saw them. ``confirms``: when consent
    to the topic was asked for, where the message has the link that confirms it. ``items``: the messages of a digest; what all
    of them know is in ``context``.
    """

    recipient: Literal["contact", "owner"]
    template: str
    template_version: str
    topic: str | None
    transactional: bool
    sender: str | None
    context: JsonObject
    survey: AskedSurvey | None = None
    confirms: datetime | None = None
    items: tuple[DigestItem, ...] = ()

    @property
    def is_marketing(self) -> bool:
        """What waits for quiet hours, takes places under caps, may be stopped: not transactional mail, nor mail to the owner."""
        return self.recipient == "contact" and not self.transactional

    @property
    def reference(self) -> str:
        """The message's name outside: in its Message-ID, and in what providers tell of it. Says nothing of the key."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


class OpenTask(EffectModel, frozen=True, kw_only=True, tag="task"):
    """Work for a person. ``title`` and ``body`` are Jinja text over ``context``; ``assignee`` None is unassigned."""

    title: str
    body: str | None
    assignee: str | None
    due: datetime | None
    task_priority: str
    context: JsonObject


class EscalateTask(EffectModel, frozen=True, kw_only=True, tag="escalate"):
    """The open task of the key ``task`` goes to somebody else, with this priority. ``assignee`` None: it stays where it is."""

    task: str
    assignee: str | None
    task_priority: str


class AskApproval(EffectModel, frozen=True, kw_only=True, tag="approve"):
    """A question to a person, until ``until``. ``question`` is Jinja text over ``context``; ``approver`` None: to anybody."""

    question: str
    approver: str | None
    until: datetime | None
    context: JsonObject


CrmWriteKind: TypeAlias = Literal["set", "note", "task", "stage"]


class WriteCrm(EffectModel, frozen=True, kw_only=True, tag="crm"):
    """One write to one record of the CRM: ``fields`` are set, or ``text`` (Jinja over ``context``) is what the other kinds write.

    ``ref``: the sender's id of the contact or account that the record is about.
    """

    record: Scope
    ref: str
    write: CrmWriteKind
    text: str | None
    fields: JsonObject
    context: JsonObject


class CallWebhook(EffectModel, frozen=True, kw_only=True, tag="webhook"):
    """One request. ``url``, ``headers`` and every text in ``body`` are Jinja over ``context``; ``body`` None: none was written.

    ``customer``: kind and id, for the body that describes the step.
    """

    url: str
    method: str
    headers: dict[str, str]
    body: Json
    customer: JsonObject
    context: JsonObject


class Notify(EffectModel, frozen=True, kw_only=True, tag="notify"):
    """A line in a channel of the team. ``text`` is Jinja over ``context``."""

    channel: str
    text: str
    context: JsonObject


Effect: TypeAlias = SendEmail | OpenTask | EscalateTask | AskApproval | WriteCrm | CallWebhook | Notify


# --- the journal: what was decided and why --------------------------------------------------------------------------


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """An expression, its value, and the values it saw. ``error`` names what was missing or what clashed."""

    expression: str
    value: Json = None
    error: str | None = None
    values: dict[str, Json] = {}
    parts: tuple[Evidence, ...] = ()


class Act(StrEnum):
    """What a journal entry tells of."""

    ENTERED = "entered"
    REFUSED = "refused"
    RELEASED = "released"
    STEP_ENDED = "step_ended"
    GOAL = "goal"
    ENDED = "ended"
    STAGE = "stage"
    ORDER = "order"
    IGNORED = "ignored"
    RAISED = "raised"
    HELD = "held"
    ANSWERED = "answered"
    HEALTH = "health"
    HANDED_OVER = "handed_over"
    MIGRATED = "migrated"
    ESCALATED = "escalated"
    CONSENT = "consent"


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision.

    ``at`` is the instant it is about; ``code`` an outcome, a reason code, an exit reason or a stage; ``detail`` what else
    identifies it (template, title, trigger, former stage ...).
    """

    at: datetime
    act: Act
    code: str
    playbook: str | None = None
    version: str | None = None
    enrollment: str | None = None
    step: str | None = None
    reason: str | None = None
    detail: JsonObject = {}
    evidence: tuple[Evidence, ...] = ()

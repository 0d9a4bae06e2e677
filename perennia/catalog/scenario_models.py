"""Scenarios as people write them, parsed: what happens to a customer when, and what must follow (language, section 10).

Each item of ``when`` and of ``expect`` is its own model, told apart by its key. Instants stay as written: a `Moment` is a
span from ``start`` (text, calendar rules in the customer's zone) or an instant; one without an offset is wall-clock time in
the customer's zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from perennia.catalog.policy_changes import PolicyChanges
from perennia.catalog.scenario_parts import Owner, Publication
from perennia.catalog.scenario_world import Instant, KeyText, Moment, ProviderFault, ScenarioCustomer
from perennia.core.definitions import (
    DefinitionId,
    Flag,
    Model,
    Scope,
)
from perennia.core.json_values import Json, JsonObject

# --- what happens ---------------------------------------------------------------------------------------------------


class InputItem(Model):
    """``contact``: which of the account's contacts it happens to; None: the customer itself."""

    at: Moment
    contact: str | None = None


class EventInput(InputItem):
    """``id`` is its message id (a second one of the same id is a duplicate), ``timestamp`` its own time."""

    event: str
    properties: JsonObject = Field(default_factory=dict)
    id: str | None = None
    timestamp: Moment | None = None


class TraitsInput(InputItem):
    """Traits told; ``null`` removes one."""

    traits: Annotated[JsonObject, Field(min_length=1)]


class StepInput(InputItem):
    """About the last message or task of a step. ``key``: that of the enrollment with this key."""

    key: KeyText | None = None


class TaskDoneInput(StepInput):
    task_done: str
    result: str | None = None


class OpenInput(StepInput):
    open: str


class ClickInput(StepInput):
    click: str


class ReplyInput(StepInput):
    reply: str


class BounceInput(StepInput):
    """The message comes back for good: nothing more is sent to that address."""

    bounce: str


class ScenarioAnswer(Model):
    """``answers``: to the survey's other questions, by id. ``partial``: more follows, or does not."""

    survey: str
    score: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None
    comment: str | None = None
    answers: JsonObject = Field(default_factory=dict)
    partial: Flag = False


class AnswerInput(InputItem):
    """The customer answers a survey."""

    answer: ScenarioAnswer


class ApproveInput(StepInput):
    """Somebody says yes to what the step asks."""

    approve: str
    comment: str | None = None


class DenyInput(StepInput):
    deny: str
    comment: str | None = None


class ConsentInput(InputItem):
    consent: str


class UnsubscribeInput(InputItem):
    unsubscribe: str


class SuppressInput(InputItem):
    suppress: Literal[True]


class EnrollInput(InputItem):
    """By a person's hand; ``with`` is what the enrollment knows as ``enter``."""

    enroll: str
    with_: JsonObject = Field(default_factory=dict, alias="with")


class SteeringInput(InputItem):
    """``key``: only the enrollment with this key; without it, all of the playbook's."""

    key: KeyText | None = None


class SkipInput(SteeringInput):
    skip: str


class PauseInput(SteeringInput):
    pause: str


class ResumeInput(SteeringInput):
    resume: str


class EndInput(SteeringInput):
    end: str


class StageInput(InputItem):
    """A person sets the stage of a track."""

    stage: Annotated[dict[str, str], Field(min_length=1, max_length=1)]


class LockInput(InputItem):
    """A person locks the stage in which the customer stands in this track, ``until`` a moment or for good."""

    lock: str
    until: Moment | None = None
    why: str | None = None


class UnlockInput(InputItem):
    unlock: str


class PublishInput(InputItem):
    """Something new is published."""

    publish: Publication


ScenarioInput: TypeAlias = (
    EventInput
    | TraitsInput
    | AnswerInput
    | TaskDoneInput
    | OpenInput
    | ClickInput
    | ReplyInput
    | BounceInput
    | ApproveInput
    | DenyInput
    | ConsentInput
    | UnsubscribeInput
    | SuppressInput
    | EnrollInput
    | SkipInput
    | PauseInput
    | ResumeInput
    | EndInput
    | StageInput
    | LockInput
    | UnlockInput
    | PublishInput
)
INPUTS: dict[str, type[InputItem]] = {
    "event": EventInput,
    "traits": TraitsInput,
    "answer": AnswerInput,
    "task_done": TaskDoneInput,
    "open": OpenInput,
    "click": ClickInput,
    "reply": ReplyInput,
    "bounce": BounceInput,
    "approve": ApproveInput,
    "deny": DenyInput,
    "consent": ConsentInput,
    "unsubscribe": UnsubscribeInput,
    "suppress": SuppressInput,
    "enroll": EnrollInput,
    "skip": SkipInput,
    "pause": PauseInput,
    "resume": ResumeInput,
    "end": EndInput,
    "stage": StageInput,
    "lock": LockInput,
    "unlock": UnlockInput,
    "publish": PublishInput,
}


# --- what must follow -----------------------------------------------------------------------------------------------


class ExpectationItem(Model):
    """``at`` is None only inside ``never``. ``contact``: what happens to this contact; None: to anybody."""

    at: Moment | None = None
    contact: str | None = None


class EmailExpected(ExpectationItem):
    """A message released: the template's name, or ``"*"``."""

    email: str
    to: Literal["contact", "owner"] | None = None


class SurveyExpected(ExpectationItem):
    """A survey asked, or the response to it asked for again: its id, or ``"*"``."""

    survey: str


class TaskExpected(ExpectationItem):
    """A task opened: its title as rendered, or ``"*"``."""

    task: str


class ApproveExpected(ExpectationItem):
    """A question asked: as rendered, or ``"*"``."""

    approve: str


class CrmExpected(ExpectationItem):
    """A write to the CRM: ``{set: {field: value}}`` and so on, of which it must have all; one of these words; or ``"*"``."""

    crm: Json


class WebhookExpected(ExpectationItem):
    """A request: its URL as rendered, ``{url, method, headers, body}``, of which it must have all, or ``"*"``."""

    webhook: Json


class NotifyExpected(ExpectationItem):
    """A notice: its channel, or ``"*"``; ``text`` as rendered."""

    notify: str
    text: str | None = None


class EscalatedExpected(ExpectationItem):
    """A late task handed on: its title as the playbook has it, or ``"*"``; ``to`` whom."""

    escalated: str
    to: str | None = None


class EmitExpected(ExpectationItem):
    """An event that a step emitted: its name, or ``"*"``."""

    emit: str


class StageExpected(ExpectationItem):
    """A track's stage entered; ``"*"`` is any stage."""

    stage: Annotated[dict[str, str], Field(min_length=1, max_length=1)]


class SkippedExpected(ExpectationItem):
    """Steps skipped with their reason codes; ``playbook`` tells them apart where several are published."""

    skipped: Annotated[dict[str, str], Field(min_length=1)]
    playbook: str | None = None


class EnrolledExpected(ExpectationItem):
    """An enrollment of this playbook began, or of any (``"*"``)."""

    enrolled: str


class EndedExpected(ExpectationItem):
    """An enrollment ended: ``goal``, ``completed``, an exit reason, or ``"*"``."""

    ended: str
    playbook: str | None = None


def item_key(value: object, keys: dict[str, type[InputItem]] | dict[str, type[ExpectationItem]]) -> str | None:
    """The one key that says what an item is, None unless there is exactly one. Takes a mapping or a model."""
    if isinstance(value, Model):
        return next((key for key, model in keys.items() if type(value) is model), None)
    found = [key for key in keys if isinstance(value, dict) and key in value]
    return found[0] if len(found) == 1 else None


HAPPENINGS: dict[str, type[ExpectationItem]] = {
    "email": EmailExpected,
    "survey": SurveyExpected,
    "task": TaskExpected,
    "approve": ApproveExpected,
    "crm": CrmExpected,
    "webhook": WebhookExpected,
    "notify": NotifyExpected,
    "escalated": EscalatedExpected,
    "emit": EmitExpected,
    "stage": StageExpected,
    "skipped": SkippedExpected,
    "enrolled": EnrolledExpected,
    "ended": EndedExpected,
}


def _tagged(key: str | None) -> str | None:
    return f"<{key}>" if key else None


def _input_form(value: object) -> str | None:
    return _tagged(item_key(value, INPUTS))


def _happening_form(value: object) -> str | None:
    return _tagged(item_key(value, HAPPENINGS))


def _expectation_form(value: object) -> str | None:
    return _tagged(item_key(value, EXPECTATIONS))


def _playbook_form(value: object) -> str:
    return "<more>" if isinstance(value, list | tuple) else "<one>"


Happening: TypeAlias = (
    EmailExpected
    | SurveyExpected
    | TaskExpected
    | ApproveExpected
    | CrmExpected
    | WebhookExpected
    | NotifyExpected
    | EscalatedExpected
    | EmitExpected
    | StageExpected
    | SkippedExpected
    | EnrolledExpected
    | EndedExpected
)
_TaggedHappening: TypeAlias = Annotated[
    Annotated[EmailExpected, Tag("<email>")]
    | Annotated[SurveyExpected, Tag("<survey>")]
    | Annotated[TaskExpected, Tag("<task>")]
    | Annotated[ApproveExpected, Tag("<approve>")]
    | Annotated[CrmExpected, Tag("<crm>")]
    | Annotated[WebhookExpected, Tag("<webhook>")]
    | Annotated[NotifyExpected, Tag("<notify>")]
    | Annotated[EscalatedExpected, Tag("<escalated>")]
    | Annotated[EmitExpected, Tag("<emit>")]
    | Annotated[StageExpected, Tag("<stage>")]
    | Annotated[SkippedExpected, Tag("<skipped>")]
    | Annotated[EnrolledExpected, Tag("<enrolled>")]
    | Annotated[EndedExpected, Tag("<ended>")],
    Discriminator(_happening_form),
]


class NeverExpected(ExpectationItem):
    """Nothing of this kind happens in the whole scenario."""

    never: _TaggedHappening


Expectation: TypeAlias = Happening | NeverExpected
EXPECTATIONS: dict[str, type[ExpectationItem]] = {**HAPPENINGS, "never": NeverExpected}

_TaggedInput: TypeAlias = Annotated[
    Annotated[EventInput, Tag("<event>")]
    | Annotated[TraitsInput, Tag("<traits>")]
    | Annotated[AnswerInput, Tag("<answer>")]
    | Annotated[TaskDoneInput, Tag("<task_done>")]
    | Annotated[OpenInput, Tag("<open>")]
    | Annotated[ClickInput, Tag("<click>")]
    | Annotated[ReplyInput, Tag("<reply>")]
    | Annotated[BounceInput, Tag("<bounce>")]
    | Annotated[ApproveInput, Tag("<approve>")]
    | Annotated[DenyInput, Tag("<deny>")]
    | Annotated[ConsentInput, Tag("<consent>")]
    | Annotated[UnsubscribeInput, Tag("<unsubscribe>")]
    | Annotated[SuppressInput, Tag("<suppress>")]
    | Annotated[EnrollInput, Tag("<enroll>")]
    | Annotated[SkipInput, Tag("<skip>")]
    | Annotated[PauseInput, Tag("<pause>")]
    | Annotated[ResumeInput, Tag("<resume>")]
    | Annotated[EndInput, Tag("<end>")]
    | Annotated[StageInput, Tag("<stage>")]
    | Annotated[LockInput, Tag("<lock>")]
    | Annotated[UnlockInput, Tag("<unlock>")]
    | Annotated[PublishInput, Tag("<publish>")],
    Discriminator(_input_form),
]
_TaggedExpectation: TypeAlias = Annotated[
    Annotated[EmailExpected, Tag("<email>")]
    | Annotated[SurveyExpected, Tag("<survey>")]
    | Annotated[TaskExpected, Tag("<task>")]
    | Annotated[ApproveExpected, Tag("<approve>")]
    | Annotated[CrmExpected, Tag("<crm>")]
    | Annotated[WebhookExpected, Tag("<webhook>")]
    | Annotated[NotifyExpected, Tag("<notify>")]
    | Annotated[EscalatedExpected, Tag("<escalated>")]
    | Annotated[EmitExpected, Tag("<emit>")]
    | Annotated[StageExpected, Tag("<stage>")]
    | Annotated[SkippedExpected, Tag("<skipped>")]
    | Annotated[EnrolledExpected, Tag("<enrolled>")]
    | Annotated[EndedExpected, Tag("<ended>")]
    | Annotated[NeverExpected, Tag("<never>")],
    Discriminator(_expectation_form),
]


_OneOrMore: TypeAlias = Annotated[
    Annotated[DefinitionId, Tag("<one>")] | Annotated[tuple[DefinitionId, ...], Tag("<more>")],
    Discriminator(_playbook_form),
]


class Scenario(Model):
    """A test of playbooks over virtual time.

    ``until`` is inclusive. ``variants``: the variant that each of these splits takes, by step id.
    ``strict``: every outward effect must be expected, in order. ``scope`` None: see `about`.
    """

    scenario: Annotated[str, Field(min_length=1)]
    description: str | None = None
    playbook: _OneOrMore = ()
    scope: Scope | None = None
    owner: Owner | None = None
    customer: ScenarioCustomer
    start: Instant
    policies: PolicyChanges | None = None
    provider: tuple[ProviderFault, ...] = ()
    variants: dict[str, str] = Field(default_factory=dict)
    when: tuple[_TaggedInput, ...] = ()
    until: Moment
    expect: Annotated[tuple[_TaggedExpectation, ...], Field(min_length=1)]
    strict: Flag = True

    @property
    def playbooks(self) -> tuple[str, ...]:
        """Ids of the playbooks that are published; empty: all of the workspace."""
        return (self.playbook,) if isinstance(self.playbook, str) else self.playbook

    def about(self, playbooks: Mapping[str, Scope], tracks: Mapping[str, Scope]) -> Scope:
        """What the customer is, where the scenario does not say so: what its contacts, playbooks and stages tell.

        ``playbooks`` and ``tracks``: the scope of each that the workspace has.
        """
        if self.scope is not None:
            return self.scope
        named = [playbooks.get(name) for name in self.playbooks]
        if not named:
            named = [tracks.get(name) for item in self.expect if isinstance(item, StageExpected) for name in item.stage]
        return "account" if self.customer.contacts or "account" in named else "contact"

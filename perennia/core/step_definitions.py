"""Steps and conditions of a playbook as people write them, parsed (`definitions`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag

from perennia.core.definition_forms import (
    DefinitionId,
    ExpressionText,
    Flag,
    Model,
    Priority,
    SpanText,
    StepModel,
    TemplateText,
    only_key,
)
from perennia.core.outward_definitions import Assignee, CrmStep, NotifyStep, OnFailure, TaskStep, WebhookStep
from perennia.core.timed_definitions import Wait

# What becomes of a message that may not leave yet, and how long it is held at most.
OnHold: TypeAlias = Literal["hold", "skip"]
DEFAULT_HOLD = "2d"
# The template of surveys that name none.
BUILT_IN_SURVEY = "built-in/survey"
BUILT_IN_CONFIRMATION = "built-in/confirmation"
BUILT_IN_DIGEST = "built-in/digest"


class ToRole(Model):
    """The account's contacts who have this role."""

    role: Annotated[str, Field(min_length=1)]


def _to_form(value: object) -> str:
    return "<role>" if isinstance(value, Mapping | ToRole) else "<word>"


# Whom a step reaches: one who goes without saying, or some of the account's contacts.
To: TypeAlias = Annotated[
    Annotated[Literal["contact", "owner", "all"], Tag("<word>")] | Annotated[ToRole, Tag("<role>")],
    Discriminator(_to_form),
]
ToContacts: TypeAlias = Annotated[
    Annotated[Literal["contact", "all"], Tag("<word>")] | Annotated[ToRole, Tag("<role>")],
    Discriminator(_to_form),
]
ToWhom: TypeAlias = Annotated[
    Annotated[Literal["self", "all"], Tag("<word>")] | Annotated[ToRole, Tag("<role>")],
    Discriminator(_to_form),
]


class EmailStep(StepModel):
    email: str
    to: To | None = None
    topic: str | None = None
    transactional: Flag = False
    priority: Priority | None = None
    from_: str | None = Field(default=None, alias="from")
    with_: dict[str, ExpressionText] = Field(default_factory=dict, alias="with")
    on_failure: OnFailure = "continue"
    hold: SpanText = DEFAULT_HOLD
    on_quiet: OnHold = "hold"
    on_cap: OnHold = "hold"


def _no_wait(value: object) -> object:
    """``wait: 0`` is a number in YAML."""
    return "0s" if value == 0 and type(value) is int else value


class SurveyStep(StepModel):
    """``wait``: the longest for a response, nothing: goes on at once. ``remind``: spans from the instant of asking."""

    survey: DefinitionId
    to: ToContacts | None = None
    template: str | None = None
    topic: str | None = None
    priority: Priority | None = None
    from_: str | None = Field(default=None, alias="from")
    with_: dict[str, ExpressionText] = Field(default_factory=dict, alias="with")
    wait: Annotated[SpanText, BeforeValidator(_no_wait)] = "7d"
    remind: tuple[SpanText, ...] = ()
    on_failure: OnFailure = "continue"
    hold: SpanText = DEFAULT_HOLD
    on_quiet: OnHold = "hold"
    on_cap: OnHold = "hold"

    @property
    def message(self) -> EmailStep:
        """The message that asks it."""
        values: dict[str, object] = {"email": self.template or BUILT_IN_SURVEY, "to": self.to, "topic": self.topic}
        values |= {"priority": self.priority, "from": self.from_, "with": self.with_, "on_failure": self.on_failure}
        values |= {"hold": self.hold, "on_quiet": self.on_quiet, "on_cap": self.on_cap}
        return EmailStep.model_validate(values)


class WaitStep(StepModel):
    wait: Wait


class EventCondition(Model):
    """``match``: where the event carries the playbook's key, if that is named otherwise."""

    event: str
    where: ExpressionText | None = None
    match: ExpressionText | None = None
    then: tuple[Step, ...] = ()


class AnsweredCondition(Model):
    """The customer answers this survey."""

    answered: DefinitionId
    then: tuple[Step, ...] = ()


class WhenCondition(Model):
    when: ExpressionText
    then: tuple[Step, ...] = ()


class ToldCondition(Model):
    """Something that is told of an earlier step, from when on the wait counts."""

    then: tuple[Step, ...] = ()


class OpenedCondition(ToldCondition):
    opened: DefinitionId


class ClickedCondition(ToldCondition):
    clicked: DefinitionId


class RepliedCondition(ToldCondition):
    replied: DefinitionId


class TaskCondition(ToldCondition):
    """The task that this step opened is done, or cancelled."""

    task: DefinitionId


class AllCondition(Model):
    """Every one of the conditions; events latch, ``when``s must hold at the same moment. Inner ``then``s are refused."""

    all: tuple[PlainCondition, ...] = Field(min_length=1)
    then: tuple[Step, ...] = ()


PLAIN_CONDITIONS: dict[str, type[Model]] = {
    "event": EventCondition,
    "when": WhenCondition,
    "opened": OpenedCondition,
    "clicked": ClickedCondition,
    "replied": RepliedCondition,
    "task": TaskCondition,
    "answered": AnsweredCondition,
}
CONDITIONS: dict[str, type[Model]] = {**PLAIN_CONDITIONS, "all": AllCondition}


def told_of(condition: ToldCondition) -> tuple[str, str]:
    """What is told, and of which step: ``("clicked", "welcome")``."""
    match condition:
        case OpenedCondition(opened=step):
            return "opened", step
        case ClickedCondition(clicked=step):
            return "clicked", step
        case RepliedCondition(replied=step):
            return "replied", step
        case TaskCondition(task=step):
            return "task", step
        case _:
            raise TypeError(f"nothing is told of a {type(condition).__name__}")


def _plain_condition_form(value: object) -> str | None:
    return only_key(value, PLAIN_CONDITIONS)


def _condition_form(value: object) -> str | None:
    return only_key(value, CONDITIONS)


PlainCondition: TypeAlias = Annotated[
    Annotated[EventCondition, Tag("<event>")]
    | Annotated[WhenCondition, Tag("<when>")]
    | Annotated[OpenedCondition, Tag("<opened>")]
    | Annotated[ClickedCondition, Tag("<clicked>")]
    | Annotated[RepliedCondition, Tag("<replied>")]
    | Annotated[TaskCondition, Tag("<task>")]
    | Annotated[AnsweredCondition, Tag("<answered>")],
    Discriminator(_plain_condition_form),
]
Condition: TypeAlias = Annotated[
    Annotated[EventCondition, Tag("<event>")]
    | Annotated[WhenCondition, Tag("<when>")]
    | Annotated[OpenedCondition, Tag("<opened>")]
    | Annotated[ClickedCondition, Tag("<clicked>")]
    | Annotated[RepliedCondition, Tag("<replied>")]
    | Annotated[TaskCondition, Tag("<task>")]
    | Annotated[AnsweredCondition, Tag("<answered>")]
    | Annotated[AllCondition, Tag("<all>")],
    Discriminator(_condition_form),
]


class WaitForStep(StepModel):
    wait_for: tuple[Condition, ...] = Field(min_length=1)
    since: Literal["entry", "step"] = "entry"
    up_to: SpanText | None = None
    else_: tuple[Step, ...] = Field(default=(), alias="else")


class Arm(Model):
    if_: ExpressionText = Field(alias="if")
    then: tuple[Step, ...] = ()


class BranchStep(StepModel):
    branch: tuple[Arm, ...] = Field(min_length=1)
    else_: tuple[Step, ...] = Field(default=(), alias="else")


class SplitArm(Model):
    """``share`` is a percentage."""

    share: Annotated[float, Field(ge=0, le=100, strict=True)]
    then: tuple[Step, ...] = ()


class SplitStep(StepModel):
    """Each customer goes one way, always the same; shares sum to 100."""

    split: dict[str, SplitArm] = Field(min_length=1)


class Rounds(Model):
    """``every``: from the beginning of a round to that of the next."""

    every: SpanText
    times: Annotated[int, Field(ge=1, strict=True)] | None = None
    until: ExpressionText | None = None
    steps: tuple[Step, ...] = Field(min_length=1)


class RepeatStep(StepModel):
    repeat: Rounds


class EmitStep(StepModel):
    """An event of the customer's, as if it had come in."""

    emit: str
    with_: dict[str, ExpressionText] = Field(default_factory=dict, alias="with")


class MilestoneStep(StepModel):
    milestone: DefinitionId


class EnrollStep(StepModel):
    """``wait``: goes on when the other playbook has ended, for everybody whom it was started for.

    ``late_joiners``: also for contacts who come to belong to those later, while this enrollment lives.
    """

    enroll: DefinitionId
    to: ToWhom = "self"
    with_: dict[str, ExpressionText] = Field(default_factory=dict, alias="with")
    wait: Flag = False
    late_joiners: Flag = False


class UnenrollStep(StepModel):
    unenroll: DefinitionId


class UpdateStep(StepModel):
    """Sets traits: each value an expression, ``null`` removes."""

    update: dict[str, ExpressionText | int | float | bool | None] = Field(min_length=1)


class StageStep(StepModel):
    stage: dict[str, str] = Field(min_length=1, max_length=1)


class ApproveStep(StepModel):
    """``by``: whoever is asked; ``on_timeout``: what it means that nobody has answered ``within`` the span."""

    approve: TemplateText
    by: Assignee | None = None
    within: SpanText | None = None
    on_timeout: Literal["deny", "allow"] = "deny"
    on_failure: OnFailure = "continue"
    then: tuple[Step, ...] = ()
    else_: tuple[Step, ...] = Field(default=(), alias="else")


class ExitStep(StepModel):
    exit: DefinitionId


STEPS: dict[str, type[StepModel]] = {
    "email": EmailStep,
    "survey": SurveyStep,
    "wait": WaitStep,
    "wait_for": WaitForStep,
    "branch": BranchStep,
    "split": SplitStep,
    "repeat": RepeatStep,
    "emit": EmitStep,
    "milestone": MilestoneStep,
    "enroll": EnrollStep,
    "unenroll": UnenrollStep,
    "update": UpdateStep,
    "stage": StageStep,
    "task": TaskStep,
    "approve": ApproveStep,
    "crm": CrmStep,
    "webhook": WebhookStep,
    "notify": NotifyStep,
    "exit": ExitStep,
}


def _step_form(value: object) -> str | None:
    if isinstance(value, Mapping):
        keys = set(cast("Mapping[str, object]", value))
        # `wait` beside `survey`, `task` or `enroll` is their option, no verb.
        return only_key(dict.fromkeys(keys - {"wait"} if keys & {"survey", "task", "enroll"} else keys), STEPS)
    return only_key(value, STEPS)


Step: TypeAlias = Annotated[
    Annotated[EmailStep, Tag("<email>")]
    | Annotated[SurveyStep, Tag("<survey>")]
    | Annotated[WaitStep, Tag("<wait>")]
    | Annotated[WaitForStep, Tag("<wait_for>")]
    | Annotated[BranchStep, Tag("<branch>")]
    | Annotated[SplitStep, Tag("<split>")]
    | Annotated[RepeatStep, Tag("<repeat>")]
    | Annotated[EmitStep, Tag("<emit>")]
    | Annotated[MilestoneStep, Tag("<milestone>")]
    | Annotated[EnrollStep, Tag("<enroll>")]
    | Annotated[UnenrollStep, Tag("<unenroll>")]
    | Annotated[UpdateStep, Tag("<update>")]
    | Annotated[StageStep, Tag("<stage>")]
    | Annotated[TaskStep, Tag("<task>")]
    | Annotated[ApproveStep, Tag("<approve>")]
    | Annotated[CrmStep, Tag("<crm>")]
    | Annotated[WebhookStep, Tag("<webhook>")]
    | Annotated[NotifyStep, Tag("<notify>")]
    | Annotated[ExitStep, Tag("<exit>")],
    Discriminator(_step_form),
]


for _model in (
    EventCondition,
    WhenCondition,
    OpenedCondition,
    ClickedCondition,
    RepliedCondition,
    TaskCondition,
    AnsweredCondition,
    AllCondition,
    WaitForStep,
    Arm,
    BranchStep,
    SplitArm,
    SplitStep,
    Rounds,
    RepeatStep,
    ApproveStep,
):
    _model.model_rebuild()

"""Playbooks, tracks and policies as people write them, parsed: frozen models of the playbook language.

Field names are the language's keys; Python keywords take a trailing underscore (``if_`` is ``if``). Expressions and spans
stay text here: the catalog compiles them once (`perennia.core.compiled`). Positions of errors are the loader's matter.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from perennia.core.json_values import Json

Scope: TypeAlias = Literal["contact", "account"]
OnFailure: TypeAlias = Literal["continue", "exit"]
TaskPriority: TypeAlias = Literal["low", "normal", "high", "urgent"]

# Text of a CEL expression, of a span (``2d``, ``1d12h``, ``2bd``, ``P3D``) and of a Jinja template.
ExpressionText: TypeAlias = str
SpanText: TypeAlias = str
TemplateText: TypeAlias = str

DefinitionId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
Priority: TypeAlias = Annotated[int, Field(ge=0, le=100, strict=True)]
# ``true`` or ``false`` and nothing that looks like them: ``yes`` is a word in YAML 1.2.
Flag: TypeAlias = Annotated[bool, Field(strict=True)]

DEFAULT_PRIORITY = 50


class Model(BaseModel):
    """Frozen, strict about keys, and addressed by the language's names."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


# --- entering -------------------------------------------------------------------------------------------------------


class EventTrigger(Model):
    """Each event of this name; a name that ends in ``*`` is a prefix."""

    event: str
    where: ExpressionText | None = None


class WhenTrigger(Model):
    """The instant at which the expression turns from false to true, also by time alone."""

    when: ExpressionText


Trigger: TypeAlias = EventTrigger | WhenTrigger


class ReenterAfter(Model):
    after: SpanText


class Enter(Model):
    on: tuple[Trigger, ...] = ()
    where: ExpressionText | None = None
    reenter: Literal["once", "always"] | ReenterAfter = "once"


class Goal(Model):
    when: ExpressionText
    within: SpanText | None = None
    then: Literal["exit", "continue"] = "exit"


class ExitRule(Model):
    when: ExpressionText
    reason: DefinitionId = "exit_criteria"


# --- steps ----------------------------------------------------------------------------------------------------------


class StepModel(Model):
    id: DefinitionId | None = None
    if_: ExpressionText | None = Field(default=None, alias="if")
    note: str | None = None


class EmailStep(StepModel):
    email: str
    to: Literal["contact", "owner"] | None = None
    topic: str | None = None
    transactional: Flag = False
    priority: Priority | None = None
    from_: str | None = Field(default=None, alias="from")
    with_: dict[str, ExpressionText] = Field(default_factory=dict, alias="with")
    on_failure: OnFailure = "continue"


class WaitStep(StepModel):
    wait: SpanText


class EventCondition(Model):
    event: str
    where: ExpressionText | None = None
    then: tuple[Step, ...] = ()


class WhenCondition(Model):
    when: ExpressionText
    then: tuple[Step, ...] = ()


class AllCondition(Model):
    """Every one of the conditions; events latch, ``when``s must hold at the same moment. Inner ``then``s are refused."""

    all: tuple[EventCondition | WhenCondition, ...] = Field(min_length=1)
    then: tuple[Step, ...] = ()


Condition: TypeAlias = EventCondition | WhenCondition | AllCondition


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


class UpdateStep(StepModel):
    """Sets traits: each value an expression, ``null`` removes."""

    update: dict[str, ExpressionText | int | float | bool | None] = Field(min_length=1)


class StageStep(StepModel):
    stage: dict[str, str] = Field(min_length=1, max_length=1)


class TaskStep(StepModel):
    task: TemplateText
    assign: str | None = None
    due: SpanText | None = None
    priority: TaskPriority = "normal"
    body: TemplateText | None = None
    wait: Flag = False
    on_failure: OnFailure = "continue"


class ExitStep(StepModel):
    exit: DefinitionId


Step: TypeAlias = EmailStep | WaitStep | WaitForStep | BranchStep | UpdateStep | StageStep | TaskStep | ExitStep


class Playbook(Model):
    """One automation: who enters, what it does, what it is for, what ends it."""

    playbook: DefinitionId
    name: str | None = None
    description: str | None = None
    scope: Scope = "contact"
    topic: str | None = None
    priority: Priority = DEFAULT_PRIORITY
    enter: Enter = Enter()
    while_: ExpressionText | None = Field(default=None, alias="while")
    goal: Goal | None = None
    exit: tuple[ExitRule, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)


# --- tracks ---------------------------------------------------------------------------------------------------------


class StageModel(Model):
    id: DefinitionId
    name: str | None = None
    enter: ExpressionText | None = None
    end: Flag = False


class Track(Model):
    """One ordered lifecycle; a customer is in at most one of its stages."""

    track: DefinitionId
    name: str | None = None
    description: str | None = None
    scope: Scope = "contact"
    stages: tuple[StageModel, ...] = Field(min_length=1)
    move: Literal["forward", "any"] = "forward"
    min_dwell: SpanText | None = None


# --- policies -------------------------------------------------------------------------------------------------------


class Sender(Model):
    email: str
    name: str | None = None


class Topic(Model):
    kind: Literal["opt_in", "opt_out"]
    name: str
    description: str | None = None


class Policies(Model):
    """What holds for the whole workspace; one document."""

    policies: DefinitionId
    timezone: str = "UTC"
    locale: str = "en"
    url: str | None = None
    name: str | None = None
    address: str | None = None
    senders: dict[str, Sender] = Field(default_factory=dict)
    default_sender: str | None = None
    topics: dict[str, Topic] = Field(default_factory=dict)


NO_POLICIES = Policies(policies="default")

Definition: TypeAlias = Playbook | Track | Policies

for _model in (EventCondition, WhenCondition, AllCondition, WaitForStep, Arm, BranchStep, Playbook):
    _model.model_rebuild()

__all__ = ["Definition", "Json", "Playbook", "Policies", "Step", "Track"]

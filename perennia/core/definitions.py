"""Playbooks, tracks and policies as people write them, parsed: frozen models of the playbook language.

Field names are the language's keys; Python keywords take a trailing underscore (``if_`` is ``if``). Expressions and spans
stay text here: the catalog compiles them once (`perennia.core.compiled`). Positions of errors are the loader's matter.

What may be one of several things (a step, a trigger, a condition) is told apart by its key before it is validated, so an
error speaks of the right verb. Such a choice shows up in a validation error's location as ``<email>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

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


def _only_key(value: object, keys: Mapping[str, type[BaseModel]]) -> str | None:
    """The tag of the one key of ``keys`` that ``value`` (a mapping or a model) has; None if none or several."""
    if isinstance(value, BaseModel):
        found = [key for key, model in keys.items() if type(value) is model]
    else:
        found = [key for key in keys if isinstance(value, Mapping) and key in cast("Mapping[str, object]", value)]
    return f"<{found[0]}>" if len(found) == 1 else None


# --- entering -------------------------------------------------------------------------------------------------------


class EventTrigger(Model):
    """Each event of this name; a name that ends in ``*`` is a prefix."""

    event: str
    where: ExpressionText | None = None


class WhenTrigger(Model):
    """The instant at which the expression turns from false to true, also by time alone."""

    when: ExpressionText


TRIGGERS: dict[str, type[Model]] = {"event": EventTrigger, "when": WhenTrigger}


def _trigger_form(value: object) -> str | None:
    return _only_key(value, TRIGGERS)


Trigger: TypeAlias = Annotated[
    Annotated[EventTrigger, Tag("<event>")] | Annotated[WhenTrigger, Tag("<when>")], Discriminator(_trigger_form)
]


class ReenterAfter(Model):
    after: SpanText


def _reenter_form(value: object) -> str:
    return "<after>" if isinstance(value, Mapping | ReenterAfter) else "<word>"


Reenter: TypeAlias = Annotated[
    Annotated[Literal["once", "always"], Tag("<word>")] | Annotated[ReenterAfter, Tag("<after>")],
    Discriminator(_reenter_form),
]


class Enter(Model):
    on: tuple[Trigger, ...] = ()
    where: ExpressionText | None = None
    reenter: Reenter = "once"


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

    all: tuple[PlainCondition, ...] = Field(min_length=1)
    then: tuple[Step, ...] = ()


PLAIN_CONDITIONS: dict[str, type[Model]] = {"event": EventCondition, "when": WhenCondition}
CONDITIONS: dict[str, type[Model]] = {**PLAIN_CONDITIONS, "all": AllCondition}


def _plain_condition_form(value: object) -> str | None:
    return _only_key(value, PLAIN_CONDITIONS)


def _condition_form(value: object) -> str | None:
    return _only_key(value, CONDITIONS)


PlainCondition: TypeAlias = Annotated[
    Annotated[EventCondition, Tag("<event>")] | Annotated[WhenCondition, Tag("<when>")],
    Discriminator(_plain_condition_form),
]
Condition: TypeAlias = Annotated[
    Annotated[EventCondition, Tag("<event>")]
    | Annotated[WhenCondition, Tag("<when>")]
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


STEPS: dict[str, type[StepModel]] = {
    "email": EmailStep,
    "wait": WaitStep,
    "wait_for": WaitForStep,
    "branch": BranchStep,
    "update": UpdateStep,
    "stage": StageStep,
    "task": TaskStep,
    "exit": ExitStep,
}


def _step_form(value: object) -> str | None:
    if isinstance(value, Mapping):
        keys = set(cast("Mapping[str, object]", value))
        # `wait` beside `task` is an option of the task, no verb.
        return _only_key(dict.fromkeys(keys - {"wait"} if "task" in keys else keys), STEPS)
    return _only_key(value, STEPS)


Step: TypeAlias = Annotated[
    Annotated[EmailStep, Tag("<email>")]
    | Annotated[WaitStep, Tag("<wait>")]
    | Annotated[WaitForStep, Tag("<wait_for>")]
    | Annotated[BranchStep, Tag("<branch>")]
    | Annotated[UpdateStep, Tag("<update>")]
    | Annotated[StageStep, Tag("<stage>")]
    | Annotated[TaskStep, Tag("<task>")]
    | Annotated[ExitStep, Tag("<exit>")],
    Discriminator(_step_form),
]


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

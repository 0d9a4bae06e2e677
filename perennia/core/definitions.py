"""Playbooks, tracks and policies as people write them, parsed: frozen models of the playbook language.

Field names are the language's keys; Python keywords take a trailing underscore (``if_`` is ``if``). Expressions and spans
stay text here: the catalog compiles them once (`perennia.core.compiled`). Positions of errors are the loader's matter.

What may be one of several things (a step, a trigger, a condition) is told apart by its key before it is validated, so an
error speaks of the right verb. Such a choice shows up in a validation error's location as ``<email>``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from perennia.core.definition_forms import (
    DEFAULT_PRIORITY,
    DefinitionId,
    ExpressionText,
    Flag,
    Model,
    Percentage,
    Priority,
    Scope,
    SpanText,
    StepModel,
    TemplateText,
    only_key,
)
from perennia.core.documents import BROADCAST
from perennia.core.health_definitions import Health
from perennia.core.outward_definitions import (
    Assignee,
    CrmStep,
    CrmWrite,
    Escalation,
    NotifyStep,
    TaskStep,
    WebhookCall,
    WebhookStep,
)
from perennia.core.policy_definitions import (
    BroadcastRules,
    BusinessHours,
    Digest,
    FrequencyCap,
    Holiday,
    Pages,
    Person,
    QuietHours,
    SendingLimits,
    Team,
    Tracking,
)
from perennia.core.step_definitions import (
    BUILT_IN_CONFIRMATION,
    BUILT_IN_DIGEST,
    BUILT_IN_SURVEY,
    CONDITIONS,
    PLAIN_CONDITIONS,
    STEPS,
    AllCondition,
    AnsweredCondition,
    ApproveStep,
    Arm,
    BranchStep,
    ClickedCondition,
    Condition,
    EmailStep,
    EmitStep,
    EnrollStep,
    EventCondition,
    ExitStep,
    MilestoneStep,
    OpenedCondition,
    PlainCondition,
    RepeatStep,
    RepliedCondition,
    Rounds,
    SplitArm,
    SplitStep,
    StageStep,
    Step,
    SurveyStep,
    TaskCondition,
    ToldCondition,
    UnenrollStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WhenCondition,
)
from perennia.core.survey_definitions import Survey
from perennia.core.timed_definitions import DateTrigger, ScheduleTrigger

__all__ = [
    "BUILT_IN_CONFIRMATION",
    "BUILT_IN_DIGEST",
    "BUILT_IN_SURVEY",
    "CONDITIONS",
    "DEFAULT_PRIORITY",
    "EXITS",
    "GOALS",
    "NO_POLICIES",
    "PLAIN_CONDITIONS",
    "STEPS",
    "TRIGGERS",
    "AllCondition",
    "AnsweredCondition",
    "ApproveStep",
    "Arm",
    "Assignee",
    "BranchStep",
    "BroadcastBook",
    "BroadcastRules",
    "BusinessHours",
    "Channel",
    "ClickedCondition",
    "Condition",
    "CrmStep",
    "CrmWrite",
    "DateTrigger",
    "Definition",
    "DefinitionId",
    "Digest",
    "EmailStep",
    "EmitStep",
    "EnrollStep",
    "Enter",
    "Escalation",
    "EventCondition",
    "EventExit",
    "EventGoal",
    "EventTrigger",
    "ExitRule",
    "ExitStep",
    "ExpressionText",
    "Flag",
    "FrequencyCap",
    "Goal",
    "Health",
    "Holiday",
    "MilestoneStep",
    "Model",
    "NotifyStep",
    "OpenedCondition",
    "PlainCondition",
    "Playbook",
    "PlaybookTrigger",
    "Policies",
    "Priority",
    "QuietHours",
    "Reenter",
    "ReenterAfter",
    "RepeatStep",
    "RepliedCondition",
    "Rounds",
    "ScheduleTrigger",
    "Scope",
    "Segment",
    "SegmentTrigger",
    "Sender",
    "SpanText",
    "SplitArm",
    "SplitStep",
    "StageModel",
    "StageStep",
    "StageTrigger",
    "Step",
    "StepModel",
    "Survey",
    "SurveyCooldown",
    "SurveyStep",
    "TaskCondition",
    "TaskStep",
    "TemplateText",
    "ToldCondition",
    "Topic",
    "Track",
    "Tracking",
    "Trigger",
    "UnenrollStep",
    "UpdateStep",
    "WaitForStep",
    "WaitStep",
    "WebhookCall",
    "WebhookStep",
    "WhenCondition",
    "WhenExit",
    "WhenGoal",
    "WhenTrigger",
]


# --- entering -------------------------------------------------------------------------------------------------------


# What becomes of customers who were known before publishing and for whom the condition holds already.
Existing: TypeAlias = Literal["ignore", "enroll"]


class EventTrigger(Model):
    """Each event of this name; a name that ends in ``*`` is a prefix. ``match``: where it carries the playbook's key."""

    event: str
    where: ExpressionText | None = None
    match: ExpressionText | None = None


class WhenTrigger(Model):
    """The instant at which the expression turns from false to true, also by time alone."""

    when: ExpressionText
    existing: Existing | None = None


class SegmentTrigger(Model):
    """The customer comes into this segment."""

    segment: DefinitionId
    existing: Existing | None = None


class StageTrigger(Model):
    """The customer enters this stage of a track."""

    stage: dict[str, str] = Field(min_length=1, max_length=1)


class PlaybookTrigger(Model):
    """An enrollment of another playbook ends so; ``exited`` is any end but its completion and its goal."""

    playbook: dict[str, Literal["completed", "goal", "exited", "any"]] = Field(min_length=1, max_length=1)


TRIGGERS: dict[str, type[Model]] = {
    "date": DateTrigger,
    "schedule": ScheduleTrigger,
    "event": EventTrigger,
    "when": WhenTrigger,
    "segment": SegmentTrigger,
    "stage": StageTrigger,
    "playbook": PlaybookTrigger,
}


def _trigger_form(value: object) -> str | None:
    return only_key(value, TRIGGERS)


Trigger: TypeAlias = Annotated[
    Annotated[EventTrigger, Tag("<event>")]
    | Annotated[WhenTrigger, Tag("<when>")]
    | Annotated[SegmentTrigger, Tag("<segment>")]
    | Annotated[StageTrigger, Tag("<stage>")]
    | Annotated[PlaybookTrigger, Tag("<playbook>")]
    | Annotated[DateTrigger, Tag("<date>")]
    | Annotated[ScheduleTrigger, Tag("<schedule>")],
    Discriminator(_trigger_form),
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
    """``key`` is the playbook's: it may stand in either place."""

    on: tuple[Trigger, ...] = ()
    where: ExpressionText | None = None
    key: ExpressionText | None = None
    reenter: Reenter = "once"
    existing: Existing = "ignore"
    holdout: Percentage | None = None


# --- goals and exits ------------------------------------------------------------------------------------------------


class GoalModel(Model):
    within: SpanText | None = None
    then: Literal["exit", "continue"] = "exit"


class WhenGoal(GoalModel):
    when: ExpressionText


class EventGoal(GoalModel):
    """Each such event during an enrollment; in a playbook with a key, one that carries it."""

    event: str
    where: ExpressionText | None = None
    match: ExpressionText | None = None


class ExitModel(Model):
    reason: DefinitionId = "exit_criteria"


class WhenExit(ExitModel):
    when: ExpressionText


class EventExit(ExitModel):
    """As an `EventGoal`."""

    event: str
    where: ExpressionText | None = None
    match: ExpressionText | None = None


GOALS: dict[str, type[Model]] = {"event": EventGoal, "when": WhenGoal}
EXITS: dict[str, type[Model]] = {"event": EventExit, "when": WhenExit}


def _goal_form(value: object) -> str | None:
    return only_key(value, GOALS)


def _exit_form(value: object) -> str | None:
    return only_key(value, EXITS)


Goal: TypeAlias = Annotated[
    Annotated[WhenGoal, Tag("<when>")] | Annotated[EventGoal, Tag("<event>")], Discriminator(_goal_form)
]
ExitRule: TypeAlias = Annotated[
    Annotated[WhenExit, Tag("<when>")] | Annotated[EventExit, Tag("<event>")], Discriminator(_exit_form)
]


# --- playbooks ------------------------------------------------------------------------------------------------------


class Playbook(Model):
    """One automation: who enters, what it does, what it is for, what ends it.

    ``key``: a customer may be in it once for each value of this expression over the event that starts an enrollment.
    """

    playbook: DefinitionId
    name: str | None = None
    description: str | None = None
    scope: Scope = "contact"
    topic: str | None = None
    priority: Priority = DEFAULT_PRIORITY
    key: ExpressionText | None = None
    enter: Enter = Enter()
    while_: ExpressionText | None = Field(default=None, alias="while")
    goal: Goal | None = None
    exit: tuple[ExitRule, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)


class BroadcastBook(Playbook):
    """The playbook that a broadcast is made of: no workspace can call one so."""

    playbook: Annotated[str, Field(pattern=rf"^{BROADCAST}[a-z0-9][a-z0-9_-]*$")]


# --- tracks ---------------------------------------------------------------------------------------------------------


class StageModel(Model):
    id: DefinitionId
    name: str | None = None
    enter: ExpressionText | None = None
    end: Flag = False
    expected: SpanText | None = None
    stuck: SpanText | None = None
    milestones: tuple[DefinitionId, ...] = ()
    kpis: tuple[DefinitionId, ...] = ()


class Track(Model):
    """One ordered lifecycle; a customer is in at most one of its stages."""

    track: DefinitionId
    name: str | None = None
    description: str | None = None
    scope: Scope = "contact"
    stages: tuple[StageModel, ...] = Field(min_length=1)
    move: Literal["forward", "any"] = "forward"
    min_dwell: SpanText | None = None


class Segment(Model):
    """Customers of whom a condition holds, under a name."""

    segment: DefinitionId
    name: str | None = None
    description: str | None = None
    scope: Scope = "contact"
    when: ExpressionText


# --- policies -------------------------------------------------------------------------------------------------------


class Sender(Model):
    """``tracking``: of messages whose topic says nothing of it."""

    email: str
    name: str | None = None
    tracking: Tracking | None = None


class Topic(Model):
    """``confirm``: a yes counts once the person confirms it by the link in a message (double opt-in), ``confirm_template``.

    ``digest``: its messages are held, and leave as one.
    """

    kind: Literal["opt_in", "opt_out"]
    name: str
    description: str | None = None
    confirm: Flag = False
    confirm_template: str | None = None
    digest: Digest | None = None
    tracking: Tracking | None = None


class SurveyCooldown(Model):
    """``any``: how long nobody is asked after any survey; ``relational``: how long no relational one after another."""

    any: SpanText | None = None
    relational: SpanText | None = None


class Channel(Model):
    """A channel of the team. Where it leads is a setting of the installation: addresses of channels are secrets."""

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
    quiet_hours: QuietHours | None = None
    business_hours: BusinessHours = BusinessHours()
    holidays: tuple[Holiday, ...] = ()
    caps: tuple[FrequencyCap, ...] = ()
    survey_cooldown: SurveyCooldown = SurveyCooldown()
    channels: dict[DefinitionId, Channel] = Field(default_factory=dict)
    sending_limits: SendingLimits = SendingLimits()
    people: dict[str, Person] = Field(default_factory=dict)
    teams: dict[DefinitionId, Team] = Field(default_factory=dict)
    broadcasts: BroadcastRules = BroadcastRules()
    pages: Pages = Pages()

    @property
    def usual_sender(self) -> str | None:
        """Who writes where a step names nobody: the default sender, or the only one there is."""
        if self.default_sender is None and len(self.senders) == 1:
            return next(iter(self.senders))
        return self.default_sender

    def person_named(self, assignee: str) -> str:
        """The id of the person who is known by it, or by that address; else ``assignee`` itself."""
        if assignee in self.people:
            return assignee
        return next((id_ for id_, person in self.people.items() if person.email == assignee), assignee)


NO_POLICIES = Policies(policies="default")

Definition: TypeAlias = Playbook | Track | Segment | Health | Survey | Policies

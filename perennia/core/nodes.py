"""What runs: a playbook as a graph of nodes, a track as ordered stages; every expression compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import TypeAlias

from perennia.core.calendar import Span
from perennia.core.cron import Cron
from perennia.core.decisions import CrmWriteKind
from perennia.core.definitions import (
    EmailStep,
    Health,
    NotifyStep,
    Playbook,
    Scope,
    Survey,
    TaskStep,
    Track,
    WebhookStep,
)
from perennia.core.expressions import Expression
from perennia.core.health_definitions import MeasureScore
from perennia.core.json_values import Json, JsonObject
from perennia.core.wall_clock import Offset

# Among what a customer watches: opens, clicks and replies to its messages.
MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom of an account's contacts a step reaches: those of one role, or all of them (``role`` None)."""

    role: str | None

    def includes(self, roles: tuple[str, ...]) -> bool:
        return self.role is None or self.role in roles

    @property
    def detail(self) -> JsonObject:
        """For the journal."""
        return {"to": "all"} if self.role is None else {"to": {"role": self.role}}


# --- steps ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Node:
    """A step and where it leads. ``next`` None: the playbook is completed."""

    id: str
    verb: str
    next: str | None
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class OutwardNode(Node):
    """A step that asks the world for something. ``fatal``: where that fails, the enrollment ends."""

    fatal: bool


@dataclass(frozen=True, slots=True)
class EmailNode(OutwardNode):
    step: EmailStep
    template_version: str
    topic: str | None
    priority: int
    values: tuple[tuple[str, Expression], ...]
    hold: Span
    audience: Audience | None = None

    @property
    def waits(self) -> bool:
        """Whether caps and quiet hours concern it: transactional and internal mail neither count nor wait."""
        return not self.step.transactional and self.step.to != "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyNode(EmailNode):
    """A message that asks, and the wait for its response (``wait`` None: there is none). ``reminders``: from the asking on."""

    survey: str
    wait: Span | None
    reminders: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class WaitNode(Node):
    span: Span


@dataclass(frozen=True, slots=True)
class UntilTimeNode(Node):
    """Until clocks show ``at`` on one of ``days`` (Monday 0): the customer's clocks, or the workspace's."""

    at: time
    days: frozenset[int]
    in_workspace: bool
    spread: Span | None


@dataclass(frozen=True, slots=True)
class UntilDateNode(Node):
    """Until the instant that ``date`` tells. ``exits``: where it tells none, the enrollment ends."""

    date: Expression
    offset: Offset | None
    exits: bool
    spread: Span | None


def answer_to(survey: str) -> str:
    """The name under which waits know of answers to a survey: like no event's, for those are trimmed of white space."""
    return f" answered: {survey}"


@dataclass(frozen=True, slots=True)
class EventTest:
    """One event condition of a wait, a goal or an exit; ``id`` is unique in the playbook.

    ``match``: what of the event must be the enrollment's key, None where the playbook has none.
    """

    id: str
    event: str
    where: Expression | None
    # How many events of this kind can be used at most: more than one where rounds come back to the wait.
    uses: int = 1
    match: Expression | None = None


@dataclass(frozen=True, slots=True)
class WhenTest:
    id: str
    when: Expression


@dataclass(frozen=True, slots=True)
class ToldTest:
    """What is told of something else than by an event: of a step's message (``clicked``), of its ``task``."""

    id: str
    what: str
    of: str
    uses: int = 1


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the conditions a wait races: passes when every test does, and leads to ``then``."""

    tests: tuple[EventTest | WhenTest | ToldTest, ...]
    then: str | None


@dataclass(frozen=True, slots=True)
class WaitForNode(Node):
    """``watching``: tokens of the events that it waits for, and `MESSAGES` where it waits for what is told of messages."""

    contenders: tuple[Contender, ...]
    since_entry: bool
    up_to: Span | None
    otherwise: str | None
    watching: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        tests = [test for contender in self.contenders for test in contender.tests]
        tokens = [f"event:{test.event}" for test in tests if isinstance(test, EventTest)]
        if any(isinstance(test, ToldTest) for test in tests):
            tokens.append(MESSAGES)
        object.__setattr__(self, "watching", tuple(tokens))


@dataclass(frozen=True, slots=True)
class BranchNode(Node):
    arms: tuple[tuple[Expression, str | None], ...]
    otherwise: str | None


@dataclass(frozen=True, slots=True)
class SplitNode(Node):
    """``shares``: each variant's percentage; ``targets``: where it leads."""

    shares: tuple[tuple[str, float], ...]
    targets: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class RepeatNode(Node):
    """``first``: the first step of a round, the last of which leads back here."""

    every: Span
    times: int | None
    until: Expression | None
    first: str | None


@dataclass(frozen=True, slots=True)
class EmitNode(Node):
    event: str
    values: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class MilestoneNode(Node):
    milestone: str


@dataclass(frozen=True, slots=True)
class EnrollNode(Node):
    playbook: str
    values: tuple[tuple[str, Expression], ...]
    wait: bool
    audience: Audience | None = None
    late_joiners: bool = False


@dataclass(frozen=True, slots=True)
class UnenrollNode(Node):
    playbook: str


@dataclass(frozen=True, slots=True)
class UpdateNode(Node):
    values: tuple[tuple[str, Expression | Json], ...]


@dataclass(frozen=True, slots=True)
class StageNode(Node):
    track: str
    stage: str


@dataclass(frozen=True, slots=True)
class TaskNode(OutwardNode):
    step: TaskStep
    due: Span | None
    escalate_after: Span | None


@dataclass(frozen=True, slots=True)
class ApproveNode(OutwardNode):
    """``silence_allows``: what follows where nobody has answered within the span. Where nobody can be asked, it is denied."""

    question: str
    by: str | None
    within: Span | None
    silence_allows: bool
    allowed: str | None
    denied: str | None


@dataclass(frozen=True, slots=True)
class CrmNode(OutwardNode):
    """``record`` None: the customer's own. ``values`` are those of ``set``, ``text`` is of the others."""

    record: Scope | None
    write: CrmWriteKind
    text: str | None
    values: tuple[tuple[str, Expression | Json], ...]


@dataclass(frozen=True, slots=True)
class WebhookNode(OutwardNode):
    step: WebhookStep


@dataclass(frozen=True, slots=True)
class NotifyNode(OutwardNode):
    step: NotifyStep


@dataclass(frozen=True, slots=True)
class ExitNode(Node):
    reason: str


AnyOutwardNode: TypeAlias = EmailNode | TaskNode | ApproveNode | CrmNode | WebhookNode | NotifyNode
AnyNode: TypeAlias = (
    AnyOutwardNode
    | WaitNode
    | UntilTimeNode
    | UntilDateNode
    | WaitForNode
    | BranchNode
    | SplitNode
    | RepeatNode
    | EmitNode
    | MilestoneNode
    | EnrollNode
    | UnenrollNode
    | UpdateNode
    | StageNode
    | ExitNode
)


# --- playbooks and tracks -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DateTiming:
    """The instant that ``date`` tells, moved by ``offset``; with ``at`` that time of the day it then falls on."""

    date: Expression
    offset: Offset | None
    at: time | None
    spread: Span | None


@dataclass(frozen=True, slots=True)
class ScheduleTiming:
    cron: Cron
    spread: Span | None


@dataclass(frozen=True, slots=True)
class CompiledTrigger:
    """``key`` names it in a customer's state: it changes with the expression, so that a changed one starts afresh.

    ``match``: what of the event is the key, None: what is the playbook's key of any event.
    ``stage``: the track and the stage that are entered; ``end``: the playbook and how it ends; ``existing``: who was known
    before, and for whom ``when`` holds already, enters, too. ``since``: when it was first published; what happened before
    starts nothing. None: it always was.
    """

    key: str
    playbook: str
    event: str | None
    where: Expression | None
    when: Expression | None
    since: datetime | None = None
    timing: DateTiming | ScheduleTiming | None = None
    stage: tuple[str, str] | None = None
    end: tuple[str, str] | None = None
    existing: bool = False
    match: Expression | None = None

    def published(self, at: datetime) -> bool:
        """Whether it was there at that instant."""
        return self.since is None or self.since <= at


@dataclass(frozen=True, slots=True)
class Rule:
    """A goal or an exit rule: what it looks for, and the reason it ends the enrollment with."""

    key: str
    test: EventTest | WhenTest
    reason: str


@dataclass(frozen=True, slots=True)
class CompiledPlaybook:
    """``watching``: by the step that somebody stands at, tokens of the events that the goal, the exits and that step look for."""

    id: str
    version: str
    definition: Playbook
    first: str | None
    nodes: Mapping[str, AnyNode]
    triggers: tuple[CompiledTrigger, ...]
    where: Expression | None
    reenter_after: Span | None
    holdout: float
    while_: Expression | None
    exits: tuple[Rule, ...]
    goal: Rule | None
    goal_within: Span | None
    event_tests: Mapping[str, tuple[tuple[WaitForNode, EventTest], ...]]
    told_tests: Mapping[tuple[str, str], tuple[tuple[WaitForNode, ToldTest], ...]]
    expressions: tuple[Expression, ...]
    key: Expression | None = None
    # Events that its goal and its exits look for.
    rule_events: frozenset[str] = frozenset()
    surveys: Mapping[str, Survey] = field(default_factory=dict[str, Survey])
    # Whether the zone of somebody inside can change what any of its expressions says.
    follows_zone: bool = False
    # The steps that also enroll contacts who come later.
    welcoming: tuple[EnrollNode, ...] = ()
    watching: Mapping[str | None, tuple[str, ...]] = field(init=False)

    @property
    def goal_event(self) -> str | None:
        """The name of the event that its goal looks for, where it is one."""
        return self.goal.test.event if self.goal is not None and isinstance(self.goal.test, EventTest) else None

    def __post_init__(self) -> None:
        rules = tuple(f"event:{name}" for name in sorted(self.rule_events))
        waits = {id_: node.watching for id_, node in self.nodes.items() if isinstance(node, WaitForNode)}
        at_steps = {id_: (*rules, *waits.get(id_, ())) for id_ in self.nodes}
        object.__setattr__(self, "watching", {None: rules, **at_steps})


@dataclass(frozen=True, slots=True)
class CompiledStage:
    id: str
    key: str
    enter: Expression | None
    end: bool
    expected: Span | None
    stuck: Span | None


@dataclass(frozen=True, slots=True)
class CompiledTrack:
    id: str
    version: str
    definition: Track
    stages: tuple[CompiledStage, ...]
    positions: Mapping[str, int]
    min_dwell: Span | None
    may_be_late: bool

    @property
    def key(self) -> str:
        """Its name among what a customer stands in."""
        return f"{self.id}/track"


@dataclass(frozen=True, slots=True)
class CompiledMeasure:
    id: str
    weight: float
    value: Expression
    score: MeasureScore
    missing: str


@dataclass(frozen=True, slots=True)
class CompiledHealth:
    """``key`` names its watch in a customer's state: it changes with the definition, so that a changed one is worked out anew."""

    id: str
    version: str
    key: str
    definition: Health
    measures: tuple[CompiledMeasure, ...]

    def band_of(self, score: float) -> str | None:
        """The band that the score lies in, None below the lowest."""
        reached = [(start, band) for band, start in self.definition.bands.items() if start <= score]
        return max(reached)[1] if reached else None

    @property
    def reads(self) -> frozenset[str]:
        """Full dotted names that its measures read."""
        return frozenset[str]().union(*(measure.value.reads for measure in self.measures))

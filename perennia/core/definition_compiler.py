"""Definitions to what runs: steps become a graph, expressions and spans are compiled once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from perennia.core.calendar import parse_span
from perennia.core.cron import parse_cron
from perennia.core.definition_forms import part_of_one
from perennia.core.definitions import (
    AllCondition,
    AnsweredCondition,
    ApproveStep,
    BranchStep,
    Condition,
    CrmStep,
    DateTrigger,
    EmailStep,
    EmitStep,
    EnrollStep,
    EventCondition,
    EventTrigger,
    ExitRule,
    ExitStep,
    Goal,
    Health,
    MilestoneStep,
    NotifyStep,
    Playbook,
    PlaybookTrigger,
    ReenterAfter,
    RepeatStep,
    ScheduleTrigger,
    SegmentTrigger,
    SplitStep,
    StageStep,
    StageTrigger,
    Step,
    Survey,
    SurveyStep,
    TaskStep,
    ToldCondition,
    Track,
    Trigger,
    UnenrollStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
    WhenExit,
    WhenGoal,
)
from perennia.core.documents import content_hash
from perennia.core.expressions import Expression, compile_expression
from perennia.core.nodes import (
    AnyNode,
    BranchNode,
    CompiledHealth,
    CompiledMeasure,
    CompiledPlaybook,
    CompiledStage,
    CompiledTrack,
    CompiledTrigger,
    Contender,
    DateTiming,
    EmitNode,
    EnrollNode,
    EventTest,
    ExitNode,
    MilestoneNode,
    RepeatNode,
    Rule,
    ScheduleTiming,
    SplitNode,
    StageNode,
    ToldTest,
    UnenrollNode,
    UntilDateNode,
    UntilTimeNode,
    UpdateNode,
    WaitForNode,
    WaitNode,
    WhenTest,
    answer_to,
)
from perennia.core.outward_compiler import approve_node, audience_of, outward_node
from perennia.core.step_definitions import told_of
from perennia.core.step_ids import place_steps, verb_of
from perennia.core.timed_definitions import UntilTime
from perennia.core.wall_clock import WEEKDAYS, parse_offset, parse_time

CUSTOMER_NAMES = {
    "contact": frozenset({"traits", "account", "contact", "stage", "health", "answers"}),
    "account": frozenset({"traits", "stage", "health", "answers"}),
}
ENROLLMENT_NAMES = frozenset({"enter", "steps"})
# Events are kept for waits of as many rounds to come: without a bound the state would grow.
MOST_ROUNDS_KEPT = 100

EVENT_NAMES = frozenset({"event"})


class _Compiler:
    """Compiles one playbook; collects its expressions on the way."""

    def __init__(
        self,
        playbook: Playbook,
        version: str,
        templates: Mapping[str, str],
        segments: Mapping[str, str],
        surveys: Mapping[str, Survey],
    ) -> None:
        self.surveys = surveys
        self.segments = segments
        self.playbook = playbook
        self.version = version
        self.templates = templates
        self.names = CUSTOMER_NAMES[playbook.scope]
        self.ids = {placed.path: placed.id for placed in place_steps(playbook)}
        self.nodes: dict[str, AnyNode] = {}
        self.expressions: list[Expression] = []
        self.key = self._optional(playbook.key or playbook.enter.key, EVENT_NAMES)
        # How often the steps that are being compiled may come round.
        self.rounds: int = 1

    def compile(self) -> CompiledPlaybook:
        book = self.playbook
        first = self._list(book.steps, "steps", None)
        goal = None if book.goal is None else self._rule("goal", book.goal, "goal")
        exits = tuple(self._rule(f"exit.{index}", rule, rule.reason) for index, rule in enumerate(book.exit))
        tests = [rule.test for rule in exits] + ([] if goal is None else [goal.test])
        reenter = book.enter.reenter
        return CompiledPlaybook(
            id=book.playbook,
            version=self.version,
            definition=book,
            first=first,
            nodes=self.nodes,
            triggers=tuple(self._trigger(trigger) for trigger in book.enter.on),
            where=self._optional(book.enter.where, frozenset({"enter"})),
            reenter_after=parse_span(reenter.after) if isinstance(reenter, ReenterAfter) else None,
            holdout=part_of_one(book.enter.holdout or "0%"),
            while_=self._optional(book.while_),
            exits=exits,
            goal=goal,
            goal_within=None if book.goal is None or book.goal.within is None else parse_span(book.goal.within),
            event_tests=self._event_tests(),
            told_tests=self._told_tests(),
            expressions=tuple(self.expressions),
            follows_zone=any(each.follows_zone for each in self.expressions),
            key=self.key,
            rule_events=frozenset(test.event for test in tests if isinstance(test, EventTest)),
            surveys=self.surveys,
            welcoming=tuple(each for each in self.nodes.values() if isinstance(each, EnrollNode) and each.late_joiners),
        )

    def _rule(self, key: str, rule: Goal | ExitRule, reason: str) -> Rule:
        if isinstance(rule, WhenGoal | WhenExit):
            return Rule(key, WhenTest(key, self._expression(rule.when)), reason)
        return Rule(key, self._event_test(key, rule.event, rule.where, rule.match), reason)

    def _event_test(self, id_: str, event: str, where: str | None, match: str | None, uses: int = 1) -> EventTest:
        names = ENROLLMENT_NAMES | EVENT_NAMES
        return EventTest(
            id_, event, self._optional(where, names), uses, None if self.key is None else self._match(match)
        )

    def _match(self, text: str | None) -> Expression | None:
        return self.key if text is None else self._expression(text, EVENT_NAMES)

    def _expression(self, text: str, more: frozenset[str] = ENROLLMENT_NAMES) -> Expression:
        expression = compile_expression(text, names=self.names | more, segments=self.segments)
        self.expressions.append(expression)
        return expression

    def _optional(self, text: str | None, more: frozenset[str] = ENROLLMENT_NAMES) -> Expression | None:
        return None if text is None else self._expression(text, more)

    def _trigger(self, trigger: Trigger) -> CompiledTrigger:
        book = self.playbook.playbook
        if isinstance(trigger, EventTrigger):
            where = self._optional(trigger.where, EVENT_NAMES)
            match = None if trigger.match is None else self._match(trigger.match)
            return CompiledTrigger(f"{book}/on/{trigger.event}", book, trigger.event, where, None, match=match)
        if isinstance(trigger, DateTrigger | ScheduleTrigger):
            return self._timed_trigger(trigger)
        if isinstance(trigger, StageTrigger):
            (stage,) = trigger.stage.items()
            return CompiledTrigger(f"{book}/stage/{'/'.join(stage)}", book, None, None, None, stage=stage)
        if isinstance(trigger, PlaybookTrigger):
            (end,) = trigger.playbook.items()
            return CompiledTrigger(f"{book}/end/{'/'.join(end)}", book, None, None, None, end=end)
        text = f'in_segment("{trigger.segment}")' if isinstance(trigger, SegmentTrigger) else trigger.when
        when = self._expression(text, frozenset())
        existing = (trigger.existing or self.playbook.enter.existing) == "enroll"
        key = f"{book}/when/{content_hash(text)[:8]}"
        return CompiledTrigger(key, book, None, None, when, existing=existing)

    def _timed_trigger(self, trigger: DateTrigger | ScheduleTrigger) -> CompiledTrigger:
        book = self.playbook.playbook
        spread = None if trigger.spread is None else parse_span(trigger.spread)
        told = content_hash(trigger.model_dump_json(exclude_defaults=True))[:8]
        if isinstance(trigger, ScheduleTrigger):
            timing = ScheduleTiming(parse_cron(trigger.schedule), spread)
            return CompiledTrigger(f"{book}/schedule/{told}", book, None, None, None, timing=timing)
        offset = None if trigger.offset is None else parse_offset(trigger.offset)
        at = None if trigger.at is None else parse_time(trigger.at)
        timing = DateTiming(self._expression(trigger.date, frozenset()), offset, at, spread)
        return CompiledTrigger(f"{book}/date/{told}", book, None, None, None, timing=timing)

    def _list(self, steps: Sequence[Step], path: str, after: str | None) -> str | None:
        """Compiles a list of steps that leads to ``after``; its first step's id, or ``after`` where it is empty."""
        target = after
        for index in range(len(steps) - 1, -1, -1):
            here = f"{path}.{index}"
            target = self._step(steps[index], here, target)
        return target

    def _step(self, step: Step, path: str, after: str | None) -> str:
        step_id = self.ids[path]
        condition = self._optional(step.if_)
        self.nodes[step_id] = self._node(step, path, step_id, after, condition)
        return step_id

    def _node(self, step: Step, path: str, id_: str, after: str | None, condition: Expression | None) -> AnyNode:
        match step:
            case EmailStep() | SurveyStep() | TaskStep() | CrmStep() | WebhookStep() | NotifyStep():
                head = (id_, verb_of(step), after, condition)
                return outward_node(step, head, self.playbook, self.templates, self._expression)
            case ApproveStep():
                allowed = self._list(step.then, f"{path}.then", after)
                denied = self._list(step.else_, f"{path}.else", after)
                return approve_node(step, (id_, "approve", after, condition), allowed, denied)
            case WaitStep():
                return self._wait(step, id_, after, condition)
            case WaitForStep():
                return self._wait_for(step, path, id_, after, condition)
            case BranchStep():
                arms = tuple(
                    (self._expression(arm.if_), self._list(arm.then, f"{path}.branch.{index}.then", after))
                    for index, arm in enumerate(step.branch)
                )
                return BranchNode(id_, "branch", after, condition, arms, self._list(step.else_, f"{path}.else", after))
            case SplitStep():
                shares = tuple((name, arm.share) for name, arm in step.split.items())
                targets = {
                    name: self._list(arm.then, f"{path}.split.{name}.then", after) for name, arm in step.split.items()
                }
                return SplitNode(id_, "split", after, condition, shares, targets)
            case RepeatStep():
                return self._repeat(step, path, id_, after, condition)
            case EmitStep():
                values = tuple((name, self._expression(text)) for name, text in step.with_.items())
                return EmitNode(id_, "emit", after, condition, step.emit, values)
            case MilestoneStep():
                return MilestoneNode(id_, "milestone", after, condition, step.milestone)
            case EnrollStep():
                values = tuple((name, self._expression(text)) for name, text in step.with_.items())
                return EnrollNode(
                    id_,
                    "enroll",
                    after,
                    condition,
                    step.enroll,
                    values,
                    step.wait,
                    audience_of(step.to),
                    step.late_joiners,
                )
            case UnenrollStep():
                return UnenrollNode(id_, "unenroll", after, condition, step.unenroll)
            case UpdateStep():
                values = tuple(
                    (trait, self._expression(value) if isinstance(value, str) else value)
                    for trait, value in step.update.items()
                )
                return UpdateNode(id_, "update", after, condition, values)
            case StageStep():
                ((track, stage),) = step.stage.items()
                return StageNode(id_, "stage", after, condition, track, stage)
            case ExitStep():
                return ExitNode(id_, "exit", after, condition, step.exit)

    def _wait(self, step: WaitStep, id_: str, after: str | None, condition: Expression | None) -> AnyNode:
        until = step.wait
        if isinstance(until, str):
            return WaitNode(id_, "wait", after, condition, parse_span(until))
        spread = None if until.spread is None else parse_span(until.spread)
        if isinstance(until, UntilTime):
            days = frozenset(WEEKDAYS.index(day) for day in until.on)
            in_workspace = until.zone == "workspace"
            return UntilTimeNode(id_, "wait", after, condition, parse_time(until.until), days, in_workspace, spread)
        offset = None if until.offset is None else parse_offset(until.offset)
        date, exits = self._expression(until.until), until.missing == "exit"
        return UntilDateNode(id_, "wait", after, condition, date, offset, exits, spread)

    def _repeat(
        self, step: RepeatStep, path: str, id_: str, after: str | None, condition: Expression | None
    ) -> RepeatNode:
        rounds, around = step.repeat, self.rounds
        self.rounds = min(MOST_ROUNDS_KEPT, around * (rounds.times or MOST_ROUNDS_KEPT))
        first = self._list(rounds.steps, f"{path}.repeat.steps", id_)
        self.rounds = around
        until = self._optional(rounds.until)
        return RepeatNode(id_, "repeat", after, condition, parse_span(rounds.every), rounds.times, until, first)

    def _wait_for(
        self, step: WaitForStep, path: str, id_: str, after: str | None, condition: Expression | None
    ) -> WaitForNode:
        contenders = tuple(
            Contender(
                self._tests(contender, f"{id_}.{index}"),
                self._list(contender.then, f"{path}.wait_for.{index}.then", after),
            )
            for index, contender in enumerate(step.wait_for)
        )
        return WaitForNode(
            id_,
            "wait_for",
            after,
            condition,
            contenders,
            since_entry=step.since == "entry",
            up_to=None if step.up_to is None else parse_span(step.up_to),
            otherwise=self._list(step.else_, f"{path}.else", after),
        )

    def _tests(self, condition: Condition, prefix: str) -> tuple[EventTest | WhenTest | ToldTest, ...]:
        parts = condition.all if isinstance(condition, AllCondition) else (condition,)
        tests: list[EventTest | WhenTest | ToldTest] = []
        for index, part in enumerate(parts):
            test_id = f"{prefix}.{index}"
            if isinstance(part, EventCondition):
                tests.append(self._event_test(test_id, part.event, part.where, part.match, self.rounds))
            elif isinstance(part, ToldCondition):
                tests.append(ToldTest(test_id, *told_of(part), self.rounds))
            elif isinstance(part, AnsweredCondition):
                tests.append(EventTest(test_id, answer_to(part.answered), None, self.rounds))
            else:
                tests.append(WhenTest(test_id, self._expression(part.when)))
        return tuple(tests)

    def _event_tests(self) -> dict[str, tuple[tuple[WaitForNode, EventTest], ...]]:
        found: dict[str, list[tuple[WaitForNode, EventTest]]] = {}
        for node, test in self._tests_of_waits():
            if isinstance(test, EventTest):
                found.setdefault(test.event, []).append((node, test))
        return {name: tuple(tests) for name, tests in found.items()}

    def _told_tests(self) -> dict[tuple[str, str], tuple[tuple[WaitForNode, ToldTest], ...]]:
        found: dict[tuple[str, str], list[tuple[WaitForNode, ToldTest]]] = {}
        for node, test in self._tests_of_waits():
            if isinstance(test, ToldTest):
                found.setdefault((test.what, test.of), []).append((node, test))
        return {told: tuple(tests) for told, tests in found.items()}

    def _tests_of_waits(self) -> Iterator[tuple[WaitForNode, EventTest | WhenTest | ToldTest]]:
        for node in self.nodes.values():
            if isinstance(node, WaitForNode):
                yield from ((node, test) for contender in node.contenders for test in contender.tests)


def compile_playbook(
    playbook: Playbook,
    version: str,
    templates: Mapping[str, str],
    segments: Mapping[str, str],
    surveys: Mapping[str, Survey] | None = None,
) -> CompiledPlaybook:
    """``templates``: the version of each template it names; ``segments``: the criterion of each segment.

    ``surveys``: those it names, as they were when it was published.

    Raises `ExpressionError` and `SpanError`.
    """
    return _Compiler(playbook, version, templates, segments, surveys or {}).compile()


def compile_track(track: Track, version: str, segments: Mapping[str, str]) -> CompiledTrack:
    """Raises `ExpressionError` and `SpanError`."""
    names = CUSTOMER_NAMES[track.scope]
    stages = tuple(
        CompiledStage(
            id=stage.id,
            key=f"{track.track}/stage/{stage.id}/{content_hash(stage.enter or '')[:8]}",
            enter=None if stage.enter is None else compile_expression(stage.enter, names=names, segments=segments),
            end=stage.end,
            expected=None if stage.expected is None else parse_span(stage.expected),
            stuck=None if stage.stuck is None else parse_span(stage.stuck),
        )
        for stage in track.stages
    )
    return CompiledTrack(
        id=track.track,
        version=version,
        definition=track,
        stages=stages,
        positions={stage.id: position for position, stage in enumerate(stages)},
        min_dwell=None if track.min_dwell is None else parse_span(track.min_dwell),
        may_be_late=any(stage.expected is not None or stage.stuck is not None for stage in track.stages),
    )


def compile_health(health: Health, version: str, segments: Mapping[str, str]) -> CompiledHealth:
    """Raises `ExpressionError`."""
    names = CUSTOMER_NAMES[health.scope]
    measures = tuple(
        CompiledMeasure(
            id=measure.id,
            weight=measure.weight,
            value=compile_expression(measure.score.value, names=names, segments=segments, condition=False),
            score=measure.score,
            missing=measure.missing,
        )
        for measure in health.measures
    )
    return CompiledHealth(health.health, version, f"{health.health}/health/{version[:8]}", health, measures)

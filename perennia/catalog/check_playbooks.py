"""What `check` says of a playbook whose form is right: references, expressions, spans, and what can never be meant."""

from __future__ import annotations

import re

from perennia.catalog.characters import is_hidden, named
from perennia.catalog.check_asking import check_asking
from perennia.catalog.check_enrolling import check_enroll, check_other
from perennia.catalog.check_keys import check_keys
from perennia.catalog.check_messages import check_email
from perennia.catalog.check_outward import check_approval, check_crm, check_notice, check_task, check_webhook
from perennia.catalog.check_reentry import check_reentry
from perennia.catalog.check_routes import check_repeat, check_routes
from perennia.catalog.check_segments import check_segment_name
from perennia.catalog.check_times import check_timed_trigger, check_until
from perennia.catalog.findings import suggestion
from perennia.catalog.inspection import Inspection
from perennia.catalog.words import with_article
from perennia.catalog.yaml_source import Path
from perennia.core.definition_compiler import CUSTOMER_NAMES, ENROLLMENT_NAMES, EVENT_NAMES
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
    EventTrigger,
    ExitRule,
    ExitStep,
    Goal,
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
    SurveyStep,
    TaskStep,
    ToldCondition,
    UnenrollStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
    WhenCondition,
    WhenExit,
    WhenGoal,
)
from perennia.core.expressions import Expression
from perennia.core.step_definitions import told_of
from perennia.core.step_ids import PlacedStep, place_steps
from perennia.core.timed_definitions import UntilDate, UntilTime

VARIANT = r"[a-z][a-z0-9_-]*"
# Percentages are floats: 33.3, 33.3 and 33.4 are a hair off 100.
SHARES_MAY_MISS = 1e-6
ENTRY_NAMES = frozenset({"enter"})


def check_playbook(inspection: Inspection, playbook: Playbook) -> None:
    """Adds to the inspection's findings."""
    _PlaybookCheck(inspection, playbook).run()


def path_of(text: str) -> Path:
    """The document's path of a step's (`place_steps`): ``steps.3.else.0``."""
    return tuple(int(part) if part.isdigit() else part for part in text.split("."))


class _PlaybookCheck:
    def __init__(self, inspection: Inspection, playbook: Playbook) -> None:
        self._inspect = inspection
        self._book = playbook
        self._placed = place_steps(playbook)
        self._ids = {placed.id for placed in self._placed}
        self._customer = CUSTOMER_NAMES[playbook.scope]
        self._enrollment = self._customer | ENROLLMENT_NAMES

    def run(self) -> None:
        self._check_entry()
        self._check_rules()
        self._check_ids()
        for placed in self._placed:
            self._check_step(placed)
        check_keys(self._inspect, self._book, self._placed)
        check_routes(self._inspect, self._book)
        check_reentry(self._inspect, self._book, self._placed)

    # --- around the steps ---

    def _check_entry(self) -> None:
        enter = self._book.enter
        for index, trigger in enumerate(enter.on):
            path: Path = ("enter", "on", index)
            if isinstance(trigger, EventTrigger):
                self._check_event_name((*path, "event"), trigger.event, prefixes=True)
                self._expression((*path, "where"), trigger.where, self._customer | EVENT_NAMES)
            elif isinstance(trigger, SegmentTrigger):
                check_segment_name(self._inspect, (*path, "segment"), trigger.segment, self._book.scope)
            elif isinstance(trigger, StageTrigger):
                for track, stage in trigger.stage.items():
                    self._inspect.stage((*path, "stage", track), track, stage, self._book.scope)
            elif isinstance(trigger, PlaybookTrigger):
                for name in trigger.playbook:
                    check_other(self._inspect, self._book, (*path, "playbook", name), name)
            elif isinstance(trigger, DateTrigger | ScheduleTrigger):
                self._check_timed(path, trigger)
            else:
                self._expression((*path, "when"), trigger.when, self._customer)
        self._expression(("enter", "where"), enter.where, self._customer | ENTRY_NAMES)
        if isinstance(enter.reenter, ReenterAfter):
            self._inspect.span(("enter", "reenter", "after"), enter.reenter.after)

    def _check_timed(self, path: Path, trigger: DateTrigger | ScheduleTrigger) -> None:
        check_timed_trigger(self._inspect, path, trigger)
        if isinstance(trigger, DateTrigger):
            self._expression((*path, "date"), trigger.date, self._customer)

    def _check_rules(self) -> None:
        book = self._book
        self._expression(("while",), book.while_, self._enrollment)
        if book.goal is not None:
            self._check_rule(("goal",), book.goal)
            self._inspect.span(("goal", "within"), book.goal.within)
        for index, rule in enumerate(book.exit):
            self._check_rule(("exit", index), rule)
        policies = self._inspect.known.policies
        if book.topic is not None and policies is not None and book.topic not in policies.topics:
            self._inspect.unknown(("topic",), "topic", book.topic, policies.topics)

    def _check_rule(self, path: Path, rule: Goal | ExitRule) -> None:
        if isinstance(rule, WhenGoal | WhenExit):
            self._expression((*path, "when"), rule.when, self._enrollment)
        else:
            self._check_event_name((*path, "event"), rule.event, prefixes=False)
            self._expression((*path, "where"), rule.where, self._enrollment | EVENT_NAMES)

    def _check_ids(self) -> None:
        first: dict[str, PlacedStep] = {}
        for placed in self._placed:
            earlier = first.setdefault(placed.id, placed)
            if earlier is placed:
                continue
            key = "id" if placed.step.id else placed.verb
            path = path_of(placed.path)
            where = self._inspect.document.key_place(path_of(earlier.path)).line
            message = f'the step id "{placed.id}" is taken by the step in line {where}'
            self._inspect.at_value((*path, key), "duplicate-id", message, "give one of them another id")

    # --- steps ---

    def _check_step(self, placed: PlacedStep) -> None:
        path, step = path_of(placed.path), placed.step
        self._expression((*path, "if"), step.if_, self._enrollment)
        match step:
            case EmailStep():
                check_email(self._inspect, self._book, path, step)
                self._check_values((*path, "with"), step.with_)
            case SurveyStep():
                check_asking(self._inspect, self._book, path, step)
                self._check_values((*path, "with"), step.with_)
            case WaitStep():
                self._check_wait((*path, "wait"), step.wait)
            case WaitForStep():
                self._check_wait_for(path, step)
            case BranchStep():
                for index, arm in enumerate(step.branch):
                    self._expression((*path, "branch", index, "if"), arm.if_, self._enrollment)
            case SplitStep():
                self._check_split((*path, "split"), step)
            case RepeatStep():
                check_repeat(self._inspect, (*path, "repeat"), step.repeat)
                self._expression((*path, "repeat", "until"), step.repeat.until, self._enrollment)
            case EmitStep():
                self._check_event_name((*path, "emit"), step.emit, prefixes=False)
                self._check_values((*path, "with"), step.with_)
            case EnrollStep():
                check_enroll(self._inspect, self._book, path, step)
                self._check_values((*path, "with"), step.with_)
            case UnenrollStep():
                check_other(self._inspect, self._book, (*path, "unenroll"), step.unenroll)
            case UpdateStep():
                self._check_values((*path, "update"), step.update)
            case StageStep():
                for track, stage in step.stage.items():
                    self._inspect.stage((*path, "stage", track), track, stage, self._book.scope, sets=True)
            case TaskStep():
                check_task(self._inspect, self._book, path, step)
            case ApproveStep():
                check_approval(self._inspect, self._book, path, step)
            case CrmStep():
                check_crm(self._inspect, self._book, path, step)
                self._check_values((*path, "crm", "set"), step.crm.set or {})
            case WebhookStep():
                check_webhook(self._inspect, self._book, path, step)
            case NotifyStep():
                check_notice(self._inspect, self._book, path, step)
            case ExitStep() | MilestoneStep():
                pass

    def _check_values(self, path: Path, values: dict[str, str] | dict[str, str | int | float | bool | None]) -> None:
        for name, value in values.items():
            if isinstance(value, str):
                self._expression((*path, name), value, self._enrollment)

    def _check_split(self, path: Path, step: SplitStep) -> None:
        for name in step.split:
            if not re.fullmatch(VARIANT, name):
                remedy = "use lower-case letters, digits, - and _, a letter first"
                self._inspect.at_key((*path, name), "bad-id", f'"{name}" is no name of a variant', remedy)
        total = sum(arm.share for arm in step.split.values())
        if abs(total - 100) > SHARES_MAY_MISS:
            self._inspect.at_key(path, "bad-shares", f"the shares sum to {total:g}, not to 100", "change one of them")

    def _check_wait(self, path: Path, wait: str | UntilTime | UntilDate) -> None:
        if isinstance(wait, str):
            self._inspect.span(path, wait)
            return
        check_until(self._inspect, path, wait)
        if isinstance(wait, UntilDate):
            self._expression((*path, "until"), wait.until, self._enrollment)

    def _check_wait_for(self, path: Path, step: WaitForStep) -> None:
        for index, condition in enumerate(step.wait_for):
            self._check_condition((*path, "wait_for", index), condition)
        self._inspect.span((*path, "up_to"), step.up_to)
        if step.up_to is not None:
            return
        if step.else_:
            message = 'without "up_to" its "else" is never taken'
            self._inspect.at_key((*path, "else"), "unreachable-step", message, 'add "up_to: SPAN"')
        else:
            message = 'without "up_to" this waits as long as the enrollment lives'
            self._inspect.warn_at_key((*path, "wait_for"), "endless-wait", message, 'add "up_to: SPAN"')

    def _check_condition(self, path: Path, condition: Condition) -> None:
        if isinstance(condition, WhenCondition):
            self._expression((*path, "when"), condition.when, self._enrollment)
        elif isinstance(condition, AnsweredCondition):
            self._inspect.survey((*path, "answered"), condition.answered)
        elif isinstance(condition, AllCondition):
            for index, part in enumerate(condition.all):
                inner = (*path, "all", index)
                self._check_condition(inner, part)
                if part.then:
                    message = 'a condition inside "all" takes no "then"'
                    self._inspect.at_key((*inner, "then"), "misplaced-key", message, 'move it beside "all"')
        elif isinstance(condition, ToldCondition):
            self._check_told(path, condition)
        else:
            self._check_event_name((*path, "event"), condition.event, prefixes=False)
            self._expression((*path, "where"), condition.where, self._enrollment | EVENT_NAMES)

    def _check_told(self, path: Path, condition: ToldCondition) -> None:
        what, step = told_of(condition)
        verb = "task" if what == "task" else "email"
        if step not in self._ids or any(placed.id == step and placed.verb != verb for placed in self._placed):
            fitting = [placed.id for placed in self._placed if placed.verb == verb]
            message = f'no step "{step}" of {with_article(verb)}'
            remedy = suggestion(step, fitting) or f"there is no {verb} step yet: add one first"
            self._inspect.at_value((*path, what), "unknown-step", message, remedy)

    # --- parts ---

    def _check_event_name(self, path: Path, name: str, *, prefixes: bool) -> None:
        self._inspect.uses_word("event", name, self._book.scope, path)
        odd = next((each for each in name if is_hidden(each)), None)
        if not name.strip() or name == "*":
            self._inspect.at_value(path, "bad-event", f'"{name}" names no event')
        elif odd is not None:
            remedy = "write the name as it is sent, which is hardly with that"
            self._inspect.warn_at_value(path, "bad-event", f'"{name}" holds {named(odd)}', remedy, name.index(odd))
        elif name != name.strip():
            message = f'"{name}" begins or ends with a space: names of events that come in do not'
            self._inspect.at_value(path, "bad-event", message, "remove the space")
        elif "*" in name.removesuffix("*" if prefixes else ""):
            message = "only an entry trigger's event may end in *" if name.endswith("*") else "* may only end a name"
            self._inspect.at_value(path, "bad-event", message, offset=name.index("*"))

    def _expression(self, path: Path, text: str | None, names: frozenset[str]) -> Expression | None:
        expression = self._inspect.expression(path, text, names)
        if expression is None:
            return None
        for read in sorted(expression.reads):
            root, _, rest = read.partition(".")
            if root == "steps" and rest and rest.split(".")[0] not in self._ids:
                self._unknown_step(path, expression.text, rest.split(".")[0])
        for track in sorted(expression.tracks):
            self._inspect.stage(path, track, None, self._book.scope)
        return expression

    def _unknown_step(self, path: Path, text: str, step_id: str) -> None:
        remedy = suggestion(step_id, self._ids)
        offset = max(text.find(step_id), 0)
        self._inspect.at_value(path, "unknown-step", f'no step "{step_id}"', remedy, offset)

"""A playbook as a chart: what each step says, and the ways that lead on from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

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
    ExitStep,
    MilestoneStep,
    NotifyStep,
    PlainCondition,
    Playbook,
    PlaybookTrigger,
    RepeatStep,
    ScheduleTrigger,
    SegmentTrigger,
    SplitStep,
    StageStep,
    StageTrigger,
    Step,
    SurveyStep,
    TaskCondition,
    TaskStep,
    ToldCondition,
    Trigger,
    UnenrollStep,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WebhookStep,
    WhenCondition,
    WhenTrigger,
)
from perennia.core.step_definitions import ToRole, told_of
from perennia.core.step_ids import assign_step_ids, step_lists, verb_of
from perennia.core.timed_definitions import ALL_WEEK, UntilDate, UntilTime

_UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "bd": "business day"}
OTHERWISE: Final = "else"
YES: Final = "yes"


@dataclass(frozen=True)
class Way:
    """``keys``: by which of a step's results it is taken: a condition's or branch's number, a variant, `OTHERWISE` ..."""

    keys: frozenset[str]
    label: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Card:
    """A step. ``ways`` lead to what comes behind it, several of them or none; ``round``: what it does again and again."""

    id: str
    verb: str
    says: str
    ways: tuple[Way, ...] = ()
    round: tuple[Card, ...] = ()


@dataclass(frozen=True)
class Chart:
    """``enter``: what starts it, in words."""

    name: str
    enter: str
    cards: tuple[Card, ...]


def chart_of(playbook: Playbook) -> Chart:
    ids = assign_step_ids(playbook)
    starts = " or ".join(trigger_words(each) for each in playbook.enter.on) or "by hand"
    return Chart(playbook.name or playbook.playbook, starts, _cards(playbook.steps, "steps", ids))


def _cards(steps: Iterable[Step], path: str, ids: Mapping[str, str]) -> tuple[Card, ...]:
    return tuple(_card(step, f"{path}.{index}", ids) for index, step in enumerate(steps))


def _card(step: Step, path: str, ids: Mapping[str, str]) -> Card:
    lists = {inner: _cards(steps, inner, ids) for inner, steps in step_lists(step, path) if ".all." not in inner}
    if isinstance(step, RepeatStep):
        (round_,) = lists.values()
        return Card(ids[path], "repeat", step_words(step), round=round_)
    keys = [_key(inner.removeprefix(f"{path}.")) for inner in lists]
    ways = tuple(_ways(zip(keys, lists.values(), strict=True), lambda key: _label(step, key)))
    leads = any(way.cards for way in ways) or isinstance(step, SplitStep)
    return Card(ids[path], verb_of(step), step_words(step), ways=ways if leads else ())


def _key(path: str) -> str:
    """The result by which a list of steps is come to, from its place: ``wait_for.0.then``, ``split.a.then``, ``else``."""
    match path.split("."):
        case ["then"]:
            return YES
        case ["wait_for" | "branch", number, "then"]:
            return str(int(number) + 1)
        case ["split", *name, "then"]:
            return ".".join(name)
        case _:
            return OTHERWISE


def _ways(lists: Iterable[tuple[str, tuple[Card, ...]]], label: Callable[[str], str | None]) -> Iterator[Way]:
    """Those that only lead on are one."""
    empty: list[tuple[str, str]] = []
    for key, cards in lists:
        said = label(key)
        if said is None:
            continue
        if cards:
            yield Way(frozenset({key}), said, cards)
        else:
            empty.append((key, said))
    if empty:
        yield Way(frozenset(key for key, _ in empty), " or ".join(said for _, said in empty), ())


def _label(step: Step, key: str) -> str | None:
    """What stands at the way; None: there is no such way."""
    match step:
        case WaitForStep():
            if key == OTHERWISE:
                return None if step.up_to is None else f"nothing in {span_words(step.up_to)}"
            return condition_words(step.wait_for[int(key) - 1])
        case BranchStep():
            return "otherwise" if key == OTHERWISE else step.branch[int(key) - 1].if_
        case SplitStep():
            return f"{key}: {step.split[key].share:g} %"
        case ApproveStep():
            return "yes" if key == YES else "no"
        case _:
            return None


# --- words ----------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text with names in place of what is put in: ``Call [first name]`` for ``Call {{ contact.first_name }}``."""
    named = re.sub(r"{{-?\s*([\w.]+).*?}}", lambda found: f"[{found[1].split('.')[-1].replace('_', ' ')}]", text)
    return re.sub(r"{%.*?%}", "", named)


def span_words(text: str) -> str:
    """``2 days`` for ``2d``; another form of a span stays as it is."""
    parts = re.findall(r"(\d+)(bd|[smhdw])", text)
    if "".join(number + unit for number, unit in parts) != text:
        return text
    return " ".join(f"{number} {_UNITS[unit]}{'' if number == '1' else 's'}" for number, unit in parts)


def trigger_words(trigger: Trigger) -> str:
    match trigger:
        case EventTrigger():
            return trigger.event if trigger.where is None else f"{trigger.event} ({trigger.where})"
        case WhenTrigger():
            return trigger.when
        case SegmentTrigger():
            return f"in the segment {trigger.segment}"
        case StageTrigger():
            return " or ".join(f"stage {stage} of {track}" for track, stage in trigger.stage.items())
        case PlaybookTrigger():
            return " or ".join(f"{playbook} ends: {end}" for playbook, end in trigger.playbook.items())
        case DateTrigger():
            return f"{trigger.date}{f' {trigger.offset}' if trigger.offset else ''}"
        case ScheduleTrigger():
            return f"schedule {trigger.schedule}"
        case _:
            assert_never(trigger)


def condition_words(condition: Condition | PlainCondition) -> str:
    match condition:
        case EventCondition():
            return condition.event if condition.where is None else f"{condition.event} ({condition.where})"
        case WhenCondition():
            return condition.when
        case AnsweredCondition():
            return f"{condition.answered} answered"
        case TaskCondition():
            return f"task {condition.task} done"
        case AllCondition():
            return " and ".join(condition_words(each) for each in condition.all)
        case ToldCondition():
            what, step = told_of(condition)
            return f"{step} {what}"


def step_words(step: Step) -> str:
    """What the step does, beside its verb."""
    match step:
        case EmailStep():
            return f"{step.email}{_to(step.to)}"
        case SurveyStep():
            return f"{step.survey}{_to(step.to)}"
        case WaitStep():
            return _wait_words(step)
        case WaitForStep():
            limit = "" if step.up_to is None else f", up to {span_words(step.up_to)}"
            return f"{' or '.join(condition_words(each) for each in step.wait_for)}{limit}"
        case BranchStep() | SplitStep():
            return ""  # its ways say it
        case RepeatStep():
            return _rounds_words(step)
        case TaskStep():
            return plain(step.task)
        case ApproveStep():
            return plain(step.approve)
        case CrmStep():
            crm = step.crm
            return f"sets {', '.join(crm.set)}" if crm.set else plain(crm.note or crm.task or crm.stage or "")
        case WebhookStep():
            return f"{step.webhook.method} {plain(step.webhook.url)}"
        case NotifyStep():
            return f"{step.notify}: {plain(step.text)}"
        case EmitStep():
            return step.emit
        case EnrollStep():
            return f"{step.enroll}{_to(None if step.to == 'self' else step.to)}"
        case UnenrollStep():
            return step.unenroll
        case UpdateStep():
            return ", ".join(step.update)
        case StageStep():
            return ", ".join(f"{track}: {stage}" for track, stage in step.stage.items())
        case MilestoneStep():
            return step.milestone
        case ExitStep():
            return step.exit
        case _:
            assert_never(step)


def _to(to: str | ToRole | None) -> str:
    match to:
        case None | "contact":
            return ""
        case ToRole():
            return f" to {to.role}"
        case _:
            return f" to {to}"


def _wait_words(step: WaitStep) -> str:
    match step.wait:
        case UntilTime() as until:
            days = "" if until.on == ALL_WEEK else f" on {', '.join(until.on)}"
            return f"until {until.until}{days}"
        case UntilDate() as until:
            return f"until {until.until}{f' {until.offset}' if until.offset else ''}"
        case span:
            return span_words(span)


def _rounds_words(step: RepeatStep) -> str:
    rounds = step.repeat
    times = "" if rounds.times is None else f", {rounds.times} times"
    until = "" if rounds.until is None else f", until {rounds.until}"
    return f"every {span_words(rounds.every)}{times}{until}"

"""What `check` says of the way through a playbook: steps nobody reaches, playbooks that start themselves again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.calendar import SpanError, parse_span
from perennia.core.definition_compiler import CUSTOMER_NAMES
from perennia.core.definitions import (
    BranchStep,
    EmitStep,
    EventTrigger,
    ExitStep,
    Playbook,
    ReenterAfter,
    RepeatStep,
    Rounds,
    SplitStep,
    StageStep,
    Step,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WhenTrigger,
)
from perennia.core.expressions import ExpressionError, compile_expression
from perennia.core.step_ids import PlacedStep, step_lists

SHORTEST_ROUND = timedelta(hours=1)


def check_routes(inspection: Inspection, playbook: Playbook, placed: Sequence[PlacedStep]) -> None:
    """Adds to the inspection's findings."""
    _check_reachable(inspection, playbook.steps, ("steps",))
    _check_reentry(inspection, playbook, placed)


def check_repeat(inspection: Inspection, path: Path, rounds: Rounds) -> None:
    """A repeat ends some day, and its rounds take time. Adds to the inspection's findings."""
    if rounds.times is None and rounds.until is None:
        message = 'a repeat needs "times" or "until": without either it never ends'
        inspection.at_key(path, "endless-repeat", message)
    every = inspection.span((*path, "every"), rounds.every)
    if every is None or every.days or every.business_days or every.exact >= SHORTEST_ROUND:
        return
    if not any(_waits(step) for step in rounds.steps):
        message = "rounds less than an hour apart need a wait inside"
        inspection.at_value((*path, "every"), "short-rounds", message, "write 1h or more, or add a wait")


def _waits(step: Step) -> bool:
    inner = (step for _, steps in step_lists(step, "") for step in steps)
    return isinstance(step, WaitStep | WaitForStep) or any(_waits(each) for each in inner)


def _check_reachable(inspection: Inspection, steps: Sequence[Step], path: Path) -> None:
    for index, step in enumerate(steps):
        here = (*path, index)
        for inner_path, inner in step_lists(step, ""):
            parts = tuple(int(part) if part.isdigit() else part for part in inner_path.split(".")[1:])
            _check_reachable(inspection, inner, (*here, *parts))
        _check_ways(inspection, step, here)
        if _always_ends(step) and index + 1 < len(steps):
            message = "nobody reaches this step: the one before it always ends the enrollment"
            inspection.at_key((*path, index + 1), "unreachable-step", message, "remove it, or give the exit an if")
            return


def _check_ways(inspection: Inspection, step: Step, path: Path) -> None:
    """Warns of ways that nobody takes: an arm behind one that always holds or asks the same, a variant without a share."""
    if isinstance(step, SplitStep):
        for name, arm in step.split.items():
            if arm.share == 0 and arm.then:
                message = f'nobody takes the variant "{name}": its share is 0'
                inspection.warn_at_key((*path, "split", name), "unreachable-step", message, "give it a share")
        return
    if not isinstance(step, BranchStep):
        return
    asked: list[str] = []
    for index, arm in enumerate(step.branch):
        test = " ".join(arm.if_.split())
        if "true" in asked or test in asked:
            message = "nobody takes this arm: an earlier one holds whenever it does"
            inspection.warn_at_key((*path, "branch", index, "if"), "unreachable-step", message, "remove one of them")
        asked.append(test)


def _always_ends(step: Step) -> bool:
    if step.if_ is not None:
        return False
    match step:
        case ExitStep():
            return True
        case BranchStep():
            return all(_ends(arm.then) for arm in step.branch) and _ends(step.else_)
        case RepeatStep():
            return step.repeat.until is None and _ends(step.repeat.steps)
        case SplitStep():
            return all(_ends(arm.then) for arm in step.split.values() if arm.share > 0)
        case WaitForStep():
            return all(_ends(condition.then) for condition in step.wait_for) and (
                step.up_to is None or _ends(step.else_)
            )
        case _:
            return False


def _ends(steps: Sequence[Step]) -> bool:
    return any(_always_ends(step) for step in steps)


def _check_reentry(inspection: Inspection, playbook: Playbook, placed: Sequence[PlacedStep]) -> None:
    """Refuses a playbook whose own steps turn its own trigger on while re-entry leaves no gap.

    Only what its steps write and its trigger reads is looked at; longer circles are the loop guard's.
    """
    if not _reenters_at_once(playbook) or any(_is_gap(step) for step in playbook.steps):
        return
    written = {
        f"traits.{trait}" for found in placed if isinstance(found.step, UpdateStep) for trait in found.step.update
    }
    written |= {f"stage.{track}" for found in placed if isinstance(found.step, StageStep) for track in found.step.stage}
    emitted = {found.step.emit for found in placed if isinstance(found.step, EmitStep)}
    for index, trigger in enumerate(playbook.enter.on):
        if isinstance(trigger, EventTrigger) and any(_starts(trigger, event) for event in emitted):
            message = f"this playbook can start itself again without a gap: its own steps emit {trigger.event}"
            remedy = "write reenter: {after: SPAN}"
            inspection.at_value(("enter", "on", index, "event"), "self-reentry", message, remedy)
        if not isinstance(trigger, WhenTrigger):
            continue
        changed = sorted(written & _reads(trigger.when, playbook))
        if changed:
            message = f"this playbook can start itself again without a gap: its own steps change {', '.join(changed)}"
            remedy = "write reenter: {after: SPAN}"
            inspection.at_value(("enter", "on", index, "when"), "self-reentry", message, remedy)


def _starts(trigger: EventTrigger, event: str) -> bool:
    name = trigger.event
    return event == name or (name.endswith("*") and event.startswith(name.removesuffix("*")))


def _reads(text: str, playbook: Playbook) -> set[str]:
    """What the expression reads, as ``traits.NAME`` and ``stage.TRACK``; nothing of one that has findings of its own."""
    try:
        expression = compile_expression(text, names=CUSTOMER_NAMES[playbook.scope])
    except ExpressionError:
        return set()
    return {f"traits.{name}" for name in expression.traits} | {f"stage.{track}" for track in expression.tracks}


def _reenters_at_once(playbook: Playbook) -> bool:
    reenter = playbook.enter.reenter
    if isinstance(reenter, ReenterAfter):
        return not _takes_time(reenter.after)
    return reenter == "always"


def _is_gap(step: Step) -> bool:
    # Waits until a time of day or a date may be over at once.
    return isinstance(step, WaitStep) and step.if_ is None and isinstance(step.wait, str) and _takes_time(step.wait)


def _takes_time(span: str) -> bool:
    """Whether the span is longer than nothing; one that cannot be read has a finding of its own and counts."""
    try:
        parsed = parse_span(span)
    except SpanError:
        return True
    return bool(parsed.days or parsed.business_days or parsed.exact)

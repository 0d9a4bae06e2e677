"""What `check` says of the way through a playbook: steps nobody reaches, repeats that never end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definitions import (
    ApproveStep,
    BranchStep,
    ExitStep,
    Playbook,
    RepeatStep,
    Rounds,
    SplitStep,
    Step,
    WaitForStep,
    WaitStep,
)
from perennia.core.step_ids import step_lists

SHORTEST_ROUND = timedelta(hours=1)


def check_routes(inspection: Inspection, playbook: Playbook) -> None:
    """Adds to the inspection's findings."""
    _check_reachable(inspection, playbook.steps, ("steps",))


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
        case ApproveStep():
            return _ends(step.then) and _ends(step.else_)
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

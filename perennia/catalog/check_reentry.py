"""What `check` says of playbooks whose own steps start them again while re-entry leaves no gap."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from perennia.catalog.contradictions import impossible
from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.calendar import SpanError, parse_span
from perennia.core.definition_compiler import CUSTOMER_NAMES
from perennia.core.definitions import (
    EmitStep,
    EventTrigger,
    Playbook,
    PlaybookTrigger,
    ReenterAfter,
    SegmentTrigger,
    StageStep,
    StageTrigger,
    Step,
    Trigger,
    UpdateStep,
    WaitStep,
    WhenTrigger,
)
from perennia.core.expressions import ExpressionError, compile_expression
from perennia.core.step_ids import PlacedStep


class _Write(NamedTuple):
    """A step makes ``name`` (``traits.plan``, ``stage.adoption``) what the expression ``value`` says."""

    name: str
    value: str


def check_reentry(inspection: Inspection, playbook: Playbook, placed: Sequence[PlacedStep]) -> None:
    """Refuses such a playbook. Longer circles are the loop guard's. Adds to the inspection's findings."""
    if not _reenters_at_once(playbook) or any(_is_gap(step) for step in playbook.steps):
        return
    steps = [each.step for each in placed]
    for index, trigger in enumerate(playbook.enter.on):
        found = _started_by(inspection, playbook, trigger, steps)
        if found is not None:
            path, what = found
            message = f"this playbook can start itself again without a gap: {what}"
            report = inspection.at_key if path[0] in {"stage", "playbook"} else inspection.at_value
            report(("enter", "on", index, *path), "self-reentry", message, "write reenter: {after: SPAN}")


def _started_by(
    inspection: Inspection, playbook: Playbook, trigger: Trigger, steps: Sequence[Step]
) -> tuple[Path, str] | None:
    """Where in the trigger it shows, and what of its own starts it."""
    match trigger:
        case EventTrigger():
            emitted = {step.emit for step in steps if isinstance(step, EmitStep)}
            if any(_is_named(trigger.event, event) for event in emitted):
                return ("event",), f"its own steps emit {trigger.event}"
        case PlaybookTrigger() if playbook.playbook in trigger.playbook:
            return ("playbook", playbook.playbook), "its own end starts it"
        case StageTrigger():
            ((track, stage),) = trigger.stage.items()
            own = {step.stage[track] for step in steps if isinstance(step, StageStep) and track in step.stage}
            if stage in own and len(own) > 1:
                return ("stage", track), f"its own steps set {track} to {stage}"
        case WhenTrigger(when=text) | SegmentTrigger(segment=text):
            is_when = isinstance(trigger, WhenTrigger)
            criterion = text if is_when else inspection.criteria(playbook.scope).get(text, "false")
            turned = sorted({each.name for each in _turning_on(inspection, criterion, playbook, steps)})
            if turned:
                return ("when" if is_when else "segment",), f"its own steps change {', '.join(turned)}"
        case _:
            pass
    return None


def _is_named(pattern: str, event: str) -> bool:
    return event == pattern or (pattern.endswith("*") and event.startswith(pattern.removesuffix("*")))


# --- conditions -----------------------------------------------------------------------------------------------------


def _turning_on(inspection: Inspection, text: str, playbook: Playbook, steps: Sequence[Step]) -> Iterator[_Write]:
    """What the steps write that the condition reads and that may make it true."""
    reads = _reads(inspection, text, playbook)
    for write in _writes(steps):
        if write.name in reads:
            # Whoever sets `state` to "busy" turns `traits.state == "idle"` off, and that starts nobody.
            found = impossible(f"({text}) && {write.name} == ({write.value})")
            if found is None or not found.whole:
                yield write


def _writes(steps: Sequence[Step]) -> Iterator[_Write]:
    for step in steps:
        if isinstance(step, UpdateStep):
            for trait, value in step.update.items():
                yield _Write(f"traits.{trait}", value if isinstance(value, str) else json.dumps(value))
        elif isinstance(step, StageStep):
            for track, stage in step.stage.items():
                yield _Write(f"stage.{track}", json.dumps(stage))


def _reads(inspection: Inspection, text: str, playbook: Playbook) -> set[str]:
    """What the expression reads, as ``traits.NAME`` and ``stage.TRACK``; nothing of one that has findings of its own."""
    try:
        criteria = inspection.criteria(playbook.scope)
        expression = compile_expression(text, names=CUSTOMER_NAMES[playbook.scope], segments=criteria)
    except ExpressionError:
        return set()
    return {f"traits.{name}" for name in expression.traits} | {f"stage.{track}" for track in expression.tracks}


# --- gaps -----------------------------------------------------------------------------------------------------------


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

"""What `check` says of a playbook's key: where it stands, what it reads, and what is compared with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perennia.catalog.inspection import Inspection
from perennia.catalog.yaml_source import Path
from perennia.core.definition_compiler import CUSTOMER_NAMES, EVENT_NAMES
from perennia.core.definitions import (
    AllCondition,
    EnrollStep,
    EventCondition,
    EventExit,
    EventGoal,
    EventTrigger,
    Playbook,
    WaitForStep,
)
from perennia.core.expressions import ExpressionError, compile_expression
from perennia.core.step_ids import PlacedStep


def check_keys(inspection: Inspection, playbook: Playbook, placed: Sequence[PlacedStep]) -> None:
    """Adds to the inspection's findings."""
    names = CUSTOMER_NAMES[playbook.scope] | EVENT_NAMES
    text = playbook.key or playbook.enter.key
    if playbook.key is not None and playbook.enter.key is not None:
        message = 'the key stands beside "enter" already'
        inspection.at_key(("enter", "key"), "duplicate-key", message, "remove one of them: both places mean the same")
    path: Path = ("key",) if playbook.key is not None else ("enter", "key")
    key = inspection.expression(path, text, names)
    if key is not None and key.reads and all(read.split(".")[0] == "event" for read in key.reads):
        _check_triggers(inspection, playbook)
    _check_enrolls(inspection, placed)
    for found, match in _matches(playbook, placed):
        if text is not None:
            inspection.expression((*found, "match"), match, names)
        else:
            message = '"match" says where an event carries the playbook\'s key, and this playbook has none'
            inspection.at_key((*found, "match"), "misplaced-key", message, 'add "key: event.NAME", or use "where"')


def _check_triggers(inspection: Inspection, playbook: Playbook) -> None:
    """A key that only an event can carry is never there where something else starts the playbook."""
    for index, trigger in enumerate(playbook.enter.on):
        if isinstance(trigger, EventTrigger):
            continue
        message = "this trigger starts nobody: the playbook's key is read from an event, and here is none"
        inspection.warn_at_key(("enter", "on", index), "no-key", message, "let an event start it, or remove it")


def _check_enrolls(inspection: Inspection, placed: Sequence[PlacedStep]) -> None:
    """Whom a step enrolls in a playbook with a key, it must give what the key is read from."""
    for each in placed:
        other = inspection.known.playbooks.get(each.step.enroll) if isinstance(each.step, EnrollStep) else None
        text = None if other is None else other.key or other.enter.key
        if other is None or text is None or not isinstance(each.step, EnrollStep):
            continue
        missing = sorted(_read_of_events(text, other) - set(each.step.with_))
        if missing:
            path = tuple(int(part) if part.isdigit() else part for part in each.path.split("."))
            message = (
                f'this enrolls nobody: the key of "{other.playbook}" is {text}, and nothing here says "{missing[0]}"'
            )
            inspection.warn_at_key((*path, "enroll"), "no-key", message, f'add "with: {{{missing[0]}: EXPR}}"')


def _read_of_events(text: str, playbook: Playbook) -> set[str]:
    """Properties that the key is read from; nothing of one that has findings of its own."""
    try:
        reads = compile_expression(text, names=CUSTOMER_NAMES[playbook.scope] | EVENT_NAMES).reads
    except ExpressionError:
        return set()
    return {read.split(".")[1] for read in reads if read.startswith("event.")}


def _matches(playbook: Playbook, placed: Sequence[PlacedStep]) -> Iterator[tuple[Path, str]]:
    """Every ``match`` of the playbook with the path of what it stands in."""
    for index, trigger in enumerate(playbook.enter.on):
        if isinstance(trigger, EventTrigger) and trigger.match is not None:
            yield ("enter", "on", index), trigger.match
    if isinstance(playbook.goal, EventGoal) and playbook.goal.match is not None:
        yield ("goal",), playbook.goal.match
    for index, rule in enumerate(playbook.exit):
        if isinstance(rule, EventExit) and rule.match is not None:
            yield ("exit", index), rule.match
    for each in placed:
        if isinstance(each.step, WaitForStep):
            path = tuple(int(part) if part.isdigit() else part for part in each.path.split("."))
            yield from _matches_of_wait(each.step, (*path, "wait_for"))


def _matches_of_wait(step: WaitForStep, path: Path) -> Iterator[tuple[Path, str]]:
    for index, condition in enumerate(step.wait_for):
        inner = condition.all if isinstance(condition, AllCondition) else ()
        places: list[tuple[Path, object]] = [((*path, index), condition)]
        places += [((*path, index, "all", position), part) for position, part in enumerate(inner)]
        for place, part in places:
            if isinstance(part, EventCondition) and part.match is not None:
                yield place, part.match

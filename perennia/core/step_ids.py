"""The steps of a playbook in document order, each with its id and its place: the one source for catalog and compiler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from perennia.core.definitions import (
    STEPS,
    AllCondition,
    ApproveStep,
    BranchStep,
    Playbook,
    RepeatStep,
    SplitStep,
    Step,
    WaitForStep,
)

_VERBS = {model: verb for verb, model in STEPS.items()}


class PlacedStep(NamedTuple):
    """A step with its id and its path in the document, in the language's own keys: ``steps.3.wait_for.0.then.1``."""

    path: str
    id: str
    verb: str
    step: Step


def verb_of(step: Step) -> str:
    return _VERBS[type(step)]


def place_steps(playbook: Playbook) -> tuple[PlacedStep, ...]:
    """Every step, depth first: a step, then its ``then`` lists in order, then its ``else``.

    A step without ``id`` is called by its verb and the ordinal of that verb among *all* steps of that verb, from 1: the
    second ``email`` is ``email-2`` whether or not the first has a name of its own. Ids are not made unique here: two
    equal ones are an error of the document, which the catalog's check reports.
    """
    ordinals: Counter[str] = Counter()
    placed: list[PlacedStep] = []
    for path, step in _walk(playbook.steps, "steps"):
        verb = verb_of(step)
        ordinals[verb] += 1
        placed.append(PlacedStep(path, step.id or f"{verb}-{ordinals[verb]}", verb, step))
    return tuple(placed)


def assign_step_ids(playbook: Playbook) -> dict[str, str]:
    """The id of the step at each path (`place_steps`)."""
    return {placed.path: placed.id for placed in place_steps(playbook)}


def step_lists(step: Step, path: str) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The lists of steps inside a step with their paths, in document order, empty ones included."""
    if isinstance(step, WaitForStep):
        for index, condition in enumerate(step.wait_for):
            yield f"{path}.wait_for.{index}.then", condition.then
            if isinstance(condition, AllCondition):
                for inner_index, inner in enumerate(condition.all):
                    yield f"{path}.wait_for.{index}.all.{inner_index}.then", inner.then
        yield f"{path}.else", step.else_
    elif isinstance(step, ApproveStep):
        yield f"{path}.then", step.then
        yield f"{path}.else", step.else_
    elif isinstance(step, BranchStep):
        for index, arm in enumerate(step.branch):
            yield f"{path}.branch.{index}.then", arm.then
        yield f"{path}.else", step.else_
    elif isinstance(step, SplitStep):
        for name, variant in step.split.items():
            yield f"{path}.split.{name}.then", variant.then
    elif isinstance(step, RepeatStep):
        yield f"{path}.repeat.steps", step.repeat.steps


def _walk(steps: tuple[Step, ...], path: str) -> Iterator[tuple[str, Step]]:
    for index, step in enumerate(steps):
        here = f"{path}.{index}"
        yield here, step
        for inner_path, inner in step_lists(step, here):
            yield from _walk(inner, inner_path)

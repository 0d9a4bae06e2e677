"""What packs need of an installation: events and traits to be told, people, senders and channels to be named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from perennia.catalog.check_installation import OWN_EVENTS, OWN_TRAITS
from perennia.catalog.workspace import Workspace
from perennia.core.definitions import (
    ApproveStep,
    EmailStep,
    EmitStep,
    EnrollStep,
    NotifyStep,
    Step,
    SurveyStep,
    TaskStep,
)
from perennia.core.outward_definitions import ROLE
from perennia.core.step_ids import place_steps


@dataclass(frozen=True)
class Needs:
    """All sorted. ``events`` leave out what the playbooks raise themselves; ``traits`` are ``contact.plan``, ``account.status``.

    ``roles`` are contacts' (their trait ``roles``), ``team`` are the roles of our own people (the account's trait ``team``).
    """

    events: tuple[str, ...]
    traits: tuple[str, ...]
    roles: tuple[str, ...]
    team: tuple[str, ...]
    senders: tuple[str, ...]
    channels: tuple[str, ...]


def needs_of(workspace: Workspace, paths: Collection[str]) -> Needs:
    """What the definitions in these files need."""
    books = [book for name, book in workspace.playbooks.items() if workspace.sources[name].path in paths]
    steps = [placed.step for book in books for placed in place_steps(book)]
    raised = OWN_EVENTS | {step.emit for step in steps if isinstance(step, EmitStep)}
    uses = [use for use in workspace.uses if use.path in paths]
    letters = [step for step in steps if isinstance(step, EmailStep | SurveyStep)]
    reached = [step.to for step in steps if isinstance(step, EmailStep | EnrollStep)]
    return Needs(
        events=_sorted(use.name for use in uses if use.kind == "event" and use.name not in raised),
        traits=_sorted(f"{use.scope}.{use.name}" for use in uses if use.kind == "trait" and use.name not in OWN_TRAITS),
        roles=_sorted(role for to in reached if (role := getattr(to, "role", None))),
        team=_sorted(asked.removeprefix(ROLE) for asked in _asked(steps) if asked.startswith(ROLE)),
        senders=_sorted(step.from_ for step in letters if step.from_ and step.from_ != "owner"),
        channels=_sorted(step.notify for step in steps if isinstance(step, NotifyStep)),
    )


def _asked(steps: Collection[Step]) -> Iterator[str]:
    """Whom work is given to, each as the step has it."""
    for step in steps:
        if isinstance(step, TaskStep):
            yield step.assign or ""
            yield "" if step.escalate is None else step.escalate.to
        elif isinstance(step, ApproveStep):
            yield step.by or ""


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))

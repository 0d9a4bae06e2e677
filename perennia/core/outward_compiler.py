"""Outward steps, made ready to run (`definition_compiler`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TypeAlias

from perennia.core.calendar import parse_span
from perennia.core.definitions import EmailStep, Playbook, SurveyStep, TaskStep
from perennia.core.expressions import Expression
from perennia.core.nodes import AnyOutwardNode, Audience, EmailNode, SurveyNode, TaskNode
from perennia.core.step_definitions import ToRole

# What all nodes begin with: id, verb, where it leads, the step's own condition.
Head: TypeAlias = tuple[str, str, str | None, Expression | None]
Compile: TypeAlias = Callable[[str], Expression]


def audience_of(to: str | ToRole | None) -> Audience | None:
    """Whom of an account's contacts ``to`` names; None where it names somebody else."""
    if isinstance(to, ToRole):
        return Audience(to.role)
    return Audience(None) if to == "all" else None


def outward_node(
    step: EmailStep | SurveyStep | TaskStep,
    head: Head,
    playbook: Playbook,
    templates: Mapping[str, str],
    compile_: Compile,
) -> AnyOutwardNode:
    fatal = step.on_failure == "exit"
    match step:
        case EmailStep():
            return EmailNode(
                *head,
                fatal,
                step=step,
                template_version=templates.get(step.email, ""),
                topic=step.topic or playbook.topic,
                priority=playbook.priority if step.priority is None else step.priority,
                values=tuple((name, compile_(text)) for name, text in step.with_.items()),
                hold=parse_span(step.hold),
                audience=audience_of(step.to),
            )
        case SurveyStep():
            asking = outward_node(step.message, head, playbook, templates, compile_)
            assert isinstance(asking, EmailNode)  # noqa: S101 (an email step makes no other)
            wait = parse_span(step.wait)
            return SurveyNode(
                *head,
                **{each.name: getattr(asking, each.name) for each in fields(asking)[len(head) :]},
                survey=step.survey,
                wait=wait if wait.length_us or wait.business_days else None,
                reminders=tuple(sorted(map(parse_span, step.remind), key=lambda span: span.length_us)),
            )
        case TaskStep():
            return TaskNode(*head, fatal, step, None if step.due is None else parse_span(step.due))

"""Outward steps, made ready to run (`definition_compiler`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TypeAlias

from perennia.core.calendar import Span, parse_span
from perennia.core.definitions import (
    ApproveStep,
    CrmStep,
    EmailStep,
    NotifyStep,
    Playbook,
    SurveyStep,
    TaskStep,
    WebhookStep,
)
from perennia.core.expressions import Expression
from perennia.core.nodes import (
    AnyOutwardNode,
    ApproveNode,
    Audience,
    CrmNode,
    EmailNode,
    NotifyNode,
    SurveyNode,
    TaskNode,
    WebhookNode,
)
from perennia.core.step_definitions import ToRole

# What all nodes begin with: id, verb, where it leads, the step's own condition.
Head: TypeAlias = tuple[str, str, str | None, Expression | None]
Compile: TypeAlias = Callable[[str], Expression]
PlainOutwardStep: TypeAlias = EmailStep | SurveyStep | TaskStep | CrmStep | WebhookStep | NotifyStep


def audience_of(to: str | ToRole | None) -> Audience | None:
    """Whom of an account's contacts ``to`` names; None where it names somebody else."""
    if isinstance(to, ToRole):
        return Audience(to.role)
    return Audience(None) if to == "all" else None


def outward_node(
    step: PlainOutwardStep, head: Head, playbook: Playbook, templates: Mapping[str, str], compile_: Compile
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
            after = None if step.escalate is None else step.escalate.after
            return TaskNode(*head, fatal, step, _span(step.due), _span(after))
        case CrmStep():
            return _crm_node(step, head, compile_, fatal=fatal)
        case WebhookStep():
            return WebhookNode(*head, fatal, step)
        case NotifyStep():
            return NotifyNode(*head, fatal, step)


def approve_node(step: ApproveStep, head: Head, allowed: str | None, denied: str | None) -> ApproveNode:
    """``allowed``, ``denied``: the steps that its lists begin with, or where it leads."""
    silence_allows = step.on_timeout == "allow"
    fatal = step.on_failure == "exit"
    return ApproveNode(*head, fatal, step.approve, step.by, _span(step.within), silence_allows, allowed, denied)


def _crm_node(step: CrmStep, head: Head, compile_: Compile, *, fatal: bool) -> CrmNode:
    wanted, record = step.crm, step.on or step.crm.on
    if wanted.set is not None:
        values = tuple(
            (name, compile_(value) if isinstance(value, str) else value) for name, value in wanted.set.items()
        )
        return CrmNode(*head, fatal, record, "set", None, values)
    if wanted.note is not None:
        return CrmNode(*head, fatal, record, "note", wanted.note, ())
    if wanted.task is not None:
        return CrmNode(*head, fatal, record, "task", wanted.task, ())
    return CrmNode(*head, fatal, record, "stage", wanted.stage, ())


def _span(text: str | None) -> Span | None:
    return None if text is None else parse_span(text)

"""Work for people is opened in the turn's own transaction (docs/decisions/0007): here it gets its text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from perennia.core.decisions import AskApproval, EffectEnded, OpenTask, Outcome, Reason
from perennia.core.definitions import Policies
from perennia.rendering import Reader, TemplateError, render_text, workspace_reader
from perennia.store.records import NewTask


@dataclass(frozen=True)
class Opened:
    """``task`` None: its text could not be made, and ``ended`` says so."""

    task: NewTask | None
    ended: EffectEnded


def open_work(effect: OpenTask | AskApproval, now: datetime, policies: Policies) -> Opened:
    reader = workspace_reader(policies, effect.at)
    try:
        task = _task(effect, reader) if isinstance(effect, OpenTask) else _approval(effect, reader)
    except TemplateError as error:
        failed = EffectEnded(
            at=now,
            key=effect.key,
            outcome=Outcome.FAILED,
            reason=Reason.TEMPLATE_ERROR,
            result={"error": str(error)},
        )
        return Opened(None, failed)
    return Opened(task, EffectEnded(at=now, key=effect.key, outcome=Outcome.DONE))


def _task(effect: OpenTask, reader: Reader) -> NewTask:
    return NewTask(
        key=effect.key,
        playbook=effect.playbook,
        enrollment=effect.enrollment,
        title=render_text(effect.title, effect.context, reader),
        body=render_text(effect.body, effect.context, reader) if effect.body is not None else None,
        assignee=effect.assignee,
        due=effect.due,
        priority=effect.task_priority,
        at=effect.at,
    )


def _approval(effect: AskApproval, reader: Reader) -> NewTask:
    return NewTask(
        key=effect.key,
        playbook=effect.playbook,
        enrollment=effect.enrollment,
        title=render_text(effect.question, effect.context, reader),
        body=None,
        assignee=effect.approver,
        due=effect.until,
        priority="normal",
        at=effect.at,
        kind="approval",
    )

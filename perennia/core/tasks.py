"""Tasks: work for a person."""

from __future__ import annotations

from perennia.core.decisions import OpenTask, Outcome
from perennia.core.deliberation import Deliberation
from perennia.core.effects import emit, origin, text_names
from perennia.core.nodes import TaskNode
from perennia.core.outcomes import Onward, finish
from perennia.core.owners import owner_of
from perennia.core.state import Enrollment


def release_task(run: Deliberation, node: TaskNode, enrollment: Enrollment) -> None:
    step = node.step
    owner = owner_of(run.state.facts)
    assignee = (None if owner is None else owner.id) if step.assign == "owner" else step.assign
    effect = OpenTask(
        **origin(run, node, enrollment),
        title=step.task,
        body=step.body,
        assignee=assignee,
        due=None if node.due is None else run.calendar.after(enrollment.base, node.due),
        task_priority=step.priority,
        context=text_names(run, enrollment),
    )
    emit(run, enrollment, node, effect, {"task": step.task, "assignee": assignee})


def overdue(run: Deliberation, enrollment: Enrollment, node: TaskNode) -> Onward | None:
    """A waited-for task that is late ends its step; its instant is where the next spans count from."""
    due = enrollment.due
    if due is None or not run.passed(due):
        return None
    finish(run, enrollment, node, Outcome.TIMED_OUT, result={"outcome": "overdue", "status": "open"})
    return Onward(node.next, due)

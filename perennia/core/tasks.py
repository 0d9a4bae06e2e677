"""Tasks: work for a person, and what happens when it is late."""

from __future__ import annotations

from typing import Final

from perennia.core.decisions import Act, EscalateTask, JournalEntry, OpenTask, Outcome
from perennia.core.deliberation import Deliberation
from perennia.core.effects import counts_from, emit, origin, text_names
from perennia.core.nodes import TaskNode
from perennia.core.outcomes import Onward, effect_key, finish
from perennia.core.owners import person_of
from perennia.core.state import Enrollment, LateTask

# What an escalated task is raised to.
RAISED: Final = {"low": "normal", "normal": "high", "high": "urgent", "urgent": "urgent"}


def release_task(run: Deliberation, node: TaskNode, enrollment: Enrollment) -> None:
    step = node.step
    assignee = person_of(run.state.facts, step.assign)
    effect = OpenTask(
        **origin(run, node, enrollment),
        title=step.task,
        body=step.body,
        assignee=assignee,
        due=None if node.due is None else run.calendar.after(counts_from(run, enrollment), node.due),
        task_priority=step.priority,
        context=text_names(run, enrollment),
    )
    emit(run, enrollment, node, effect, {"task": step.task, "assignee": assignee})


def task_opened(run: Deliberation, enrollment: Enrollment, node: TaskNode) -> Onward | None:
    """Somebody can work on it. The enrollment waits for its end only where the step says so."""
    _remember(run, enrollment, node)
    if not node.step.wait:
        finish(run, enrollment, node, Outcome.DONE, result={"status": "open"})
        return Onward(node.next, enrollment.base)
    enrollment.steps[node.id] = {"status": "open"}
    enrollment.due = None if node.due is None else run.calendar.after(enrollment.base, node.due)
    return overdue(run, enrollment, node)


def overdue(run: Deliberation, enrollment: Enrollment, node: TaskNode) -> Onward | None:
    """A waited-for task that is late ends its step; its instant is where the next spans count from."""
    due = enrollment.due
    if due is None or not run.passed(due):
        return None
    finish(run, enrollment, node, Outcome.TIMED_OUT, result={"outcome": "overdue", "status": "open"})
    return Onward(node.next, due)


# --- escalation -----------------------------------------------------------------------------------------------------


def _remember(run: Deliberation, enrollment: Enrollment, node: TaskNode) -> None:
    """Keeps the task in mind until it is ended or escalated, also when the enrollment is over by then."""
    escalate, after = node.step.escalate, node.escalate_after
    if escalate is None or after is None:
        return
    run.state.late_tasks[effect_key(run.state.customer, enrollment, node.id)] = LateTask(
        at=run.calendar.after(enrollment.base, after),
        to=escalate.to,
        priority=RAISED[node.step.priority],
        title=node.step.task,
        playbook=enrollment.playbook,
        version=enrollment.version,
    )


def escalate_late(run: Deliberation) -> bool:
    """Hands each task that nobody has ended by its instant to somebody else, one priority higher. True where there was one."""
    late = sorted((task.at, key) for key, task in run.state.late_tasks.items() if run.passed(task.at))
    for _, key in late:
        _escalate(run, key, run.state.late_tasks.pop(key))
    return bool(late)


def _escalate(run: Deliberation, key: str, task: LateTask) -> None:
    _, enrollment, step, _ = key.rsplit("/", 3)
    assignee = person_of(run.state.facts, task.to)
    effect = EscalateTask(
        key=f"{key}/escalated",
        at=run.instant,
        playbook=task.playbook,
        version=task.version,
        enrollment=enrollment,
        step=step,
        priority=0,
        task=key,
        assignee=assignee,
        task_priority=task.priority,
    )
    run.effects.append(effect)
    run.journal.append(
        JournalEntry(
            at=run.instant,
            act=Act.ESCALATED,
            code="escalated",
            playbook=task.playbook,
            version=task.version,
            enrollment=enrollment,
            step=step,
            detail={"task": task.title, "to": assignee, "priority": task.priority},
        )
    )

"""Results that come back: of effects, and of tasks that people close."""

from __future__ import annotations

from perennia.core.decisions import Act, EffectEnded, Outcome, TaskEnded
from perennia.core.deliberation import Deliberation
from perennia.core.json_values import JsonObject
from perennia.core.nodes import TaskNode
from perennia.core.outcomes import Onward, effect_key, failed, finish
from perennia.core.steps import walk
from perennia.core.tasks import overdue


def effect_ended(run: Deliberation, ended: EffectEnded) -> None:
    """Ends the step that waits for this effect. One whose enrollment is over is only noted."""
    enrollment = next((each for each in run.state.enrollments if each.awaiting == ended.key), None)
    if enrollment is None or enrollment.step is None:
        _note_late(run, ended)
        return
    run.movers.add(enrollment.id)
    node = run.book_of(enrollment).nodes[enrollment.step]
    enrollment.awaiting = None
    if ended.outcome is Outcome.FAILED:
        onward = failed(run, enrollment, node, ended.reason or "failed", result=ended.result)
    elif isinstance(node, TaskNode) and node.step.wait:
        enrollment.steps[node.id] = {"status": "open"}
        enrollment.due = None if node.due is None else run.calendar.after(enrollment.base, node.due)
        onward = overdue(run, enrollment, node)
    else:
        result: JsonObject = {"status": "open"} if isinstance(node, TaskNode) else ended.result
        finish(run, enrollment, node, ended.outcome, reason=ended.reason, result=result)
        onward = Onward(node.next, enrollment.base)
    walk(run, enrollment, onward)


def _note_late(run: Deliberation, ended: EffectEnded) -> None:
    parts = ended.key.split("/")
    if len(parts) == 4:
        detail: JsonObject = {"enrollment": parts[1], **ended.result}
        run.note(Act.IGNORED, ended.outcome, step=parts[2], reason=ended.reason, detail=detail)


def task_ended(run: Deliberation, ended: TaskEnded) -> None:
    """A person closed the task: what waits for it goes on; what did not wait can look at the result."""
    for enrollment in run.state.enrollments:
        for step, node in run.book_of(enrollment).nodes.items():
            if not isinstance(node, TaskNode) or effect_key(run.state.customer, enrollment, step) != ended.key:
                continue
            result: JsonObject = {"outcome": ended.outcome, "result": ended.result, "status": ended.outcome}
            if enrollment.step == step and node.step.wait:
                run.movers.add(enrollment.id)
                finish(run, enrollment, node, Outcome.DONE, result=result)
                walk(run, enrollment, Onward(node.next, run.instant))
            else:
                enrollment.steps[step] = {**enrollment.steps.get(step, {}), **result}
                run.changed([f"steps:{enrollment.id}"])
            return

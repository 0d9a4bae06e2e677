"""Steps that start and end other playbooks of the same customer."""

from __future__ import annotations

from perennia.core.decisions import Act, Outcome, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.entries import end, enter
from perennia.core.json_values import JsonObject
from perennia.core.nodes import EnrollNode, UnenrollNode
from perennia.core.outcomes import Onward, Unworkable, done, finish, skipped, unworkable, work_out
from perennia.core.state import Enrollment


def enroll(run: Deliberation, enrollment: Enrollment, node: EnrollNode) -> Onward | None:
    """Starts the other playbook, or is skipped for the reason that its entry was refused for."""
    payload = work_out(run, enrollment, node.values)
    if isinstance(payload, Unworkable):
        return unworkable(run, enrollment, node, payload)
    book = run.catalog.playbooks.get(node.playbook)
    detail: JsonObject = {"by": f"{enrollment.playbook}/{node.id}", "playbook": node.playbook}
    if book is None:
        run.note(Act.REFUSED, Reason.UNKNOWN_PLAYBOOK, reason=Reason.UNKNOWN_PLAYBOOK, detail=detail)
        return skipped(run, enrollment, node, Reason.UNKNOWN_PLAYBOOK)
    refused = enter(run, book, payload, detail)
    if refused is not None:
        return skipped(run, enrollment, node, refused)
    if node.wait:
        enrollment.child = run.state.enrollments[-1].id
        return None
    return done(run, enrollment, node, result={"playbook": node.playbook})


def child_ended(run: Deliberation, enrollment: Enrollment, node: EnrollNode) -> Onward | None:
    """Goes on when the enrollment that it started has ended."""
    if any(each.id == enrollment.child for each in run.state.enrollments):
        return None
    enrollment.child = None
    how: JsonObject = {"playbook": node.playbook, "ended": enrollment.steps.get(node.id, {}).get("ended")}
    finish(run, enrollment, node, Outcome.DONE, result=how)
    return Onward(node.next, run.instant)


def unenroll(run: Deliberation, enrollment: Enrollment, node: UnenrollNode) -> Onward | None:
    """Ends the other playbook's enrollment, where there is one."""
    others = [each for each in run.state.enrollments if each.playbook == node.playbook]
    onward = done(run, enrollment, node, result={"playbook": node.playbook, "ended": len(others)})
    for each in others:
        end(run, each, f"unenrolled_by:{enrollment.playbook}")
    return onward if run.active(enrollment) else None

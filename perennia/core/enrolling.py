"""Steps that start and end other playbooks: of the same customer, or of an account's contacts."""

from __future__ import annotations

from perennia.core.decisions import Act, EnrollOrder, Outcome, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.entries import end, enter
from perennia.core.errands import expect, members
from perennia.core.json_values import JsonObject
from perennia.core.nodes import Audience, EnrollNode, UnenrollNode
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
    if node.audience is not None:
        return _fan_out(run, enrollment, node, node.audience, payload)
    refused = enter(run, book, payload, detail)
    if refused is not None:
        return skipped(run, enrollment, node, refused)
    if node.wait:
        enrollment.child = run.state.enrollments[-1].id
        return None
    return done(run, enrollment, node, result={"playbook": node.playbook})


def _fan_out(
    run: Deliberation, enrollment: Enrollment, node: EnrollNode, audience: Audience, payload: JsonObject
) -> Onward | None:
    """Has each of the contacts enrolled by an input of its own; with ``wait`` until all those enrollments have ended."""
    contacts = members(run, audience)
    if not contacts:
        return skipped(run, enrollment, node, Reason.NO_RECIPIENT)
    for contact in contacts:
        _invite(run, enrollment, node, contact, payload, expected=node.wait)
    detail: JsonObject = {**audience.detail, "playbook": node.playbook, "contacts": len(contacts)}
    run.note(Act.HANDED_OVER, node.verb, enrollment=enrollment, step=node.id, detail=detail)
    if node.wait:
        enrollment.steps[node.id] = {"messages": {}}
        return None
    return done(run, enrollment, node, result={"playbook": node.playbook, "contacts": len(contacts)})


def _invite(
    run: Deliberation, enrollment: Enrollment, node: EnrollNode, contact: str, payload: JsonObject, *, expected: bool
) -> None:
    run.tell_contacts()
    order = EnrollOrder(
        at=run.instant,
        playbook=node.playbook,
        by_person=False,
        by=f"{enrollment.playbook}/{node.id}",
        payload=payload,
        errand=expect(run, enrollment, node, contact) if expected else None,
        caused=True,
    )
    run.tell(contact, order)


def welcome(run: Deliberation, enrollment: Enrollment, node: EnrollNode, contact: str) -> None:
    """Enrolls a contact who came to belong to those whom the step has enrolled before."""
    payload = work_out(run, enrollment, node.values)
    detail: JsonObject = {"playbook": node.playbook, "late_joiner": run.state.contacts[contact].ref}
    if isinstance(payload, Unworkable):
        reason, evidence = Reason.EXPRESSION_ERROR, (payload.evidence,)
        run.note(Act.IGNORED, "late_joiner", reason=reason, enrollment=enrollment, detail=detail, evidence=evidence)
        return
    is_waiting = enrollment.step == node.id and bool(enrollment.awaited)
    _invite(run, enrollment, node, contact, payload, expected=is_waiting)
    run.note(Act.HANDED_OVER, node.verb, enrollment=enrollment, step=node.id, detail=detail)


def child_ended(run: Deliberation, enrollment: Enrollment, node: EnrollNode) -> Onward | None:
    """Goes on when the enrollment that it started has ended."""
    if node.audience is not None:
        return None
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

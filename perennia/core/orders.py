"""What a person orders for one enrollment: skip, pause, resume, end."""

from __future__ import annotations

from perennia.core.decisions import Act, EnrollmentOrder, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.entries import end
from perennia.core.json_values import JsonObject
from perennia.core.outcomes import Onward, skipped
from perennia.core.state import Enrollment
from perennia.core.steps import perform, walk


def steer(run: Deliberation, order: EnrollmentOrder) -> None:
    """Carries out what a person ordered for the active enrollments of a playbook: for one key's, or for all of them."""
    detail: JsonObject = {"by": order.by, "playbook": order.playbook}
    if order.key is not None:
        detail["key"] = order.key
    own = (each for each in run.in_order() if each.errand is None)
    meant = [each for each in own if each.playbook == order.playbook and order.key in (None, each.key)]
    if not meant:
        run.note(Act.IGNORED, order.order, reason=Reason.NOT_ENROLLED, detail=detail)
    for enrollment in meant:
        # The steps of one may end another.
        if run.active(enrollment):
            _carry_out(run, order, enrollment, detail)


def _carry_out(run: Deliberation, order: EnrollmentOrder, enrollment: Enrollment, detail: JsonObject) -> None:
    if enrollment.key is not None:
        detail = {**detail, "key": enrollment.key}
    run.note(Act.ORDER, order.order, enrollment=enrollment, step=enrollment.step, detail=detail)
    match order.order:
        case "pause":
            enrollment.paused = True
        case "resume":
            enrollment.paused = False
            resume(run, enrollment)
        case "skip":
            skip(run, enrollment, Reason.BY_PERSON)
        case "end":
            end(run, enrollment, Reason.BY_PERSON, detail=detail, removed=True)


def resume(run: Deliberation, enrollment: Enrollment) -> None:
    """Goes on; what it held back leaves now, and its spans count from now."""
    if enrollment.halted and enrollment.step is not None:
        enrollment.halted = False
        enrollment.base = run.instant
        node = run.book_of(enrollment).nodes[enrollment.step]
        walk(run, enrollment, perform(run, node, enrollment))


def skip(run: Deliberation, enrollment: Enrollment, reason: Reason) -> None:
    """Ends the step that it stands at; what that released and has not left yet is withdrawn."""
    if enrollment.step is None:
        return
    node = run.book_of(enrollment).nodes[enrollment.step]
    run.take_back(enrollment)
    enrollment.rounds.pop(node.id, None)
    onward = skipped(run, enrollment, node, reason)
    walk(run, enrollment, Onward(onward.target, run.instant))

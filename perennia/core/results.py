"""Results that come back: of effects, of tasks that people close, of errands that contacts carry out."""

from __future__ import annotations

import msgspec

from perennia.core.approvals import opened
from perennia.core.consent import confirmation_ended
from perennia.core.contacts import contact_changed
from perennia.core.decisions import (
    Act,
    ApprovalEnded,
    ContactChanged,
    EffectEnded,
    ErrandEnded,
    ErrandGiven,
    MessageTold,
    Outcome,
    Reason,
    TaskEnded,
)
from perennia.core.deliberation import Deliberation
from perennia.core.digests import is_digest
from perennia.core.errands import begin, key_at_account, take_report, told_of_contact
from perennia.core.holding import begin_hold
from perennia.core.json_values import JsonObject
from perennia.core.nodes import AnyNode, ApproveNode, EmailNode, SurveyNode, TaskNode
from perennia.core.outcomes import EffectKey, Onward, effect_key, failed, finish, learn, parse_effect_key
from perennia.core.outward import release
from perennia.core.state import Enrollment
from perennia.core.steps import perform, walk
from perennia.core.surveys import ask_ended, await_response
from perennia.core.tasks import task_opened
from perennia.core.waits import keep_told

# Known of each message from the beginning on, so that expressions may negate it.
NOTHING_TOLD: JsonObject = {"opened": False, "clicked": False, "replied": False, "bounced": False}

# A message that was late and met quiet hours or a full cap at the last look, right before the provider is called.
CAME_BACK = frozenset({Reason.QUIET_HOURS, Reason.FREQUENCY_CAP})


def effect_ended(run: Deliberation, ended: EffectEnded) -> None:
    """Ends the step that waits for this effect, of a digest each. One whose enrollment is over is only noted."""
    if run.ledger is not None:
        if ended.outcome is Outcome.SENT:
            run.ledger.leave(ended.key, ended.at)
        else:
            run.ledger.give_back(ended.key)
    waiting = [each for each in run.state.enrollments if each.awaiting == ended.key and each.step is not None]
    if not waiting and not confirmation_ended(run, ended):
        _note_late(run, ended)
    for enrollment in waiting:
        # Of a digest's the end of one may end another.
        if run.active(enrollment) and enrollment.awaiting == ended.key:
            _end_of(run, enrollment, _told_to(run, enrollment, ended))


def _told_to(run: Deliberation, enrollment: Enrollment, ended: EffectEnded) -> EffectEnded:
    """The end of a digest as that of one of its messages: one may have failed alone."""
    error = ended.left_out.get(effect_key(run.state.customer, enrollment, enrollment.step or ""))
    if error is None:
        return ended
    result: JsonObject = {"error": error}
    return msgspec.structs.replace(ended, outcome=Outcome.FAILED, reason=Reason.TEMPLATE_ERROR, result=result)


def _end_of(run: Deliberation, enrollment: Enrollment, ended: EffectEnded) -> None:
    node = run.book_of(enrollment).nodes[enrollment.step or ""]
    if isinstance(node, ApproveNode) and ended.outcome is not Outcome.FAILED:
        # The effect goes on: somebody will answer, and until then it can be withdrawn.
        walk(run, enrollment, opened(run, enrollment, node))
        return
    enrollment.awaiting = None
    if isinstance(node, EmailNode) and ended.outcome is Outcome.SKIPPED and ended.reason in CAME_BACK:
        onward = _try_anew(run, enrollment, node)
        if isinstance(node, SurveyNode) and enrollment.asked is not None and run.active(enrollment):
            onward = await_response(run, enrollment, node)
        walk(run, enrollment, onward)
        return
    enrollment.held = None
    if isinstance(node, SurveyNode):
        onward = ask_ended(run, enrollment, node, ended)
    elif ended.outcome is Outcome.FAILED:
        onward = failed(run, enrollment, node, ended.reason or "failed", result=ended.result)
    elif isinstance(node, TaskNode):
        onward = task_opened(run, enrollment, node)
    else:
        told = _told_before(enrollment, node) if ended.outcome is Outcome.SENT else {}
        finish(run, enrollment, node, ended.outcome, reason=ended.reason, result=ended.result)
        enrollment.steps[node.id] = {**enrollment.steps[node.id], **told}
        onward = Onward(node.next, enrollment.base)
    walk(run, enrollment, onward)


def _told_before(enrollment: Enrollment, node: AnyNode) -> JsonObject:
    """What is known of a message at its end: nothing yet, or what was told faster than that it has left."""
    if not isinstance(node, EmailNode):
        return {}
    known = enrollment.steps.get(node.id, {})
    return NOTHING_TOLD if "outcome" in known else {**NOTHING_TOLD, **known}


def _try_anew(run: Deliberation, enrollment: Enrollment, node: EmailNode) -> Onward | None:
    """Decides over the message as at first, as another effect: the key of the one that came back is spent."""
    enrollment.visits[node.id] += 1
    enrollment.held = enrollment.held or begin_hold(run, node, run.instant)
    return release(run, node, enrollment)


def _note_late(run: Deliberation, ended: EffectEnded) -> None:
    key = parse_effect_key(ended.key)
    if key is not None:
        detail: JsonObject = {"enrollment": key.enrollment, **ended.result}
        run.note(Act.IGNORED, ended.outcome, step=key.step, reason=ended.reason, detail=detail)


def task_ended(run: Deliberation, ended: TaskEnded) -> None:
    """A person closed the task: what waits for it goes on; what did not wait can look at the result."""
    run.state.late_tasks.pop(ended.key, None)
    key, enrollment = _enrollment_of(run, ended.key)
    node = None if key is None or enrollment is None else run.book_of(enrollment).nodes.get(key.step)
    if key is None or enrollment is None or not isinstance(node, TaskNode):
        return
    keep_told(run, enrollment, ("task", key.step), ended.seq)
    if enrollment.visits.get(key.step) != key.visit:
        return
    result: JsonObject = {"outcome": ended.outcome, "result": ended.result, "status": ended.outcome}
    if enrollment.step == key.step and node.step.wait:
        finish(run, enrollment, node, Outcome.DONE, result=result)
        walk(run, enrollment, Onward(node.next, run.instant))
    else:
        learn(run, enrollment, key.step, {**enrollment.steps.get(key.step, {}), **result})


def message_told(run: Deliberation, told: MessageTold) -> None:
    """What the recipient did with a message: waits hear of each, the step's result keeps what is known of its last one."""
    key, enrollment = _enrollment_of(run, told.key)
    handed = None if key is None else key_at_account(key.enrollment)
    if handed is not None:
        at_account = msgspec.structs.replace(told, key=handed, contact=run.state.facts.ref, seq=0)
        run.tell(handed.rsplit("/", 3)[0], at_account)
    if key is not None and enrollment is None:
        _tell_observed(run, key, told.what)
    if key is None or enrollment is None:
        return
    keep_told(run, enrollment, (told.what, key.step), told.seq)
    if enrollment.visits.get(key.step) != key.visit:
        return
    if told.contact is not None:
        told_of_contact(run, enrollment, key.step, told.contact, told.what)
        return
    known = enrollment.steps.get(key.step, {})
    under_way = enrollment.awaiting == told.key or (is_digest(enrollment.awaiting) and enrollment.step == key.step)
    if under_way and "outcome" in known:
        known = {}  # that is of the visit before: the message was told of before we heard that it has left
    learn(run, enrollment, key.step, {**known, told.what: True})


def _tell_observed(run: Deliberation, key: EffectKey, what: str) -> None:
    """What becomes of a message after its enrollment has ended; kept where the goal reads that."""
    for each in run.state.observed:
        step = each.renamed.get(key.step, key.step)
        if each.id == key.enrollment and each.visits.get(step, 0) == key.visit:
            learn(run, each, step, {**each.steps.get(step, {}), what: True})


def _enrollment_of(run: Deliberation, effect: str) -> tuple[EffectKey | None, Enrollment | None]:
    key = parse_effect_key(effect)
    if key is None:
        return None, None
    enrollment = next((each for each in run.state.enrollments if each.id == key.enrollment), None)
    if enrollment is not None:
        # The step may be called otherwise since: the enrollment went over to another version.
        key = key._replace(step=enrollment.renamed.get(key.step, key.step))
    return key, enrollment


def approval_ended(run: Deliberation, ended: ApprovalEnded) -> None:
    """Somebody answered. An answer that nobody waits for any more is only noted."""
    enrollment = next((each for each in run.state.enrollments if each.awaiting == ended.key), None)
    node = None if enrollment is None or enrollment.step is None else run.book_of(enrollment).nodes[enrollment.step]
    result: JsonObject = {"decision": ended.decision, "by": ended.by, "comment": ended.comment}
    if enrollment is None or not isinstance(node, ApproveNode):
        run.note(Act.IGNORED, ended.decision, detail=result)
        return
    enrollment.awaiting = None
    if ended.decision == "approved":
        finish(run, enrollment, node, Outcome.DONE, result=result)
        walk(run, enrollment, Onward(node.allowed, run.instant))
    else:
        finish(run, enrollment, node, Outcome.SKIPPED, reason=Reason.APPROVAL_DENIED, result=result)
        walk(run, enrollment, Onward(node.denied, run.instant))


# --- errands --------------------------------------------------------------------------------------------------------


def errand_given(run: Deliberation, given: ErrandGiven) -> None:
    """Carries out the one step that the account hands over."""
    enrollment = begin(run, given)
    if enrollment is not None:
        walk(run, enrollment, perform(run, run.book_of(enrollment).nodes[given.step], enrollment))


def errand_ended(run: Deliberation, ended: ErrandEnded) -> None:
    """A contact has carried out its part of a step; after the last of them the enrollment goes on."""
    enrollment = next((each for each in run.state.enrollments if ended.key in each.awaited), None)
    if enrollment is None or enrollment.step is None:
        return
    node = run.book_of(enrollment).nodes[enrollment.step]
    walk(run, enrollment, take_report(run, enrollment, node, ended))


def take_contact(run: Deliberation, told: ContactChanged) -> None:
    """Who is waited for and leaves the account is waited for no longer: nobody was reached."""
    contact_changed(run, told)
    if told.roles is not None:
        return
    nobody: JsonObject = {"outcome": Outcome.SKIPPED, "reason": Reason.NO_RECIPIENT, "ended": Reason.NO_RECIPIENT}
    left = [key for each in run.state.enrollments for key in each.awaited if key.endswith(f"/{told.contact}")]
    for key in left:
        errand_ended(run, ErrandEnded(at=run.instant, key=key, base=run.instant, result=nobody))

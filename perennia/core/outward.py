"""Outward steps: what may keep the world from being asked, and who asks it for what."""

from __future__ import annotations

from typing import assert_never

from perennia.core.approvals import release_approval
from perennia.core.decisions import Reason
from perennia.core.deliberation import Deliberation
from perennia.core.emails import refused_for, release_email
from perennia.core.entries import end
from perennia.core.errands import is_warranted
from perennia.core.holding import digest_of, find_objection, give_up, keep_back, wait_for_digest
from perennia.core.nodes import AnyOutwardNode, ApproveNode, CrmNode, EmailNode, NotifyNode, TaskNode, WebhookNode
from perennia.core.outcomes import Onward
from perennia.core.state import Enrollment
from perennia.core.systems import release_crm, release_notice, release_webhook
from perennia.core.tasks import release_task


def release(run: Deliberation, node: AnyOutwardNode, enrollment: Enrollment) -> Onward | None:
    """Releases the step's effect, unless it or its playbook is paused, or what it needs to go on no longer holds."""
    if is_paused(run, enrollment):
        enrollment.halted = True
        return None
    if not goes_on(run, node, enrollment):
        return None
    match node:
        case EmailNode():
            return release_email(run, node, enrollment)
        case TaskNode():
            return release_task(run, node, enrollment)
        case ApproveNode():
            return release_approval(run, node, enrollment)
        case CrmNode():
            return release_crm(run, node, enrollment)
        case WebhookNode():
            return release_webhook(run, node, enrollment)
        case NotifyNode():
            return release_notice(run, node, enrollment)
    assert_never(node)


def goes_on(run: Deliberation, node: AnyOutwardNode, enrollment: Enrollment) -> bool:
    """Whether its playbook's `while` holds, which ends it where not. That of an account's is looked at there."""
    if enrollment.errand is not None:
        return is_warranted(run, enrollment, node)
    while_ = run.book_of(enrollment).while_
    if while_ is None or run.holds(while_, enrollment):
        return True
    end(run, enrollment, Reason.NOT_WHILE, (run.explain(while_, enrollment),))
    return False


def try_again(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> Onward | None:
    """What becomes of a held message at this instant: it leaves, is given up, or waits on."""
    refused = refused_for(run, node)
    if refused is not None:
        return give_up(run, node, enrollment, refused)
    if is_paused(run, enrollment):
        return _wait_paused(run, node, enrollment)
    times = digest_of(run, node)
    if times is not None:
        wait_for_digest(run, node, enrollment, times)
        return None  # it leaves with the others (`digests`)
    if find_objection(run, node, enrollment) is not None:
        kept = keep_back(run, node, enrollment)
        return None if kept is None else kept.onward
    if enrollment.due == run.instant and not run.timed:
        return None  # its time has come, but inputs of this instant come first
    return release(run, node, enrollment)


def is_paused(run: Deliberation, enrollment: Enrollment) -> bool:
    """Whether a person paused it, or its playbook for everybody."""
    return enrollment.paused or run.catalog.is_paused(enrollment.playbook, run.instant)


def _wait_paused(run: Deliberation, node: EmailNode, enrollment: Enrollment) -> Onward | None:
    """Time runs on: what may leave in the pause stands still until it is over, what expires in it is given up."""
    held, due = enrollment.held, enrollment.due
    if held is None or due is None or not run.passed(due):
        return None
    if run.passed(held.until):
        return give_up(run, node, enrollment, Reason.EXPIRED)
    enrollment.halted, enrollment.due = True, held.until
    return None


def unwelcome(run: Deliberation) -> bool:
    """Whether somebody must no longer be written to for whom a message is held."""
    for enrollment in run.state.enrollments:
        if enrollment.is_held and enrollment.step is not None:
            node = run.book_of(enrollment).nodes[enrollment.step]
            if isinstance(node, EmailNode) and refused_for(run, node) is not None:
                return True
    return False

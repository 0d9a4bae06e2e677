"""Approvals: a person allows or denies what comes next, or lets the time pass."""

from __future__ import annotations

from datetime import datetime

from perennia.core.decisions import AskApproval, Outcome, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.effects import counts_from, emit, origin, text_names
from perennia.core.json_values import JsonObject
from perennia.core.nodes import ApproveNode
from perennia.core.outcomes import Onward, finish
from perennia.core.owners import person_of
from perennia.core.state import Enrollment


def release_approval(run: Deliberation, node: ApproveNode, enrollment: Enrollment) -> None:
    approver = person_of(run.state.facts, node.by)
    effect = AskApproval(
        **origin(run, node, enrollment),
        question=node.question,
        approver=approver,
        until=_limit(run, node, counts_from(run, enrollment)),
        context=text_names(run, enrollment),
    )
    emit(run, enrollment, node, effect, {"question": node.question, "assignee": approver})


def opened(run: Deliberation, enrollment: Enrollment, node: ApproveNode) -> Onward | None:
    """From here on somebody can answer; the time limit counts from the release, like every span of a step."""
    enrollment.steps[node.id] = {"status": "open"}
    enrollment.due = _limit(run, node, enrollment.base)
    return expired(run, enrollment, node)


def _limit(run: Deliberation, node: ApproveNode, released: datetime) -> datetime | None:
    return None if node.within is None else run.calendar.after(released, node.within)


def expired(run: Deliberation, enrollment: Enrollment, node: ApproveNode) -> Onward | None:
    """Nobody answered in time: the step says what silence means."""
    due = enrollment.due
    if due is None or not run.passed(due):
        return None
    run.take_back(enrollment)
    if node.silence_allows:
        finish(run, enrollment, node, Outcome.TIMED_OUT, result={"decision": "approved"})
        return Onward(node.allowed, due)
    result: JsonObject = {"decision": "denied"}
    finish(run, enrollment, node, Outcome.TIMED_OUT, reason=Reason.APPROVAL_TIMEOUT, result=result)
    return Onward(node.denied, due)

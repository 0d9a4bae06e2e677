"""Outward steps: what may keep the world from being asked, and who asks it for what."""

from __future__ import annotations

from typing import assert_never

from perennia.core.decisions import Reason
from perennia.core.deliberation import Deliberation
from perennia.core.emails import release_email
from perennia.core.entries import end
from perennia.core.nodes import AnyOutwardNode, EmailNode, TaskNode
from perennia.core.outcomes import Onward
from perennia.core.state import Enrollment
from perennia.core.tasks import release_task


def release(run: Deliberation, node: AnyOutwardNode, enrollment: Enrollment) -> Onward | None:
    """Releases the step's effect, unless the enrollment is paused or what it needs to go on no longer holds."""
    if enrollment.paused:
        enrollment.halted = True
        return None
    while_ = run.book_of(enrollment).while_
    if while_ is not None and not run.holds(while_, enrollment):
        end(run, enrollment, Reason.NOT_WHILE, (run.explain(while_, enrollment),))
        return None
    match node:
        case EmailNode():
            return release_email(run, node, enrollment)
        case TaskNode():
            return release_task(run, node, enrollment)
    assert_never(node)

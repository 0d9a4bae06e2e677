"""Carries out what was ordered for everybody in a playbook: migrate, exit, pause, resume."""

from __future__ import annotations

from typing import assert_never

from perennia.core.decisions import Act, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.entries import end
from perennia.core.json_values import JsonObject
from perennia.core.moving import move, move_errand
from perennia.core.nodes import ApproveNode
from perennia.core.orders import resume, skip
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.state import Enrollment


def obey(run: Deliberation, order: PlaybookOrder) -> None:
    """Carries it out for the customer's enrollments in the playbook."""
    for enrollment in run.in_order():
        if enrollment.playbook == order.playbook and run.active(enrollment):
            _obey(run, enrollment, order)


def _obey(run: Deliberation, enrollment: Enrollment, order: PlaybookOrder) -> None:
    match order.word:
        case "pause":
            return  # steps and entries look at the catalog themselves
        case "migrate" | "exit" if enrollment.errand is not None:
            if order.word == "migrate" and order.version is not None:
                move_errand(run, enrollment, order.version, order.map)
        case "migrate":
            if order.version is not None and enrollment.version != order.version:
                move(run, enrollment, order.version, order.map)
        case "exit":
            if enrollment.version != order.version:
                end(run, enrollment, Reason.VERSION_MIGRATED, detail=_told(order))
        case "resume" | "skip":
            _resume(run, enrollment, order)
        case _:
            assert_never(order.word)


def _resume(run: Deliberation, enrollment: Enrollment, order: PlaybookOrder) -> None:
    """Whom a person paused stays so. What was released before the pause was held, too; but a question stays with whom it asks."""
    node = None if enrollment.step is None else run.book_of(enrollment).nodes[enrollment.step]
    held = enrollment.halted or (enrollment.awaiting is not None and not isinstance(node, ApproveNode))
    if enrollment.paused or not held:
        return
    run.note(Act.ORDER, order.word, enrollment=enrollment, step=enrollment.step, detail=_told(order))
    if order.word == "skip":
        skip(run, enrollment, Reason.PLAYBOOK_PAUSED)
    else:
        resume(run, enrollment)


def _told(order: PlaybookOrder) -> JsonObject:
    return {"by": order.by, "playbook": order.playbook}

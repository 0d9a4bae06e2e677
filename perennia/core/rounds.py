"""Rounds of a repeat: the first at once, each next one a span after the previous began, or when it ends, if later."""

from __future__ import annotations

from datetime import datetime

from perennia.core.decisions import Outcome
from perennia.core.deliberation import Deliberation
from perennia.core.nodes import RepeatNode
from perennia.core.outcomes import Onward, finish
from perennia.core.state import Enrollment, Round


def come_round(run: Deliberation, enrollment: Enrollment, node: RepeatNode) -> Onward | None:
    """The enrollment arrives at the repeat: for the first time, or at the end of a round."""
    under_way = enrollment.rounds.get(node.id)
    if under_way is None:
        return _begin(run, enrollment, node, 1, enrollment.base)
    if node.times is not None and under_way.number >= node.times:
        return _leave(run, enrollment, node, under_way.number, enrollment.base)
    due = run.calendar.after(under_way.began, node.every)
    if due <= enrollment.base:
        return _begin(run, enrollment, node, under_way.number + 1, enrollment.base)
    enrollment.due = due
    return next_round(run, enrollment, node)


def next_round(run: Deliberation, enrollment: Enrollment, node: RepeatNode) -> Onward | None:
    """The next round where its instant has come; None while it has not. It begins now where the one before ended too late."""
    due = enrollment.due
    if due is None or not run.passed(due):
        return None
    return _begin(run, enrollment, node, enrollment.rounds[node.id].number + 1, max(due, run.instant))


def _begin(run: Deliberation, enrollment: Enrollment, node: RepeatNode, number: int, at: datetime) -> Onward:
    if node.until is not None and run.holds(node.until, enrollment):
        return _leave(run, enrollment, node, number - 1, at)
    enrollment.rounds[node.id] = Round(number, at)
    return Onward(node.first, at)


def _leave(run: Deliberation, enrollment: Enrollment, node: RepeatNode, rounds: int, at: datetime) -> Onward:
    enrollment.rounds.pop(node.id, None)
    evidence = () if node.until is None else (run.explain(node.until, enrollment),)
    finish(run, enrollment, node, Outcome.DONE, result={"rounds": rounds}, evidence=evidence)
    return Onward(node.next, at)

"""How an enrollment goes through its steps: each ends in exactly one outcome, and the enrollment goes on by rule."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from perennia.core.approvals import expired
from perennia.core.contacts import tell_roles
from perennia.core.decisions import CustomerEvent, Evidence, Outcome, Reason
from perennia.core.deliberation import Deliberation
from perennia.core.enrolling import child_ended, enroll, unenroll
from perennia.core.entries import end
from perennia.core.errands import watch_over
from perennia.core.nodes import (
    AnyNode,
    ApproveNode,
    BranchNode,
    CompiledPlaybook,
    CrmNode,
    EmailNode,
    EmitNode,
    EnrollNode,
    ExitNode,
    MilestoneNode,
    NotifyNode,
    RepeatNode,
    SplitNode,
    StageNode,
    SurveyNode,
    TaskNode,
    UnenrollNode,
    UntilDateNode,
    UntilTimeNode,
    UpdateNode,
    WaitForNode,
    WaitNode,
    WebhookNode,
)
from perennia.core.outcomes import Onward, Unworkable, done, finish, skipped, unworkable, work_out
from perennia.core.outward import release, try_again
from perennia.core.rounds import come_round, next_round
from perennia.core.shares import chosen, position_of
from perennia.core.stages import set_stage
from perennia.core.state import Enrollment
from perennia.core.surveys import await_response, reminder_due
from perennia.core.tasks import overdue
from perennia.core.trials import tell_trial
from perennia.core.until import begin_until, until
from perennia.core.waits import begin_race, forget_told, race, waited

# Rounds that take no time at all end here.
MOST_STEPS_AT_ONCE = 1000


def progress(run: Deliberation) -> bool:
    """Lets each enrollment go on until it blocks. True where any moved."""
    news = run.news("steps")
    moved = False
    for enrollment in run.in_order():
        if run.active(enrollment):
            moved |= _go_on(run, enrollment, news)
    return moved


def _go_on(run: Deliberation, enrollment: Enrollment, news: tuple[str, ...]) -> bool:
    book = run.book_of(enrollment)
    watch_over(run, enrollment, news)
    awaited = enrollment.awaiting
    onward = _released(run, book, enrollment, news)
    # Where a held message leaves, or must no longer, the enrollment moved without going on.
    if onward is None and enrollment.awaiting == awaited and run.active(enrollment):
        return False
    run.movers.add(enrollment.id)
    walk(run, enrollment, onward)
    return True


def _released(
    run: Deliberation, book: CompiledPlaybook, enrollment: Enrollment, news: tuple[str, ...]
) -> Onward | None:
    """Where the enrollment goes if what it stood waiting for has come; None while it has not."""
    if enrollment.held_out:
        return Onward(None, run.instant) if enrollment.due is not None and run.passed(enrollment.due) else None
    if enrollment.step is None:
        return Onward(book.first, enrollment.base)
    node = book.nodes[enrollment.step]
    match node:
        case SurveyNode():
            return _asked(run, enrollment, node)
        case EmailNode():
            return try_again(run, node, enrollment) if enrollment.is_held else None
        case WaitNode():
            return waited(run, enrollment, node)
        case UntilTimeNode() | UntilDateNode():
            return until(run, enrollment, node, news)
        case WaitForNode():
            return race(run, enrollment, node, news, run.instant)
        case RepeatNode():
            return next_round(run, enrollment, node)
        case EnrollNode():
            return child_ended(run, enrollment, node)
        case TaskNode():
            return overdue(run, enrollment, node)
        case ApproveNode():
            return expired(run, enrollment, node)
        case _:
            return None


def _asked(run: Deliberation, enrollment: Enrollment, node: SurveyNode) -> Onward | None:
    """The end of the wait for a response, or a reminder on the way to it."""
    over = await_response(run, enrollment, node)
    if over is not None:
        return over
    if enrollment.is_held:
        onward = try_again(run, node, enrollment)
        if enrollment.asked is None:
            return onward
    elif reminder_due(run, enrollment, node):
        release(run, node, enrollment)
    return await_response(run, enrollment, node) if run.active(enrollment) else None


def walk(run: Deliberation, enrollment: Enrollment, onward: Onward | None) -> None:
    """Goes from step to step until one blocks, or the enrollment ends."""
    book = run.book_of(enrollment)
    for _ in range(MOST_STEPS_AT_ONCE):
        if onward is None:
            return
        if onward.target is None or enrollment.errand is not None:
            enrollment.base = onward.base
            end(run, enrollment, "completed")
            return
        onward = _arrive(run, book.nodes[onward.target], enrollment, onward.base)
    end(run, enrollment, Reason.LOOP_GUARD)


def _arrive(run: Deliberation, node: AnyNode, enrollment: Enrollment, base: datetime) -> Onward | None:
    enrollment.step = node.id
    enrollment.base = base
    enrollment.due = None
    enrollment.awaiting = None
    enrollment.halted = False
    enrollment.held = None
    enrollment.child = None
    enrollment.awaited = {}
    enrollment.asked = None
    enrollment.visits[node.id] = enrollment.visits.get(node.id, 0) + 1
    for key in [key for key in enrollment.watches if not _of_rules(key)]:
        del enrollment.watches[key]
    if enrollment.visits[node.id] > 1:
        forget_told(run, enrollment, node.id)
    comes_round = node.id in enrollment.rounds
    if node.condition is not None and not comes_round and not run.holds(node.condition, enrollment):
        evidence = (run.explain(node.condition, enrollment),)
        return skipped(run, enrollment, node, Reason.STEP_CONDITION_FALSE, evidence)
    return perform(run, node, enrollment)


def _of_rules(key: str) -> bool:
    return key == "goal" or key.startswith("exit.")


def perform(run: Deliberation, node: AnyNode, enrollment: Enrollment) -> Onward | None:
    """What the step does on arrival; where it leads at once, or None where it blocks or the enrollment ended."""
    match node:
        case EmailNode() | TaskNode() | ApproveNode() | CrmNode() | WebhookNode() | NotifyNode():
            return release(run, node, enrollment)
        case WaitNode():
            enrollment.due = run.calendar.after(enrollment.base, node.span)
            return waited(run, enrollment, node)
        case UntilTimeNode() | UntilDateNode():
            return begin_until(run, enrollment, node)
        case WaitForNode():
            return begin_race(run, enrollment, node)
        case BranchNode():
            return _branch(run, enrollment, node)
        case SplitNode():
            return _split(run, enrollment, node)
        case RepeatNode():
            return come_round(run, enrollment, node)
        case EmitNode():
            return _emit(run, enrollment, node)
        case MilestoneNode():
            run.state.milestones.setdefault(node.milestone, run.instant)
            return done(run, enrollment, node, result={"milestone": node.milestone})
        case EnrollNode():
            return enroll(run, enrollment, node)
        case UnenrollNode():
            return unenroll(run, enrollment, node)
        case UpdateNode():
            return _update(run, enrollment, node)
        case StageNode():
            set_stage(run, node.track, node.stage, {"by": f"{enrollment.playbook}/{node.id}"})
            return done(run, enrollment, node)
        case ExitNode():
            finish(run, enrollment, node, Outcome.DONE)
            end(run, enrollment, node.reason)
            return None
    assert_never(node)


def _branch(run: Deliberation, enrollment: Enrollment, node: BranchNode) -> Onward:
    seen: list[Evidence] = []
    for position, (condition, target) in enumerate(node.arms):
        seen.append(run.explain(condition, enrollment))
        if seen[-1].value is True:
            finish(run, enrollment, node, Outcome.DONE, result={"arm": position + 1}, evidence=tuple(seen))
            return Onward(target, enrollment.base)
    finish(run, enrollment, node, Outcome.DONE, result={"arm": "else"}, evidence=tuple(seen))
    return Onward(node.otherwise, enrollment.base)


def _split(run: Deliberation, enrollment: Enrollment, node: SplitNode) -> Onward:
    """The same way at every visit: a stable hash of playbook, customer and step."""
    variant = run.catalog.rehearsal.variants.get(node.id, "")
    if variant not in node.targets:
        variant = chosen(position_of(enrollment.playbook, run.state.facts.ref, node.id), node.shares)
    finish(run, enrollment, node, Outcome.DONE, result={"variant": variant})
    tell_trial(run, enrollment)
    return Onward(node.targets[variant], enrollment.base)


def _emit(run: Deliberation, enrollment: Enrollment, node: EmitNode) -> Onward | None:
    """The event is heard in the next round of this instant."""
    properties = work_out(run, enrollment, node.values)
    if isinstance(properties, Unworkable):
        return unworkable(run, enrollment, node, properties)
    run.emitted.append(CustomerEvent(at=run.instant, name=node.event, properties=properties))
    return done(run, enrollment, node, result={"event": node.event, "properties": properties})


def _update(run: Deliberation, enrollment: Enrollment, node: UpdateNode) -> Onward | None:
    """Sets all of its traits or none of them."""
    values = work_out(run, enrollment, node.values)
    if isinstance(values, Unworkable):
        return unworkable(run, enrollment, node, values, called="trait")
    run.take_traits(values)
    tell_roles(run, values)
    return done(run, enrollment, node, result={"traits": list(values)})

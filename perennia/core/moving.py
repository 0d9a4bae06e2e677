"""How an enrollment goes over to another version of its playbook (language, section 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from perennia.core.calendar import Span
from perennia.core.decisions import Act, Outcome, Reason
from perennia.core.deliberation import ZONE_TRAIT, Deliberation
from perennia.core.entries import end
from perennia.core.json_values import JsonObject
from perennia.core.nodes import (
    AnyNode,
    ApproveNode,
    CompiledPlaybook,
    EmailNode,
    EnrollNode,
    EventTest,
    RepeatNode,
    SurveyNode,
    TaskNode,
    ToldTest,
    UntilDateNode,
    UntilTimeNode,
    WaitForNode,
    WaitNode,
)
from perennia.core.outcomes import Onward, finish
from perennia.core.outward import release
from perennia.core.rounds import come_round
from perennia.core.state import Enrollment, Hold, Round, UnspentEvent, Watch
from perennia.core.step_ids import place_steps
from perennia.core.steps import walk
from perennia.core.surveys import await_response, fix_instants
from perennia.core.trials import HOLDOUT_LASTS, tell_trial
from perennia.core.until import aim_at_date, aim_at_time, until_key

# A customer who waits keeps the instant since which it has waited, however the new version says until when.
WAITS = (WaitNode, UntilTimeNode, UntilDateNode, WaitForNode)


def move(run: Deliberation, enrollment: Enrollment, version: str, map_: Mapping[str, str]) -> None:
    """Goes on from the same step in ``version``; from a removed one where ``map_`` leads, else the enrollment ends."""
    before = run.book_of(enrollment)
    after = run.catalog.playbook(enrollment.playbook, version)
    step = enrollment.step
    target = None if step is None else map_.get(step, step)
    detail: JsonObject = {"from": before.version, "from_step": step}
    if before.definition.scope != after.definition.scope or (target is not None and target not in after.nodes):
        end(run, enrollment, Reason.VERSION_MIGRATED, detail={**detail, "to": version})
        return
    _rename(enrollment, map_, after)
    _translate(enrollment, before, after, map_)
    enrollment.version = version
    # Its rules and its wait are looked at afresh: their expressions may have changed.
    enrollment.watches = {}
    run.note(Act.MIGRATED, "migrated", enrollment=enrollment, step=target, detail=detail)
    until = run.calendar.after(enrollment.started, after.goal_within or HOLDOUT_LASTS)
    if enrollment.counted_until is not None:
        enrollment.counted_until = until
        tell_trial(run, enrollment)
    if enrollment.held_out:
        enrollment.due = until
    elif step is not None and target is not None:
        _come_round_with(enrollment, after, target)
        walk(run, enrollment, _stand(run, enrollment, before.nodes[step], after.nodes[target]))


def move_errand(run: Deliberation, enrollment: Enrollment, version: str, map_: Mapping[str, str]) -> None:
    """What the account handed over is carried out as it was given; how long it waits for a response, the new version says."""
    step = enrollment.step or ""
    before = run.book_of(enrollment).nodes.get(step)
    after = run.catalog.playbook(enrollment.playbook, version).nodes.get(map_.get(step, step))
    if isinstance(before, SurveyNode) and isinstance(after, SurveyNode) and enrollment.asked is not None:
        walk(run, enrollment, _asked(run, enrollment, before, replace(after, id=step)))


# --- what it carries over -------------------------------------------------------------------------------------------


def _rename(enrollment: Enrollment, map_: Mapping[str, str], after: CompiledPlaybook) -> None:
    """Results, visits and rounds of a step that is called otherwise now go with it."""
    for old, new in map_.items():
        if old in after.nodes or new not in after.nodes:
            continue
        if old in enrollment.visits:
            enrollment.visits[new] = max(enrollment.visits.pop(old), enrollment.visits.get(new, 0))
            former = {first: map_.get(last, last) for first, last in enrollment.renamed.items()}
            enrollment.renamed = {**former, old: new}
        if old in enrollment.steps and new not in enrollment.steps:
            enrollment.steps[new] = enrollment.steps.pop(old)
        if old in enrollment.rounds and new not in enrollment.rounds:
            enrollment.rounds[new] = enrollment.rounds.pop(old)


def _translate(
    enrollment: Enrollment, before: CompiledPlaybook, after: CompiledPlaybook, map_: Mapping[str, str]
) -> None:
    """Events that no wait has used yet satisfy the conditions of the new version that say the same."""
    step = enrollment.step
    target = None if step is None else map_.get(step, step)
    said = {test.id: (node, _said(test, map_)) for node, test in _tests(before)}
    kept: list[UnspentEvent] = []
    for event in enrollment.unspent:
        met = [said[condition] for condition in event.conditions if condition in said]
        since_entry = {words for node, words in met if node.since_entry}
        under_way = event.at is not None
        since_step = {words for node, words in met if not node.since_entry and (node.id == step or under_way)}
        conditions = tuple(
            test.id
            for node, test in _tests(after)
            if _said(test, {})
            in (since_entry if node.since_entry else since_step if node.id == target or under_way else ())
        )
        if conditions:
            kept.append(UnspentEvent(event.seq, conditions, event.at))
    enrollment.unspent = kept


def _tests(book: CompiledPlaybook) -> Iterator[tuple[WaitForNode, EventTest | ToldTest]]:
    for events in book.event_tests.values():
        yield from events
    for told in book.told_tests.values():
        yield from told


def _said(test: EventTest | ToldTest, map_: Mapping[str, str]) -> tuple[str | None, ...]:
    if isinstance(test, ToldTest):
        return test.what, map_.get(test.of, test.of)
    where, match = (None if each is None else each.text for each in (test.where, test.match))
    return "event", test.event, where, match


def _come_round_with(enrollment: Enrollment, after: CompiledPlaybook, target: str) -> None:
    """Rounds are under way of those repeats that it stands in, and of no others."""
    paths = {placed.id: placed.path for placed in place_steps(after.definition)}
    around = {
        id_
        for id_, node in after.nodes.items()
        if isinstance(node, RepeatNode) and (id_ == target or paths[target].startswith(f"{paths[id_]}.repeat.steps."))
    }
    for id_ in [id_ for id_ in enrollment.rounds if id_ not in around]:
        del enrollment.rounds[id_]
    for id_ in around - {target}:
        enrollment.rounds.setdefault(id_, Round(1, enrollment.base))


# --- where it stands ------------------------------------------------------------------------------------------------


def _stand(run: Deliberation, enrollment: Enrollment, before: AnyNode, after: AnyNode) -> Onward | None:
    """Takes its place at the step; where that leads at once, or None where it blocks."""
    if isinstance(before, WAITS) and isinstance(after, WAITS):
        enrollment.step = after.id
        return _wait(run, enrollment, before, after)
    if type(before) is not type(after):
        run.take_back(enrollment)
        return Onward(after.id, run.instant)
    enrollment.step = after.id
    match after:
        case RepeatNode():
            return _repeat(run, enrollment, before, after)
        case EnrollNode() if not after.wait:
            finish(run, enrollment, after, Outcome.DONE, result={"playbook": after.playbook})
            return Onward(after.next, run.instant)
        case SurveyNode() if enrollment.asked is not None:
            return _asked(run, enrollment, before, after)
        case EmailNode() if enrollment.is_held and enrollment.held is not None:
            return _held(run, enrollment, after, enrollment.held)
        case TaskNode() if enrollment.awaiting is None and not enrollment.halted:
            return _task(run, enrollment, before, after)
        case ApproveNode() if enrollment.awaiting is not None:
            unchanged = isinstance(before, ApproveNode) and before.within == after.within
            _due(run, enrollment, after.within, unchanged=unchanged)
            return None
        case _:
            return None  # what it released is on its way, what is held leaves as the new version has it


def _wait(run: Deliberation, enrollment: Enrollment, before: AnyNode, after: AnyNode) -> Onward | None:
    match after:
        case WaitNode():
            unchanged = isinstance(before, WaitNode) and before.span == after.span
            _due(run, enrollment, after.span, unchanged=unchanged)
        case UntilTimeNode():
            if not (isinstance(before, UntilTimeNode) and _same_time(before, after)):
                aim_at_time(run, enrollment, after, enrollment.base)
                enrollment.due = max(enrollment.due or run.instant, run.instant)
            if not after.in_workspace:
                enrollment.watches[until_key(after)] = Watch(watching=(ZONE_TRAIT,))
        case UntilDateNode():
            return aim_at_date(run, enrollment, after, run.instant)
        case WaitForNode():
            unchanged = isinstance(before, WaitForNode) and before.up_to == after.up_to
            _due(run, enrollment, after.up_to, unchanged=unchanged)
        case _:
            pass
    return None


def _same_time(one: UntilTimeNode, other: UntilTimeNode) -> bool:
    return (one.at, one.days, one.in_workspace, one.spread) == (other.at, other.days, other.in_workspace, other.spread)


def _due(
    run: Deliberation, enrollment: Enrollment, span: Span | None, *, unchanged: bool, since: datetime | None = None
) -> None:
    """Beginning of the step plus the new span; where that is past, now."""
    if unchanged:
        return
    due = None if span is None else run.calendar.after(since or enrollment.base, span)
    enrollment.due = None if due is None else max(due, run.instant)


def _repeat(run: Deliberation, enrollment: Enrollment, before: AnyNode, after: RepeatNode) -> Onward | None:
    """Between two rounds: the next one comes at its new time, unless there are to be no more."""
    under_way = enrollment.rounds.get(after.id)
    if under_way is None or (after.times is not None and under_way.number >= after.times):
        enrollment.due = None
        enrollment.base = run.instant
        return come_round(run, enrollment, after)
    unchanged = isinstance(before, RepeatNode) and before.every == after.every
    _due(run, enrollment, after.every, unchanged=unchanged, since=under_way.began)
    return None


def _task(run: Deliberation, enrollment: Enrollment, before: AnyNode, after: TaskNode) -> Onward | None:
    """It waits for a person: not any more, or until another time."""
    if not after.step.wait:
        finish(run, enrollment, after, Outcome.DONE, result={"status": "open"})
        return Onward(after.next, run.instant)
    unchanged = isinstance(before, TaskNode) and before.due == after.due
    _due(run, enrollment, after.due, unchanged=unchanged)
    return None


def _asked(run: Deliberation, enrollment: Enrollment, before: AnyNode, after: SurveyNode) -> Onward | None:
    """It waits for a response: not any more, or until another time, with reminders at others."""
    if after.wait is None:
        run.take_back(enrollment)
        finish(run, enrollment, after, Outcome.SENT, result={"answered": False})
        return Onward(after.next, run.instant)
    if not isinstance(before, SurveyNode) or (before.wait, before.reminders) != (after.wait, after.reminders):
        fix_instants(run, enrollment, after, run.instant)
    if enrollment.is_held and enrollment.held is not None:
        _held(run, enrollment, after, enrollment.held)
    return await_response(run, enrollment, after)


def _held(run: Deliberation, enrollment: Enrollment, after: EmailNode, hold: Hold) -> Onward | None:
    """Its message is tried at once, as the new version has it; how long it may be held counts from when that began."""
    if not after.waits:
        enrollment.held = enrollment.due = None
        enrollment.base = run.instant
        return release(run, after, enrollment)
    enrollment.held = Hold(hold.since, run.calendar.after(hold.since, after.hold), hold.reason)
    enrollment.due = run.instant
    return None

"""Waits: fixed pauses, and races between conditions and a time limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennia.core.decisions import CustomerEvent, Outcome
from perennia.core.deliberation import Deliberation
from perennia.core.entries import about
from perennia.core.json_values import Json
from perennia.core.keys import is_about
from perennia.core.nodes import AnyNode, Contender, EventTest, ToldTest, WaitForNode, WhenTest
from perennia.core.outcomes import Onward, finish
from perennia.core.state import Enrollment, UnspentEvent


def waited(run: Deliberation, enrollment: Enrollment, node: AnyNode) -> Onward | None:
    """Where a pause leads when it is over; what follows counts from the instant at which it was due."""
    due = enrollment.due
    if due is None or not run.passed(due):
        return None
    finish(run, enrollment, node, Outcome.DONE)
    return Onward(node.next, due)


def begin_race(run: Deliberation, enrollment: Enrollment, node: WaitForNode) -> Onward | None:
    if node.up_to is not None:
        enrollment.due = run.calendar.after(enrollment.base, node.up_to)
    if not node.since_entry:
        _drop_earlier(enrollment, node)
    return race(run, enrollment, node, (), enrollment.base)


def _drop_earlier(enrollment: Enrollment, node: WaitForNode) -> None:
    """Events from before the step began are nothing to this wait; other waits may still take them."""
    own = {test.id for contender in node.contenders for test in contender.tests}
    left = [
        each
        if each.at is not None and each.at >= enrollment.base
        else UnspentEvent(each.seq, tuple(name for name in each.conditions if name not in own), each.at)
        for each in enrollment.unspent
    ]
    enrollment.unspent = [each for each in left if each.conditions]


def race(
    run: Deliberation, enrollment: Enrollment, node: WaitForNode, news: tuple[str, ...], base: datetime
) -> Onward | None:
    """The first contender that passes, in list order; then the time limit, which loses against all of the same instant."""
    for position, contender in enumerate(node.contenders):
        if all(_passes(run, enrollment, test, news) for test in contender.tests):
            evidence = tuple(
                run.explain(test.when, enrollment) for test in contender.tests if isinstance(test, WhenTest)
            )
            _spend(enrollment, contender)
            met: list[Json] = [_named(test) for test in contender.tests if not isinstance(test, WhenTest)]
            finish(
                run,
                enrollment,
                node,
                Outcome.DONE,
                result={"condition": position + 1, "events": met},
                evidence=evidence,
            )
            return Onward(contender.then, base)
    due = enrollment.due
    if due is None or not run.passed(due):
        return None
    finish(run, enrollment, node, Outcome.TIMED_OUT)
    return Onward(node.otherwise, due)


def _named(test: EventTest | ToldTest) -> str:
    return test.event if isinstance(test, EventTest) else f"{test.what} {test.of}"


def _passes(
    run: Deliberation, enrollment: Enrollment, test: EventTest | WhenTest | ToldTest, news: tuple[str, ...]
) -> bool:
    if isinstance(test, WhenTest):
        return run.look(enrollment.watches, test.id, test.when, about(enrollment, news), enrollment).holds
    return any(test.id in each.conditions for each in enrollment.unspent)


def _spend(enrollment: Enrollment, contender: Contender) -> None:
    """Each condition takes the earliest event that meets it, one event also several: it satisfies at most one wait."""
    used = [next((each for each in enrollment.unspent if test.id in each.conditions), None) for test in contender.tests]
    enrollment.unspent = [each for each in enrollment.unspent if all(each is not one for one in used)]


def keep_for_waits(run: Deliberation, event: CustomerEvent) -> None:
    """Remembers the event in each enrollment that has a wait it could satisfy, now or later."""
    for enrollment in run.in_order():
        tests = run.book_of(enrollment).event_tests.get(event.name, ())
        met = [
            (node, test)
            for node, test in tests
            if is_about(run, enrollment, test.match, event.properties)
            and (test.where is None or run.holds(test.where, enrollment, event.properties))
        ]
        _keep(run, enrollment, met, event.seq)


def keep_told(run: Deliberation, enrollment: Enrollment, told: tuple[str, str], seq: int) -> None:
    """Remembers what was told of a step's message or task, like an event."""
    _keep(run, enrollment, run.book_of(enrollment).told_tests.get(told, ()), seq)


def _keep(
    run: Deliberation,
    enrollment: Enrollment,
    tests: Sequence[tuple[WaitForNode, EventTest] | tuple[WaitForNode, ToldTest]],
    seq: int,
) -> None:
    if enrollment.held_out or enrollment.errand is not None:
        return
    # The step that follows begins, as far as instants go, with the release of what is under way.
    under_way = enrollment.awaiting is not None or bool(enrollment.awaited)
    met = [test for node, test in tests if node.since_entry or enrollment.step == node.id or under_way]
    conditions = tuple(test.id for test in met)
    alike = sum(each.conditions == conditions for each in enrollment.unspent)
    # More of one kind than there are waits to satisfy can never be used: without the bound the state would grow.
    if met and alike < sum(test.uses for test in met):
        enrollment.unspent.append(UnspentEvent(seq, conditions, run.instant if under_way else None))


def forget_told(run: Deliberation, enrollment: Enrollment, step: str) -> None:
    """The step begins again: what was told of its message or task of before is stale."""
    told = run.book_of(enrollment).told_tests
    stale = {test.id for (_, of), tests in told.items() if of == step for _, test in tests}
    if stale:
        enrollment.unspent = [each for each in enrollment.unspent if stale.isdisjoint(each.conditions)]

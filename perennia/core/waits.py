"""Waits: fixed pauses, and races between conditions and a time limit."""

from __future__ import annotations

from datetime import datetime

from perennia.core.decisions import CustomerEvent, Outcome
from perennia.core.deliberation import Deliberation
from perennia.core.entries import about
from perennia.core.json_values import Json
from perennia.core.keys import is_about
from perennia.core.nodes import AnyNode, Contender, EventTest, WaitForNode, WhenTest
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
    own = {test.id for contender in node.contenders for test in contender.tests}
    enrollment.unspent = [each for each in enrollment.unspent if not own.intersection(each.conditions)]


def race(
    run: Deliberation, enrollment: Enrollment, node: WaitForNode, news: tuple[str, ...], base: datetime
) -> Onward | None:
    """The first contender that passes, in list order; then the time limit, which loses against all of the same instant."""
    for position, contender in enumerate(node.contenders):
        if all(_passes(run, enrollment, test, news) for test in contender.tests):
            evidence = tuple(
                run.explain(test.when, enrollment) for test in contender.tests if not isinstance(test, EventTest)
            )
            _spend(enrollment, contender)
            met: list[Json] = [test.event for test in contender.tests if isinstance(test, EventTest)]
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


def _passes(run: Deliberation, enrollment: Enrollment, test: EventTest | WhenTest, news: tuple[str, ...]) -> bool:
    if isinstance(test, EventTest):
        return any(test.id in each.conditions for each in enrollment.unspent)
    return run.look(enrollment.watches, test.id, test.when, about(enrollment, news), enrollment).holds


def _spend(enrollment: Enrollment, contender: Contender) -> None:
    """Each event condition takes the earliest event that meets it: an event satisfies at most one wait."""
    for test in contender.tests:
        if isinstance(test, EventTest):
            used = next((each for each in enrollment.unspent if test.id in each.conditions), None)
            enrollment.unspent = [each for each in enrollment.unspent if each is not used]


def keep_for_waits(run: Deliberation, event: CustomerEvent) -> None:
    """Remembers the event in each enrollment that has a wait it could satisfy, now or later."""
    for enrollment in run.in_order():
        if enrollment.held_out:
            continue
        tests = run.book_of(enrollment).event_tests.get(event.name, ())
        met = tuple(
            test
            for node, test in tests
            if (node.since_entry or enrollment.step == node.id)
            and is_about(run, enrollment, test.match, event.properties)
            and (test.where is None or run.holds(test.where, enrollment, event.properties))
        )
        conditions = tuple(test.id for test in met)
        alike = sum(each.conditions == conditions for each in enrollment.unspent)
        # More of one kind than there are waits to satisfy can never be used: without the bound the state would grow.
        if met and alike < sum(test.uses for test in met):
            enrollment.unspent.append(UnspentEvent(event.seq, conditions))

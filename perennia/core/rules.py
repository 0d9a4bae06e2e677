"""Exit criteria and goals: conditions that turn true, or events, and what they do to an enrollment at once."""

from __future__ import annotations

from perennia.core.decisions import Act, CustomerEvent, Evidence
from perennia.core.deliberation import Deliberation
from perennia.core.entries import about, end
from perennia.core.json_values import JsonObject
from perennia.core.keys import is_about
from perennia.core.nodes import EventTest, Rule
from perennia.core.state import Enrollment
from perennia.core.trials import count_conversion, still_observed, tell_trial


def end_by_rules(run: Deliberation, event: CustomerEvent | None) -> bool:
    """Exit criteria, then goals: both interrupt any wait at once, an exit before a goal of the same round.

    ``event`` is the one at hand, if any: enrollments that it starts itself come later in the round, so it ends none of them.
    """
    news = run.news("rules")
    ended = False
    for enrollment in run.in_order():
        # What ends an account's enrollment is looked at there, not where a contact runs its errand.
        for rule in () if enrollment.errand is not None else run.book_of(enrollment).exits:
            if _holds(run, enrollment, rule, news, event):
                end(run, enrollment, rule.reason, _evidence(run, enrollment, rule, event), detail=_seen(rule))
                ended = True
                break
    for enrollment in run.in_order():
        ended |= _reach_goal(run, enrollment, news, event)
    for observed, book in still_observed(run):
        goal = book.goal
        if goal is not None and _holds(run, observed, goal, news, event):
            detail = {**count_conversion(run, observed), **(_seen(goal) or {})}
            evidence = _evidence(run, observed, goal, event)
            run.note(Act.GOAL, "goal", enrollment=observed, detail=detail, evidence=evidence)
    return ended


def _reach_goal(run: Deliberation, enrollment: Enrollment, news: tuple[str, ...], event: CustomerEvent | None) -> bool:
    book = run.book_of(enrollment)
    goal = book.goal
    if goal is None or enrollment.errand is not None:
        return False
    if enrollment.goal_reached is not None or not _holds(run, enrollment, goal, news, event):
        return False
    within, until = book.goal_within, enrollment.counted_until
    if until is None and within is not None:
        until = run.calendar.after(enrollment.started, within)
    converted = until is None or run.instant < until
    evidence = _evidence(run, enrollment, goal, event)
    detail: JsonObject = {"conversion": converted, **(_seen(goal) or {})}
    run.note(Act.GOAL, "goal", enrollment=enrollment, detail=detail, evidence=evidence)
    enrollment.goal_reached = run.instant
    tell_trial(run, enrollment)
    enrollment.watches.pop(goal.key, None)
    if enrollment.held_out or (book.definition.goal is not None and book.definition.goal.then == "exit"):
        end(run, enrollment, "goal", evidence, detail=_seen(goal))
    return True


def _holds(
    run: Deliberation, enrollment: Enrollment, rule: Rule, news: tuple[str, ...], event: CustomerEvent | None
) -> bool:
    test = rule.test
    if not isinstance(test, EventTest):
        return run.look(enrollment.watches, rule.key, test.when, about(enrollment, news), enrollment).holds
    if event is None or event.name != test.event or not is_about(run, enrollment, test.match, event.properties):
        return False
    return test.where is None or run.holds(test.where, enrollment, event.properties)


def _evidence(
    run: Deliberation, enrollment: Enrollment, rule: Rule, event: CustomerEvent | None
) -> tuple[Evidence, ...]:
    test = rule.test
    if not isinstance(test, EventTest):
        return (run.explain(test.when, enrollment),)
    if test.where is None or event is None:
        return ()
    return (run.explain(test.where, enrollment, event.properties),)


def _seen(rule: Rule) -> JsonObject | None:
    return {"event": rule.test.event} if isinstance(rule.test, EventTest) else None

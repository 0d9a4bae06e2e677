"""Waits until a time of day, or until a date that a trait tells; both follow a zone that changes (language, section 2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennia.core.calendar import Span
from perennia.core.decisions import Evidence, Outcome, Reason
from perennia.core.deliberation import ZONE_CHANGED, ZONE_TRAIT, Deliberation, watched
from perennia.core.entries import about, end
from perennia.core.nodes import UntilDateNode, UntilTimeNode
from perennia.core.outcomes import Onward, finish
from perennia.core.state import Enrollment, Watch
from perennia.core.waits import waited
from perennia.core.wall_clock import moment, next_at, spread_of


def begin_until(run: Deliberation, enrollment: Enrollment, node: UntilTimeNode | UntilDateNode) -> Onward | None:
    """Sets out for the instant, which counts from the instant at which the step began."""
    if isinstance(node, UntilDateNode):
        return aim_at_date(run, enrollment, node, enrollment.base)
    if not node.in_workspace:
        enrollment.watches[until_key(node)] = Watch(watching=(ZONE_TRAIT,))
    aim_at_time(run, enrollment, node, enrollment.base)
    return waited(run, enrollment, node)


def until(
    run: Deliberation, enrollment: Enrollment, node: UntilTimeNode | UntilDateNode, news: tuple[str, ...]
) -> Onward | None:
    """Goes on where the instant has come; where something moved it, from here on it is another one."""
    if isinstance(node, UntilDateNode):
        watch = enrollment.watches.get(until_key(node))
        if watch is not None and run.stale(watch, about(enrollment, news)):
            return aim_at_date(run, enrollment, node, run.instant)
    elif ZONE_CHANGED in news:
        # What is due in the midst of its spread stays due: only the part that is still to come is looked for anew.
        spread = _spread(run, enrollment, node.spread)
        aim_at_time(run, enrollment, node, max(enrollment.base, run.instant - spread))
    return waited(run, enrollment, node)


def aim_at_time(run: Deliberation, enrollment: Enrollment, node: UntilTimeNode, earliest: datetime) -> None:
    """The first such instant that is not before ``earliest``."""
    zone = run.calendar.workspace if node.in_workspace else run.calendar.zone
    enrollment.due = next_at(earliest, node.at, node.days, zone) + _spread(run, enrollment, node.spread)


def aim_at_date(run: Deliberation, enrollment: Enrollment, node: UntilDateNode, earliest: datetime) -> Onward | None:
    """Looks at the date as it is now. One that is past is due at once; without one, the step is over."""
    verdict = node.date.evaluate(run.view(enrollment))
    watching = watched(node.date, verdict) | {ZONE_TRAIT}
    enrollment.watches[until_key(node)] = Watch(next_change=verdict.next_change, watching=tuple(sorted(watching)))
    target = None if verdict.error is not None else moment(verdict.value, run.calendar, node.offset)
    if target is None:
        return _without_date(run, enrollment, node, earliest)
    enrollment.due = max(target + _spread(run, enrollment, node.spread), earliest)
    return waited(run, enrollment, node)


def _without_date(run: Deliberation, enrollment: Enrollment, node: UntilDateNode, at: datetime) -> Onward | None:
    evidence: tuple[Evidence, ...] = (run.explain(node.date, enrollment),)
    finish(run, enrollment, node, Outcome.SKIPPED, reason=Reason.MISSING_DATE, evidence=evidence)
    if node.exits:
        end(run, enrollment, Reason.MISSING_DATE, evidence)
        return None
    return Onward(node.next, at)


def _spread(run: Deliberation, enrollment: Enrollment, span: Span | None) -> timedelta:
    return timedelta(0) if span is None else spread_of(enrollment.playbook, run.state.facts.ref, span)


def until_key(node: UntilTimeNode | UntilDateNode) -> str:
    """Under which name the enrollment watches what could move the wait."""
    return f"{node.id}.until"

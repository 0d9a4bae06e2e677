"""Entries at instants: by a date that a trait tells, and by a schedule (language, section 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from perennia.core.calendar import MICROSECOND
from perennia.core.deliberation import ZONE_TRAIT, Deliberation
from perennia.core.entries import enter
from perennia.core.expressions import Verdict
from perennia.core.nodes import CompiledPlaybook, CompiledTrigger, DateTiming, ScheduleTiming
from perennia.core.reentry import NEVER
from perennia.core.state import Watch
from perennia.core.wall_clock import moment, spread_of

# A date value fires once. Its instant moves with the customer's zone by a day or so: more than a few are never told anew.
VALUES_KEPT = 4
MATCHES = Verdict(value=True)


def arm(run: Deliberation) -> None:
    """Finds the first instants of triggers that are new to the customer, from the instant it was decided up to last."""
    for trigger in run.catalog.timed_triggers.get(run.state.kind, ()):
        if trigger.key not in run.state.watches:
            _look(run, trigger)


def enter_by_time(run: Deliberation) -> bool:
    """Starts what falls due at this instant, and finds the next instants where something moved them."""
    news = run.news("timed entries")
    entered = False
    for trigger in run.catalog.timed_triggers.get(run.state.kind, ()):
        known = run.state.watches.get(trigger.key)
        if known is None or run.stale(known, news):
            entered |= _look(run, trigger)
    return entered


def _look(run: Deliberation, trigger: CompiledTrigger) -> bool:
    if isinstance(trigger.timing, DateTiming):
        return _look_at_date(run, trigger, trigger.timing)
    if isinstance(trigger.timing, ScheduleTiming):
        return _look_at_schedule(run, trigger, trigger.timing)
    return False


# --- dates ----------------------------------------------------------------------------------------------------------


def _look_at_date(run: Deliberation, trigger: CompiledTrigger, timing: DateTiming) -> bool:
    """An instant that is past already never fires; a value fires once."""
    verdict = timing.date.evaluate(run.view())
    told = None if verdict.error is not None else moment(verdict.value, run.calendar, timing.offset, timing.at)
    due = None if told is None else told + _spread(run, trigger, timing)
    value = str(verdict.value)
    fired = run.state.fired.get(trigger.key, ())
    if due is not None and (due < run.instant or not trigger.published(due) or value in fired):
        due = None
    entered = False
    if due is not None and run.passed(due):
        due = None
        run.state.fired[trigger.key] = (*fired, value)[-VALUES_KEPT:]
        entered = enter(run, run.catalog.playbooks[trigger.playbook], {}, {"date": value}) is None
    changes = [each for each in (due, verdict.next_change) if each is not None]
    watching = tuple(sorted({*verdict.watching, ZONE_TRAIT}))
    run.state.watches[trigger.key] = Watch(next_change=min(changes, default=None), watching=watching)
    return entered


# --- schedules ------------------------------------------------------------------------------------------------------


def _look_at_schedule(run: Deliberation, trigger: CompiledTrigger, timing: ScheduleTiming) -> bool:
    """Starts whom the filter lets in at this instant. Whom it keeps out is no refusal: the schedule did not mean them.

    Nor does it mean those who were in and may never come again: they are not looked at any more.
    """
    book = run.catalog.playbooks[trigger.playbook]
    if _was_in_for_good(run, book):
        run.state.watches[trigger.key] = Watch()
        return False
    match = _match(run, book)
    now = run.instant.isoformat()
    entered = False
    if match.holds and run.state.fired.get(trigger.key) != (now,) and _is_due(run, trigger, timing):
        run.state.fired[trigger.key] = (now,)
        entered = enter(run, book, {}, {"schedule": timing.cron.text}) is None
    over = _was_in_for_good(run, book)
    run.state.watches[trigger.key] = Watch() if over else _next_look(run, trigger, timing, match)
    return entered


def _was_in_for_good(run: Deliberation, book: CompiledPlaybook) -> bool:
    """Whether the customer has been in a playbook that nobody enters twice."""
    if book.definition.enter.reenter != "once" or book.key is not None:
        return False
    return run.state.past.get(book.id, NEVER).runs > 0


def _match(run: Deliberation, book: CompiledPlaybook) -> Verdict:
    if book.where is None:
        return MATCHES
    view = run.view()
    return book.where.evaluate(replace(view, names={**view.names, "enter": {}}))


def _is_due(run: Deliberation, trigger: CompiledTrigger, timing: ScheduleTiming) -> bool:
    return run.timed and _first(run, trigger, timing, run.instant) == run.instant and trigger.published(run.instant)


def _next_look(run: Deliberation, trigger: CompiledTrigger, timing: ScheduleTiming, match: Verdict) -> Watch:
    """Who matches is looked at again at the next instant; who does not, at the first by which time alone could change that.

    So whom the filter keeps out is woken by the schedule never, or where an input lets it in.
    """
    watching = () if match.holds else tuple(sorted(match.watching))
    start = run.instant if match.holds else match.next_change
    if start is None:
        return Watch(watching=watching)
    start = max(start, trigger.since or start)
    due = _first(run, trigger, timing, start)
    if run.passed(due):
        due = _first(run, trigger, timing, run.instant + MICROSECOND)
    return Watch(next_change=due, watching=watching)


def _first(run: Deliberation, trigger: CompiledTrigger, timing: ScheduleTiming, earliest: datetime) -> datetime:
    """The customer's first instant of the schedule that is not before ``earliest``."""
    spread = _spread(run, trigger, timing)
    return timing.cron.first(earliest - spread, run.calendar.workspace) + spread


# --- both -----------------------------------------------------------------------------------------------------------


def _spread(run: Deliberation, trigger: CompiledTrigger, timing: DateTiming | ScheduleTiming) -> timedelta:
    return timedelta(0) if timing.spread is None else spread_of(trigger.playbook, run.state.facts.ref, timing.spread)

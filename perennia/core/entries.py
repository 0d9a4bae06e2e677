"""Who enters a playbook and how an enrollment ends."""

from __future__ import annotations

from datetime import timedelta

from perennia.core.decisions import Act, CustomerEvent, EnrollOrder, Evidence, Reason
from perennia.core.deliberation import OWN_STEPS, Deliberation
from perennia.core.expressions import Expression
from perennia.core.json_values import JsonObject
from perennia.core.keys import key_of
from perennia.core.nodes import CompiledPlaybook, WhenTest
from perennia.core.reentry import NEVER, may_reenter, remember_end, remember_entry
from perennia.core.shares import position_of
from perennia.core.state import Burst, Enrollment
from perennia.core.trials import HOLDOUT_LASTS, begin_trial, observe

# Circles that an effect or another customer is part of move at more than one instant: no round of one instant sees them.
GUARDED = timedelta(hours=1)
MOST_CAUSED_ENTRIES = 100


# --- triggers -------------------------------------------------------------------------------------------------------


def baseline(run: Deliberation) -> None:
    """Looks at triggers that are new to a customer who was known before they were published: true already is no edge."""
    state = run.state
    triggers = run.catalog.when_triggers.get(state.kind, ())
    for trigger in triggers:
        if (
            not trigger.published(state.facts.first_seen)
            and not trigger.existing
            and trigger.key not in state.watches
            and trigger.when is not None
        ):
            run.look(state.watches, trigger.key, trigger.when, ())


def enter_by_edges(run: Deliberation) -> bool:
    """Starts what conditions that just turned true start. An edge that is refused is spent."""
    news = run.news("entries")
    entered = False
    for trigger in run.catalog.when_triggers.get(run.state.kind, ()):
        if trigger.when is None or (trigger.existing and not trigger.published(run.instant)):
            continue  # whoever is to be enrolled at publishing has the first look then
        look = run.look(run.state.watches, trigger.key, trigger.when, news)
        if trigger.published(run.instant) and look.holds and (look.flipped or look.first):
            evidence = (run.explain(trigger.when),)
            entered |= (
                enter(run, run.catalog.playbooks[trigger.playbook], {}, {"when": trigger.when.text}, evidence) is None
            )
    return entered


def enter_by_event(run: Deliberation, event: CustomerEvent, *, outside: bool) -> bool:
    """Starts what this event starts; each playbook at most once, by its first trigger that fits.

    ``outside``: it came in, no step emitted it.
    """
    entered = False
    met: set[str] = set()
    for trigger in run.catalog.started_by(event.name):
        book = run.catalog.playbooks[trigger.playbook]
        if book.definition.scope != run.state.kind or trigger.playbook in met or not trigger.published(event.at):
            continue
        evidence: tuple[Evidence, ...] = ()
        detail: JsonObject = {"event": event.name}
        if trigger.where is not None:
            evidence = (run.explain(trigger.where, None, event.properties),)
            if evidence[0].value is not True:
                _refuse(run, book, Reason.FAILED_ENTRY_FILTER, detail, evidence)
                continue
        refused = enter(run, book, event.properties, detail, evidence, match=trigger.match, outside=outside)
        entered |= refused is None
        if refused is not Reason.MISSING_KEY:
            met.add(trigger.playbook)
    return entered


def enter_by_news(run: Deliberation) -> bool:
    """Starts what entered stages and ended enrollments start."""
    moves, ends = run.moves, run.ends
    run.moves, run.ends = [], []
    started = [
        (trigger, {"track": track, "stage": stage})
        for track, stage in moves
        for trigger in run.catalog.stage_triggers.get((track, stage), ())
    ]
    started += [
        (trigger, {"playbook": ended, "end": how})
        for ended, how in ends
        for trigger in run.catalog.end_triggers.get(ended, ())
        if trigger.end is not None and trigger.end[1] in ("any", how)
    ]
    entered = False
    for trigger, detail in started:
        book = run.catalog.playbooks[trigger.playbook]
        if trigger.published(run.instant) and book.definition.scope == run.state.kind:
            entered |= enter(run, book, {}, {**detail}) is None
    return entered


def enter_by_order(run: Deliberation, order: EnrollOrder) -> None:
    book = run.catalog.entered_by(order)
    detail: JsonObject = {"by": order.by, "playbook": order.playbook}
    if book is None:
        run.note(Act.REFUSED, Reason.UNKNOWN_PLAYBOOK, reason=Reason.UNKNOWN_PLAYBOOK, detail=detail)
        refused: Reason | None = Reason.UNKNOWN_PLAYBOOK
    else:
        refused = enter(run, book, order.payload, detail, by_person=order.by_person, outside=not order.caused)
    if order.errand is None:
        return
    if refused is not None:
        run.report(order.errand, run.instant, {"ended": refused})
    else:
        run.state.enrollments[-1].reports_to = order.errand


# --- entering -------------------------------------------------------------------------------------------------------


def enter(
    run: Deliberation,
    book: CompiledPlaybook,
    payload: JsonObject,
    detail: JsonObject,
    evidence: tuple[Evidence, ...] = (),
    *,
    by_person: bool = False,
    outside: bool = False,
    match: Expression | None = None,
) -> Reason | None:
    """Enrolls the customer, or notes and returns why not. A person's hand overrides entry filter and re-entry policy.

    ``outside``: an event or an order from outside asks for it; whatever else does may be part of a circle.
    ``match``: where the payload carries the playbook's key, if not where every event does.
    """
    key = None if book.key is None else match or book.key
    candidate = Enrollment(
        id=f"{book.id}.{run.state.past.get(book.id, NEVER).runs + 1}",
        playbook=book.id,
        version=book.version,
        started=run.instant,
        step=None,
        base=run.instant,
        enter=payload,
        key=None if key is None else key_of(run, key, payload),
    )
    refused, evidence = _objection(run, book, candidate, key, evidence, by_person=by_person)
    if refused is None and not outside and _goes_round(run, book):
        refused = Reason.LOOP_GUARD
    if candidate.key is not None:
        detail = {**detail, "key": candidate.key}
    if refused is not None:
        _refuse(run, book, refused, detail, evidence)
        return refused
    remember_entry(run, candidate)
    run.state.enrollments.append(candidate)
    run.movers.add(candidate.id)
    if _is_held_out(run, book):
        candidate.held_out = True
        candidate.due = run.calendar.after(run.instant, book.goal_within or HOLDOUT_LASTS)
        reason = Reason.IN_HOLDOUT
        run.note(Act.ENTERED, "holdout", enrollment=candidate, reason=reason, detail=detail, evidence=evidence)
    else:
        run.note(Act.ENTERED, "entered", enrollment=candidate, detail=detail, evidence=evidence)
    begin_trial(run, book, candidate)
    return None


def _goes_round(run: Deliberation, book: CompiledPlaybook) -> bool:
    """Counts an entry that nobody outside asked for; too many in an hour are a circle (language, section 6.3)."""
    bursts = {id_: each for id_, each in run.state.bursts.items() if run.instant < each.began + GUARDED}
    burst = bursts.get(book.id, Burst(run.instant))
    bursts[book.id] = Burst(burst.began, burst.entries + 1)
    run.state.bursts = bursts
    return burst.entries >= MOST_CAUSED_ENTRIES


def _is_held_out(run: Deliberation, book: CompiledPlaybook) -> bool:
    """Always in or always out: a stable hash of playbook and customer."""
    if book.holdout < 1 and not run.catalog.rehearsal.holdouts:
        return False
    return position_of(book.id, run.state.facts.ref) < book.holdout


def _objection(
    run: Deliberation,
    book: CompiledPlaybook,
    candidate: Enrollment,
    key: Expression | None,
    evidence: tuple[Evidence, ...],
    *,
    by_person: bool,
) -> tuple[Reason | None, tuple[Evidence, ...]]:
    """The first thing that speaks against it, with everything that was looked at."""
    if book.definition.scope != run.state.kind:
        return Reason.WRONG_SCOPE, evidence
    if run.catalog.is_paused(book.id, run.instant):
        return Reason.PLAYBOOK_PAUSED, evidence
    if book.where is not None and not by_person:
        filtered = run.explain(book.where, candidate)
        evidence = (*evidence, filtered)
        if filtered.value is not True:
            return Reason.FAILED_ENTRY_FILTER, evidence
    if key is not None and candidate.key is None:
        return Reason.MISSING_KEY, (*evidence, run.explain(key, None, candidate.enter))
    if any(each.playbook == book.id and each.key == candidate.key for each in run.state.enrollments):
        return Reason.ALREADY_ENROLLED, evidence
    if not by_person and not may_reenter(run, book, candidate.key):
        return Reason.REENTRY_BLOCKED, evidence
    return _already_over(run, book, candidate, evidence)


def _already_over(
    run: Deliberation, book: CompiledPlaybook, candidate: Enrollment, evidence: tuple[Evidence, ...]
) -> tuple[Reason | None, tuple[Evidence, ...]]:
    """Events are no matter here: only those during the enrollment count."""
    rules = [(rule, Reason.EXIT_CRITERIA) for rule in book.exits]
    rules += [] if book.goal is None else [(book.goal, Reason.GOAL_REACHED)]
    for rule, reason in rules:
        test = rule.test
        if isinstance(test, WhenTest) and run.look(candidate.watches, rule.key, test.when, (), candidate).holds:
            return reason, (*evidence, run.explain(test.when, candidate))
    return None, evidence


def _refuse(
    run: Deliberation, book: CompiledPlaybook, reason: Reason, detail: JsonObject, evidence: tuple[Evidence, ...]
) -> None:
    run.note(Act.REFUSED, reason, book=book, reason=reason, detail=detail, evidence=evidence)


# --- ending ---------------------------------------------------------------------------------------------------------


def end(
    run: Deliberation,
    enrollment: Enrollment,
    reason: str,
    evidence: tuple[Evidence, ...] = (),
    *,
    detail: JsonObject | None = None,
    removed: bool = False,
) -> None:
    """Ends the enrollment; a message of its own that has not left yet is withdrawn.

    One that was held out is `completed` by whatever its rules end it with, which the detail tells.
    """
    state = run.state
    run.take_back(enrollment)
    if enrollment.errand is not None:
        _end_errand(run, enrollment, enrollment.errand.key, reason)
        return
    if enrollment.held_out and not removed:
        reason, detail = "completed", {**(detail or {}), "holdout": reason}
    state.enrollments = [each for each in state.enrollments if each is not enrollment]
    remember_end(run, enrollment, removed=removed)
    observe(run, enrollment)
    run.ends.append((enrollment.playbook, reason if reason in ("completed", "goal") else "exited"))
    if enrollment.reports_to is not None:
        run.report(enrollment.reports_to, run.instant, {"ended": reason})
    for parent in state.enrollments:
        if parent.child == enrollment.id:
            # Due at once, also where a circle is broken off at this instant.
            parent.due = run.instant
            parent.steps[parent.step or ""] = {"ended": reason}
    run.note(Act.ENDED, reason, enrollment=enrollment, step=enrollment.step, detail=detail, evidence=evidence)


def _end_errand(run: Deliberation, enrollment: Enrollment, key: str, reason: str) -> None:
    """Its one step has ended, or never will: the account is told, and nothing else is left of it."""
    run.state.enrollments = [each for each in run.state.enrollments if each is not enrollment]
    result = enrollment.steps.get(enrollment.step or "", {"outcome": "failed", "reason": reason})
    run.report(key, enrollment.base, result)


def about(enrollment: Enrollment, news: tuple[str, ...]) -> tuple[str, ...]:
    """The news with results of this enrollment's own steps under the name that expressions watch."""
    own = f"steps:{enrollment.id}"
    return (*news, OWN_STEPS) if own in news else news


def forget(run: Deliberation) -> None:
    """Drops what is known of triggers, stages and health scores that the catalog no longer has."""
    kept = {trigger.key for triggers in run.catalog.when_triggers.values() for trigger in triggers}
    kept |= {trigger.key for triggers in run.catalog.timed_triggers.values() for trigger in triggers}
    kept |= {stage.key for track in run.catalog.tracks.values() for stage in track.stages}
    kept |= {f"{track}/lateness" for track in run.catalog.tracks}
    kept |= {health.key for health in run.catalog.healths.values()}
    run.state.healths = {name: health for name, health in run.state.healths.items() if name in run.catalog.healths}
    run.state.watches = {key: watch for key, watch in run.state.watches.items() if key in kept}
    run.state.fired = {key: values for key, values in run.state.fired.items() if key in kept}

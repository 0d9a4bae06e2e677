"""The one function that decides: what a customer's state becomes, what the world should do, and why.

The engine, the simulator and the tests call the same function. It is pure: the same arguments, the same decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from perennia.core import (
    consent,
    digests,
    entries,
    errands,
    lateness,
    orders,
    responses,
    results,
    rules,
    stages,
    steps,
    tasks,
    timed_entries,
    waits,
)
from perennia.core.caps import reach_of
from perennia.core.compiled import Catalog
from perennia.core.contacts import CONTACTS, tell_answers, watches_contacts
from perennia.core.decisions import (
    AccountTraitsChanged,
    Act,
    ApprovalEnded,
    ConsentAsked,
    ContactChanged,
    CustomerEvent,
    Effect,
    EffectEnded,
    EnrollmentOrder,
    EnrollOrder,
    ErrandCancelled,
    ErrandEnded,
    ErrandGiven,
    ErrandWarranted,
    Input,
    JournalEntry,
    MessageTold,
    Reason,
    Recollection,
    StageLockOrder,
    StageOrder,
    SurveyAnswered,
    TaskEnded,
    Telling,
    TraitsChanged,
)
from perennia.core.definitions import Scope
from perennia.core.deliberation import OWN_STEPS, PERMISSION, ZONE_CHANGED, ZONE_TRAIT, Deliberation
from perennia.core.facts import Facts, absorb
from perennia.core.nodes import MESSAGES
from perennia.core.obeying import obey
from perennia.core.outward import unwelcome
from perennia.core.state import CustomerState, Recipient, Trial

# Rounds at one instant after which the enrollments that still move are ended (language, section 6.3).
MAX_ROUNDS = 100


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of `advance` decided.

    ``effects`` are new ones; ``withdrawn`` the keys of effects that should no longer leave. ``wake_at`` is the next instant
    at which something could change by itself, after ``state.now``; None: only an input can. ``watching`` holds tokens
    ``event:NAME`` and ``trait:NAME`` of what could change something earlier, `MESSAGES` where what is told of a message could,
    `PERMISSION` where consent and suppression could. ``recipients``: those given, with what was released and
    ended here. ``tellings``: what other customers must be told. ``heard``: events that steps and tracks raised here, part of
    the customer's past. ``trials``: enrollments that are compared, as they stand now, where something of that changed.
    """

    state: CustomerState
    effects: tuple[Effect, ...]
    withdrawn: tuple[str, ...]
    journal: tuple[JournalEntry, ...]
    wake_at: datetime | None
    watching: frozenset[str]
    recipients: Mapping[str, Recipient] = {}
    tellings: tuple[Telling, ...] = ()
    heard: tuple[CustomerEvent, ...] = ()
    trials: tuple[Trial, ...] = ()


def new_customer(customer: str, kind: Scope, ref: str, first_seen: datetime) -> CustomerState:
    """The state of a customer of whom nothing is known yet."""
    return CustomerState(customer=customer, kind=kind, now=first_seen, facts=Facts(ref=ref, first_seen=first_seen))


def missing_history(catalog: Catalog, state: CustomerState) -> tuple[str, ...]:
    """Event names whose earlier occurrences must come back as a `Recollection` before this catalog can decide.

    Empty where the state's tallies count what the catalog needs, and for a customer who has not had a turn yet.
    """
    return uncounted(catalog, state.tallied)


def uncounted(catalog: Catalog, tallied: str | None) -> tuple[str, ...]:
    """`missing_history` of a state that was ``tallied`` so."""
    return () if tallied in (None, catalog.needs_version) else tuple(sorted(catalog.needs.events))


def advance(
    catalog: Catalog,
    state: CustomerState,
    now: datetime,
    inputs: Sequence[Input],
    recipients: Mapping[str, Recipient],
) -> Decision:
    """Replays ``inputs`` and what falls due up to ``now``, in the order of their times.

    ``state`` stays as it is. ``inputs`` are in order of arrival; one that claims to be earlier than what was decided
    already counts from then; what time alone makes due at an instant after ``now`` is left for a later call, since more
    inputs of that instant may come. ``recipients``: whoever messages may go to, by customer id. Raises `LedgerMissing`
    where caps must be looked at and the recipient comes without a ledger.
    """
    run = Deliberation(catalog, state, recipients)
    if inputs and isinstance(inputs[0], Recollection) and state.revision != catalog.revision:
        # What a new revision asks of the past is known before anybody looks.
        _recollect(run, inputs[0])
        inputs = inputs[1:]
    _adopt(run)
    for each in inputs:
        _pass_time(run, each.at, inclusive=False)
        _take(run, each)
    _pass_time(run, now, inclusive=False)
    if run.unlooked or unwelcome(run):
        _settle(run)
    _pass_time(run, now, inclusive=True)
    return _decision(run)


def _adopt(run: Deliberation) -> None:
    """Takes on a revision that the state was not decided with, which asks for a look at everything."""
    if run.state.revision == run.catalog.revision:
        return
    run.own()
    run.unlooked = True
    state = run.state
    entries.forget(run)
    entries.baseline(run)
    if state.revision is not None:
        # Policies may have moved: the workspace's zone, its business days.
        run.changed([ZONE_CHANGED])
    timed_entries.arm(run)
    # Perhaps it has contacts read what they have never been told.
    run.account_changed |= state.kind == "account" and bool(run.catalog.felt_by_contacts)
    state.revision = run.catalog.revision
    if state.tallied is None:
        state.tallied = run.catalog.needs_version


# --- time -----------------------------------------------------------------------------------------------------------


def _pass_time(run: Deliberation, limit: datetime, *, inclusive: bool) -> None:
    """Carries out what falls due before ``limit``, or up to and with it, instant by instant."""
    while True:
        due = run.next_due()
        if run.orders and run.orders[0].at <= limit and (due is None or run.orders[0].at <= due):
            _obey(run)
        elif due is not None and (due < limit or (inclusive and due == limit)):
            run.timed = True
            run.instant = max(run.instant, due)
            _settle(run)
            run.timed = False
        else:
            break
    run.instant = max(run.instant, limit)


def _obey(run: Deliberation) -> None:
    """Carries out the orders of one revision for everybody in a playbook: inputs of the instant at which they were given."""
    number, at = run.orders[0].number, run.orders[0].at
    run.instant = max(run.instant, at)
    if run.unlooked:
        _settle(run)  # what the revision changes for the versions that people are in comes before they leave them
    run.own()
    enrolled = {each.playbook for each in run.state.enrollments}
    concerned = [order for order in run.orders if order.number == number and order.playbook in enrolled]
    run.orders = tuple(order for order in run.orders if order.number != number)
    run.state.obeyed = number
    for order in concerned:
        obey(run, order)
    if concerned:
        _settle(run)


def _settle(run: Deliberation, event: CustomerEvent | None = None) -> None:
    """Rounds until nothing changes: health and stages, exits, goals, progress, entries (language, section 6.3)."""
    run.own()
    run.unlooked = False
    outside = True
    for _ in range(MAX_ROUNDS):
        run.movers.clear()
        moved = stages.update_standings(run)
        moved |= lateness.raise_lateness(run)
        moved |= tasks.escalate_late(run)
        moved |= rules.end_by_rules(run, event)
        moved |= steps.progress(run)
        moved |= entries.enter_by_edges(run)
        moved |= timed_entries.enter_by_time(run)
        moved |= entries.enter_by_news(run)
        if event is not None:
            moved |= entries.enter_by_event(run, event, outside=outside)
            event = None
        if run.emitted:
            event, moved, outside = _hear(run), True, False
        if not moved and not digests.leave(run):
            return
    _break_circle(run, event)


def _hear(run: Deliberation) -> CustomerEvent:
    """The next event that a step emitted: it counts, and is kept for waits, like one that came in at this instant."""
    event = run.emitted.pop(0)
    run.heard.append(event)
    if run.state.kind == "contact":
        told = {**event.properties, "contact": run.state.facts.ref}
        run.tell(None, msgspec.structs.replace(event, properties=told))
    run.changed(run.count(event))
    waits.keep_for_waits(run, event)
    return event


def _break_circle(run: Deliberation, event: CustomerEvent | None) -> None:
    """Ends what still moves; events that were emitted and not heard to the end start nothing more."""
    for enrollment in run.in_order():
        if enrollment.id in run.movers:
            entries.end(run, enrollment, Reason.LOOP_GUARD)
    for unheard in [*([] if event is None else [event]), *run.emitted]:
        run.note(Act.IGNORED, unheard.name, reason=Reason.LOOP_GUARD, detail={"event": unheard.name})
    run.emitted.clear()
    run.ends.clear()
    run.moves.clear()


# --- inputs ---------------------------------------------------------------------------------------------------------


def _take(run: Deliberation, each: Input) -> None:
    if isinstance(each, CustomerEvent):
        _take_event(run, each)
        return
    run.own()
    if isinstance(each, Recollection):
        _recollect(run, each)
        return
    match each:
        case TraitsChanged():
            run.take_traits(each.traits)
        case AccountTraitsChanged():
            _take_account(run, each)
        case EffectEnded():
            results.effect_ended(run, each)
        case TaskEnded():
            results.task_ended(run, each)
        case MessageTold():
            results.message_told(run, each)
        case SurveyAnswered():
            responses.answered(run, each)
        case ContactChanged():
            results.take_contact(run, each)
        case ErrandGiven():
            results.errand_given(run, each)
        case ErrandCancelled():
            errands.errand_cancelled(run, each)
        case ErrandWarranted():
            errands.errand_warranted(run, each)
        case ErrandEnded():
            results.errand_ended(run, each)
        case ApprovalEnded():
            results.approval_ended(run, each)
        case EnrollOrder():
            entries.enter_by_order(run, each)
        case EnrollmentOrder():
            orders.steer(run, each)
        case StageOrder():
            stages.stage_ordered(run, each)
        case StageLockOrder():
            stages.lock_ordered(run, each)
        case ConsentAsked():
            consent.ask_to_confirm(run, each)
    _settle(run)


def _take_event(run: Deliberation, event: CustomerEvent) -> None:
    """Counts it, and looks around only where something may come of that: most events are watched by nobody."""
    concerns = run.concerns(event)
    tokens = run.count(event)
    if concerns:
        run.own()
        run.changed(tokens)
        waits.keep_for_waits(run, event)
        _settle(run, event)


def _take_account(run: Deliberation, told: AccountTraitsChanged) -> None:
    facts = run.state.facts
    before = facts.account or {}
    facts.account = None if told.account is None else {**told.traits, "id": told.account}
    after = facts.account or {}
    run.changed(f"account:{name}" for name in {*before, *after} if before.get(name) != after.get(name))
    stood, facts.account_stages = facts.account_stages, dict(told.stages)
    moved = [track for track in {*stood, *told.stages} if stood.get(track) != told.stages.get(track)]
    run.changed(f"stage:{track}" for track in moved)
    felt, facts.account_healths = facts.account_healths, dict(told.healths)
    run.changed(f"health:{name}" for name in {*felt, *told.healths} if felt.get(name) != told.healths.get(name))
    if before.get("id") == told.account:
        # Whoever joins an account finds it where it stands: that is no entering of a stage.
        run.moves += [(track, told.stages[track][0]) for track in sorted(moved) if track in told.stages]
    elif told.account is not None:
        tell_answers(run)
    if before.get("timezone") != after.get("timezone"):
        run.move_zone()


def _recollect(run: Deliberation, recollection: Recollection) -> None:
    """Counts the past anew for a catalog that counts other things than the one before.

    What comes of that is looked at when the turn looks around next: the instant decided up to last is over, and may be
    long before the revision was published.
    """
    run.unlooked = True
    run.own()
    facts = run.state.facts
    facts.tallies = {}
    for event in recollection.events:
        absorb(facts, event, run.catalog.needs, run.calendar)
    run.state.tallied = run.catalog.needs_version
    run.changed(f"event:{name}" for name in recollection.names)


# --- the decision ---------------------------------------------------------------------------------------------------


def _decision(run: Deliberation) -> Decision:
    state = run.state
    state.now = run.instant
    run.tell_contacts()
    return Decision(
        state=state,
        effects=tuple(run.effects),
        withdrawn=tuple(run.withdrawn),
        journal=tuple(run.journal),
        wake_at=_wake_at(run),
        watching=_watching(run),
        recipients=_recipients(run),
        tellings=tuple(run.tellings),
        heard=tuple(run.heard),
        trials=tuple(run.trials.values()),
    )


def _recipients(run: Deliberation) -> Mapping[str, Recipient]:
    if run.ledger is None:
        return run.recipients
    run.ledger.forget(reach_of(run.catalog.timing.caps, run.instant, run.calendar))
    own = run.state.customer
    known = msgspec.structs.replace(run.recipients[own], ledger=run.ledger.entries)
    return {**run.recipients, own: known}


def _wake_at(run: Deliberation) -> datetime | None:
    """Also the instant of an order that is not due yet: clocks of two machines differ."""
    due = run.next_due()
    if not run.orders:
        return due
    return run.orders[0].at if due is None else min(due, run.orders[0].at)


def _watching(run: Deliberation) -> frozenset[str]:
    known = run.survey().tokens
    tokens = [token for token in known if token.startswith(("event:", "trait:", PERMISSION))]
    if OWN_STEPS in known:
        tokens.append(MESSAGES)
    if run.state.kind in run.catalog.zoned:
        tokens.append(ZONE_TRAIT)
    for enrollment in run.state.enrollments:
        book = run.book_of(enrollment)
        tokens += book.watching[enrollment.step]
        if book.follows_zone:
            tokens.append(ZONE_TRAIT)
    for _, book in run.observed():
        tokens += [] if book.goal_event is None else [f"event:{book.goal_event}"]
        if book.follows_zone:
            tokens.append(ZONE_TRAIT)
    if run.state.kind == "account" and watches_contacts(run):
        tokens.append(CONTACTS)
    return frozenset(tokens)

"""The turn: one repeatable store transaction around `advance`."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from temporalio import activity

from activities.attempts import HOLDING
from activities.contracts import EffectKind, OpenEffect, TurnReply, TurnRequest, Turns
from activities.failures import activity_failures
from activities.opening import open_work
from perennia.clock import Clock
from perennia.core.advance import Decision, advance, missing_history, new_customer
from perennia.core.caps import LedgerMissing
from perennia.core.compiled import Catalog, compile_catalog
from perennia.core.decisions import (
    ApprovalEnded,
    AskApproval,
    CallWebhook,
    CustomerEvent,
    Effect,
    EffectEnded,
    EnrollOrder,
    EscalateTask,
    Input,
    Notify,
    OpenTask,
    Outcome,
    Recollection,
    SendEmail,
    TaskEnded,
    WriteCrm,
)
from perennia.core.documents import BROADCAST
from perennia.core.state import CustomerState, Recipient
from perennia.store.port import Store, UnknownCustomer
from perennia.store.records import NeedsHistory, NeedsLedger, NewTask, TurnOutcome, TurnSnapshot, TurnWrite

log = logging.getLogger(__name__)

CATALOGS_KEPT: Final = 3  # the current one, and those that a turn in another transaction may still see during a publish
NOTHING_PUBLISHED: Final = "none"
# A turn that opens a task, whose end opens a task, and so on: stopped like any circle at one instant (language, section 6).
ROUNDS: Final = 100

# Transactional mail first, then playbooks, then bulk: Temporal's priorities run from 1 to 5.
TRANSACTIONAL: Final = 1
PLAYBOOK: Final = 3
BULK: Final = 4

# Effects that the world carries out; the others are rows of our own, written by the turn.
CARRIED_OUT: Final[dict[type[Effect], EffectKind]] = {
    SendEmail: EffectKind.EMAIL,
    WriteCrm: EffectKind.CRM,
    CallWebhook: EffectKind.WEBHOOK,
    Notify: EffectKind.NOTIFY,
}


class UnknownRevision(Exception):
    """The snapshot was decided for a revision that this process has not loaded yet. Raised inside a turn, to leave it."""

    def __init__(self, revision: str) -> None:
        super().__init__(revision)
        self.revision = revision


class UnknownBooks(UnknownRevision):
    """A broadcast began after this process loaded the revision: it is to be loaded again."""


class TurnRunsInCircles(Exception):
    """Each task that the turn opened led to another one at the same instant."""


def one_lane(_sender: str | None, _topic: str | None) -> str:
    """All messages in one queue."""
    return ""


class StoreTurns(Turns):
    """Turns against a real store.

    ``ring`` is told of customers whose bells a turn has set (an account's contacts). ``lane``: the queue of a message, by its
    sender and topic. ``after_commit`` is awaited between the commit and the turn's end: tests of the seam delay there.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        ring: Callable[[Sequence[str]], None] | None = None,
        lane: Callable[[str | None, str | None], str] = one_lane,
        after_commit: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ring = ring
        self._lane = lane
        self._after_commit = after_commit
        self._catalogs = Catalogs(store)

    @activity.defn(name="take_turn")
    async def take(self, request: TurnRequest) -> TurnReply:
        with activity_failures(request.customer):
            turn = _Turn(request, self._clock.now(), self._catalogs)
            try:
                outcome = await self._run(turn)
            except UnknownCustomer:
                log.warning("%s: rung, but there is no such customer (any more)", request.customer)
                return TurnReply()
        if self._after_commit is not None:
            await self._after_commit()
        if self._ring is not None and outcome.rung:
            self._ring(outcome.rung)
        return self._reply(outcome, turn)

    async def _run(self, turn: _Turn) -> TurnOutcome:
        try:
            return await self._store.turn(turn.request.customer, turn.take)
        except UnknownRevision as unknown:
            await self._catalogs.load(unknown.revision, again=isinstance(unknown, UnknownBooks))
            turn.reloaded |= isinstance(unknown, UnknownBooks)
        return await self._run(turn)

    def _reply(self, outcome: TurnOutcome, turn: _Turn) -> TurnReply:
        wake_in: int | None = None
        if outcome.wake_at is not None:
            wake_in = math.ceil(self._clock.real(outcome.wake_at - turn.now) / timedelta(milliseconds=1))
        effects = tuple(
            _open(effect, self._lane)
            for effect in outcome.effects
            if type(effect) in CARRIED_OUT and not turn.holds(effect)
        )
        return TurnReply(effects, outcome.wake_at, wake_in, outcome.unread)


class Catalogs:
    """Compiled revisions, the newest few. Compiling takes a while: once a revision and process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loading = asyncio.Lock()
        self._known = {NOTHING_PUBLISHED: compile_catalog(NOTHING_PUBLISHED, ())}

    def get(self, revision: str | None) -> Catalog:
        """Raises `UnknownRevision`: `load` it, then ask again."""
        name = revision or NOTHING_PUBLISHED
        if name not in self._known:
            raise UnknownRevision(name)
        return self._known[name]

    async def load(self, revision: str, *, again: bool = False) -> None:
        """``again``: also where it is known, since more has begun that is entered beside what is published."""
        async with self._loading:
            if revision in self._known and not again:
                return
            stored = await self._store.catalog(revision)
            self._known.pop(revision, None)
            self._known[revision] = compile_catalog(revision, stored.current, stored.past, stored.orders)
            for old in list(self._known)[1:-CATALOGS_KEPT]:
                del self._known[old]


class _Turn:
    """What one turn decides: everything between the store's reading and its writing. ``now`` is the turn's own instant."""

    def __init__(self, request: TurnRequest, now: datetime, catalogs: Catalogs) -> None:
        self.request = request
        self.now = now
        self._catalogs = catalogs
        self._paused: frozenset[str] = frozenset()
        self._stopped: frozenset[str] = frozenset()
        self._waits: dict[str, datetime] = {}
        self.reloaded = False

    def holds(self, effect: Effect) -> bool:
        """Whether its enrollment or broadcast is paused, its sender or topic stopped, or it waits for a place at its provider.

        It stays open, and is asked for when that is over.
        """
        if f"playbook:{effect.playbook}" in self._stopped:
            return True
        if isinstance(effect, SendEmail) and effect.is_marketing:
            names = {f"sender:{effect.sender}", f"topic:{effect.topic}"}
            if names & self._stopped:
                return True
        return effect.enrollment in self._paused or effect.key in self._waits

    def take(self, snapshot: TurnSnapshot) -> TurnWrite | NeedsHistory | NeedsLedger:
        """Called by the store inside its transaction, again with what it needs."""
        catalog = self._catalogs.get(snapshot.revision)
        state = snapshot.state or new_customer(
            snapshot.customer, snapshot.kind, snapshot.external_id, snapshot.first_seen
        )
        if not self.reloaded and not _knows_all(catalog, state, snapshot.inputs, self.now):
            raise UnknownBooks(catalog.revision)
        recalled = _recall(catalog, state, snapshot)
        if isinstance(recalled, NeedsHistory):
            return recalled
        self.now = max(self.now, state.now, self.request.floor or self.now, *(item.at for item in snapshot.inputs))
        inputs = (*recalled, *snapshot.inputs, *self._failed(snapshot))
        try:
            decisions, tasks = _decide(catalog, state, self.now, inputs, {snapshot.customer: snapshot.recipient})
        except LedgerMissing as missing:
            return NeedsLedger(missing.since)
        self._paused = frozenset(
            each.id
            for each in decisions[-1].state.enrollments
            if each.paused or catalog.is_paused(each.playbook, self.now)
        )
        self._stopped = snapshot.stopped
        written = _write(decisions, tasks, inputs)
        self._waits = {
            key: until for key, until in snapshot.waits.items() if until > self.now and key not in written.closed
        }
        return msgspec.structs.replace(written, wake_at=_first(written.wake_at, *self._waits.values()))

    def _failed(self, snapshot: TurnSnapshot) -> tuple[EffectEnded, ...]:
        """Effects whose activity gave up, as inputs: only those still open, so that a repeated turn ends them once.

        One that found its playbook paused, or its sender stopped, has not failed: it stays open.
        """
        still_open = {effect.key for effect in snapshot.open_effects}
        ended = {item.key for item in snapshot.inputs if isinstance(item, EffectEnded)}
        return tuple(
            EffectEnded(at=self.now, key=failed.key, outcome=Outcome.FAILED, reason=failed.reason)
            for failed in self.request.failed
            if failed.key in still_open - ended and failed.reason not in HOLDING
        )


def _knows_all(catalog: Catalog, state: CustomerState, inputs: Sequence[Input], now: datetime) -> bool:
    """Whether the catalog has each version that the customer is in, is observed for, or is about to enter."""
    entered = (each for each in inputs if isinstance(each, EnrollOrder) and each.version is not None)
    observed = (each for each in state.observed if each.counted_until is not None and each.counted_until > now)
    inside = (*state.enrollments, *observed)
    return all(catalog.knows(each.playbook, each.version) for each in inside) and all(
        catalog.entered_by(order) is not None for order in entered
    )


def _recall(catalog: Catalog, state: CustomerState, snapshot: TurnSnapshot) -> tuple[Recollection, ...] | NeedsHistory:
    """Events that this revision counts and nobody counted so far, as an input. A new customer has none."""
    names = missing_history(catalog, state)
    if not names:
        return ()
    history: tuple[CustomerEvent, ...] | None = snapshot.history if snapshot.state is not None else ()
    if history is None:
        return NeedsHistory(names)
    return (Recollection(at=state.now, names=names, events=history),)


def _decide(
    catalog: Catalog,
    state: CustomerState,
    now: datetime,
    inputs: Sequence[Input],
    recipients: Mapping[str, Recipient],
) -> tuple[list[Decision], list[NewTask]]:
    """All decisions of the turn. A task is opened here and now, so its end is an input of the next decision."""
    decisions = [advance(catalog, state, now, inputs, recipients)]
    tasks: list[NewTask] = []
    while opened := [effect for effect in decisions[-1].effects if isinstance(effect, OpenTask | AskApproval)]:
        if len(decisions) > ROUNDS:
            raise TurnRunsInCircles
        work = [open_work(effect, now, catalog.policies) for effect in opened]
        tasks += [each.task for each in work if each.task is not None]
        decisions.append(
            advance(catalog, decisions[-1].state, now, [each.ended for each in work], decisions[-1].recipients)
        )
    return decisions, tasks


def _write(decisions: Sequence[Decision], tasks: Sequence[NewTask], inputs: Sequence[Input]) -> TurnWrite:
    """What all decisions of the turn come to. An effect that was released and withdrawn in one turn never was."""
    last = decisions[-1]
    withdrawn = {key for decision in decisions for key in decision.withdrawn}
    released = [effect for decision in decisions for effect in decision.effects]
    ended = (item.key for item in inputs if isinstance(item, EffectEnded))
    return TurnWrite(
        state=last.state,
        effects=tuple(e for e in released if type(e) in CARRIED_OUT and e.key not in withdrawn),
        closed=(*ended, *sorted(withdrawn)),
        tasks=tuple(tasks),
        closed_tasks=(
            *(item.key for item in inputs if isinstance(item, TaskEnded | ApprovalEnded)),
            *sorted(withdrawn),
        ),
        journal=tuple(entry for decision in decisions for entry in decision.journal),
        wake_at=last.wake_at,
        watching=tuple(sorted(last.watching)),
        tellings=tuple(telling for decision in decisions for telling in decision.tellings),
        heard=tuple(event for decision in decisions for event in decision.heard),
        escalated=tuple(effect for effect in released if isinstance(effect, EscalateTask)),
        trials=tuple({trial.enrollment: trial for decision in decisions for trial in decision.trials}.values()),
    )


def _first(*instants: datetime | None) -> datetime | None:
    return min((each for each in instants if each is not None), default=None)


def _open(effect: Effect, lane: Callable[[str | None, str | None], str]) -> OpenEffect:
    kind = CARRIED_OUT[type(effect)]
    if not isinstance(effect, SendEmail):
        return OpenEffect(effect.key, kind, PLAYBOOK, effect.playbook)
    usual = BULK if effect.playbook.startswith(BROADCAST) else PLAYBOOK
    priority = TRANSACTIONAL if effect.transactional and usual is PLAYBOOK else usual
    return OpenEffect(effect.key, kind, priority, effect.playbook, lane(effect.sender, effect.topic))

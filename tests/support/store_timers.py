"""The real turns on a real store, without a server: a turn where the bell rings, one where a timer fires, both counted."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from temporalio.testing import ActivityEnvironment

from activities.contracts import TurnReply, TurnRequest
from activities.turns import StoreTurns
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import CallWebhook, Effect, EffectEnded, Input, JournalEntry, Outcome, SendEmail
from perennia.core.documents import Document
from perennia.core.json_values import JsonObject
from perennia.store.port import Store
from perennia.store.records import Accepted, SendStatus
from tests.support.time_skipping import Fate, ManualClock, sent


@dataclass
class StoreTimers:
    """Does what a workflow does for each customer. Effects leave at the instant of their release, messages as ``fate`` says."""

    store: Store
    clock: ManualClock
    fate: Fate = sent
    bells: Counter[str] = field(default_factory=Counter[str])
    wakes: Counter[str] = field(default_factory=Counter[str])
    _due: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _agenda: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    _sending: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self._turns = StoreTurns(self.store, self.clock)
        self._environment = ActivityEnvironment()

    async def publish(self, published: Sequence[Document]) -> None:
        before = await self.store.current_revision()
        triggers = compile_catalog("r1", published).triggers()
        await self.store.publish(published, triggers, self.clock.now(), "test", before.id if before else None)

    async def accept(self, items: Sequence[Accepted]) -> None:
        """Ingest accepts them all; whoever is rung takes a turn."""
        receipt = await self.store.accept(items, self.clock.now())
        for customer in receipt.rung:
            await self._ring(customer)

    async def order(self, customer: str, order: Input) -> None:
        await self.store.place_order(customer, order)
        await self._ring(customer)

    async def until(self, instant: datetime) -> None:
        """Every timer up to ``instant`` fires at its own time."""
        while self._agenda and self._agenda[0][0] <= instant:
            at, customer = heapq.heappop(self._agenda)
            if self._due.get(customer) == at:
                self.clock.instant = at
                self.wakes[customer] += 1
                await self._turn(customer)
        self.clock.instant = instant

    async def before(self, instant: datetime) -> None:
        """Every timer before ``instant``; the clock stands at it."""
        while self._agenda and self._agenda[0][0] < instant:
            await self.until(self._agenda[0][0])
        self.clock.instant = instant

    async def look(self, customer: str) -> None:
        """A turn though nothing happened: what nobody was rung for is taken in."""
        await self._turn(customer)

    async def journal(self, customer: str) -> list[JournalEntry]:
        return [row.entry for row in await self.store.journal(customer, limit=1_000_000)]

    async def _ring(self, customer: str) -> None:
        self.bells[customer] += 1
        await self._turn(customer)

    async def _turn(self, customer: str) -> None:
        """A turn, and one more after each end of an effect that it released, or that those released in their turn."""
        leaving = await self._leave(await self._take(customer))
        while leaving:
            effect, ended = leaving.pop(0)
            status = SendStatus.SENT if ended.outcome in (Outcome.SENT, Outcome.DONE) else SendStatus.FAILED
            if isinstance(effect, SendEmail):
                await self.store.end_message(effect.key, status, ended, "test", None)
            else:
                await self.store.end_delivery(effect.key, status, ended, "test", None, None)
            leaving += await self._leave(await self._take(customer))

    async def _leave(self, reply: TurnReply) -> list[tuple[Effect, EffectEnded]]:
        claims = [await self._claim(effect.key) for effect in reply.effects if effect.key not in self._sending]
        return [each for each in claims if each is not None]

    async def _claim(self, key: str) -> tuple[Effect, EffectEnded] | None:
        self._sending.add(key)
        message = (await self.store.claim_message(key, self.clock.now())).effect
        if isinstance(message, SendEmail):
            end = self.fate(message, message.at)
            assert end is not None
            return message, end
        told = (await self.store.claim_delivery(key, self.clock.now())).effect
        if told is None:
            return None
        result: JsonObject = {"status": 200, "body": None} if isinstance(told, CallWebhook) else {}
        return told, EffectEnded(at=told.at, key=key, outcome=Outcome.DONE, result=result)

    async def _take(self, customer: str) -> TurnReply:
        reply = await self._environment.run(self._turns.take, TurnRequest(customer))
        if reply.wake_at is None:
            self._due.pop(customer, None)
        elif self._due.get(customer) != reply.wake_at:
            self._due[customer] = reply.wake_at
            heapq.heappush(self._agenda, (reply.wake_at, customer))
        return reply

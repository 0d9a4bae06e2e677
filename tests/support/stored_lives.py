"""Customers of a real store, taken through their turns by hand: time stands still until it is set."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from temporalio.testing import ActivityEnvironment

from activities.contracts import TurnRequest
from activities.turns import StoreTurns
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import EffectEnded, Outcome
from perennia.core.documents import Document
from perennia.store.port import Store
from perennia.store.records import Accepted, SendStatus
from tests.support.time_skipping import ManualClock


class StoredLives:
    """Messages leave at the instant of their release."""

    def __init__(self, store: Store, start: datetime) -> None:
        self.store = store
        self.clock = ManualClock(start)
        self._turns = StoreTurns(store, self.clock)

    async def publish(self, documents: Sequence[Document]) -> None:
        current = await self.store.current_revision()
        triggers = compile_catalog("r", documents).triggers()
        before = None if current is None else current.id
        await self.store.publish(documents, triggers, self.clock.instant, "test", before)

    async def happen(self, at: datetime, *items: Accepted) -> None:
        """Everything before then falls due, then these are accepted."""
        await self.until(at - timedelta(microseconds=1))
        self.clock.instant = at
        await self.store.accept(items, at)
        await self.settle()

    async def until(self, end: datetime) -> None:
        await self.settle()
        while (due := await self._next_due()) is not None and due <= end:
            self.clock.instant = due
            for customer in await self.store.customers():
                if customer.wake_at is not None and customer.wake_at <= due:
                    await self._turn(customer.id)
            await self.settle()

    async def settle(self) -> None:
        while rung := await self.store.rung(100):
            for customer in rung:
                await self._turn(customer)

    async def _next_due(self) -> datetime | None:
        dues = [each.wake_at for each in await self.store.customers()]
        return min((due for due in dues if due is not None), default=None)

    async def _turn(self, customer: str) -> None:
        request = TurnRequest(customer, floor=self.clock.instant)
        while reply := await ActivityEnvironment().run(self._turns.take, request):
            for effect in reply.effects:
                ended = EffectEnded(at=self.clock.instant, key=effect.key, outcome=Outcome.SENT)
                await self.store.claim_message(effect.key, self.clock.instant)
                await self.store.end_message(effect.key, SendStatus.SENT, ended, "test", None)
            if not reply.effects and not reply.unread:
                return


def dump(database: Path) -> str:
    """Everything in an SQLite file, as SQL."""
    with closing(sqlite3.connect(database)) as connection:
        return "\n".join(connection.iterdump())

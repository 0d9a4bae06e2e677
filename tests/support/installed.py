"""Everything of an installation but the HTTP edge, in one process with the test, on a real Temporal server."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.turns import StoreTurns
from perennia.clock import Clock, WallClock
from perennia.ingest.dispatcher import Dispatcher, Pace
from perennia.store.port import Store
from perennia.store.records import Accepted
from tests.support.temporal_runs import Rig, until
from tests.support.time_skipping import RecordingMessages

NO_SWEEP = Pace(sweep_every=None)
QUICK_SWEEP = Pace(sweep_every=timedelta(seconds=0.2), age=timedelta(seconds=0.2))


@dataclass
class Installation:
    """Everything but the HTTP edge, in one process."""

    rig: Rig
    store: Store
    dispatcher: Dispatcher
    messages: RecordingMessages

    async def accept(self, *items: Accepted) -> None:
        receipt = await self.store.accept(items, datetime.now(UTC))
        if receipt.rung:
            self.dispatcher.nudge(receipt.rung)

    def recipients(self) -> list[str]:
        """Whose messages were sent, by internal id."""
        return [effect.key.split("/")[0] for effect in self.messages.sent]

    async def sent(self, count: int, within: float = 30) -> None:
        await until(lambda: len(self.messages.sent) >= count, within)

    async def done(self, who: str) -> None:
        """Waits until the workflow of the contact ``who`` has completed."""
        await self.rig.handle(await self.store.find(who)).result()


@asynccontextmanager
async def installed(
    rig: Rig,
    store: Store,
    pace: Pace = NO_SWEEP,
    clock: Clock | None = None,
    after_commit: Callable[[], Awaitable[None]] | None = None,
) -> AsyncGenerator[Installation]:
    clock = clock or WallClock()
    dispatcher = Dispatcher(store, rig.client, clock, queue=rig.queue, pace=pace)
    turns = StoreTurns(store, clock, ring=dispatcher.nudge, after_commit=after_commit)
    messages = RecordingMessages(store)
    async with rig.working(turns, messages), asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        try:
            yield Installation(rig, store, dispatcher, messages)
        finally:
            await dispatcher.stop()


async def killed_after_a_commit(address: str, rig: Rig, customer: str, store_url: str) -> None:
    """Lets a worker take the customer's first turn and kills it right after the commit."""
    await rig.ring(customer)
    command = [sys.executable, "-m", "tests.support.worker_process", address, rig.queue, store_url]
    worker = await asyncio.create_subprocess_exec(*command)
    assert await worker.wait() == -signal.SIGKILL

"""Rings customers' doorbells: whoever's bell flag is set gets one signal, however many events set it.

The flags are in the store and only a turn clears them, so nothing here needs to be durable: what a crash forgets, the next
start and the sweep find again. At most a few calls are in flight: against a server on one file, more would only wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from perennia.clock import Clock
from perennia.store.port import Store, StoreUnavailable
from perennia.temporal.broadcasts import BroadcastRuns
from perennia.temporal.names import CUSTOMER_QUEUE, customer_workflow_id
from perennia.temporal.publishes import CALL_TIMEOUT, DEFAULT_RATE, Publishes
from workflows.customer import CustomerWorkflow
from workflows.messages import CustomerStart

log = logging.getLogger(__name__)

# A worker that is killed between a turn's commit and its task's end costs this long; the server's default is 10 s.
TASK_TIMEOUT: Final = timedelta(seconds=5)
FIRST_PAUSE: Final = timedelta(milliseconds=100)
LONGEST_PAUSE: Final = timedelta(seconds=5)
FLAGGED_AT_ONCE: Final = (
    100_000  # ids, 5 MB: everyone of a small installation after a rebuild; the sweep finds the rest
)
SWEPT_AT_ONCE: Final = 1_000  # in 5 s: what the embedded server can start in that time


@dataclass(frozen=True)
class Pace:
    """``at_once``: calls in flight. ``age``: how old a leftover is before it is swept up.

    ``sweep_every`` None: neither a sweep nor the look at the start; another process of the installation does both.

    Both spans are real time, whatever the engine's time scale. ``publish_rate``: how many customers a second a publish begins
    to bring to its revision.
    """

    at_once: int = 16
    sweep_every: timedelta | None = timedelta(seconds=5)
    age: timedelta = timedelta(seconds=30)
    publish_rate: int = DEFAULT_RATE


class Dispatcher:
    """Rings those it is nudged about, at its start those whose flag is set, and now and then those who were forgotten.

    While Temporal or the store is away it waits for them, and loses nobody.
    """

    def __init__(
        self, store: Store, client: Client, clock: Clock, *, queue: str = CUSTOMER_QUEUE, pace: Pace | None = None
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._task_queue = queue
        self._pace = pace or Pace()
        self.publishes = Publishes(client, queue=queue, rate=self._pace.publish_rate)
        self.broadcasts = BroadcastRuns(client, store, queue=queue)
        self._calls: asyncio.Queue[str | None] = asyncio.Queue()
        self._called: set[str] = set()  # who is in the queue already: a second nudge before the ring changes nothing
        self._look = asyncio.Event()
        self._stopping = asyncio.Event()
        self._away = False

    def nudge(self, customers: Sequence[str]) -> None:
        """Says that these customers' bell flags (internal ids) were set just now. Returns at once and raises nothing.

        An empty sequence: many were set, look for them. To be called on the event loop that `run` runs on.
        """
        if not customers:
            self._look.set()
        for customer in customers:
            if customer not in self._called:
                self._called.add(customer)
                self._calls.put_nowait(customer)

    async def run(self) -> None:
        """Runs until `stop`. A failure of Temporal or the store is waited out; anything else is a bug and raised."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._find())
            for _ in range(self._pace.at_once):
                tasks.create_task(self._ring_along())

    async def stop(self) -> None:
        """Makes `run` return once the calls in flight have ended. Who was not rung yet keeps the flag."""
        self._stopping.set()
        self._look.set()
        for _ in range(self._pace.at_once):
            self._calls.put_nowait(None)

    async def rebuild(self) -> int:
        """Rings every customer, so that a Temporal cluster that lost them has them again. Returns how many."""
        count = await self._store.ring_all()
        self.nudge(())
        return count

    # --- finding ---

    async def _find(self) -> None:
        if self._pace.sweep_every is not None:
            self._look.set()
        while not self._stopping.is_set():
            try:
                await self._find_once()
            except StoreUnavailable as error:
                log.warning("looking for customers to ring: %s", error)
            every = self._pace.sweep_every
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), every.total_seconds() if every is not None else None)

    async def _find_once(self) -> None:
        if self._look.is_set():
            self._look.clear()
            self._nudge_each(await self._store.rung(FLAGGED_AT_ONCE))
            await self._reach()
        if self._pace.sweep_every is not None:
            age = self._pace.age * self._scale()
            forgotten = await self._store.forgotten(self._clock.now(), age, SWEPT_AT_ONCE)
            if forgotten:  # after a crash or an outage; else somebody loses customers
                log.info("sweep: ringing %d forgotten customers", len(forgotten))
            self._nudge_each(forgotten)
            await self._reach()

    async def _reach(self) -> None:
        """Sees to it that each revision that has not reached everybody whom it concerns is on its way, and each broadcast."""
        for number in await self._store.unreached():
            try:
                await self.publishes.start(number)
            except (RPCError, RuntimeError) as error:
                self._tell(error)
        for broadcast in await self._store.broadcasts(live=True):
            try:
                await self.broadcasts.see_to(broadcast)
            except (RPCError, RuntimeError) as error:
                self._tell(error)

    def _nudge_each(self, customers: Sequence[str]) -> None:
        if customers:
            self.nudge(customers)

    def _scale(self) -> float:
        """How many times faster than the wall the engine's time runs."""
        day = timedelta(days=1)
        return day / self._clock.real(day)

    # --- ringing ---

    async def _ring_along(self) -> None:
        pause = FIRST_PAUSE
        while (customer := await self._calls.get()) is not None and not self._stopping.is_set():
            # Before the call: a nudge from here on may be about something that the turn it causes no longer reads.
            self._called.discard(customer)
            try:
                await self._ring(customer)
            except (RPCError, RuntimeError) as error:  # RuntimeError: the SDK cannot connect at all
                self._tell(error)
                self.nudge([customer])
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause.total_seconds())
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._tell(None)
                pause = FIRST_PAUSE

    async def _ring(self, customer: str) -> None:
        """One doorbell; starts the customer's workflow where none runs."""
        await self._client.start_workflow(
            CustomerWorkflow.run,
            CustomerStart(customer),
            id=customer_workflow_id(customer),
            task_queue=self._task_queue,
            start_signal="ring",
            task_timeout=TASK_TIMEOUT,
            rpc_timeout=CALL_TIMEOUT,
        )

    def _tell(self, error: Exception | None) -> None:
        """One line when Temporal goes away, one when it is back: not one a customer."""
        if error is not None and not self._away:
            log.warning("cannot ring customers, trying on: %s", error)
        if error is None and self._away:
            log.warning("Temporal is back; ringing on")
        self._away = error is not None

"""The rate of a provider holds over all workers that send through it, on a real server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from temporalio import activity

from activities.contracts import EffectRequest, Messages
from perennia.temporal import DevServer, connect
from perennia.temporal.workers import SANDBOX, customer_worker, message_worker
from tests.support.memory import Memory, Send
from tests.support.temporal_runs import Rig

pytestmark = pytest.mark.slow

RATE, MESSAGES = 4, 24


class Clocked(Messages):
    """One worker's part: when it sent, in seconds of the loop."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.times: list[float] = []

    @activity.defn(name="send_message")
    async def send(self, request: EffectRequest) -> None:
        self.times.append(asyncio.get_running_loop().time())
        await self._memory.send(request)


async def test_two_workers_together_send_no_faster_than_the_rate(rig: Rig, memory: Memory, server: DevServer) -> None:
    workers = [Clocked(memory), Clocked(memory)]
    clients = [rig.client, await connect(server.address)]  # as two processes have them
    customer = rig.customer()
    memory.accept(customer, *(Send(f"m{n}") for n in range(MESSAGES)))
    async with AsyncExitStack() as running:
        turns = customer_worker(rig.client, memory, queue=rig.queue, runner=SANDBOX)
        await running.enter_async_context(turns)
        for client, each in zip(clients, workers, strict=True):
            sending = message_worker(client, each, queue=rig.queue, at_once=MESSAGES, per_second=RATE)
            await running.enter_async_context(sending)
        await (await rig.ring(customer)).result()

    times = sorted(time for each in workers for time in each.times)
    assert len(times) == len(set(memory.sent)) == MESSAGES
    # A second's worth may leave at once, and one more while the queue learns of its rate.
    assert times[-1] - times[0] >= (MESSAGES - 2 * RATE) / RATE - 0.5

"""Running customers on a real Temporal server, and reading what the server kept of it."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory

from activities.contracts import Messages, Reaching, Turns
from perennia.ingest.dispatcher import TASK_TIMEOUT
from perennia.temporal.names import customer_workflow_id
from perennia.temporal.workers import SANDBOX, customer_worker, message_worker
from workflows.customer import CustomerWorkflow
from workflows.messages import CustomerStart

Handle = WorkflowHandle[CustomerWorkflow, None]


@dataclass
class Rig:
    """One installation's worth of workers on queues of their own, so that tests share a server without meeting."""

    client: Client
    queue: str = field(default_factory=lambda: f"perennia-{uuid.uuid4().hex[:8]}")

    @asynccontextmanager
    async def working(self, turns: Turns, messages: Messages, reaching: Reaching | None = None) -> AsyncGenerator[None]:
        async with AsyncExitStack() as running:
            customers = customer_worker(self.client, turns, reaching, queue=self.queue, runner=SANDBOX)
            await running.enter_async_context(customers)
            await running.enter_async_context(message_worker(self.client, messages, queue=self.queue))
            yield

    async def ring(self, customer: str, history_limit: int = 100) -> Handle:
        """A doorbell as the dispatcher rings it."""
        await self.client.start_workflow(
            CustomerWorkflow.run,
            CustomerStart(customer, history_limit),
            id=customer_workflow_id(customer),
            task_queue=self.queue,
            start_signal="ring",
            task_timeout=TASK_TIMEOUT,
        )
        return self.handle(customer)

    def handle(self, customer: str) -> Handle:
        """The latest run of the customer's workflow."""
        return self.client.get_workflow_handle_for(CustomerWorkflow.run, customer_workflow_id(customer))

    def customer(self) -> str:
        return f"contact-{uuid.uuid4().hex}"


async def until(holds: Callable[[], bool], within: float = 30) -> None:
    """Waits until ``holds()``; fails after ``within`` seconds, which is for a hung test and no measurement."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event: it happens in another process or thread
            await asyncio.sleep(0.01)


async def happened(handle: Handle) -> Counter[str]:
    """How many events of each type the run's history holds, in the words of Temporal's documentation."""
    return events_of(await handle.fetch_history())


def events_of(history: WorkflowHistory) -> Counter[str]:
    names = (EventType.Name(event.event_type) for event in history.events)
    return Counter(name.removeprefix("EVENT_TYPE_").title().replace("_", "") for name in names)

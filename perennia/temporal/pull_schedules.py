"""The Temporal Schedules by which databases are read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from perennia.temporal.names import CUSTOMER_QUEUE, pull_id, pull_of
from perennia.temporal.schedules import remove, settle
from workflows.messages import PullStart
from workflows.pull import PullWorkflow

log = logging.getLogger(__name__)

AGAIN_EVERY: Final = timedelta(seconds=5)


@dataclass(frozen=True)
class PullSchedules:
    """``plans``: how often each pull runs, by name. All others have no schedule from here on."""

    client: Client
    plans: Mapping[str, timedelta]
    queue: str = CUSTOMER_QUEUE

    async def run(self) -> None:
        """Until they are settled; then until it is cancelled, for nothing more is to be done."""
        while True:
            try:
                await self.settle()
                break
            except RPCError as error:
                log.warning("schedules of pulls are settled later: %s", error)
                await asyncio.sleep(AGAIN_EVERY.total_seconds())
        await asyncio.Event().wait()

    async def settle(self) -> None:
        """Raises `RPCError`."""
        for name, every in self.plans.items():
            action = ScheduleActionStartWorkflow(
                PullWorkflow.run, PullStart(name), id=pull_id(name), task_queue=self.queue
            )
            await settle(self.client, pull_id(name), action, every)
        async for told in await self.client.list_schedules():
            if (name := pull_of(told.id)) is not None and name not in self.plans:
                await remove(self.client, told.id)

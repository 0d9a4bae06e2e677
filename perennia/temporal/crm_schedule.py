"""The Temporal Schedule that keeps the CRM equal."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from temporalio.client import Client, ScheduleActionStartWorkflow, ScheduleHandle
from temporalio.service import RPCError

from perennia.core.definitions import Scope
from perennia.store.crm_port import CrmMemory
from perennia.store.port import StoreUnavailable
from perennia.temporal.names import CRM_SCHEDULE, CRM_WORKFLOW_ID, CUSTOMER_QUEUE
from perennia.temporal.schedules import remove, settle
from workflows.crm import CrmSyncWorkflow
from workflows.messages import CrmSyncStart

log = logging.getLogger(__name__)

# So long after a call of the CRM's, at most, a run begins that reads what it told of.
LOOK_EVERY: Final = timedelta(seconds=5)
KINDS: Final[tuple[Scope, ...]] = ("account", "contact")


class CrmPlan(NamedTuple):
    """``crm``: the adapter's name. ``every``: how often both sides are compared."""

    crm: str
    every: timedelta


@dataclass(frozen=True)
class CrmSchedule:
    """Sees to it that runs begin: by a Temporal Schedule, and between its times where the CRM told of something.

    ``plan`` None: from here on there is no such schedule.
    """

    client: Client
    store: CrmMemory
    plan: CrmPlan | None
    queue: str = CUSTOMER_QUEUE
    look_every: timedelta = LOOK_EVERY

    async def run(self) -> None:
        """Until it is cancelled; while Temporal or the store is away it waits."""
        settled = False
        while True:
            try:
                if not settled:
                    await self.settle()
                    settled = True
                if self.plan is not None and await self._was_told(self.plan.crm):
                    await self._handle().trigger()
            except (RPCError, StoreUnavailable) as error:
                log.warning("the CRM is looked at later: %s", error)
            await asyncio.sleep(self.look_every.total_seconds())

    async def settle(self) -> None:
        """Makes the schedule, or changes or removes the one that is there. Raises `RPCError`."""
        if self.plan is None:
            await remove(self.client, CRM_SCHEDULE)
            return
        action = ScheduleActionStartWorkflow(
            CrmSyncWorkflow.run, CrmSyncStart(), id=CRM_WORKFLOW_ID, task_queue=self.queue
        )
        await settle(self.client, CRM_SCHEDULE, action, self.plan.every)

    async def _was_told(self, crm: str) -> bool:
        for kind in KINDS:
            if await self.store.crm_untold(crm, kind, 1) or await self.store.crm_erasures(crm, kind, 1, ordered=True):
                return True
        return False

    def _handle(self) -> ScheduleHandle:
        return self.client.get_schedule_handle(CRM_SCHEDULE)

"""The Temporal Schedule that keeps the CRM equal."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from perennia.core.definitions import Scope
from perennia.store.crm_port import CrmMemory
from perennia.store.port import StoreUnavailable
from perennia.temporal.names import CRM_SCHEDULE, CRM_WORKFLOW_ID, CUSTOMER_QUEUE
from workflows.crm import CrmSyncWorkflow
from workflows.messages import CrmSyncStart

log = logging.getLogger(__name__)

# What was missed while the server was away is made up for by one run.
CATCH_UP: Final = timedelta(minutes=1)
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
            try:
                await self._handle().delete()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            return
        schedule = _schedule(self.plan.every, self.queue)
        try:
            await self.client.create_schedule(CRM_SCHEDULE, schedule, trigger_immediately=True)
        except ScheduleAlreadyRunningError:
            await self._handle().update(lambda told: _updated(told, schedule))

    async def _was_told(self, crm: str) -> bool:
        for kind in KINDS:
            if await self.store.crm_untold(crm, kind, 1):
                return True
        return False

    def _handle(self) -> ScheduleHandle:
        return self.client.get_schedule_handle(CRM_SCHEDULE)


def _updated(told: ScheduleUpdateInput, schedule: Schedule) -> ScheduleUpdate:
    """A pause that somebody ordered stays."""
    schedule.state = told.description.schedule.state
    return ScheduleUpdate(schedule)


def _schedule(every: timedelta, queue: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(CrmSyncWorkflow.run, CrmSyncStart(), id=CRM_WORKFLOW_ID, task_queue=queue),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )

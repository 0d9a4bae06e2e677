"""Temporal Schedules that begin something again and again, as workers settle them when they start."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

# What was missed while the server was away is made up for by one run.
CATCH_UP: Final = timedelta(minutes=1)


async def settle(client: Client, id_: str, action: ScheduleActionStartWorkflow, every: timedelta) -> None:
    """Makes the schedule, which begins at once, or changes the one that is there. Raises `RPCError`."""
    schedule = Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
    try:
        await client.create_schedule(id_, schedule, trigger_immediately=True)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(id_).update(lambda told: _updated(told, schedule))


async def remove(client: Client, id_: str) -> None:
    """The schedule, where there is one. Raises `RPCError`."""
    try:
        await client.get_schedule_handle(id_).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def _updated(told: ScheduleUpdateInput, schedule: Schedule) -> ScheduleUpdate:
    """A pause that somebody ordered stays."""
    schedule.state = told.description.schedule.state
    return ScheduleUpdate(schedule)

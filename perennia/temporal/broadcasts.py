"""The workflows that bring broadcasts to their audiences, and the schedules that begin recurring ones."""

from __future__ import annotations

import contextlib

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from perennia.core.broadcasts import Broadcast
from perennia.core.definitions import NO_POLICIES, Policies
from perennia.store.broadcast_records import StoredBroadcast
from perennia.store.port import Store
from perennia.temporal.names import CUSTOMER_QUEUE, broadcast_workflow_id
from perennia.temporal.publishes import CALL_TIMEOUT
from workflows.broadcast import BroadcastWorkflow
from workflows.messages import BroadcastStart


class BroadcastRuns:
    """Methods raise `RPCError`, or `RuntimeError` where nobody can connect."""

    def __init__(self, client: Client, store: Store, *, queue: str = CUSTOMER_QUEUE) -> None:
        self._client = client
        self._store = store
        self._queue = queue
        self._scheduled: set[str] = set()

    async def see_to(self, stored: StoredBroadcast, *, ring: bool = False) -> None:
        """Sees to it that one which is under way goes on: changes nothing where it does. ``ring``: it was steered."""
        broadcast = Broadcast.model_validate_json(stored.body)
        run = stored.run
        if broadcast.every is not None and stored.status in ("running", "paused"):
            await self._schedule(stored.id, broadcast.every)
            if stored.status == "running" and run is not None and run.done_at is None:
                await self._start(stored.id, run.occasion, ring=ring)
            return
        if broadcast.every is not None:
            await self._unschedule(stored.id)
        is_entered = stored.status == "running" and run is not None and run.done_at is not None
        if stored.status in ("scheduled", "running", "cancelling") and not is_entered:
            await self._start(stored.id, broadcast_workflow_id(stored.id), ring=ring)

    async def _start(self, name: str, occasion: str, *, ring: bool) -> None:
        await self._client.start_workflow(
            BroadcastWorkflow.run,
            BroadcastStart(name),
            id=occasion,
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="ring" if ring else None,
            rpc_timeout=CALL_TIMEOUT,
        )

    async def _schedule(self, name: str, cron: str) -> None:
        if name in self._scheduled:
            return
        action = ScheduleActionStartWorkflow(
            BroadcastWorkflow.run, BroadcastStart(name), id=broadcast_workflow_id(name), task_queue=self._queue
        )
        zone = await self._zone()
        schedule = Schedule(
            action=action,
            spec=ScheduleSpec(cron_expressions=[cron], time_zone_name=zone),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
        )
        with contextlib.suppress(ScheduleAlreadyRunningError):
            await self._client.create_schedule(broadcast_workflow_id(name), schedule, rpc_timeout=CALL_TIMEOUT)
        self._scheduled.add(name)

    async def _zone(self) -> str:
        """The workspace's, as it is when the schedule begins."""
        revision = await self._store.current_revision()
        current = () if revision is None else (await self._store.catalog(revision.id)).current
        said = [each.body for each in current if each.kind == "policies"]
        return Policies.model_validate_json(said[0]).timezone if said else NO_POLICIES.timezone

    async def _unschedule(self, name: str) -> None:
        self._scheduled.discard(name)
        try:
            await self._client.get_schedule_handle(broadcast_workflow_id(name)).delete(rpc_timeout=CALL_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

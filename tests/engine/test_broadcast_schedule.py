"""A recurring broadcast on a real Temporal server: its schedule begins run after run, and goes where it is cancelled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
from temporalio import activity
from temporalio.worker import Worker

from activities.contracts import Broadcasting, BroadcastReply, BroadcastRequest
from perennia.core.broadcasts import Broadcast
from perennia.store.broadcast_records import StoredBroadcast
from perennia.store.port import Store
from perennia.temporal.broadcasts import BroadcastRuns
from perennia.temporal.workers import SANDBOX
from tests.support.temporal_runs import Rig, until
from workflows.broadcast import BroadcastWorkflow

NOW = datetime(2026, 3, 2, tzinfo=UTC)
# Each two seconds: Temporal's own form with seconds and years. People write minutes at least.
EVERY = Broadcast.model_validate(
    {"broadcast": "weekly", "where": "true", "email": "mail", "topic": "tips", "every": "*/2 * * * * * *"}
)
WEEKLY = StoredBroadcast(
    id="weekly",
    body=EVERY.model_dump_json(by_alias=True, exclude_defaults=True),
    status="running",
    book=EVERY.book,
    version="v1",
    created_at=NOW,
    created_by="sam",
    changed_at=NOW,
    changed_by="sam",
)


class Occasions(Broadcasting):
    """Has nobody in the audience, and remembers what began each way through it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @activity.defn(name="go_on_broadcasting")
    async def go_on(self, request: BroadcastRequest) -> BroadcastReply:
        self.seen.append(request.occasion)
        return BroadcastReply(over=True)


async def test_its_schedule_begins_a_run_each_time_and_goes_when_it_is_cancelled(rig: Rig, store: Store) -> None:
    occasions = Occasions()
    runs = BroadcastRuns(rig.client, store, queue=rig.queue)
    async with Worker(
        rig.client,
        task_queue=rig.queue,
        workflows=[BroadcastWorkflow],
        activities=[occasions.go_on],
        workflow_runner=SANDBOX,
    ):
        await runs.see_to(WEEKLY)
        await runs.see_to(WEEKLY)
        await until(lambda: len(occasions.seen) >= 2, within=30)
        assert len(set(occasions.seen)) == len(occasions.seen)
        assert all(each.startswith("broadcast-weekly-") for each in occasions.seen)

        await runs.see_to(msgspec.structs.replace(WEEKLY, status="cancelled"))
        async with asyncio.timeout(30):
            while [one.id async for one in await rig.client.list_schedules() if one.id == "broadcast-weekly"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

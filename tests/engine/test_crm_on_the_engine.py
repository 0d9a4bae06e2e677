"""Keeping a CRM equal on a real Temporal server: by its schedule, and at once where the CRM tells of something."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from temporalio.worker import Worker

from activities.contracts import EffectKind
from activities.crm_sync import StoreCrmSyncing
from perennia.clock import WallClock
from perennia.crm.syncing import CrmSync
from perennia.temporal import effect_queue
from perennia.temporal.crm_schedule import CrmPlan, CrmSchedule
from perennia.temporal.workers import SANDBOX
from tests.support.crm_world import crm_world
from tests.support.temporal_runs import Rig, until
from workflows.crm import CrmSyncWorkflow


async def test_the_schedule_keeps_both_sides_equal_and_a_call_of_the_crm_begins_a_run_at_once(
    rig: Rig, tmp_path: Path
) -> None:
    async with crm_world(f"sqlite:///{tmp_path}/store.db") as world:
        sync = CrmSync(world.store, world.provider, world.sync.map, WallClock(), lambda _: None)
        client, queue = rig.client, rig.queue
        plan = CrmPlan("hubspot", timedelta(hours=1))
        schedule = CrmSchedule(client, world.store, plan, queue, timedelta(milliseconds=50))
        steps = effect_queue(queue, EffectKind.CRM)

        def made() -> bool:
            return world.tables.by("contacts", "perennia_id", "ana") is not None

        async def heard() -> bool:
            (side,) = await world.store.crm_sides_of("hubspot", "contact", refs=["ana"])
            return side.traits.get("seats") == 8 and not await world.store.crm_untold("hubspot", "contact", 1)

        await world.tell("ana", email="ana@example.com")
        async with (
            Worker(client, task_queue=queue, workflows=[CrmSyncWorkflow], workflow_runner=SANDBOX),
            Worker(client, task_queue=steps, activities=[StoreCrmSyncing(sync).step]),
        ):
            watching = asyncio.create_task(schedule.run())
            await until(made)
            world.record("ana").fields["seats"] = "8"
            await world.store.crm_told("hubspot", "contact", [world.record("ana").id], WallClock().now())
            async with asyncio.timeout(30):
                while not await heard():  # noqa: ASYNC110 - it happens in another thread
                    await asyncio.sleep(0.05)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await CrmSchedule(client, world.store, None).settle()
        assert len(world.tables.living("contacts")) == 1

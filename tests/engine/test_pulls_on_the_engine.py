"""Reading a database on a real Temporal server: by its schedule, which goes where the pull does."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from temporalio.worker import Worker

from activities.pulling import StorePulling
from perennia.clock import WallClock
from perennia.importing.pull_files import Pull
from perennia.importing.pulling import Puller
from perennia.store.port import Store
from perennia.temporal.pull_schedules import PullSchedules
from perennia.temporal.workers import SANDBOX, pull_worker
from tests.support.temporal_runs import Rig
from workflows.pull import PullWorkflow

PEOPLE = Pull(
    kind="customers",
    url="WAREHOUSE",
    query="SELECT id, n FROM people WHERE n > :cursor ORDER BY n",
    cursor="n",
    start=0,
)


async def test_a_schedule_begins_runs_and_goes_with_its_pull(rig: Rig, store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "warehouse.db")) as connection:
        connection.executescript("CREATE TABLE people (id, n); INSERT INTO people VALUES ('ana', 1), ('ben', 2)")
    environment = {"WAREHOUSE": f"sqlite:///{tmp_path}/warehouse.db"}
    puller = Puller(store, WallClock(), {"people": PEOPLE}, environment)
    client, queue = rig.client, rig.queue
    schedules = PullSchedules(client, {"people": timedelta(hours=1)}, queue)
    async with (
        Worker(client, task_queue=queue, workflows=[PullWorkflow], workflow_runner=SANDBOX),
        pull_worker(client, StorePulling(puller), queue=queue),
    ):
        await schedules.settle()
        async with asyncio.timeout(30):
            while (state := await puller.state("people")) is None or not state.done:  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.05)

        assert (state.taken, state.cursor) == (2, "int:2")

        await PullSchedules(client, {}, queue).settle()
        async with asyncio.timeout(30):
            while [each.id async for each in await client.list_schedules() if each.id == "pull-people"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

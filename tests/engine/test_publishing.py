"""Bringing people to a new revision on a real server: everybody whom it concerns, once, and nobody else."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import ActivityEnvironment

from activities.contracts import PageReply, PageRequest, Reaching, TurnReply, TurnRequest
from activities.reaching import StoreReaching
from activities.turns import StoreTurns
from perennia.clock import WallClock
from perennia.core.decisions import Act
from perennia.core.playbook_orders import PlaybookOrder
from perennia.core.reach import reach_of
from perennia.ingest.dispatcher import TASK_TIMEOUT, Dispatcher, Pace
from perennia.store.port import Store
from perennia.temporal import DevServer
from perennia.temporal.names import publish_workflow_id
from perennia.temporal.publishes import NotUnderWay, Publishes
from tests.support.installation import FILES, arrival, released
from tests.support.memory import Memory
from tests.support.temporal_runs import Rig, happened, until
from tests.support.time_skipping import RecordingMessages
from workflows.messages import PublishStart
from workflows.publish import PublishWorkflow

Handle = WorkflowHandle[PublishWorkflow, None]
SWEEP = Pace(sweep_every=timedelta(seconds=0.2))
CROWD = 6


@dataclass
class Crowd(Reaching):
    """So many customers, in memory; ``pages`` are the sizes that were asked for."""

    left: int
    pages: list[int] = field(default_factory=list[int])

    @activity.defn(name="bring_page")
    async def bring_page(self, request: PageRequest) -> PageReply:
        self.pages.append(request.size)
        rung = min(self.left, request.size)
        self.left -= rung
        return PageReply(rung, done=self.left == 0)


async def start(rig: Rig, given: PublishStart) -> Handle:
    return await rig.client.start_workflow(
        PublishWorkflow.run,
        given,
        id=publish_workflow_id(given.number),
        task_queue=rig.queue,
        task_timeout=TASK_TIMEOUT,
    )


# --- the workflow ---------------------------------------------------------------------------------------------------


async def test_it_goes_page_by_page_and_tells_how_far_it_is(rig: Rig, memory: Memory) -> None:
    crowd = Crowd(25)
    async with rig.working(memory, memory, crowd):
        handle = await start(rig, PublishStart(1001, rate=1000, size=10))
        await handle.result()
        progress = await handle.query(PublishWorkflow.progress)

    assert crowd.pages == [10, 10, 10]
    assert (progress.reached, progress.rate, progress.paused) == (25, 1000, False)


async def test_while_it_is_paused_nobody_is_rung(rig: Rig, memory: Memory) -> None:
    crowd = Crowd(25)
    async with rig.working(memory, memory, crowd):
        handle = await start(rig, PublishStart(1002, rate=1000, size=10, paused=True))
        assert (await handle.query(PublishWorkflow.progress)).paused
        before = list(crowd.pages)
        await handle.signal(PublishWorkflow.resume)
        await handle.result()

    assert (before, crowd.pages) == ([], [10, 10, 10])


async def test_a_pause_and_a_new_rate_hold_from_the_moment_they_are_told(rig: Rig, memory: Memory) -> None:
    crowd = Crowd(40)
    async with rig.working(memory, memory, crowd):
        # One customer a second, forty seconds in all.
        handle = await start(rig, PublishStart(1003, rate=1, size=10))
        await until(lambda: len(crowd.pages) == 1)
        await handle.signal(PublishWorkflow.pause)
        await handle.signal(PublishWorkflow.change_rate, 1000)
        assert (await handle.query(PublishWorkflow.progress)).paused
        reached = crowd.left
        await handle.signal(PublishWorkflow.resume)
        async with asyncio.timeout(20):
            await handle.result()

    assert (reached, crowd.left, crowd.pages) == (39, 0, [1, 10, 10, 10, 10])


async def test_a_long_one_goes_on_in_runs_of_its_own_and_forgets_nothing(rig: Rig, memory: Memory) -> None:
    crowd = Crowd(60)
    async with rig.working(memory, memory, crowd):
        handle = await start(rig, PublishStart(1004, rate=10_000, size=10, history_limit=20))
        await handle.result()
        last = rig.client.get_workflow_handle_for(PublishWorkflow.run, publish_workflow_id(1004))
        progress = await last.query(PublishWorkflow.progress)
        described = await last.describe()

    assert (progress.reached, progress.rate) == (60, 10_000)
    assert described.run_id != handle.first_execution_run_id


async def test_it_is_steered_from_outside_also_before_anybody_started_it(rig: Rig, memory: Memory) -> None:
    crowd = Crowd(25)
    publishes = Publishes(rig.client, queue=rig.queue, rate=1)
    async with rig.working(memory, memory, crowd):
        assert await publishes.progress(1005) is None
        await publishes.pause(1005)
        before = await publishes.progress(1005)
        await publishes.change_rate(1005, 1000)
        await publishes.resume(1005)
        await rig.client.get_workflow_handle(publish_workflow_id(1005)).result()
        after = await publishes.progress(1005)
        with pytest.raises(NotUnderWay):
            await publishes.pause(1005)

    assert before is not None
    assert (before.rate, before.paused) == (1, True)
    assert after is not None
    assert (after.reached, after.rate, after.paused) == (25, 1000, False)


# --- with a store ---------------------------------------------------------------------------------------------------

SOON = FILES["playbooks/patience.yaml"].replace("30d", "1s")


class CountedTurns(StoreTurns):
    """Counts each customer's turns."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, WallClock())
        self.counts: Counter[str] = Counter()

    @activity.defn(name="take_turn")
    async def take(self, request: TurnRequest) -> TurnReply:
        self.counts[request.customer] += 1
        return await super().take(request)


@dataclass
class Running:
    turns: CountedTurns
    messages: RecordingMessages

    def sent_to(self) -> Counter[str]:
        """How many messages each customer was sent."""
        return Counter(effect.key.split("/")[0] for effect in self.messages.sent)


@asynccontextmanager
async def running(rig: Rig, store: Store) -> AsyncGenerator[Running]:
    dispatcher = Dispatcher(store, rig.client, WallClock(), queue=rig.queue, pace=SWEEP)
    turns, messages = CountedTurns(store), RecordingMessages(store)
    reaching = StoreReaching(store, WallClock(), dispatcher.nudge)
    async with rig.working(turns, messages, reaching), asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        try:
            yield Running(turns, messages)
        finally:
            await dispatcher.stop()


async def crowd_in(store: Store) -> tuple[set[str], set[str]]:
    """Internal ids of those who wait in the playbook `patience`, and of those who are in none; nobody's bell is set."""
    at = datetime.now(UTC)
    names = [[f"{kind}-{n}" for n in range(CROWD)] for kind in ("in", "out")]
    await store.accept([each for who in names[0] for each in arrival(who, "Contract Signed", at)], at)
    await store.accept([each for who in names[1] for each in arrival(who, "Page Viewed", at)], at)
    turns = StoreTurns(store, WallClock())
    for customer in await store.rung(1000):
        await ActivityEnvironment().run(turns.take, TurnRequest(customer))
    inside, outside = [{await store.find(who) for who in each} for each in names]
    return inside, outside


async def migrate(store: Store, folder: Path) -> int:
    """Publishes `patience` with a wait that is over already, for everybody in it. Returns the revision's number."""
    release = released(folder, {**FILES, "playbooks/patience.yaml": SOON})
    current = await store.current_revision()
    assert current is not None
    at = datetime.now(UTC)
    version = next(each.version for each in release.documents if each.id == "patience")
    order = PlaybookOrder(number=0, at=at, playbook="patience", word="migrate", by="", version=version)
    reach = reach_of((await store.catalog(current.id)).current, release.documents, [order])
    outcome = await store.publish(release.documents, release.triggers, at, "kim", current.id, [order], reach, at_once=0)
    assert (outcome.rung, outcome.reached) == ((), False)
    return outcome.revision.number


async def test_a_publish_wakes_whom_it_concerns_and_nobody_else(rig: Rig, store: Store, tmp_path: Path) -> None:
    inside, _ = await crowd_in(store)
    number = await migrate(store, tmp_path / "later")
    async with running(rig, store) as installation:
        await until(lambda: set(installation.sent_to()) == inside, within=60)
        await rig.client.get_workflow_handle(publish_workflow_id(number)).result()

        assert set(installation.turns.counts) == inside
        assert set(installation.sent_to().values()) == {1}
        rings = [(await happened(rig.handle(each)))["WorkflowExecutionSignaled"] for each in inside]
        assert rings == [1] * CROWD
        assert (await store.revisions())[0].reached == CROWD


async def test_a_worker_that_is_killed_between_two_pages_leaves_nobody_out_and_repeats_nothing(
    rig: Rig, store: Store, server: DevServer, tmp_path: Path
) -> None:
    inside, outside = await crowd_in(store)
    number = await migrate(store, tmp_path / "later")
    await start(rig, PublishStart(number, rate=1000, size=2))
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    code = ("-m", "tests.support.publish_process", server.address, rig.queue, url)
    process = await asyncio.create_subprocess_exec(sys.executable, *code)
    assert await process.wait() == -signal.SIGKILL
    half = (await store.revisions())[0]
    assert (half.reached, half.reached_at) == (4, None)

    async with running(rig, store) as installation:
        await until(lambda: set(installation.sent_to()) == inside, within=90)
        await rig.client.get_workflow_handle(publish_workflow_id(number)).result()

        assert set(installation.sent_to().values()) == {1}
        assert not outside & set(installation.turns.counts)
        assert (await store.revisions())[0].reached == CROWD
        decided = [row.entry.act for customer in inside for row in await store.journal(customer)]
        assert decided.count(Act.MIGRATED) == CROWD

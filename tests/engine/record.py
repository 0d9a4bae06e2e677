"""Records the histories that `test_replay` replays: one file a way through the protocol.

Run as ``python -m tests.engine.record`` after a deliberate change of the workflow, and keep the files of the versions that
customers may still be in the middle of.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.contracts import (
    Broadcasting,
    BroadcastReply,
    BroadcastRequest,
    CrmStep,
    CrmStepped,
    CrmSyncing,
    EffectKind,
    Pulling,
    PullRequest,
)
from perennia.temporal import DevServer
from perennia.temporal.workers import SANDBOX
from tests.support.memory import Memory, Nothing, Send, Wait
from tests.support.temporal_runs import Handle, Rig, until
from workflows.broadcast import BroadcastWorkflow
from workflows.crm import CrmSyncWorkflow
from workflows.customer import CustomerWorkflow
from workflows.messages import BroadcastStart, CrmSyncStart, PullStart
from workflows.policies import effect_queue, pull_queue
from workflows.pull import PullWorkflow

AnyHandle: TypeAlias = WorkflowHandle[Any, Any]
HISTORIES = Path(__file__).parent / "histories"
SHORT = timedelta(seconds=0.3)


async def a_message(rig: Rig, memory: Memory) -> Handle:
    memory.accept("contact-message", Send("welcome"))
    handle = await rig.ring("contact-message")
    await handle.result()
    return handle


async def a_wait(rig: Rig, memory: Memory) -> Handle:
    memory.accept("contact-wait", Send("welcome"), Wait(SHORT, then="follow-up"))
    handle = await rig.ring("contact-wait")
    await handle.result()
    return handle


async def a_moved_timer(rig: Rig, memory: Memory) -> Handle:
    memory.accept("contact-moved", Wait(timedelta(hours=1)))
    handle = await rig.ring("contact-moved")
    await until(lambda: len(memory.requests) == 1)
    memory.accept("contact-moved", Wait(SHORT, then="sooner"))
    await rig.ring("contact-moved")
    await handle.result()
    return handle


async def a_failed_effect(rig: Rig, memory: Memory) -> Handle:
    memory.refuses = frozenset({"unwanted"})
    memory.accept("contact-failed", Send("unwanted"), Send("wanted"))
    handle = await rig.ring("contact-failed")
    await handle.result()
    return handle


async def a_bell_in_the_middle_of_a_turn(rig: Rig, memory: Memory) -> Handle:
    async def meanwhile() -> None:
        memory.after_commit = None
        memory.accept("contact-bell", Send("late"))
        await rig.ring("contact-bell")

    memory.after_commit = meanwhile
    memory.accept("contact-bell", Nothing())
    handle = await rig.ring("contact-bell")
    await until(lambda: memory.sent == ["late"])
    await rig.handle("contact-bell").result()
    return handle


async def a_run_that_continues_as_new(rig: Rig, memory: Memory) -> Handle:
    memory.accept("contact-long", Send("first"), Wait(timedelta(seconds=1), then="second"))
    latest = await rig.ring("contact-long", history_limit=5)
    first = (await latest.describe()).run_id
    await latest.result()
    return rig.client.get_workflow_handle_for(CustomerWorkflow.run, latest.id, run_id=first)


class Steps(CrmSyncing, Pulling, Broadcasting):
    """A comparison of three pages, a database that answers the second time, an audience of two pages."""

    def __init__(self) -> None:
        self.pages = 0

    @activity.defn(name="sync_crm")
    async def step(self, request: CrmStep) -> CrmStepped:
        return CrmStepped({"": "account/in:", "account/in:": "contact/out:7"}.get(request.position))

    @activity.defn(name="pull_rows")
    async def pull(self, request: PullRequest) -> None:
        if activity.info().attempt == 1:
            raise ApplicationError(f"DatabaseFailed: pull {request.name}", type="DatabaseFailed")

    @activity.defn(name="go_on_broadcasting")
    async def go_on(self, request: BroadcastRequest) -> BroadcastReply:
        assert request.broadcast == "spring"
        self.pages += 1
        return BroadcastReply(over=True) if self.pages == 3 else BroadcastReply(entered=2, wait_ms=300)


async def a_broadcast(client: Client, queue: str) -> AnyHandle:
    """It rests after each page, and is steered while it does."""
    start = BroadcastStart("spring")
    handle = await client.start_workflow(BroadcastWorkflow.run, start, id="broadcast-spring", task_queue=queue)
    await handle.signal(BroadcastWorkflow.ring)
    return handle


async def a_crm_sync(client: Client, queue: str) -> AnyHandle:
    return await client.start_workflow(CrmSyncWorkflow.run, CrmSyncStart(), id="crm-sync", task_queue=queue)


async def a_pull(client: Client, queue: str) -> AnyHandle:
    return await client.start_workflow(PullWorkflow.run, PullStart("people"), id="pull-people", task_queue=queue)


# Runs that a schedule begins.
RUNS: tuple[Callable[[Client, str], Awaitable[AnyHandle]], ...] = (a_crm_sync, a_pull, a_broadcast)
WAYS: tuple[Callable[[Rig, Memory], Awaitable[Handle]], ...] = (
    a_message,
    a_wait,
    a_moved_timer,
    a_failed_effect,
    a_bell_in_the_middle_of_a_turn,
    a_run_that_continues_as_new,
)


async def main() -> None:
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with DevServer(Path(folder) / "temporal.sqlite") as server:
            for way in WAYS:
                memory = Memory()
                # An identity of its own, so that no machine's name gets into the files.
                rig = Rig(await Client.connect(server.address, identity="recorder"), queue="recorded")
                async with rig.working(memory, memory):
                    await keep(way.__name__, await way(rig, memory))
            client = await Client.connect(server.address, identity="recorder")
            steps = Steps()
            async with (
                Worker(
                    client,
                    task_queue="recorded",
                    workflows=[CrmSyncWorkflow, PullWorkflow, BroadcastWorkflow],
                    activities=[steps.go_on],
                    workflow_runner=SANDBOX,
                ),
                Worker(client, task_queue=effect_queue("recorded", EffectKind.CRM), activities=[steps.step]),
                Worker(client, task_queue=pull_queue("recorded"), activities=[steps.pull]),
            ):
                for begin in RUNS:
                    handle = await begin(client, "recorded")
                    await handle.result()
                    await keep(begin.__name__, handle)


async def keep(name: str, handle: AnyHandle) -> None:
    history = without_traces((await handle.fetch_history()).to_json())
    (HISTORIES / f"{name}.json").write_text(history + "\n", encoding="utf-8")


def without_traces(history: str) -> str:
    """The same history: stack traces hold the recording machine's paths, and replay does not read them."""
    return re.sub(r'"stackTrace":\s*"(?:[^"\\]|\\.)*"', '"stackTrace": ""', history)


if __name__ == "__main__":
    asyncio.run(main())

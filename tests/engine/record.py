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

from temporalio.client import Client

from perennia.temporal import DevServer
from tests.support.memory import Memory, Nothing, Send, Wait
from tests.support.temporal_runs import Handle, Rig, until
from workflows.customer import CustomerWorkflow

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
                    handle = await way(rig, memory)
                history = without_traces((await handle.fetch_history()).to_json())
                (HISTORIES / f"{way.__name__}.json").write_text(history + "\n", encoding="utf-8")


def without_traces(history: str) -> str:
    """The same history: stack traces hold the recording machine's paths, and replay does not read them."""
    return re.sub(r'"stackTrace":\s*"(?:[^"\\]|\\.)*"', '"stackTrace": ""', history)


if __name__ == "__main__":
    asyncio.run(main())

"""The same life without Perennia: a bare workflow with one signal, one activity and, where asked, one timer. No logic at all.

``python -m bench.bare work ADDRESS TALLY`` runs its workers, ``... start ADDRESS NAME COUNT WAIT`` starts so many of them.
Everything that costs is as Perennia has it: sandbox, cache, an activity queue of its own without eager starts, 16 calls at
once.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from bench.tally import Tally

QUEUE = "bare"
ACTIVITIES = "bare-email"
AT_ONCE = 16


class Email:
    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    @activity.defn(name="bare_email")
    async def send(self, key: str) -> None:
        del key
        self._tally.add()


@workflow.defn
class BareWorkflow:
    def __init__(self) -> None:
        self._rung = False

    @workflow.run
    async def run(self, wait: float) -> None:
        await workflow.wait_condition(lambda: self._rung)
        if wait:
            await workflow.sleep(wait)
        await workflow.execute_activity(
            "bare_email",
            workflow.info().workflow_id,
            task_queue=ACTIVITIES,
            start_to_close_timeout=timedelta(minutes=2),
        )

    @workflow.signal
    def ring(self) -> None:
        self._rung = True


async def work(address: str, tally: Path) -> None:
    client = await Client.connect(address)
    workflows = Worker(client, task_queue=QUEUE, workflows=[BareWorkflow], max_cached_workflows=2_000)
    activities = Worker(
        client,
        task_queue=ACTIVITIES,
        activities=[Email(Tally(tally)).send],
        max_concurrent_activities=50,
        disable_eager_activity_execution=True,
    )
    async with workflows, activities:
        print("ready", flush=True)
        await asyncio.Event().wait()


async def start(address: str, name: str, number: int, wait: float) -> float:
    """Starts them all; returns the seconds of CPU that took."""
    client = await Client.connect(address)
    print("ready", flush=True)
    left = iter(range(number))
    begin = time.process_time()

    async def along() -> None:
        for each in left:
            await client.start_workflow(
                BareWorkflow.run,
                wait,
                id=f"bare-{name}-{each}",
                task_queue=QUEUE,
                start_signal="ring",
                task_timeout=timedelta(seconds=5),
            )

    await asyncio.gather(*(along() for _ in range(AT_ONCE)))
    return time.process_time() - begin


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["work", address, tally]:
            asyncio.run(work(address, Path(tally)))
        case ["start", address, name, number, wait]:
            print(asyncio.run(start(address, name, int(number), float(wait))), flush=True)
            os._exit(0)  # the SDK's own threads may crash an interpreter that takes its leave
        case _:
            sys.exit(__doc__)

"""A worker in a process of its own, which kills itself between a turn's commit and its task's end.

``python -m tests.support.worker_process ADDRESS QUEUE STORE_URL``
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from activities.turns import StoreTurns
from perennia.clock import WallClock
from perennia.store import open_store
from perennia.temporal import connect
from tests.support.temporal_runs import Rig
from tests.support.time_skipping import RecordingMessages


async def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(address: str, queue: str, store_url: str) -> None:
    store = open_store(store_url)
    turns = StoreTurns(store, WallClock(), after_commit=die)
    async with Rig(await connect(address), queue).working(turns, RecordingMessages(store)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

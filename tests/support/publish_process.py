"""A worker in a process of its own, which kills itself when the second page of a publish is committed and not reported.

``python -m tests.support.publish_process ADDRESS QUEUE STORE_URL``
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from temporalio import activity

from activities.contracts import PageReply, PageRequest
from activities.reaching import StoreReaching
from activities.turns import StoreTurns
from perennia.clock import WallClock
from perennia.store import open_store
from perennia.temporal import connect
from tests.support.temporal_runs import Rig
from tests.support.time_skipping import RecordingMessages


class MortalReaching(StoreReaching):
    """Nobody is rung from here: the bells are set, and that is all that survives."""

    pages = 0

    @activity.defn(name="bring_page")
    async def bring_page(self, request: PageRequest) -> PageReply:
        reply = await super().bring_page(request)
        self.pages += 1
        if self.pages == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return reply


async def main(address: str, queue: str, store_url: str) -> None:
    store = open_store(store_url)
    reaching = MortalReaching(store, WallClock(), lambda _: None)
    turns = StoreTurns(store, WallClock())
    async with Rig(await connect(address), queue).working(turns, RecordingMessages(store), reaching):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Signs of life: by them Temporal tells an attempt that takes long from one whose process is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from temporalio import activity

# Six of them fit into the silence after which an attempt is taken for lost (workflows/policies.py).
EVERY_SECONDS: Final = 5.0


@asynccontextmanager
async def signs_of_life(every_seconds: float = EVERY_SECONDS) -> AsyncGenerator[None]:
    """Gives them while the block runs, the first after ``every_seconds``: an attempt that is over by then costs no call."""
    giving = asyncio.create_task(_give(every_seconds), name="signs of life")
    try:
        yield
    finally:
        giving.cancel()


async def _give(every_seconds: float) -> None:
    while True:
        await asyncio.sleep(every_seconds)
        activity.heartbeat()

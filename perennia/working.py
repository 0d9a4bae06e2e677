"""`perennia worker`: turns and messages in one process, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from temporalio.worker import Worker

from perennia.opening import opened_store
from perennia.settings import Settings
from perennia.wiring import build_staff, connect_temporal, running_dispatcher

LOOK_EVERY = 0.02  # seconds, while workers start: they say so by a property only


async def work(settings: Settings, tell: Callable[[str], None], ready_file: Path | None = None) -> None:
    """Works until SIGINT or SIGTERM, then finishes what is under way.

    ``ready_file`` gets this process's id once it polls: for `perennia up`, and for health checks of containers. Raises
    `TemporalUnreachable` and `SettingsError`.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    client = await connect_temporal()
    async with (
        opened_store(settings) as store,
        running_dispatcher(settings, store, client, sweeping=False) as dispatcher,
    ):
        workers, watches = build_staff(settings, store, client, dispatcher)
        runs = [asyncio.create_task(worker.run(), name="worker") for worker in workers]
        looks = [asyncio.create_task(watch.run(), name=type(watch).__name__) for watch in watches]
        await _started(workers, runs)
        if ready_file is not None:
            ready_file.write_text(f"{os.getpid()}\n", encoding="ascii")
        tell("working")
        await _until(stop, [*runs, *looks])
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        await asyncio.gather(*runs)


async def _started(workers: Sequence[Worker], runs: Sequence[asyncio.Task[None]]) -> None:
    """Returns when all poll, or one has ended: `_until` sees to that."""
    while not all(worker.is_running for worker in workers) and not any(run.done() for run in runs):  # noqa: ASYNC110 - the SDK has no event for it
        await asyncio.sleep(LOOK_EVERY)


async def _until(stop: asyncio.Event, runs: Sequence[asyncio.Task[None]]) -> None:
    """Returns when told to stop. A worker that ends by itself has failed: raises what it failed with."""
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopped, *runs], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for run in done - {stopped}:
        run.result()

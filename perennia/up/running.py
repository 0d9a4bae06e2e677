"""`perennia up`, from start to Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path

from perennia.settings import Settings
from perennia.up.folder import Run
from perennia.up.installation import LocalInstallation

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run_up(
    workspace: Path, settings: Settings, tell: Callable[[str], None], ready: Callable[[Run], None]
) -> None:
    """Runs the installation until one of `STOP_SIGNALS`; ``ready`` is called once, when everything answers."""
    stop = stop_event()
    installation = LocalInstallation(workspace, settings, tell)
    try:
        if await before(stop, installation.start()):
            ready(installation.run)
            await before(stop, installation.wait())
    finally:
        tell("stopping")
        await installation.stop()


def stop_event() -> asyncio.Event:
    """Set by the first of `STOP_SIGNALS`; further ones change nothing, so that the end stays orderly."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


async def before(stop: asyncio.Event, act: Coroutine[object, object, None]) -> bool:
    """Runs ``act``; False where ``stop`` was set first, and ``act`` given up. Raises what it raises."""
    doing = asyncio.create_task(act)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([doing, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not doing.done():
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        return False
    doing.result()
    return True

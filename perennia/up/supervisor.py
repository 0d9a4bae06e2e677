"""Keeps the parts of an installation running: starts them in order, restarts the dead, stops them in reverse order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Final

from perennia.up.child import describe_end, send_signal, start_child, stop_child

START_DEADLINE: Final = 120.0  # seconds; on a busy machine with two processors a worker took 40
FIRST_BACKOFF: Final = 0.2
LONGEST_BACKOFF: Final = 10.0
SETTLED: Final = 30.0  # who lived this long starts again at the first backoff
PROBE_EVERY: Final = 0.1
LOOK_EVERY: Final = 5.0
FAILED_LOOKS: Final = 6  # half a minute without an answer: a busy machine answers late, a hung process not at all
ATTEMPTS: Final = 3  # of the first start: what cannot start thrice will not start

Probe = Callable[[int], Awaitable[bool]]


@dataclass(frozen=True)
class Part:
    """One process. ``ready`` is asked with its pid, also later on: six silent looks in a row and it is started anew."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready: Probe
    stop_within: timedelta = timedelta(seconds=10)


class PartFailed(Exception):
    """A part would not start. ``log`` is where it said why."""

    def __init__(self, name: str, log: Path, reason: str) -> None:
        super().__init__(f"{name} does not start: {reason}")
        self.name = name
        self.log = log
        self.reason = reason


@dataclass
class Supervisor:
    """``tell`` gets one line an event; ``changed`` the process ids whenever they change."""

    logs: Path
    tell: Callable[[str], None]
    changed: Callable[[Mapping[str, int]], None]
    _parts: list[Part] = field(default_factory=list[Part])
    _processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict[str, asyncio.subprocess.Process])
    _keepers: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, "asyncio.Task[None]"])

    async def start(self, part: Part) -> None:
        """Starts it, waits until it is ready, and keeps it running from then on. Raises `PartFailed`."""
        self._parts.append(part)
        for attempt in range(1, ATTEMPTS + 1):
            await self._launch(part)
            if await self._becomes_ready(part):
                break
            if attempt == ATTEMPTS:
                raise self._failure(part)
            await self._end(part, timedelta(0))
        self._keepers[part.name] = asyncio.create_task(self._keep(part), name=f"keep {part.name}")
        self.changed(self.pids())

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items() if process.returncode is None}

    async def wait(self) -> None:
        """Until a keeper fails, which is a bug and raised as it is; else for ever."""
        done, _ = await asyncio.wait(self._keepers.values(), return_when=asyncio.FIRST_COMPLETED)
        for keeper in done:
            keeper.result()

    async def retire(self, name: str) -> None:
        """Stops one part in order and keeps it stopped; the others go on."""
        keeper = self._keepers.pop(name)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        part = next(part for part in self._parts if part.name == name)
        await self._end(part, part.stop_within)
        self.changed(self.pids())

    async def stop(self) -> None:
        """Stops what was started last first, so that nobody loses what it needs before it ends."""
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for part in reversed(self._parts):
            if not await self._end(part, part.stop_within):
                self.tell(f"{part.name} did not end in {part.stop_within.total_seconds():.0f} s and was killed")

    async def _keep(self, part: Part) -> None:
        backoff = FIRST_BACKOFF
        while True:
            born = time.monotonic()
            end = await self._watch(part)
            lived = time.monotonic() - born
            backoff = FIRST_BACKOFF if lived > SETTLED else backoff
            self.tell(f"{part.name}: {end}; starting it again in {backoff:.1f} s")
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)
            await self._launch(part)
            self.changed(self.pids())
            if await self._becomes_ready(part):
                self.tell(f"{part.name} is back (pid {self._processes[part.name].pid})")

    async def _watch(self, part: Part) -> str:
        """Returns when the process has ended, or was killed because it had stopped answering; says what happened."""
        process = self._processes[part.name]
        silent = 0
        while silent < FAILED_LOOKS:
            try:
                return describe_end(await asyncio.wait_for(process.wait(), LOOK_EVERY))
            except TimeoutError:
                silent = 0 if await part.ready(process.pid) else silent + 1
        send_signal(process, SIGKILL)
        await process.wait()
        return f"no answer for {LOOK_EVERY * FAILED_LOOKS:.0f} s"

    async def _launch(self, part: Part) -> None:
        process = await start_child(part.command, part.environment, self.logs / f"{part.name}.log")
        self._processes[part.name] = process

    async def _becomes_ready(self, part: Part) -> bool:
        process = self._processes[part.name]
        deadline = time.monotonic() + START_DEADLINE
        while process.returncode is None and time.monotonic() < deadline:
            if await part.ready(process.pid):
                return True
            await asyncio.sleep(PROBE_EVERY)
        return False

    async def _end(self, part: Part, within: timedelta) -> bool:
        process = self._processes.get(part.name)
        return process is None or await stop_child(process, within)

    def _failure(self, part: Part) -> PartFailed:
        log = self.logs / f"{part.name}.log"
        code = self._processes[part.name].returncode
        reason = "it did not get ready in time" if code is None else describe_end(code)
        return PartFailed(part.name, log, f"{reason}; last words: {last_words(log)}")


def last_words(log: Path) -> str:
    """The last line of a log that says something, at most 300 characters."""
    lines = log.read_text(encoding="utf-8", errors="replace")[-4000:].splitlines()
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "(none)")

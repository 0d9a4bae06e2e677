"""`perennia up` as a process of its own, on a data folder of the test's. Its parts may be killed; it ends with the test."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from perennia.up.child import start_child, stop_child
from perennia.up.folder import DataFolder, Run
from tests.support.commands import PROGRAM, environment

READY_WITHIN = 180.0  # seconds; for a hung installation on a busy machine, no measurement
SqlRow: TypeAlias = tuple[int | str | None, ...]


@dataclass
class UpProcess:
    """A running installation. ``data``: its folder; ``log``: everything that `up` said so far."""

    data: Path
    log: Path
    process: asyncio.subprocess.Process
    _killing: dict[str, asyncio.Lock] = field(default_factory=dict[str, asyncio.Lock])

    @property
    def run(self) -> Run:
        run = DataFolder(self.data).running()
        assert run is not None, self.last_words()
        return run

    async def kill(self, part: str) -> float:
        """kill -9, and seconds until `up` says that the part is back. One kill of a part at a time."""
        async with self._killing.setdefault(part, asyncio.Lock()):
            back = f"{part} is back"
            before = self._said(back)
            began = time.monotonic()
            os.kill(self.run.pids[part], signal.SIGKILL)
            await self.until_said(back, before + 1)
            return time.monotonic() - began

    def rows(self, statement: str, *values: object) -> list[SqlRow]:
        """What the store's file says, seen from outside."""
        with closing(sqlite3.connect(f"file:{self.data / 'store.sqlite'}?mode=ro", uri=True, timeout=30)) as file:
            return file.execute(statement, values).fetchall()

    async def until_said(self, words: str, times: int = 1) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN):
                while self._said(words) < times:
                    assert self.process.returncode is None, self.last_words()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"`up` never said {words!r}\n{self.last_words()}") from None

    def last_words(self) -> str:
        """The ends of all logs, for a failure's message."""
        logs = (self.log, *sorted((self.data / "logs").glob("*.log")))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs if log.exists())

    def _said(self, words: str) -> int:
        return self.log.read_text(errors="replace").count(words)


@asynccontextmanager
async def perennia_up(workspace: Path, data: Path, env: Mapping[str, str] | None = None) -> AsyncGenerator[UpProcess]:
    """`perennia up` while the block runs, ready when it begins. Output goes to ``up.log`` beside the data folder."""
    log = data.with_name("up.log")
    log.write_bytes(b"")
    command = (*PROGRAM, "up", "--workspace", str(workspace), "--data", str(data), "--json")
    process = await start_child(command, environment(env), log)
    try:
        up = UpProcess(data, log, process)
        await up.until_said('"run_file"')
        yield up
    finally:
        assert await stop_child(process, timedelta(seconds=90)), "`up` did not end when asked to"

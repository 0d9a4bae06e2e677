"""The supervisor over small processes: it starts, restarts and stops them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from perennia.up.child import end_leftover
from perennia.up.probes import says_so_in
from perennia.up.supervisor import Part, PartFailed, Supervisor

SLEEPER = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.pids: dict[str, int] = {}
        self.supervisor = Supervisor(folder, self.told.append, self._changed)

    def part(self, name: str, program: str = SLEEPER, within: float = 5) -> Part:
        ready = self.folder / f"{name}.ready"
        command = (sys.executable, "-c", program, str(ready))
        return Part(name, command, os.environ, says_so_in(ready), timedelta(seconds=within))

    def _changed(self, pids: Mapping[str, int]) -> None:
        self.pids = dict(pids)

    async def until_told(self, words: str) -> None:
        async with asyncio.timeout(60):
            while not any(words in line for line in self.told):  # noqa: ASYNC110 - the supervisor tells, it has no events
                await asyncio.sleep(0.05)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncGenerator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    await scene.supervisor.stop()


async def test_a_part_is_started_when_its_ready_file_names_it(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("one"))
    assert psutil.pid_exists(scene.pids["one"])


async def test_a_killed_part_comes_back_as_another_process(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("one"))
    before = scene.pids["one"]
    os.kill(before, signal.SIGKILL)
    await scene.until_told("one is back")
    assert scene.pids["one"] != before


async def test_what_happened_is_told(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("one"))
    os.kill(scene.pids["one"], signal.SIGKILL)
    await scene.until_told("one is back")
    assert scene.told[0] == "one: killed by SIGKILL; starting it again in 0.2 s"


async def test_nothing_is_left_after_stopping(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("one"))
    await scene.supervisor.start(scene.part("two"))
    pids = list(scene.pids.values())
    await scene.supervisor.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


async def test_a_retired_part_stays_away_while_the_others_go_on(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("one"))
    await scene.supervisor.start(scene.part("two"))
    await scene.supervisor.retire("one")
    assert list(scene.pids) == ["two"]


async def test_a_part_that_does_not_listen_is_killed_in_the_end(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("deaf", DEAF, within=0.2))
    pid = scene.pids["deaf"]
    await scene.supervisor.stop()
    assert not psutil.pid_exists(pid)
    assert scene.told == ["deaf did not end in 0 s and was killed"]


async def test_a_part_that_never_starts_fails_with_its_last_words(scene: Scene) -> None:
    part = scene.part("broken", "raise SystemExit('no database here')")
    with pytest.raises(PartFailed, match="broken does not start: exit code 1; last words: no database here"):
        await scene.supervisor.start(part)


async def test_only_a_process_that_bears_the_mark_is_ended_as_a_leftover(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("one"))
    pid = scene.pids["one"]
    assert not await end_leftover(pid, "/some/other/folder")
    assert psutil.pid_exists(pid)


async def test_a_leftover_is_ended(scene: Scene) -> None:
    await scene.supervisor.start(scene.part("one"))
    assert await end_leftover(scene.pids["one"], str(scene.folder))
    await scene.until_told("killed by SIGKILL")

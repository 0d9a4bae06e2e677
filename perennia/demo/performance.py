"""The demo from curtain to curtain: an installation of its own, the company's sixty days, and what came of them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console

from perennia.cli.speech import say
from perennia.clock import WallClock
from perennia.demo.company import Contact, found_company
from perennia.demo.display import Display, LiveDisplay, Moment, PlainDisplay
from perennia.demo.epilogue import Epilogue, find_epilogue, say_epilogue
from perennia.demo.life import Life
from perennia.demo.mailbox import Mailbox
from perennia.demo.sender import Sender
from perennia.installation import Installation
from perennia.settings import Settings
from perennia.up.folder import Run
from perennia.up.installation import LocalInstallation
from perennia.up.running import before, stop_event
from perennia.wiring import build_clock

DRAW_EVERY: Final = 0.5  # seconds
SETTLE_SECONDS: Final = 2.0  # for what became due on the last day


@dataclass(frozen=True)
class Performance:
    """``days`` pass in ``seconds``; ``leave``: end then, instead of staying up."""

    days: int
    seconds: int
    customers: int
    seed: int
    leave: bool
    as_json: bool

    @property
    def scale(self) -> float:
        return self.days * 86_400 / self.seconds


async def perform(workspace: Path, performance: Performance) -> None:
    """Everything, until the end or one of the stop signals. Raises what `LocalInstallation.start` raises."""
    stop = stop_event()
    console = Console(stderr=performance.as_json, highlight=False)
    display = LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
    with tempfile.TemporaryDirectory(prefix="perennia-demo-", ignore_cleanup_errors=True) as folder:
        settings = demo_settings(performance, Path(folder))
        installation = LocalInstallation(_one_lifecycle(workspace, Path(folder)), settings, display.say)
        stage = _Stage(installation, performance, build_clock(settings), console)
        try:
            if await before(stop, stage.play(display)) and not performance.leave:
                await before(stop, stage.installation.wait())
        finally:
            await stage.installation.stop()


def _one_lifecycle(workspace: Path, folder: Path) -> Path:
    """A copy of the workspace without the pack of lifecycles to choose from: nobody follows a dozen at once."""
    copy = folder / "workspace"
    shutil.copytree(workspace / "playbooks", copy / "playbooks", ignore=shutil.ignore_patterns("lifecycles"))
    shutil.copytree(workspace / "templates", copy / "templates")
    return copy


def demo_settings(performance: Performance, folder: Path) -> Settings:
    """Settings of its own: a demo neither mails real people nor touches a real store, whatever the environment says."""
    return Settings().model_copy(
        update={
            "data": folder,
            "store_url": None,
            "smtp_url": None,
            "email_url": None,
            "email_providers": {},
            "email_routes": {},
            "public_url": None,
            "http": "127.0.0.1:0",
            "time_scale": performance.scale,
            "time_origin": datetime.now(UTC),
        }
    )


@dataclass(frozen=True)
class _Stage:
    installation: LocalInstallation
    performance: Performance
    clock: WallClock
    console: Console

    async def play(self, display: Display) -> None:
        """The company lives, is watched, and what happened is told."""
        company = found_company(self.performance.customers, self.performance.days, self.performance.seed)
        with display:
            display.say("starting Temporal, API, worker and inbox")
            await self.installation.start()
            run = self.installation.run
            async with Installation(run.api, run.admin_key) as installation, _mailbox(run) as mailbox:
                life = Life(company, Sender(run.api, run.write_key), mailbox, self.clock, self.performance.seed)
                await self._live(life, installation, display)
                await self.installation.freeze()  # else everybody has been silent for months while one looks around
        async with Installation(run.api, run.admin_key) as installation:
            epilogue = await find_epilogue(installation, company, run, life)
        self._tell(epilogue, company)

    async def _live(self, life: Life, installation: Installation, display: Display) -> None:
        begin = self.clock.now()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch(installation, display, begin))
            await life.live(begin, begin + timedelta(days=self.performance.days))
            await asyncio.sleep(SETTLE_SECONDS)
            watching.cancel()

    async def _watch(self, installation: Installation, display: Display, begin: datetime) -> None:
        while True:
            day = (self.clock.now() - begin) / timedelta(days=1)
            display.show(Moment(min(day, self.performance.days), self.performance.days, await installation.totals()))
            await asyncio.sleep(DRAW_EVERY)

    def _tell(self, epilogue: Epilogue, company: tuple[Contact, ...]) -> None:
        say_epilogue(epilogue, len(company), self.performance.days, as_json=self.performance.as_json)
        if not self.performance.leave and not self.performance.as_json:
            say("Time stands still now. Ctrl-C ends everything and removes its data.", "bold")


@contextlib.asynccontextmanager
async def _mailbox(run: Run) -> AsyncGenerator[Mailbox | None]:
    if run.inbox is None:
        yield None
        return
    async with Mailbox(run.inbox) as mailbox:
        yield mailbox

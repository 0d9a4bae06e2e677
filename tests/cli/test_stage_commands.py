"""`perennia stages`: a real store, a real server, real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import open_store
from tests.support.commands import Ended, perennia
from tests.support.installation import publish, traits
from tests.support.serving import served
from tests.support.time_skipping import ManualClock
from tests.support.turning import TurningBells

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEYS = {"PERENNIA_ADMIN_KEY": "admin-key"}
TRACK = """
    track: adoption
    scope: contact
    stages: [{id: new}, {id: active, enter: traits.seats > 3}]
    """


@dataclass
class Desk:
    url: str
    folder: Path

    async def command(self, *words: str) -> Ended:
        return await asyncio.to_thread(perennia, self.folder, *words, "--url", self.url, env=KEYS)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Ana, in Madrid, is new, and has what makes her active once she is unlocked."""
    store, clock = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}"), ManualClock(START)
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, {"playbooks/track.yaml": TRACK})
    bells = TurningBells(store, clock)
    await store.accept([traits("ana", START, timezone="Europe/Madrid")], START)
    await bells.turn(await store.find("ana"))
    links = Links("https://acme.example", ["a key of the tests"])
    app = create_app(store=store, bells=bells, clock=clock, links=links, write_keys=["w"], admin_key="admin-key")
    async with served(app) as url:
        yield Desk(url, tmp_path / "workspace")
    await asyncio.gather(*bells.turning)
    await store.close()


async def test_a_locked_stage_is_shown_with_its_end_and_reason(desk: Desk) -> None:
    said = await desk.command("stages", "lock", "ana", "adoption", "--until", "2026-06-01", "--why", "renewal talks")
    assert said.code == 0
    assert "was told to lock the stage new until 2026-05-31T22:00:00+00:00 (renewal talks) by cli" in said.out

    locked = "new since Mon 2 Mar 2026 11:00:00, locked until Mon 1 Jun 2026 00:00:00 by cli:"
    assert locked in (await desk.command("why", "ana", "adoption")).out
    shown = (await desk.command("show", "ana")).out
    assert "adoption: new, locked until Mon 1 Jun 2026 00:00:00 by cli:" in shown
    assert ": renewal talks" in shown

    await desk.command("stages", "unlock", "ana", "adoption")
    assert "adoption: new\n" in (await desk.command("show", "ana")).out


async def test_a_stage_is_set_by_command_and_a_wrong_one_refused(desk: Desk) -> None:
    said = await desk.command("stages", "set", "ana", "adoption", "active")
    assert (said.code, "moved from stage new to active" in said.out) == (0, True)
    wrong = await desk.command("stages", "set", "ana", "adoption", "actve")
    assert (wrong.code, "did you mean 'active'?" in wrong.err) == (4, True)

"""What is held of somebody is handed out and erased by command: a real store, a real server, real processes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import open_store
from tests.support.api_world import HeardBells
from tests.support.commands import perennia
from tests.support.installation import event, publish, traits
from tests.support.posts import settle
from tests.support.serving import served
from tests.support.time_skipping import ManualClock

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEYS = {"PERENNIA_ADMIN_KEY": "admin-key"}


async def test_somebody_is_handed_out_and_erased(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", START)
    bells = HeardBells()
    app = create_app(
        store=store,
        bells=bells,
        clock=ManualClock(START),
        links=Links("https://acme.example", ["key"]),
        write_keys=["write-key"],
        admin_key="admin-key",
    )
    await store.accept([traits("ana", START, email="ana@example.com"), event("ana", "=Evil", START, n=1)], START)
    await settle(store, "ana")
    ana = await store.find("ana")
    async with served(app) as url:

        async def run(*words: str) -> str:
            ended = await asyncio.to_thread(perennia, tmp_path, *words, "--url", url, env=KEYS)
            assert ended.code == 0, ended.err
            return ended.out

        held = json.loads(await run("export", "ana"))
        await run("export", "ana", "ana.zip")
        said = await run("erase", "ana", "--yes", "--suppress")
        again = await run("erase", "ana")
    assert held["customer"][0]["state"]["facts"]["traits"] == {"email": "ana@example.com"}
    events = zipfile.ZipFile(tmp_path / "ana.zip").read("events.csv").decode()
    assert [row["name"] for row in csv.DictReader(io.StringIO(events))] == ["'=Evil"]
    assert said.startswith("erased: 2 inputs")
    assert again == "ana was erased at 2026-03-02 10:00 UTC\n"
    assert bells.nudges == [[ana]]
    assert [(each.action, each.subject) for each in await store.audited()] == [("erase", ana)] + [("export", ana)] * 2
    await store.close()

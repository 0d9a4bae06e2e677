"""Endpoints of other systems over HTTP, and by command."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import open_store
from tests.support.api_world import FixedClock, HeardBells
from tests.support.commands import Ended
from tests.support.in_process import InProcess
from tests.support.serving import served


async def test_an_endpoint_is_added_tested_exchanged_stopped_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program, store = InProcess(tmp_path, capsys, monkeypatch), open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=FixedClock(),
        links=Links("https://acme.example", ["key"]),
        write_keys=["write-key"],
        admin_key="admin-key",
        patience=timedelta(0),
    )
    async with served(app) as url:

        async def command(*words: str) -> Ended:
            env = {"PERENNIA_ADMIN_KEY": "admin-key"}
            return await asyncio.to_thread(program.run, "endpoints", *words, "--url", url, **env)

        wrong = await command("add", "https://x.example", "--type", "stage.change")
        assert (wrong.code, "body.types.0" in wrong.err) == (4, True)
        made = json.loads((await command("add", "https://x.example/in", "--type", "stage.changed", "--json")).out)
        id_ = made["endpoint"]["id"]
        assert made["secret"].startswith("whsec_")
        event = json.loads((await command("test", id_, "--json")).out)["event"]
        assert [word in (await command("log", id_)).out for word in (event, "endpoint.test", "waiting")] == [True] * 3
        assert (await command("rotate", id_)).out.splitlines()[-1].startswith("whsec_")
        assert f"{id_} (https://x.example/in) is disabled since" in (await command("disable", id_)).out
        assert (await command("enable", id_)).out == f"{id_} (https://x.example/in) is told\n"
        assert (await command("replay", id_, "--event", event)).out == "1 event to be posted again\n"
        listed = (await command("list")).out
        assert ("stage.changed" in listed, made["secret"] in listed) == (True, False)
    await store.close()

"""API keys by command: a real store, a real server."""

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


async def test_a_key_is_made_used_exchanged_and_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = InProcess(tmp_path, capsys, monkeypatch)
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
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

        async def command(*words: str, key: str = "admin-key") -> Ended:
            env = {"PERENNIA_ADMIN_KEY": key}
            return await asyncio.to_thread(program.run, *words, "--url", url, **env)

        made = await command("keys", "create", "crm", "--scope", "customers:read", "--days", "30", "--json")
        key, secret = json.loads(made.out)["key"]["id"], json.loads(made.out)["secret"]
        assert (await command("customers", key=secret)).code == 0
        refused = await command("tasks", "list", key=secret)
        assert (refused.code, "lacks the scope tasks:read" in refused.err) == (4, True)
        new = (await command("keys", "rotate", key, "--keep-hours", "0")).out.splitlines()[-1]
        assert new.startswith("prn_")
        assert "is not one of the installation's" in (await command("customers", key=secret)).err
        assert f"crm ({key}) is revoked" in (await command("keys", "revoke", key)).out
        listed = (await command("keys", "list")).out
        assert (new[:8] in listed, new in listed, "revoked" in listed) == (True, False, True)
    await store.close()

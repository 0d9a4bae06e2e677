"""Consents and suppressions by command: a real store, a real server, real processes."""

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
from perennia.store.port import Store
from tests.support.api_world import HeardBells
from tests.support.commands import Ended, perennia
from tests.support.installation import publish, traits
from tests.support.posts import settle
from tests.support.serving import served
from tests.support.time_skipping import ManualClock

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEYS = {"PERENNIA_ADMIN_KEY": "admin-key"}
POLICIES = """
        policies: default
        senders: {hello: {email: hello@acme.example}}
        default_sender: hello
        topics:
          tips: {kind: opt_out, name: Tips}
          news: {kind: opt_in, name: News, confirm: true}
        """


@dataclass
class Office:
    url: str
    store: Store
    folder: Path

    async def command(self, *words: str) -> Ended:
        return await asyncio.to_thread(perennia, self.folder, *words, "--url", self.url, env=KEYS)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, {"playbooks/policies.yaml": POLICIES})
    await store.accept([traits("ana", START, email="ana@example.com")], START)
    await settle(store, "ana")
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=ManualClock(START),
        links=Links("https://acme.example", ["key"]),
        write_keys=["write-key"],
        admin_key="admin-key",
    )
    async with served(app) as url:
        yield Office(url, store, tmp_path)
    await store.close()


async def test_a_yes_that_is_to_be_confirmed_is_said_and_shown(office: Office) -> None:
    said = await office.command("consent", "set", "ana", "news", "yes", "--source", "fair", "--proof", "card=17")
    assert (said.code, said.out) == (
        0,
        "news: pending (fair, 2026-03-02 10:00 UTC, to be confirmed until 2026-03-09 10:00 UTC); "
        "a message that asks to confirm goes out\n",
    )
    shown = (await office.command("consent", "show", "ana")).out
    assert "tips: never said, so it may be sent" in shown
    assert '{"card": 17}' in shown
    assert "news: pending (fair" in (await office.command("show", "ana")).out


async def test_the_suppressed_are_imported_listed_exported_and_let_go(office: Office) -> None:
    old = office.folder / "old.csv"
    old.write_text("email,reason\nana@example.com,bounced\nnobody,x\n")
    tried = await office.command("suppressions", "import", str(old), "--dry-run")
    assert (tried.code, tried.out.splitlines()[-1]) == (1, "1 can be read, 0 named twice, 1 refused")
    assert await office.store.suppressions() == []

    taken = await office.command("suppressions", "import", str(old))
    assert f"{old}:3: 'nobody' is no email address" in taken.out.replace("\n", "")
    assert "suppressed (bounced)" in (await office.command("show", "ana")).out
    assert (await office.command("suppressions", "export")).out == (
        "address,reason,at\r\nana@example.com,bounced,2026-03-02T10:00:00Z\r\n".replace("\r\n", "\n")
    )
    assert (await office.command("suppressions", "lift", "ana@example.com")).code == 0
    assert await office.store.suppressions() == []

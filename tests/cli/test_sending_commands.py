"""`perennia sending`: what providers that warm up were given, stopping a topic and letting it go: a real store, a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from perennia.api.app import create_app
from perennia.core.decisions import Act, JournalEntry, Reason
from perennia.providers.warm_up import WarmUp
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from perennia.store.warming_records import Place
from tests.support.api_world import NOW, FixedClock, HeardBells
from tests.support.commands import Ended
from tests.support.in_process import InProcess
from tests.support.installation import publish
from tests.support.posts import email, traits, write
from tests.support.serving import served

PLACE = Place("new", "2026-03-02", 1)
HELD = JournalEntry(at=NOW, act=Act.HELD, code=Reason.WARM_UP, playbook="welcome", step="hello")
POLICIES = """
        policies: default
        senders: {hello: {email: hello@acme.example}}
        default_sender: hello
        topics: {tips: {kind: opt_out, name: Tips}}
        """


@dataclass
class Office:
    url: str
    program: InProcess

    async def command(self, *words: str) -> Ended:
        env = {"PERENNIA_ADMIN_KEY": "admin-key"}
        return await asyncio.to_thread(self.program.run, "sending", *words, "--url", self.url, **env)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await publish(store, tmp_path / "workspace", NOW, {"playbooks/policies.yaml": POLICIES})
    yield store
    await store.close()


@pytest.fixture
async def office(
    tmp_path: Path, store: SqlStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A provider that is warming up, and takes one message on the day."""
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=FixedClock(),
        links=Links("https://acme.example", ["key"]),
        write_keys=["w"],
        admin_key="admin-key",
        maxima={"new": WarmUp(date(2026, 3, 2), first=1, growth=3).maximum},
    )
    async with served(app) as url:
        yield Office(url, InProcess(tmp_path, capsys, monkeypatch))


async def one_left_and_one_waits(store: SqlStore) -> None:
    await store.accept([traits("m1", "ann", email="ann@x.io")], NOW)
    ann = await store.find("ann")
    effects = [msgspec.structs.replace(email(ann), key=f"k{n}") for n in range(2)]
    await store.turn(ann, lambda snapshot: write(snapshot, *effects))
    for effect in effects:
        claimed = await store.claim_message(effect.key, NOW, lambda _: [PLACE])
        if claimed.full:
            await store.keep_waiting(effect.key, NOW + timedelta(hours=14, minutes=15), HELD)


async def test_what_a_provider_that_warms_up_was_given_and_what_waits_is_shown(office: Office, store: SqlStore) -> None:
    await one_left_and_one_waits(store)

    shown = (await office.command("warm-up")).out.splitlines()

    assert [line.split() for line in shown[:2]] == [
        ["WARMING", "UP", "DAY", "(UTC)", "USED", "MAXIMUM", "TOMORROW"],
        ["new", "2026-03-02", "1", "1", "3"],
    ]
    assert shown[2] == "1 message waits for a place of the next day, the first until 2026-03-03 00:15 UTC"
    assert "warming up" in (await office.command("list")).out.lower()
    told = (await office.command("warm-up", "--json")).document
    assert (told["waiting"], told["providers"]) == (1, [{"provider": "new", "used": 1, "maximum": 1, "tomorrow": 3}])


async def test_a_topic_is_stopped_and_let_go(office: Office) -> None:
    assert (await office.command("stop", "topic", "tips")).out == "mail of the topic tips waits\n"
    assert "stopped since 2026-03-02 10:00 by cli" in (await office.command("list")).out
    assert (await office.command("resume", "topic", "tips")).out == "mail of the topic tips leaves\n"
    wrong = await office.command("stop", "topic", "tip")
    assert (wrong.code, "did you mean 'tips'?" in wrong.err) == (4, True)

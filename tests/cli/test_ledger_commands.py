"""`perennia messages`, `deliveries` and `show`: what left, each try, and what came back, as the API has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from perennia.api.app import create_app
from perennia.core.decisions import EffectEnded, Outcome, SendEmail
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.attempt_records import Tried
from perennia.store.port import Store
from perennia.store.records import MessageReport, SendStatus
from tests.support.api_world import NOW, FixedClock, HeardBells
from tests.support.commands import Ended
from tests.support.in_process import InProcess
from tests.support.installation import event, publish, traits
from tests.support.serving import served
from tests.support.turning import TurningBells

FILES = {
    "playbooks/welcome.yaml": """
        playbook: welcome
        enter: {on: [{event: Joined}]}
        steps:
          - {id: tell, notify: cs-team, text: Somebody joined}
          - {id: hello, email: hello, transactional: true}
        """,
    "templates/hello.md": """
        ---
        subject: Hello
        ---
        Hello!
        """,
}
BUSY = Tried(at=NOW, provider="slack", outcome="unavailable", said="HTTP 503", reply="down for a moment")


@dataclass
class Office:
    url: str
    store: Store
    program: InProcess

    async def command(self, *words: str) -> Ended:
        env = {"PERENNIA_ADMIN_KEY": "admin-key"}
        return await asyncio.to_thread(self.program.run, *words, "--url", self.url, **env)


@pytest.fixture
async def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """Ana joined: the channel was told at the third try, the message came, was scanned, and then opened by her."""
    store, clock = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}"), FixedClock()
    await store.migrate()
    await publish(store, tmp_path / "workspace", NOW, FILES)
    bells = TurningBells(store, clock)
    await store.accept([traits("ana", NOW, email="ana@example.com"), event("ana", "Joined", NOW)], NOW)
    await bells.turn(await store.find("ana"))
    (told,) = await store.deliveries()
    for minutes in (0, 1):
        await store.note_attempt(told.key, msgspec.structs.replace(BUSY, at=NOW + timedelta(minutes=minutes)))
    await store.claim_delivery(told.key, NOW)
    done = EffectEnded(at=NOW, key=told.key, outcome=Outcome.DONE)
    await store.end_delivery(told.key, SendStatus.SENT, done, "slack", None, {"text": "Somebody joined"})
    await bells.turn(await store.find("ana"))
    (sent,) = await store.messages()
    claimed = await store.claim_message(sent.key, NOW)
    assert isinstance(claimed.effect, SendEmail)
    await store.end_message(
        sent.key, SendStatus.SENT, EffectEnded(at=NOW, key=sent.key, outcome=Outcome.SENT), "smtp", "q-1"
    )
    for number, (what, machine) in enumerate((("delivered", False), ("clicked", True), ("opened", False))):
        told_of = MessageReport(
            id=str(number),
            provider="postmark",
            what=what,
            reference=claimed.effect.reference,
            address=None,
            raw="{}",
            machine=machine,
        )
        await store.hear_report(told_of, NOW + timedelta(minutes=number))
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=clock,
        links=Links("https://acme.example", ["key"]),
        write_keys=["w"],
        admin_key="admin-key",
    )
    async with served(app) as url:
        yield Office(url, store, InProcess(tmp_path, capsys, monkeypatch))
    await store.close()


async def test_each_try_of_a_delivery_is_shown_with_what_to_do(office: Office) -> None:
    shown = (await office.command("deliveries", "--customer", "ana")).out
    (line,) = [line for line in shown.splitlines() if "unavailable" in line]
    assert "2 times, 2026-03-02 10:00:00 to 2026-03-02 10:01:00" in line
    assert ["slack" in line, "HTTP 503 [down for a moment]" in line] == [True, True]
    assert line.endswith("it is tried again by itself")


async def test_tries_and_the_one_that_was_accepted_are_told_as_data(office: Office) -> None:
    (delivery,) = (await office.command("deliveries", "--json")).listed
    tries = [(one["outcome"], one["times"], one["provider"]) for one in delivery["attempts"]]
    assert tries == [("unavailable", 2, "slack"), ("accepted", 1, "slack")]


async def test_what_came_back_is_shown_and_a_machine_is_called_one(office: Office) -> None:
    shown = (await office.command("messages", "--customer", "ana")).out
    assert "delivered, clicked by a machine, opened" in shown
    (message,) = (await office.command("messages", "--json")).listed
    assert [(one["what"], one["machine"]) for one in message["reports"]] == [
        ("delivered", False),
        ("clicked", True),
        ("opened", False),
    ]


async def test_a_customer_is_shown_with_their_last_messages(office: Office) -> None:
    shown = (await office.command("show", "ana")).out
    assert "hello of welcome: sent, Mon 2 Mar 2026 10:00:00; delivered, clicked by a machine, opened" in shown

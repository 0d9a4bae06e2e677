"""What a mail scanner does to a message: it opens every link. Nothing may come of that.

Every template that ships, with the values of its own scenarios, and the built-in messages: rendered with real links, each of
which is asked for by GET and HEAD; then the whole database is as it was.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import pytest

from activities.letters import Letters
from activities.published import Published
from perennia.api.app import create_app
from perennia.catalog import load_workspace, release
from perennia.cli.scenarios import WorkspaceRendering
from perennia.core.decisions import SendEmail
from perennia.core.definitions import BUILT_IN_CONFIRMATION, BUILT_IN_SURVEY, Policies
from perennia.core.documents import TemplateBody
from perennia.providers.addresses import Mailbox
from perennia.providers.email import OutgoingEmail
from perennia.rendering.links import Links
from perennia.simulate.scenarios import run_scenario
from perennia.store import SqlStore, open_store
from tests.support.api_world import FixedClock, HeardBells
from tests.support.posts import AT, Turn, traits, write

ROOT = Path(__file__).resolve().parents[2]
SITE = "https://perennia.example"
LINKS = Links(SITE, ["the key of the tests"])
ADDRESS = "ana@example.com"
SCANNER = {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)"}


@dataclass
class Watching(WorkspaceRendering):
    """Keeps one message of each template, and one that asks a survey by the built-in template."""

    templates: dict[str, TemplateBody]
    seen: dict[str, SendEmail] = field(default_factory=dict[str, SendEmail])

    def __post_init__(self) -> None:
        super().__init__(self.templates)

    def message(self, effect: SendEmail, policies: Policies) -> None:
        super().message(effect, policies)
        if effect.recipient == "contact":
            self.seen.setdefault(effect.template, effect)


@pytest.fixture(scope="module")
def effects() -> list[SendEmail]:
    workspace = load_workspace(ROOT)
    watching = Watching(dict(workspace.templates))
    for each in workspace.scenarios:
        run_scenario(release(workspace).documents, each.scenario, watching)
    asked = next(effect for effect in watching.seen.values() if effect.survey is not None)
    built_in = msgspec.structs.replace(asked, template=BUILT_IN_SURVEY)
    topic = {"name": "News", "description": None}
    confirmation = msgspec.structs.replace(
        asked,
        template=BUILT_IN_CONFIRMATION,
        transactional=True,
        survey=None,
        confirms=AT,
        context={"contact": {}, "topic": topic},
    )
    return [*watching.seen.values(), built_in, confirmation]


@dataclass
class Sent:
    """What was written to Ana, and where it is remembered."""

    messages: list[OutgoingEmail]
    store: SqlStore
    file: Path

    @property
    def links(self) -> list[str]:
        texts = [text for each in self.messages for text in (each.text, each.html or "", *dict(each.headers).values())]
        found = {link for text in texts for link in re.findall(re.escape(SITE) + r"/[A-Za-z0-9_.\-/?=&;]+", text)}
        return sorted(link.replace("&amp;", "&") for link in found)

    def rows(self) -> list[str]:
        connection = sqlite3.connect(self.file)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()


@pytest.fixture
async def sent(effects: list[SendEmail], tmp_path: Path) -> AsyncIterator[Sent]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    released = release(load_workspace(ROOT))
    await store.publish(released.documents, released.triggers, AT, "kim", None)
    await store.accept([traits("m1", "ana", email=ADDRESS)], AT)
    ana = await store.find("ana")
    own = [
        msgspec.structs.replace(each, key=f"{ana}/links.1/step/{n}", at=AT, enrollment="links.1")
        for n, each in enumerate(effects, start=1)
    ]
    await store.turn(ana, Turn(lambda snapshot: write(snapshot, *own)))
    letters = Letters(Published(store), LINKS)
    messages = [(await letters.write(ana, each, Mailbox(ADDRESS), AT)).email for each in own]
    yield Sent(messages, store, tmp_path / "store.sqlite")
    await store.close()


async def test_a_scanner_that_opens_every_link_changes_nothing(sent: Sent) -> None:
    app = create_app(
        store=sent.store, bells=HeardBells(), clock=FixedClock(), links=LINKS, write_keys=["w"], admin_key="admin"
    )
    before = sent.rows()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE, headers=SCANNER) as client:
        for link in sent.links:
            for method in ("GET", "HEAD"):
                answer = await client.request(method, link)
                assert (answer.status_code, answer.headers["referrer-policy"]) == (200, "no-referrer"), link
                assert "set-cookie" not in answer.headers

    assert {link.removeprefix(SITE)[1] for link in sent.links} == {"u", "p", "s", "c"}
    assert sent.rows() == before


async def test_no_link_of_a_message_holds_the_address(sent: Sent) -> None:
    read = {"u": LINKS.read_unsubscribe, "p": LINKS.read_preferences, "s": LINKS.read_answer, "c": LINKS.read_confirm}
    for link in sent.links:
        kind, token = link.removeprefix(f"{SITE}/").partition("?")[0].split("/")
        assert ADDRESS not in f"{link} {read[kind](token)}"

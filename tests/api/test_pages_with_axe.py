"""Every hosted page in a real Chromium with scripts off, walked through as a person would, and looked at by axe.

At a phone's width, light and dark, in English and in Arabic. Skipped where there is no Chromium, or no node and npm.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from fastapi import FastAPI

from perennia.api.app import create_app
from perennia.core.documents import Triggers
from perennia.rendering.links import Links
from perennia.store import open_store
from tests.api.test_questions_page import asked
from tests.support.api_world import NOW, TRACKED, HeardBells, World, api_world
from tests.support.commands import perennia
from tests.support.installation import event, traits
from tests.support.lives import documents
from tests.support.node_modules import installed, needs_node
from tests.support.serving import served
from tests.support.stored_lives import StoredLives
from tests.support.workspace_files import write_workspace

HERE = Path(__file__).parent / "node"
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: apt-get install chromium)"),
    needs_node,
]

PHONE = 360
PRESS, SEND = "click", "button[type=submit]"
ANSWERS = (
    ((PRESS, "label:has(input[value='3'])"), (PRESS, SEND)),
    ((PRESS, "label.option"), (PRESS, SEND)),
    ((PRESS, "label.option"), (PRESS, SEND)),
    ((PRESS, "fieldset label"), (PRESS, SEND)),
    (("fill", "textarea", "It is fast"), (PRESS, SEND)),
)


TASKS = """
policies: default
people: {kim: {name: Kim Lee, email: kim@example.com}}
---
playbook: calls
enter: {on: [{event: Go}]}
steps: [{id: call, task: "Call {{ contact.email }}", body: about the renewal, assign: kim, due: 1bd, priority: high}]
"""


@asynccontextmanager
async def a_task(folder: Path) -> AsyncGenerator[tuple[FastAPI, str]]:
    """The pages of an installation in which somebody has a task, and their link to it."""
    store = open_store(f"sqlite:///{folder}/store.db")
    await store.migrate()
    lives = StoredLives(store, NOW)
    await lives.publish(documents(TASKS))
    await lives.happen(NOW, traits("ana", NOW, email="ana@example.com"), event("ana", "Go", NOW))
    (task,) = await store.tasks()
    links = Links("https://perennia.example", ["secret"])
    app = create_app(
        store=store, bells=HeardBells(), clock=lives.clock, links=links, write_keys=["write-key"], admin_key="admin-key"
    )
    yield app, links.task_url(task.key, "kim")
    await store.close()


class Walk(msgspec.Struct):
    """``steps``: what is done on each page to come to the next."""

    name: str
    url: str
    locale: str
    steps: tuple[tuple[tuple[str, ...], ...], ...] = ()


class Found(msgspec.Struct):
    rule: str
    help: str
    nodes: list[str]


class Seen(msgspec.Struct):
    """A page, in one colour scheme. ``width``: of its content, in pixels."""

    name: str
    title: str
    scheme: str
    violations: list[Found]
    direction: str
    width: int
    dark: bool
    background: str


def walks(locale: str, at: str, people: World, survey: str) -> list[Walk]:
    """Through every page that people reach by a link in a message. ``at``: where the first three are served."""

    def here(url: str) -> str:
        return at + "/" + url.split("/", 3)[3]

    sent = ((PRESS, SEND),)
    return [
        Walk(f"unsubscribe-{locale}", here(people.links.unsubscribe_url("c1", "tips")), locale, (sent,)),
        Walk(f"preferences-{locale}", here(people.links.preferences_url("c1")), locale, (sent,)),
        Walk(
            f"confirm-{locale}", here(people.links.confirm_url("c1", "news", NOW, "ana@example.com")), locale, (sent,)
        ),
        Walk(f"survey-{locale}", survey, locale, ANSWERS),
        Walk(f"nowhere-{locale}", f"{at}/u/changed", locale),
    ]


async def look(modules: Path, folder: Path, all_walks: list[Walk]) -> list[Seen]:
    process = await asyncio.create_subprocess_exec(
        *("node", str(HERE / "look.js"), CHROMIUM, str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NODE_PATH": str(modules)},
    )
    out, error = await process.communicate(msgspec.json.encode(all_walks))
    assert process.returncode == 0, error.decode()
    return msgspec.json.decode(out, type=list[Seen])


@pytest.fixture
def preview(tmp_path: Path) -> str:
    """The page that `perennia preview` writes of a message."""
    page = tmp_path / "preview.html"
    written = perennia(write_workspace(tmp_path / "workspace"), "preview", "hello/greet", "--html", str(page))
    assert written.code == 0
    return page.as_uri()


@pytest.mark.timeout(600)
async def test_axe_finds_nothing_on_any_page_and_each_fits_a_phone(
    pytestconfig: pytest.Config, tmp_path: Path, preview: str
) -> None:
    modules = await asyncio.to_thread(installed, pytestconfig, HERE)
    async with api_world() as people, api_world() as asking, a_task(tmp_path) as (team, work):
        await people.store.publish([TRACKED], Triggers(), NOW, "sam", None)
        answering = await asked(asking, languages={})
        async with served(people.app) as at, served(asking.app) as there, served(team) as office:
            survey = there + "/" + answering.split("/", 3)[3]
            hosted = [each for locale in ("en", "ar") for each in walks(locale, at, people, survey)]
            task = office + "/" + work.split("/", 3)[3]
            comment = (("fill", "textarea", "calls back"), (PRESS, "button[value=comment]"))
            desk = [Walk(f"task-{locale}", task, locale, (comment,)) for locale in ("en", "ar")]
            found = await look(modules, tmp_path, [*hosted, *desk, Walk("preview", preview, "en")])
    assert [(page.name, each.rule, each.help, each.nodes) for page in found for each in page.violations] == []
    assert len(found) == 2 * (2 * 15 + 1)
    assert {(page.direction, "-ar-" in page.name) for page in found if page.direction} == {
        ("ltr", False),
        ("rtl", True),
    }
    assert [page.name for page in found if page.dark != (page.scheme == "dark")] == []
    assert [(page.name, page.width) for page in found if page.width > PHONE] == []

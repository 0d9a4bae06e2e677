"""Broadcasts over HTTP: made, approved, started, held and ended, and everything that cannot be done said so."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from perennia.api.app import create_app
from perennia.core.json_values import JsonObject
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.broadcast_records import StoredBroadcast
from tests.support.api_world import ADMIN, HeardBells
from tests.support.installation import released
from tests.support.time_skipping import ManualClock

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
FILES = {
    "playbooks/all.yaml": """
        policies: default
        timezone: Europe/Madrid
        senders: {hello: {email: hello@example.com}}
        topics: {news: {kind: opt_out, name: News}}
        ---
        segment: pros
        when: traits.plan == "pro"
        """,
    "templates/news.md": "---\nsubject: News\n---\nHello\n",
    "templates/bare.md": "---\nsubject: News\nlayout: none\n---\nHello\n",
}
SPRING: JsonObject = {"broadcast": "spring", "segments": ["pros"], "email": "news", "topic": "news", "by": "sam"}


class Seen:
    """Whoever brings broadcasts to their audiences: who was told of, and whether it was rung."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []

    async def see_to(self, stored: StoredBroadcast, *, ring: bool = False) -> None:
        self.told.append((stored.id, stored.status, ring))


class World:
    def __init__(self, client: httpx.AsyncClient, going: Seen) -> None:
        self.client = client
        self.going = going

    async def post(self, path: str, **body: object) -> httpx.Response:
        return await self.client.post(f"/broadcasts{path}", json=body)

    async def steered(self, word: str, by: str = "sam") -> tuple[int, str]:
        answer = await self.post(f"/spring/{word}", by=by)
        said = answer.json()
        return answer.status_code, said.get("status") if answer.is_success else said["title"]


async def world(folder: Path, policies: str = "") -> AsyncGenerator[World]:
    store = open_store(f"sqlite:///{folder}/store.db")
    await store.migrate()
    files = dict(FILES)
    files["playbooks/all.yaml"] = files["playbooks/all.yaml"].replace("timezone:", f"{policies}timezone:")
    given = released(folder / "workspace", files)
    await store.publish(given.documents, given.triggers, NOW, "test", None)
    going = Seen()
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=ManualClock(NOW),
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
        going=going,
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://p.example/api/v1", headers=ADMIN) as client:
        yield World(client, going)
    await store.close()


@pytest.fixture
async def there(tmp_path: Path) -> AsyncGenerator[World]:
    async for each in world(tmp_path):
        yield each


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncGenerator[World]:
    async for each in world(tmp_path, "broadcasts: {approval: true}\n        "):
        yield each


async def test_one_is_made_started_held_and_ended(there: World) -> None:
    made = await there.post("", **SPRING)
    assert (made.status_code, made.json()["status"]) == (201, "draft")

    words = ["start", "pause", "resume", "cancel"]
    assert [await there.steered(word) for word in words] == [
        (200, "scheduled"),
        (200, "paused"),
        (200, "running"),
        (200, "cancelling"),
    ]
    assert there.going.told[-1] == ("spring", "cancelling", True)
    (listed,) = (await there.client.get("/broadcasts")).json()
    assert (listed["id"], listed["status"]) == ("spring", "cancelling")


async def test_a_wall_clock_time_is_the_workspaces(there: World) -> None:
    await there.post("", **{**SPRING, "at": "2026-03-05T09:00"})

    started = await there.post("/spring/start", by="sam")

    assert started.json()["starts_at"] == "2026-03-05T08:00:00Z"


async def test_what_has_ended_is_not_begun_again(there: World) -> None:
    await there.post("", **SPRING)
    await there.steered("cancel")

    assert await there.steered("start") == (409, "Not in this state")


async def test_another_person_approves_it_where_the_policies_ask_for_that(strict: World) -> None:
    made = await strict.post("", **SPRING)

    assert made.json()["status"] == "waiting"
    assert await strict.steered("start") == (409, "Needs approval")
    assert await strict.steered("approve") == (403, "Needs another person")
    assert await strict.steered("approve", by="kim") == (200, "approved")
    assert await strict.steered("start") == (200, "scheduled")


async def test_a_name_is_taken_once(there: World) -> None:
    await there.post("", **SPRING)

    assert (await there.post("", **SPRING)).status_code == 409


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"segments": ["prose"]}, 404, "No segment 'prose' is published; did you mean 'pros'?"),
        ({"email": "new"}, 422, "no template 'new' is published; did you mean 'news'?"),
        ({"topic": "tips"}, 404, "The policies have no topic 'tips'."),
        ({"email": "bare"}, 422, "no {{ unsubscribe_url }} and no {{ preferences_url }}"),
        ({"variants": {"a": {"share": 50}, "b": {"share": 50, "email": "new"}}, "goal": {"event": "X"}}, 422, "'new'"),
        ({"variants": {"a": {"share": 50}, "b": {"share": 60}}, "goal": {"event": "X"}}, 422, "does not have the form"),
        ({"every": "now and then"}, 422, "cannot be sent"),
        ({"where": "traits.plan =="}, 422, "cannot be sent"),
        ({"playbook": "tour"}, 422, "does not have the form"),
        ({"at": "2026-03-05T09:00Z", "zone": "customer"}, 422, "does not have the form"),
    ],
)
async def test_what_does_not_fit_together_is_refused_and_said(
    there: World, change: JsonObject, status: int, said: str
) -> None:
    answer = await there.post("", **{**SPRING, **change})

    assert (answer.status_code, said in answer.json()["detail"]) == (status, True)

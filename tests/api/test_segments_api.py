"""Segments over HTTP: which there are, how many belong to one, who, and why."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import open_store
from tests.support.api_world import ADMIN, HeardBells
from tests.support.installation import traits
from tests.support.lives import documents
from tests.support.stored_lives import StoredLives

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SEGMENT = "segment: pros\nname: Professionals\nwhen: traits.plan == 'pro'\n"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    await store.migrate()
    lives = StoredLives(store, NOW)
    await lives.publish(documents(SEGMENT))
    plans = {"ana": "pro", "bo": "free", "cy": "pro"}
    await lives.happen(NOW, *(traits(who, NOW, plan=plan, email=f"{who}@example.com") for who, plan in plans.items()))
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=lives.clock,
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://perennia.example/api/v1", headers=ADMIN
    ) as client:
        yield client
    await store.close()


async def test_a_segment_is_listed_counted_and_shown_page_by_page(client: httpx.AsyncClient) -> None:
    assert (await client.get("/segments")).json() == [
        {"segment": "pros", "name": "Professionals", "scope": "contact", "when": "traits.plan == 'pro'"}
    ]
    size = (await client.get("/segments/pros/size")).json()
    assert size == {"segment": "pros", "members": 2, "reached": 2, "left_out": {}}

    first = (await client.get("/segments/pros/members", params={"limit": 1})).json()
    second = (await client.get("/segments/pros/members", params={"limit": 1, "after": first["next"]})).json()
    shown = [member["external_id"] for page in (first, second) for member in page["members"]]
    assert (sorted(shown), second["next"]) == (["ana", "cy"], None)


async def test_a_membership_is_told_with_what_decided_it(client: httpx.AsyncClient) -> None:
    said = (await client.get("/customers/bo/segments/pros")).json()

    assert said == {
        "customer": "bo",
        "segment": "pros",
        "member": False,
        "because": ['in_segment("pros")  ->  false, since traits.plan = free'],
    }


async def test_a_segment_that_is_not_published_is_not_found_and_the_nearest_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/segments/pro/size")

    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "No segment 'pro' is published; did you mean 'pros'?",
    )

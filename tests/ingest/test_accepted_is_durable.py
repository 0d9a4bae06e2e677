"""The whole way in, over HTTP into a real SQLite file: what was answered 200 is there, once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from segment.analytics.client import Client as SegmentClient

from perennia.api.app import create_app
from perennia.core.documents import Triggers
from perennia.core.json_values import JsonObject
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from tests.support.api_world import ADMIN, NOW, FixedClock, HeardBells
from tests.support.serving import served

EVENT = {"type": "track", "messageId": "m1", "userId": "ana", "event": "Signed Up", "writeKey": "write-key"}


@dataclass
class House:
    """An installation's way in: address, store, the file, and a client."""

    address: str
    store: SqlStore
    file: Path
    bells: HeardBells
    links: Links
    client: httpx.AsyncClient

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What is in the file, read past the store."""
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    file = tmp_path / "perennia.sqlite"
    store = open_store(f"sqlite:///{file}")
    await store.migrate()
    await store.publish([], Triggers(names=("Signed Up",)), NOW, "sam", None)
    bells, links = HeardBells(), Links("http://127.0.0.1", ["secret"])
    app = create_app(
        store=store,
        bells=bells,
        clock=FixedClock(),
        links=links,
        write_keys=["write-key"],
        admin_key="admin-key",
    )
    async with served(app) as address, httpx.AsyncClient(base_url=address, timeout=30) as client:
        yield House(address, store, file, bells, links, client)
    await store.close()


async def test_four_posts_of_one_event_at_once_are_one_row(house: House) -> None:
    answers = await asyncio.gather(*(house.client.post("/v1/track", json=EVENT) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    assert house.rows("SELECT message_id, name FROM inputs") == [("m1", "Signed Up")]
    assert sum(len(nudge) for nudge in house.bells.nudges) == 1


async def test_a_duplicate_is_no_error_and_no_row(house: House) -> None:
    for _ in range(2):
        assert (await house.client.post("/v1/track", json=EVENT)).status_code == 200
    assert house.rows("SELECT count(*) FROM inputs") == [(1,)]


async def test_one_bell_for_many_events(house: House) -> None:
    items = [{**EVENT, "messageId": str(n)} for n in range(100)]
    answer = await house.client.post("/v1/batch", json={"batch": items, "writeKey": "write-key"})
    assert answer.status_code == 200
    assert [len(nudge) for nudge in house.bells.nudges] == [1]
    assert house.rows("SELECT count(*) FROM inputs") == [(100,)]


async def test_a_bad_item_is_kept_with_its_reason(house: House) -> None:
    items = [EVENT, {"type": "track", "userId": "bo"}]
    await house.client.post("/v1/batch", json={"batch": items, "writeKey": "write-key"})
    assert house.rows("SELECT reason FROM rejected") == [("event is missing",)]
    assert house.rows("SELECT external_id FROM customers") == [("ana",)]


async def test_a_person_and_an_account_are_made_and_belong_together(house: House) -> None:
    group = {"userId": "ana", "groupId": "acme", "traits": {"seats": 20}, "messageId": "m2", "writeKey": "write-key"}
    assert (await house.client.post("/v1/group", json=group)).status_code == 200
    customers = (await house.client.get("/api/v1/customers", headers=ADMIN)).json()["customers"]
    found = {one["external_id"]: (one["kind"], one["account"]) for one in customers}
    assert set(found) == {"ana", "acme"}
    assert found["acme"] == ("account", None)
    assert found["ana"][0] == "contact"
    assert found["ana"][1] is not None


async def test_a_stranger_disturbs_nobody_and_is_known_later(house: House) -> None:
    event = {**EVENT, "userId": None, "anonymousId": "device-1"}
    assert (await house.client.post("/v1/track", json=event)).status_code == 200
    assert house.rows("SELECT count(*) FROM customers") == [(0,)]
    known = {"userId": "ana", "anonymousId": "device-1", "messageId": "m2", "writeKey": "write-key"}
    assert (await house.client.post("/v1/identify", json=known)).status_code == 200
    assert house.rows("SELECT name FROM inputs WHERE message_id = 'm1'") == [("Signed Up",)]


async def test_a_store_that_somebody_locks_answers_503_and_the_sdk_comes_back(house: House) -> None:
    sdk: Any = SegmentClient("write-key", host=house.address, upload_interval=0.05)
    lock = sqlite3.connect(house.file, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    sdk.track("ana", "Signed Up", message_id="m1")
    refused = await house.client.post("/v1/track", json={**EVENT, "messageId": "m2"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    lock.execute("ROLLBACK")
    lock.close()

    def end() -> None:
        sdk.flush()
        sdk.join()

    await asyncio.to_thread(end)
    assert house.rows("SELECT message_id FROM inputs") == [("m1",)]


async def test_one_click_is_stored_as_a_no_to_the_topic(house: House) -> None:
    await house.client.post("/v1/track", json=EVENT)
    customer = await house.store.find("ana")
    token = house.links.unsubscribe_url(customer, "tips").rsplit("/", 1)[-1]
    assert (await house.client.get(f"/u/{token}")).status_code == 200
    assert house.rows("SELECT count(*) FROM consents") == [(0,)]
    answer = await house.client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert house.rows("SELECT topic, given, source FROM consents") == [("tips", 0, "one-click")]


async def test_what_no_database_likes_is_accepted(house: House) -> None:
    odd: JsonObject = {"nul": "a\0b", "big": 2**70, "emoji": "🦊", "nested": [[[]]], "empty": "", "key\0": 1}
    answer = await house.client.post("/v1/track", json={**EVENT, "properties": odd})
    assert answer.status_code == 200
    assert house.rows("SELECT count(*) FROM inputs") == [(1,)]


async def test_what_the_team_does_is_in_the_audit_log(house: House) -> None:
    for event in ("First", "Second"):
        await house.client.post("/api/v1/events", json={"customer": "ana", "event": event, "by": "sam"}, headers=ADMIN)
    entries = (await house.client.get("/api/v1/audit", headers=ADMIN)).json()
    assert [(entry["by"], entry["action"], entry["detail"]["event"]) for entry in entries] == [
        ("sam", "event", "Second"),
        ("sam", "event", "First"),
    ]

"""Senders tell anything. Whatever is accepted must be readable in a turn: else one event stops its customer for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.contracts import TurnRequest
from activities.turns import StoreTurns
from perennia.api.app import create_app
from perennia.catalog import Release, load_workspace, release
from perennia.core.json_values import Json, JsonObject
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from tests.support.api_world import ADMIN, NOW, FixedClock, HeardBells

SHIPPED = Path(__file__).parents[2]

NAMES = ("timezone", "email", "plan", "seats", "status", "locale", "first_name", "id", "score")

ODD: list[Json] = [
    None,
    True,
    2**63,
    -(2**70),
    1e308,
    "",
    "x" * 1_000,
    "a\0b",
    "🦊",
    "2026-13-45",
    "9999-12-31T23:59:59Z",
    [],
    [1, [2, {}]],
    {},
    {"a": {"b": [1]}},
]


@pytest.fixture(scope="module")
def shipped() -> Release:
    return release(load_workspace(SHIPPED))


@pytest.fixture
async def store(tmp_path: Path, shipped: Release) -> AsyncIterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path}/perennia.sqlite")
    await store.migrate()
    await store.publish(shipped.documents, shipped.triggers, NOW, "sam", None)
    yield store
    await store.close()


@pytest.fixture
async def client(store: SqlStore) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=FixedClock(),
        links=Links("http://127.0.0.1", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
async def test_no_value_of_a_trait_or_property_stops_a_turn(
    store: SqlStore, client: httpx.AsyncClient, value: Json
) -> None:
    values: JsonObject = dict.fromkeys(NAMES, value)
    calls: list[tuple[str, JsonObject]] = [
        ("identify", {"traits": values}),
        ("group", {"groupId": "acme", "traits": values}),
        ("track", {"event": "Account Created", "properties": values, "timestamp": value}),
        ("page", {"properties": values, "context": {"traits": values, "timezone": value}}),
    ]
    for call, body in calls:
        answer = await client.post(f"/v1/{call}", json={**body, "userId": "ana", "writeKey": "write-key"})
        assert (call, answer.status_code) == (call, 200)
    turns = StoreTurns(store, FixedClock(), ring=HeardBells().nudge)
    for reference in ("ana", "acme", "ana"):
        request = TurnRequest(customer=await store.find(reference))
        assert not (await ActivityEnvironment().run(turns.take, request)).unread
        assert (await client.get(f"/api/v1/customers/{reference}/why", headers=ADMIN)).status_code == 200
        assert (await client.get(f"/api/v1/customers/{reference}", headers=ADMIN)).status_code == 200

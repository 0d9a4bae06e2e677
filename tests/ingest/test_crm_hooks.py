"""HubSpot's calls, signed as HubSpot signs (v3): which records are to be read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from perennia.clock import WallClock
from perennia.ingest.crm_hooks import CrmHook
from perennia.store import SqlStore, open_store

SECRET = "the-apps-secret"
URL = "https://lifecycle.example.com"
EVENTS: list[dict[str, Any]] = [
    {"subscriptionType": "contact.propertyChange", "objectId": 101, "propertyName": "email", "propertyValue": "x"},
    {"subscriptionType": "contact.merge", "primaryObjectId": 7, "mergedObjectIds": [8], "newObjectId": 9},
    {"subscriptionType": "object.deletion", "objectTypeId": "0-2", "objectId": 55},
    {"subscriptionType": "deal.creation", "objectId": 1},
]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    await store.migrate()
    yield store
    await store.close()


async def post(
    store: SqlStore, events: Any = EVENTS, secret: str | None = SECRET, age: timedelta = timedelta(), url: str = URL
) -> int:
    body = json.dumps(events).encode()
    timestamp = str(int((datetime.now(UTC) - age).timestamp() * 1000))
    signed = f"POST{url}/hooks/crm/hubspot".encode() + body + timestamp.encode()
    digest = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    headers = {"X-HubSpot-Signature-v3": digest, "X-HubSpot-Request-Timestamp": timestamp}
    app = Starlette(routes=CrmHook(store, WallClock(), secret, URL).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside:8080") as client:
        return (await client.post("/hooks/crm/hubspot", content=body, headers=headers)).status_code


async def told(store: SqlStore) -> tuple[list[str], list[str]]:
    contacts, accounts = [await store.crm_untold("hubspot", kind, 10) for kind in ("contact", "account")]
    return contacts, accounts


async def test_records_of_which_a_call_tells_are_to_be_read_once_however_often_it_comes(store: SqlStore) -> None:
    assert [await post(store), await post(store)] == [200, 200]
    assert await told(store) == (["101", "7", "8", "9"], ["55"])


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "another"}, 401),
        ({"age": timedelta(minutes=6)}, 401),
        ({"url": "https://elsewhere.example.com"}, 401),
        ({"secret": None}, 404),
        ({"events": "no list"}, 400),
    ],
)
async def test_a_call_that_is_not_hubspots_or_not_for_us_changes_nothing(
    store: SqlStore, how: dict[str, Any], status: int
) -> None:
    assert await post(store, **how) == status
    assert await told(store) == ([], [])

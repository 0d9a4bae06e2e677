"""API keys over HTTP, on a real store: what they open, how they end, how often they may ask, who is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from perennia.access.callers import Caller
from perennia.access.limits import RateLimits
from perennia.access.secrets import digest
from perennia.api.app import create_app
from perennia.api.needs import NoScope, must_say_scopes
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from tests.support.api_world import ADMIN, FixedClock, HeardBells


@dataclass
class Office:
    store: SqlStore
    client: httpx.AsyncClient

    async def key(self, *scopes: str, **more: object) -> dict[str, Any]:
        """A new key, made with the admin key."""
        body = {"name": "crm-sync", "scopes": scopes, **more}
        answer = await self.client.post("/api/v1/keys", json=body, headers=ADMIN)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def get(self, path: str, secret: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/api/v1/{path}", headers=bearer(secret) | headers)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=FixedClock(),
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
        patience=timedelta(0),
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://perennia.example") as client:
        yield Office(store, client)
    await store.close()


async def test_a_key_opens_what_its_scopes_say_and_nothing_else(office: Office) -> None:
    secret = (await office.key("customers:read"))["secret"]
    assert (await office.get("customers", secret)).status_code == 200
    refused = await office.get("tasks", secret)
    assert (refused.status_code, refused.json()["scopes"]) == (403, ["tasks:read"])
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"].startswith("The key lacks the scope tasks:read.")


async def test_the_secret_is_shown_once_and_nowhere_kept(office: Office, tmp_path: Path) -> None:
    made = await office.key("customers:read")
    assert made["secret"].startswith("prn_")
    assert made["key"]["hint"] == made["secret"][:8]
    shown = await office.get(f"keys/{made['key']['id']}", "admin-key")
    assert made["secret"] not in shown.text
    assert not any(made["secret"].encode() in file.read_bytes() for file in tmp_path.iterdir())


async def test_its_use_is_seen(office: Office) -> None:
    made = await office.key("customers:read")
    assert made["key"]["last_used_at"] is None
    await office.get("customers", made["secret"])
    (listed,) = (await office.get("keys", "admin-key")).json()
    assert datetime.now(UTC) - datetime.fromisoformat(listed["last_used_at"]) < timedelta(minutes=1)


async def test_a_revoked_key_opens_nothing(office: Office) -> None:
    made = await office.key("customers:read")
    path = f"/api/v1/keys/{made['key']['id']}"
    assert (await office.client.post(f"{path}/revoke", json={"by": "kim"}, headers=ADMIN)).status_code == 200
    assert (await office.get("customers", made["secret"])).status_code == 401
    again = await office.client.post(f"{path}/rotate", json={}, headers=ADMIN)
    assert (again.status_code, again.json()["title"]) == (409, "Revoked")


async def test_an_expired_key_opens_nothing(office: Office) -> None:
    made = await office.key("customers:read", expires_at="2099-01-01T00:00:00Z")
    key = await office.store.api_key(made["key"]["id"])
    assert key is not None
    mark = digest(made["secret"])
    last = datetime(2098, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert await office.store.use_api_key(mark, last) is not None
    assert await office.store.use_api_key(mark, last + timedelta(seconds=1)) is None
    past = {"name": "x", "scopes": ["customers:read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert (await office.client.post("/api/v1/keys", json=past, headers=ADMIN)).json()["title"] == "Expired already"


async def test_after_a_rotation_both_secrets_are_good_for_as_long_as_was_said(office: Office) -> None:
    old = await office.key("customers:read")
    path = f"/api/v1/keys/{old['key']['id']}/rotate"
    new = (await office.client.post(path, json={"keep_hours": 1}, headers=ADMIN)).json()
    assert [(await office.get("customers", one["secret"])).status_code for one in (old, new)] == [200, 200]
    newer = (await office.client.post(path, json={"keep_hours": 0}, headers=ADMIN)).json()
    answers = [(await office.get("customers", one["secret"])).status_code for one in (old, new, newer)]
    assert answers == [401, 401, 200]


async def test_nobody_makes_a_key_that_may_do_more_than_their_own(office: Office) -> None:
    secret = (await office.key("keys:write", "customers:read"))["secret"]
    more = {"name": "more", "scopes": ["customers:read", "playbooks:write"]}
    refused = await office.client.post("/api/v1/keys", json=more, headers=bearer(secret))
    assert (refused.status_code, refused.json()["scopes"]) == (403, ["playbooks:write"])
    other = (await office.key("audit:read"))["key"]["id"]
    taken = await office.client.post(f"/api/v1/keys/{other}/rotate", json={}, headers=bearer(secret))
    assert taken.status_code == 403


async def test_the_audit_log_names_the_key(office: Office) -> None:
    secret = (await office.key("events:write"))["secret"]
    body = {"customer": "ana", "event": "Signed Up", "by": "sam"}
    assert (await office.client.post("/api/v1/events", json=body, headers=bearer(secret))).status_code == 200
    entries = (await office.get("audit", "admin-key")).json()
    assert [(entry["by"], entry["action"]) for entry in entries] == [
        ("sam, key crm-sync", "event"),
        ("api", "create key"),
    ]


async def test_a_key_that_may_send_events_is_a_write_key(office: Office) -> None:
    item = {"type": "track", "userId": "ana", "event": "Signed Up", "messageId": "m1"}

    async def post(secret: str) -> int:
        return (await office.client.post("/v1/batch", json={"batch": [item]}, auth=(secret, ""))).status_code

    assert await post((await office.key("events:write"))["secret"]) == 200
    assert await post((await office.key("customers:read"))["secret"]) == 401
    assert [one.external_id for one in await office.store.customers()] == ["ana"]


async def test_a_key_may_ask_so_many_times_a_minute(office: Office) -> None:
    secret = (await office.key("customers:read", rate=2))["secret"]
    answers = [await office.get("customers", secret) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit"] for answer in answers] == ['"key";r=1;t=30', '"key";r=0;t=60', '"key";r=0;t=60']
    assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=60'
    assert 29 <= int(answers[2].headers["retry-after"]) <= 30
    assert answers[2].json()["title"] == "Too many requests"
    assert "ratelimit" not in (await office.get("customers", "admin-key")).headers


def test_permits_come_back_as_time_passes() -> None:
    now = 0.0
    limits, caller = RateLimits(lambda: now), Caller("k", "k", frozenset(), 60)
    assert [limits.take(caller).retry_after for _ in range(61)] == [0] * 60 + [1]
    now = 1.0
    assert limits.take(caller).retry_after == 0


async def test_who_changes_a_key_that_somebody_else_changed_is_told(office: Office) -> None:
    path = f"/api/v1/keys/{(await office.key('customers:read'))['key']['id']}"
    seen = (await office.client.get(path, headers=ADMIN)).headers["etag"]
    change = {"scopes": ["tasks:read"]}
    first = await office.client.patch(path, json=change, headers=ADMIN | {"If-Match": seen})
    assert (first.status_code, first.json()["scopes"], first.json()["name"]) == (200, ["tasks:read"], "crm-sync")
    second = await office.client.patch(path, json={"name": "x"}, headers=ADMIN | {"If-Match": seen})
    assert (second.status_code, second.json()["title"]) == (412, "Changed meanwhile")
    assert (await office.client.get(path, headers=ADMIN)).json()["name"] == "crm-sync"


async def test_who_has_it_already_gets_no_body(office: Office) -> None:
    first = await office.get("totals", "admin-key")
    again = await office.get("totals", "admin-key", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await office.client.post("/api/v1/events", json={"customer": "ana", "event": "E"}, headers=ADMIN)
    changed = await office.get("totals", "admin-key", **{"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["customers"]) == (200, 1)


async def test_lists_go_on_behind_their_link(office: Office) -> None:
    made = sorted([(await office.key("customers:read"))["key"]["id"] for _ in range(3)])
    first = await office.get("keys?limit=2", "admin-key")
    second = await office.client.get(first.links["next"]["url"], headers=ADMIN)
    assert [each["id"] for each in first.json() + second.json()] == made
    assert "next" not in second.links


def test_a_route_that_says_no_scope_does_not_start() -> None:
    router = APIRouter(prefix="/api/v1")

    @router.get("/open")
    async def everybody() -> None: ...

    with pytest.raises(NoScope, match=r"GET /api/v1/open says no scope"):
        must_say_scopes(router)

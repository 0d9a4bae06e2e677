"""What schemathesis found once: a number taken for an instant, a method said to be all there is, a list without an end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import SqlStore, open_store
from perennia.store.records import AuditEntry
from tests.support.api_world import ADMIN, NOW, FixedClock, HeardBells


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    await store.migrate()
    await _audited(store)
    app = create_app(
        store=store,
        bells=HeardBells(),
        clock=FixedClock(),
        links=Links("https://perennia.example", ["secret"]),
        write_keys=["write-key"],
        admin_key="admin-key",
        patience=timedelta(0),
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://perennia.example", headers=ADMIN) as client:
        yield client
    await store.close()


async def _audited(store: SqlStore) -> None:
    for number in range(5):
        await store.audit(AuditEntry(at=NOW, by="kim", action="look", subject=str(number)))


@pytest.mark.parametrize("told", ["0.5", "1772442000", "2026-03-02", "2026-03-02T10:00:00", "2026-13-02T10:00:00Z"])
async def test_an_instant_has_its_offset(client: httpx.AsyncClient, told: str) -> None:
    assert (await client.get("/api/v1/tasks", params={"due_by": told})).status_code == 422
    body = {"customer": "ana", "event": "Paid", "timestamp": told}
    assert (await client.post("/api/v1/events", json=body)).status_code == 422


async def test_an_instant_of_any_zone_is_taken(client: httpx.AsyncClient) -> None:
    body = {"customer": "ana", "event": "Paid", "timestamp": "2026-03-02t10:00:00.123456789+05:30"}
    assert (await client.post("/api/v1/events", json=body)).status_code == 200


@pytest.mark.parametrize(("rate", "status"), [(5, 201), (5.0, 201), ("5", 422), (5.5, 422), (True, 422)])
async def test_a_number_is_no_text_and_no_yes(client: httpx.AsyncClient, rate: object, status: int) -> None:
    made = await client.post("/api/v1/keys", json={"name": "x", "scopes": ["events:write"], "rate": rate})
    assert made.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "keys", "GET, POST"),
        ("PUT", "customers/ana/consents", "GET, POST"),
        ("DELETE", "tasks/c1/p.1/call/1/assign", "POST"),
    ],
)
async def test_a_refused_method_says_which_there_are(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, f"/api/v1/{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_the_audit_log_goes_on_behind_the_link_of_a_page(client: httpx.AsyncClient) -> None:
    seen, path = list[str](), "/api/v1/audit?limit=2"
    while path:
        page = await client.get(path)
        seen += [entry["subject"] for entry in page.json()]
        path = page.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert seen == ["4", "3", "2", "1", "0"]
    assert (await client.get("/api/v1/audit?after=none")).json() == []


def test_instants_are_kept_in_utc() -> None:
    from pydantic import TypeAdapter

    from perennia.api.forms import Instant

    told = TypeAdapter(Instant).validate_python("2026-03-02T10:00:00+02:00")
    assert (told, told.tzinfo) == (datetime(2026, 3, 2, 8, tzinfo=UTC), UTC)


async def test_a_mapping_whose_keys_have_a_form_has_no_others(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v1/openapi.json")).json()
    variants = document["components"]["schemas"]["BroadcastBody"]["properties"]["variants"]
    assert (list(variants["patternProperties"].values()), variants["additionalProperties"]) == (
        [{"$ref": "#/components/schemas/Variant"}],
        False,
    )


async def test_a_whole_number_may_be_written_with_a_point_in_a_broadcast(client: httpx.AsyncClient) -> None:
    body = {"broadcast": "spring", "where": "true", "email": "none", "topic": "tips", "by": "sam", "rate": 50.0}
    refused = await client.post("/api/v1/broadcasts", json=body)
    wrong = await client.post("/api/v1/broadcasts", json={**body, "rate": 50.5})
    assert [each["where"] for each in wrong.json()["errors"]] == ["body.rate"]
    assert "errors" not in refused.json()

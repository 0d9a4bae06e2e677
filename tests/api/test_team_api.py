"""The team's API: who may use it, what it shows, how it publishes, how it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest

from perennia.access.ring import KeyRing, NoAdminKey
from perennia.core.decisions import Act, CustomerEvent, Evidence, JournalEntry, TraitsChanged
from perennia.core.documents import content_hash
from perennia.core.json_values import Json, JsonObject
from perennia.store.access_port import Access
from perennia.store.records import Accepted, JournalRow
from tests.support.api_world import ADMIN, NOW, World, api_world

WELCOME = (
    '{"definition":{"playbook":"welcome","enter":{"on":[{"event":"Signed Up"},{"event":"Trial *"}]},'
    '"steps":[{"exit":"done"}]},"templates":{}}'
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        world.client.headers.update(ADMIN)
        yield world


def release(expected: str | None, body: str = WELCOME) -> JsonObject:
    document: Json = {"kind": "playbook", "id": "welcome", "version": content_hash(body), "body": body}
    return {"documents": [document], "expected": expected, "by": "sam"}


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["title"]


# --- the key --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic admin-key", "Bearer admin-keys", "Bearer write-key", "admin-key"],
)
async def test_without_the_admin_key_nothing_is_shown(world: World, header: str) -> None:
    answer = await world.client.get("/api/v1/customers", headers={"Authorization": header})
    assert problem(answer) == (401, "Not authorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_path_of_the_team_asks_for_the_key(world: World) -> None:
    paths: dict[str, dict[str, object]] = (await world.client.get("/api/v1/openapi.json")).json()["paths"]
    asked = [
        (method.upper(), path) for path, methods in paths.items() for method in methods if path.startswith("/api/")
    ]
    assert len(asked) > 15
    for method, path in asked:
        filled = path.replace("{reference}", "ana").replace("{key}", "k").replace("{playbook}", "p")
        answer = await world.client.request(method, filled, headers={"Authorization": "Bearer wrong"})
        assert (method, path, answer.status_code) == (method, path, 401)


async def test_an_installation_without_an_admin_key_does_not_start() -> None:
    with pytest.raises(NoAdminKey, match="set a secret"):
        KeyRing("", cast("Access", None), rate=1)


# --- health ---------------------------------------------------------------------------------------------------------


async def test_health_needs_no_key_and_readiness_needs_the_store(world: World) -> None:
    world.store.away = True
    assert (await world.client.get("/healthz", headers={"Authorization": ""})).json() == {"status": "ok"}
    assert problem(await world.client.get("/readyz", headers={"Authorization": ""})) == (503, "Store unavailable")
    world.store.away = False
    assert (await world.client.get("/readyz", headers={"Authorization": ""})).json() == {"status": "ok"}


# --- publishing -----------------------------------------------------------------------------------------------------


async def test_publishing_makes_a_revision(world: World) -> None:
    answer = await world.client.post("/api/v1/revisions", json=release(None))
    assert (answer.status_code, answer.json()["id"], answer.json()["published_by"]) == (201, "r1", "sam")
    assert (await world.client.get("/api/v1/revision")).json()["id"] == "r1"


async def test_the_triggers_of_a_release_are_found_by_the_server(world: World) -> None:
    await world.client.post("/api/v1/revisions", json=release(None))
    _, _, triggers = world.store.published[0]
    assert (triggers.names, triggers.prefixes) == (("Signed Up",), ("Trial ",))


async def test_publishing_the_same_again_changes_nothing(world: World) -> None:
    await world.client.post("/api/v1/revisions", json=release(None))
    answer = await world.client.post("/api/v1/revisions", json=release("r1"))
    assert (answer.status_code, answer.json()["id"]) == (200, "r1")
    assert world.bells.nudges == []


async def test_the_second_of_two_publishers_is_refused(world: World) -> None:
    await world.client.post("/api/v1/revisions", json=release(None))
    other = WELCOME.replace("Signed Up", "Joined")
    answer = await world.client.post("/api/v1/revisions", json=release(None, other))
    assert problem(answer) == (409, "Stale revision")
    assert answer.json()["detail"].startswith("sam published revision 1 (r1) at 2026-03-02 10:00 UTC")
    assert "publish on top of it" in answer.json()["detail"]
    assert answer.json()["between"] == [{"number": 1, "by": "sam"}]
    assert len(world.store.published) == 1


@pytest.mark.parametrize(
    ("body", "version", "reason"),
    [
        (WELCOME, "wrong", "is not the hash of its body"),
        ('{"definition":{"playbook":"welcome","steps":[]},"templates":{}}', None, "do not compile"),
        ("no json", None, "do not compile"),
        (WELCOME.replace('"exit":"done"', '"wait":"soon"'), None, "do not compile"),
    ],
)
async def test_what_cannot_run_is_not_published(world: World, body: str, version: str | None, reason: str) -> None:
    document: Json = {"kind": "playbook", "id": "welcome", "version": version or content_hash(body), "body": body}
    answer = await world.client.post("/api/v1/revisions", json={"documents": [document], "expected": None})
    assert problem(answer) == (422, "Invalid release")
    assert reason in answer.json()["detail"]
    assert world.store.published == []


async def test_before_the_first_publish_there_is_no_revision(world: World) -> None:
    assert problem(await world.client.get("/api/v1/revision")) == (404, "Nothing published")
    assert (await world.client.get("/api/v1/revision/documents")).json() == []


# --- looking --------------------------------------------------------------------------------------------------------


async def test_customers_come_in_pages(world: World) -> None:
    first = (await world.client.get("/api/v1/customers", params={"limit": 1})).json()
    assert ([one["external_id"] for one in first["customers"]], first["next"]) == (["ana"], "c1")
    second = (await world.client.get("/api/v1/customers", params={"limit": 1, "after": "c1"})).json()
    assert ([one["external_id"] for one in second["customers"]], second["next"]) == (["bo/b"], None)


@pytest.mark.parametrize("reference", ["ana", "c1"])
async def test_a_customer_is_found_by_either_id(world: World, reference: str) -> None:
    answer = (await world.client.get(f"/api/v1/customers/{reference}")).json()
    assert answer["customer"]["email"] == "ana@example.com"
    assert answer["state"]["facts"]["traits"] == {"plan": "pro"}


async def test_ids_may_hold_anything(world: World) -> None:
    answer = await world.client.get("/api/v1/customers/bo%2Fb")
    assert answer.json()["customer"]["id"] == "c2"
    assert (await world.client.get("/api/v1/customers/bo%2Fb/why")).json() == {
        "customer": "c2",
        "decisions": [],
        "timezone": "UTC",
        "lines": [],
        "outlook": [],
    }


async def test_a_customer_may_be_asked_for_by_kind(world: World) -> None:
    assert (await world.client.get("/api/v1/customers/ana", params={"kind": "contact"})).status_code == 200
    answer = await world.client.get("/api/v1/customers/ana", params={"kind": "account"})
    assert problem(answer) == (404, "Unknown customer")


async def test_why_shows_decisions_with_what_they_saw(world: World) -> None:
    refused = JournalEntry(
        at=NOW,
        act=Act.REFUSED,
        code="failed_entry_filter",
        playbook="welcome",
        evidence=(Evidence('traits.plan == "pro"', value=False, values={"traits.plan": "free"}),),
    )
    world.store.rows = [JournalRow(id=1, customer="c1", entry=refused)]
    answer = (await world.client.get("/api/v1/customers/ana/why")).json()
    assert answer["customer"] == "c1"
    assert answer["decisions"][0]["code"] == "failed_entry_filter"
    assert answer["decisions"][0]["evidence"] == [
        {
            "expression": 'traits.plan == "pro"',
            "value": False,
            "error": None,
            "values": {"traits.plan": "free"},
            "parts": [],
        }
    ]


async def test_why_can_be_asked_of_a_playbook_and_a_step(world: World) -> None:
    def row(id_: int, playbook: str, step: str | None) -> JournalRow:
        entry = JournalEntry(at=NOW, act=Act.STEP_ENDED, code="sent", playbook=playbook, step=step)
        return JournalRow(id=id_, customer="c1", entry=entry)

    world.store.rows = [row(1, "welcome", "a"), row(2, "welcome", "b"), row(3, "other", "a"), row(4, "welcome", None)]

    async def count(**query: str) -> int:
        return len((await world.client.get("/api/v1/customers/ana/why", params=query)).json()["decisions"])

    assert [await count(), await count(playbook="welcome"), await count(playbook="welcome", step="a")] == [4, 3, 1]


async def test_messages_tasks_and_totals_are_shown(world: World) -> None:
    assert (await world.client.get("/api/v1/messages")).json()[0]["status"] == "sent"
    assert (await world.client.get("/api/v1/customers/bo%2Fb/messages")).json() == []
    assert (await world.client.get("/api/v1/tasks", params={"status": "open"})).json()[0]["title"] == "Call Ana"
    assert (await world.client.get("/api/v1/customers/ana/tasks", params={"status": "done"})).json() == []
    assert (await world.client.get("/api/v1/totals")).json()["messages"] == {"sent": 1}


# --- events ---------------------------------------------------------------------------------------------------------


async def test_an_event_can_be_sent_without_an_sdk(world: World) -> None:
    body = {
        "customer": "ana",
        "event": "Signed Up",
        "properties": {"n": 1},
        "traits": {"plan": "pro"},
        "message_id": "m1",
    }
    answer = await world.client.post("/api/v1/events", json=body)
    assert (answer.status_code, answer.json()) == (200, {"message_id": "m1"})
    assert world.store.accepted == [
        Accepted(
            message_id="m1#traits",
            kind="contact",
            external_id="ana",
            input=TraitsChanged(at=NOW, traits={"plan": "pro"}),
        ),
        Accepted(
            message_id="m1",
            kind="contact",
            external_id="ana",
            input=CustomerEvent(at=NOW, name="Signed Up", properties={"n": 1}),
        ),
    ]
    assert world.bells.nudges == [["c1"]]


async def test_an_event_without_a_message_id_gets_one(world: World) -> None:
    answer = await world.client.post("/api/v1/events", json={"customer": "ana", "event": "E"})
    assert len(answer.json()["message_id"]) == 32


# --- the audit log and failures -------------------------------------------------------------------------------------


async def test_writes_are_in_the_audit_log(world: World) -> None:
    await world.client.post("/api/v1/revisions", json=release(None))
    await world.client.post("/api/v1/events", json={"customer": "ana", "event": "E", "by": "cron"})
    await world.client.post("/api/v1/customers/ana/enroll", json={"playbook": "welcome", "by": "kim"})
    await world.client.post("/api/v1/tasks/c1/welcome.1/call/1/done", json={"by": "kim"})
    assert [(entry.by, entry.action, entry.subject) for entry in world.store.entries] == [
        ("sam", "publish", ""),
        ("cron", "event", "ana"),
        ("kim", "enroll", "c1"),
        ("kim", "task done", "c1/welcome.1/call/1"),
    ]
    (newest,) = (await world.client.get("/api/v1/audit", params={"limit": 1})).json()
    assert (newest["by"], newest["action"]) == ("kim", "task done")


async def test_a_store_that_is_away_is_said_so(world: World) -> None:
    world.store.away = True
    answer = await world.client.post("/api/v1/events", json={"customer": "ana", "event": "E"})
    assert problem(answer) == (503, "Store unavailable")
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/api/v1/customers/nobody", 404, "Unknown customer"),
        ("GET", "/nowhere", 404, "Not Found"),
        ("DELETE", "/api/v1/customers", 405, "Method Not Allowed"),
        ("GET", "/api/v1/customers?limit=0", 422, "Invalid request"),
        ("POST", "/api/v1/events", 422, "Invalid request"),
    ],
)
async def test_errors_are_problem_documents(world: World, method: str, path: str, status: int, title: str) -> None:
    assert problem(await world.client.request(method, path)) == (status, title)


async def test_a_mistyped_key_is_named(world: World) -> None:
    answer = await world.client.post("/api/v1/customers/ana/enroll", json={"playbok": "welcome"})
    assert {"where": "body.playbok", "message": "Extra inputs are not permitted"} in answer.json()["errors"]


async def test_a_body_of_unknown_or_great_length_is_not_read(world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    answer = await world.client.post("/api/v1/events", content=pieces())
    assert problem(answer) == (411, "Length required")
    answer = await world.client.post("/api/v1/events", content=b"{}", headers={"Content-Length": "999999999"})
    assert problem(answer) == (413, "Too large")


async def test_openapi_names_the_key(world: World) -> None:
    schema = (await world.client.get("/api/v1/openapi.json")).json()
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert schema["paths"]["/api/v1/totals"]["get"]["security"] == [{"key": ["customers:read"]}]

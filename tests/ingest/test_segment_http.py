"""Segment's calls over HTTP: who may send, what is answered, what SDKs do with it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from perennia.core.decisions import CustomerEvent
from perennia.ingest import endpoints
from perennia.store.records import Accepted, Merge, Rejected
from tests.support.api_world import World, api_world

EVENT = {"messageId": "m1", "userId": "ana", "event": "Signed Up"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        yield world


def basic(key: str, password: str = "") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{password}".encode()).decode()}


KEY = basic("write-key")


# --- who may send ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body_key"),
    [
        (basic("write-key"), None),
        (basic("other-key"), None),
        (basic("write-key", "undefined"), "other-key"),
        ({}, "write-key"),
        ({"Authorization": "Bearer token"}, "write-key"),
        ({"Authorization": "Basic !!!"}, "write-key"),
    ],
)
async def test_a_write_key_may_send(world: World, headers: dict[str, str], body_key: str | None) -> None:
    answer = await world.client.post("/v1/track", json={**EVENT, "writeKey": body_key}, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"success": True})


@pytest.mark.parametrize(
    ("headers", "body_key"),
    [({}, None), ({}, ""), ({}, "admin-key"), ({}, 7), (basic("wrong"), "write-key"), (basic("WRITE-KEY"), None)],
)
async def test_nobody_else_may(world: World, headers: dict[str, str], body_key: str | float | None) -> None:
    answer = await world.client.post("/v1/track", json={**EVENT, "writeKey": body_key}, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_write_key"
    assert world.store.accepted == []


async def test_without_write_keys_nobody_may_send() -> None:
    assert not await endpoints.WriteKeys([]).accept("")


# --- paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["track", "t"])
async def test_a_single_call_is_what_its_path_says(world: World, path: str) -> None:
    answer = await world.client.post(f"/v1/{path}", json={**EVENT, "type": "identify"}, headers=KEY)
    assert answer.status_code == 200
    assert [
        record.input.name
        for record in world.store.accepted
        if isinstance(record, Accepted) and isinstance(record.input, CustomerEvent)
    ] == ["Signed Up"]


@pytest.mark.parametrize(
    ("paths", "body", "kind"),
    [
        (("identify", "i"), {"userId": "ana", "traits": {"plan": "pro"}}, Accepted),
        (("group", "g"), {"userId": "ana", "groupId": "acme"}, Accepted),
        (("page", "p"), {"userId": "ana", "name": "Pricing"}, Accepted),
        (("screen", "s"), {"userId": "ana", "name": "Inbox"}, Accepted),
        (("alias", "a"), {"userId": "ana", "previousId": "a1"}, Merge),
        (("batch", "b", "import"), {"batch": [{**EVENT, "type": "track"}]}, Accepted),
    ],
)
async def test_every_call_of_segment_has_its_path_and_its_short_one(
    world: World, paths: tuple[str, ...], body: dict[str, object], kind: type
) -> None:
    for path in paths:
        assert (await world.client.post(f"/v1/{path}", json=body, headers=KEY)).status_code == 200
    assert {type(record) for record in world.store.accepted} == {kind}


async def test_calls_are_posts(world: World) -> None:
    assert (await world.client.get("/v1/track", headers=KEY)).status_code == 405


async def test_a_browser_may_send_from_anywhere(world: World) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,anonymousid",
    }
    preflight = await world.client.options("/v1/t", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-headers"] == "authorization,content-type,anonymousid"
    answer = await world.client.post("/v1/t", json=EVENT, headers={**KEY, "Origin": "https://shop.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
    ],
)
@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_is_read_whatever_it_is_called(world: World, headers: dict[str, str], packed: bool) -> None:
    body = json.dumps(EVENT).encode()
    packing = {"Content-Encoding": "gzip"} if packed else {}
    content = gzip.compress(body) if packed else body
    answer = await world.client.post("/v1/track", content=content, headers={**KEY, **headers, **packing})
    assert answer.status_code == 200
    assert len(world.store.accepted) == 1


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", {}, 400, "invalid_json"),
        (b"no json", {}, 400, "invalid_json"),
        (b"[]", {}, 400, "invalid_json"),
        (b'{"batch": 7}', {}, 400, "invalid_json"),
        (b'{"batch": null}', {}, 400, "invalid_batch"),
        (b"{}", {}, 400, "invalid_batch"),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400, "invalid_gzip"),
        (b"{}", {"Content-Encoding": "br"}, 415, "unknown_encoding"),
        (gzip.compress(bytes(100_000_000)), {"Content-Encoding": "gzip"}, 413, "too_large"),
        (b"{" + b" " * 512_000 + b"}", {}, 413, "too_large"),
        (b'{"batch": [' + b"1," * 2_500 + b"1]}", {}, 413, "too_large"),
    ],
)
async def test_a_batch_that_can_never_pass_is_refused(
    world: World, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await world.client.post("/v1/batch", content=content, headers={**KEY, **headers})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert isinstance(answer.json()["message"], str)  # both are read by the SDKs
    assert world.store.accepted == []


async def test_a_batch_of_2500_events_passes(world: World) -> None:
    items = [{"type": "track", "userId": "ana", "event": "E", "messageId": str(n)} for n in range(2_500)]
    answer = await world.client.post("/v1/batch", json={"batch": items}, headers=KEY)
    assert answer.status_code == 200
    assert len(world.store.accepted) == 2_500


async def test_the_largest_batch_of_segments_python_sdk_passes(world: World) -> None:
    """It closes a batch after the item that takes it over 475,000 bytes."""
    items = [{"type": "track", "userId": "ana", "event": "E", "properties": {"x": "x" * 31_600}} for _ in range(16)]
    body = json.dumps({"batch": items}).encode()
    assert 505_000 < len(body) < 508_000
    assert (await world.client.post("/v1/batch", content=body, headers=KEY)).status_code == 200


async def test_an_empty_batch_is_fine(world: World) -> None:
    answer = await world.client.post("/v1/batch", json={"batch": []}, headers=KEY)
    assert (answer.status_code, world.store.accepted) == (200, [])


async def test_a_bad_item_does_not_sink_the_others(world: World) -> None:
    items = [{**EVENT, "type": "track"}, {"type": "nonsense"}, 7, {**EVENT, "type": "track", "messageId": "m2"}]
    answer = await world.client.post("/v1/batch", json={"batch": items}, headers=KEY)
    assert answer.status_code == 200
    assert [one["index"] for one in answer.json()["rejected"]] == [1, 2]
    assert [type(record) for record in world.store.accepted] == [Accepted, Rejected, Rejected, Accepted]


async def test_a_bad_single_call_is_refused_and_kept(world: World) -> None:
    answer = await world.client.post("/v1/track", json={"userId": "ana"}, headers=KEY)
    assert (answer.status_code, answer.json()["message"]) == (400, "event is missing")
    assert [type(record) for record in world.store.accepted] == [Rejected]


async def test_a_single_call_over_32_KB_is_too_large(world: World) -> None:
    answer = await world.client.post("/v1/track", json={**EVENT, "properties": {"x": "x" * 32_768}}, headers=KEY)
    assert (answer.status_code, world.store.accepted) == (413, [])


async def test_NaN_from_python_does_not_cost_a_batch(world: World) -> None:
    body = b'{"batch": [{"type": "track", "userId": "ana", "event": "E", "properties": {"ratio": NaN}}]}'
    assert (await world.client.post("/v1/batch", content=body, headers=KEY)).status_code == 200
    record = world.store.accepted[0]
    assert isinstance(record, Accepted)
    assert isinstance(record.input, CustomerEvent)
    assert record.input.properties == {"ratio": None}


# --- after the commit -----------------------------------------------------------------------------------------------


async def test_bells_are_nudged_once_for_a_batch(world: World) -> None:
    items = [{**EVENT, "type": "track", "messageId": str(n)} for n in range(3)]
    await world.client.post("/v1/batch", json={"batch": items}, headers=KEY)
    assert world.bells.nudges == [["c1"]]


async def test_a_store_that_is_away_asks_to_be_tried_again(world: World) -> None:
    world.store.away = True
    answer = await world.client.post("/v1/track", json=EVENT, headers=KEY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert world.bells.nudges == []
    world.store.away = False
    assert (await world.client.post("/v1/track", json=EVENT, headers=KEY)).status_code == 200


async def test_concurrent_requests_are_each_answered(world: World) -> None:
    async def post(n: int) -> httpx.Response:
        return await world.client.post("/v1/track", json={**EVENT, "messageId": str(n)}, headers=KEY)

    answers = await asyncio.gather(*(post(n) for n in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(world.store.accepted) == 50
    assert len(world.bells.nudges) < 50

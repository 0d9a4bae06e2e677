"""CloudEvents in all three modes, sent by the official SDK and by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from perennia.core.decisions import CustomerEvent
from perennia.store.records import Accepted, Rejected
from tests.support.api_world import NOW, World, api_world

E = {"Authorization": "Bearer write-key"}
BODY: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "Order Placed", "subject": "ana"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        yield world


async def post(
    world: World, body: object, kind: str = "application/cloudevents+json", **headers: str
) -> httpx.Response:
    given = {**E, "Content-Type": kind, **headers}
    return await world.client.post("/v1/cloudevents", content=json.dumps(body), headers=given)


@pytest.mark.parametrize("mode", ["binary", "structured", "batch"])
async def test_the_official_sdk_sends_in_every_mode(world: World, mode: str) -> None:
    happened = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    event = CloudEvent(
        {**BODY, "time": happened, "subject": "account/acme", "datacontenttype": "application/json"}, {"total": 30}
    )
    sent = to_binary_event(event) if mode == "binary" else to_structured_event(event)
    # The SDK makes no batches: one is its structured events in a list.
    body = b"[" + sent.body + b"]" if mode == "batch" else sent.body
    headers = {
        **sent.headers,
        **({"content-type": "application/cloudevents-batch+json"} if mode == "batch" else {}),
        **E,
    }
    answer = await world.client.post("/v1/cloudevents", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert world.store.accepted == [
        Accepted(
            message_id="/shop#1",
            kind="account",
            external_id="acme",
            input=CustomerEvent(at=NOW, name="Order Placed", properties={"total": 30}, timestamp=happened),
        )
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": None}, "subject is missing: it says whose event it is, like ana or account/acme"),
        ({"id": None}, "id or source is missing"),
        ({"type": 7}, "type is no text"),
        ({"type": " "}, "type is missing"),
        ({"specversion": "0.3"}, "specversion is not 1.0"),
        ({"data_base64": "AA=="}, "data_base64 holds bytes; send JSON"),
        ({"data": {"x": "y" * 40_000}}, "larger than 32768 bytes"),
    ],
)
async def test_one_that_cannot_be_used_is_kept_with_its_reason(
    world: World, change: dict[str, Any], reason: str
) -> None:
    answer = await post(world, {**BODY, **change})
    assert (answer.status_code, answer.json()["message"]) == (400, reason)
    assert [each.reason for each in world.store.accepted if isinstance(each, Rejected)] == [reason]


async def test_a_bad_one_of_a_batch_keeps_no_other_out(world: World) -> None:
    batch = [BODY, {**BODY, "id": "2", "subject": ""}, 7]
    answer = await post(world, batch, "application/cloudevents-batch+json; charset=utf-8")
    assert answer.json()["rejected"] == [
        {"index": 1, "reason": "subject is missing: it says whose event it is, like ana or account/acme"},
        {"index": 2, "reason": "specversion is not 1.0"},
    ]
    assert len(world.store.accepted) == 3


@pytest.mark.parametrize(("kind", "status"), [("application/json", 400), ("application/cloudevents-batch+json", 400)])
async def test_what_is_no_cloud_event_is_refused(world: World, kind: str, status: int) -> None:
    assert (await post(world, BODY, kind)).status_code == status


async def test_data_that_is_no_object_is_a_property(world: World) -> None:
    await post(world, {**BODY, "data": [1, 2]})
    (accepted,) = world.store.accepted
    assert isinstance(accepted, Accepted)
    assert isinstance(accepted.input, CustomerEvent)
    assert accepted.input.properties == {"data": [1, 2]}


async def test_without_a_key_nothing_is_taken(world: World) -> None:
    assert (await post(world, BODY, Authorization="Bearer wrong")).status_code == 401
    assert (await world.client.post("/v1/cloudevents", json=BODY)).status_code == 401
    basic = await world.client.post(
        "/v1/cloudevents",
        content=json.dumps(BODY),
        auth=("write-key", ""),
        headers={"Content-Type": "application/cloudevents+json"},
    )
    assert basic.status_code == 200


async def test_a_sender_that_asks_may_send(world: World) -> None:
    answer = await world.client.options(
        "/v1/cloudevents", headers={"WebHook-Request-Origin": "eventemitter.example.com"}
    )
    assert (answer.status_code, answer.headers["webhook-allowed-origin"]) == (200, "eventemitter.example.com")

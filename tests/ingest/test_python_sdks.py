"""Segment's and RudderStack's Python SDKs, unmodified, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from perennia.core.decisions import CustomerEvent
from perennia.store.records import Accepted
from tests.support.api_world import NOW, World, api_world
from tests.support.sdk_calls import EVERY_CALL, content
from tests.support.serving import served

# Neither SDK has types.
Sdk: TypeAlias = Any


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        yield world


@pytest.fixture
async def address(world: World) -> AsyncIterator[str]:
    async with served(world.app) as address:
        yield address


def segment(address: str, key: str = "write-key", **options: Any) -> Sdk:
    return SegmentClient(key, host=address, upload_interval=0.05, **options)


def rudder(address: str, key: str = "write-key", **options: Any) -> Sdk:
    return RudderClient(key, host=address, upload_interval=0.05, **options)


BOTH = pytest.mark.parametrize("connect", [segment, rudder])
Connect: TypeAlias = Callable[..., Sdk]


def make_calls(sdk: Sdk) -> None:
    sdk.identify("ana", {"email": "ana@example.com", "trial": None}, anonymous_id="a1")
    sdk.group("ana", "acme", {"seats": 20})
    sdk.track("ana", "Signed Up", {"plan": "pro"})
    sdk.page("ana", "Docs", "Index", {"path": "/docs"})
    sdk.screen("ana", None, "Inbox")
    sdk.alias("a0", "ana")
    sdk.track(7, "Numbered")


async def finish(sdk: Sdk) -> None:
    """Sends what is left and ends the SDK's thread. The thread is a daemon's: without this it outlives the test."""

    def end() -> None:
        sdk.flush()
        sdk.join()

    await asyncio.to_thread(end)


@BOTH
@pytest.mark.parametrize("packed", [False, True])
async def test_every_call_of_an_sdk_arrives(world: World, address: str, connect: Connect, packed: bool) -> None:
    sdk = connect(address, gzip=packed)
    make_calls(sdk)
    await finish(sdk)
    assert [content(record) for record in world.store.accepted] == [*EVERY_CALL, ("event", "7", "Numbered", {})]


@BOTH
async def test_an_event_from_the_past_keeps_its_distance(world: World, address: str, connect: Connect) -> None:
    sdk = connect(address)
    sdk.track("ana", "Signed Up", timestamp=datetime.now(UTC) - timedelta(days=3))
    await finish(sdk)
    (record,) = world.store.accepted
    assert isinstance(record, Accepted)
    assert isinstance(record.input, CustomerEvent)
    assert record.input.timestamp is not None
    assert timedelta(days=3) <= NOW - record.input.timestamp < timedelta(days=3, minutes=2)


@BOTH
async def test_a_store_that_is_away_loses_nothing(world: World, address: str, connect: Connect) -> None:
    world.store.away = True
    sdk = connect(address)
    sdk.track("ana", "Signed Up", message_id="m1")
    await asyncio.sleep(1)
    assert world.store.accepted == []
    world.store.away = False
    await finish(sdk)
    assert [content(record) for record in world.store.accepted] == [("event", "ana", "Signed Up", {})]


@BOTH
async def test_a_wrong_key_is_told_at_once(world: World, address: str, connect: Connect) -> None:
    errors: list[Exception] = []

    def remember(error: Exception, _items: object) -> None:
        errors.append(error)

    sdk = connect(address, key="wrong", on_error=remember)
    sdk.track("ana", "Signed Up")
    await finish(sdk)
    assert len(errors) == 1
    assert "invalid_write_key" in str(errors[0])
    assert world.store.accepted == []

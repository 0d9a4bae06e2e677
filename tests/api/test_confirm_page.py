"""The page behind the link that confirms a consent: a person confirms, nobody's looking does."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from perennia.core.consent import address_mark
from perennia.core.documents import Triggers
from tests.support.api_world import NOW, POLICIES, World, api_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        await world.store.publish([POLICIES], Triggers(), NOW, "sam", None)
        yield world


def url(world: World, customer: str = "c1") -> str:
    return world.links.confirm_url(customer, "news", NOW, "ana@example.com")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_confirms_nothing(world: World, method: str) -> None:
    answer = await world.client.request(method, url(world))
    assert (answer.status_code, world.store.confirmed) == (200, [])
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_person_sees_what_it_is_about_and_a_button(world: World) -> None:
    page = (await world.client.get(url(world))).text
    assert "Would you like “News”?" in page
    assert "from Example Ltd" in page
    assert '<form method="post">' in page


async def test_the_button_confirms_with_a_proof(world: World) -> None:
    answer = await world.client.post(url(world), headers={"User-Agent": "Browser/1"})
    assert answer.status_code == 200
    assert "Thank you, it is confirmed" in answer.text
    ((link, proof),) = world.store.confirmed
    assert (link.customer, link.topic, link.asked_at) == ("c1", "news", NOW)
    assert link.mark == address_mark("c1", "news", "Ana@example.com")
    assert proof == {
        "ip": "127.0.0.1",
        "user_agent_sha256": "180900f33f2fb80bbd29b3b2116164022b25ab5c36bff6b2a70e971c8cdd8b30",
    }


async def test_a_link_that_is_too_old_says_what_to_do(world: World) -> None:
    world.clock.instant = NOW + timedelta(days=7)
    answer = await world.client.post(url(world))
    assert answer.status_code == 410
    assert "Please ask for “News” once more" in answer.text


async def test_the_address_is_not_in_the_link(world: World) -> None:
    token = url(world).rpartition("/")[2].partition(".")[0]
    content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"ana" not in content
    assert b"news" in content


@pytest.mark.parametrize("made_for", ["unsubscribe", "preferences"])
async def test_no_other_link_confirms(world: World, made_for: str) -> None:
    other = (
        world.links.unsubscribe_url("c1", "news") if made_for == "unsubscribe" else world.links.preferences_url("c1")
    )
    answer = await world.client.post(f"/c/{other.rpartition('/')[2]}")
    assert (answer.status_code, world.store.confirmed) == (404, [])


async def test_what_could_not_be_stored_is_not_confirmed(world: World) -> None:
    world.store.away = True
    answer = await world.client.post(url(world))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_someone_who_was_erased_confirms_nothing(world: World) -> None:
    assert (await world.client.post(url(world, "erased"))).status_code == 404

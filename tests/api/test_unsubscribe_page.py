"""The unsubscribe link: pages for people, one click for mail programs, nothing for scanners."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from perennia.core.documents import Document, Triggers
from perennia.rendering.links import Links
from tests.support.api_world import NOW, World, api_world

ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        yield world


def url(world: World, customer: str = "c1") -> str:
    return world.links.unsubscribe_url(customer, "tips")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(world: World, method: str) -> None:
    answer = await world.client.request(method, url(world))
    assert answer.status_code == 200
    assert world.store.unsubscribed == []


async def test_a_person_sees_what_it_is_about_and_a_button(world: World) -> None:
    body = '{"policies":"default","name":"Example Ltd","topics":{"tips":{"kind":"opt_out","name":"Product <tips>"}}}'
    policies = Document(kind="policies", id="default", version="v1", body=body)
    await world.store.publish([policies], Triggers(), NOW, "sam", None)
    page = (await world.client.get(url(world))).text
    assert "Unsubscribe from “Product &lt;tips&gt;”?" in page
    assert "from Example Ltd" in page
    assert '<form method="post">' in page


async def test_the_button_unsubscribes(world: World) -> None:
    answer = await world.client.post(url(world))
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert world.store.unsubscribed == [("c1", "tips", "page")]
    assert world.bells.nudges == [[]]  # a message may be held for them: look who was rung


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
async def test_one_click_works_in_both_forms_of_the_rfc(world: World, form: str) -> None:
    if form == "urlencoded":
        answer = await world.client.post(
            url(world), content=ONE_CLICK, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    else:
        answer = await world.client.post(url(world), files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert not answer.is_redirect
    assert "set-cookie" not in answer.headers
    assert world.store.unsubscribed == [("c1", "tips", "one-click")]


async def test_one_click_ignores_cookies(world: World) -> None:
    answer = await world.client.post(url(world), content=ONE_CLICK, headers={"Cookie": "session=someone"})
    assert (answer.status_code, world.store.unsubscribed) == (200, [("c1", "tips", "one-click")])


async def test_a_link_of_an_older_key_still_unsubscribes(world: World) -> None:
    old = Links("https://perennia.example", ["old-secret"]).unsubscribe_url("c1", "tips")
    assert (await world.client.post(old)).status_code == 200
    assert world.store.unsubscribed == [("c1", "tips", "page")]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_changed_link_does_nothing_and_says_so(world: World, method: str) -> None:
    answer = await world.client.request(method, url(world)[:-3] + "AAA")
    assert answer.status_code == 404
    assert "This link does not work" in answer.text
    assert world.store.unsubscribed == []


async def test_someone_who_was_erased_is_told_what_he_asked_for(world: World) -> None:
    answer = await world.client.post(url(world, "erased"))
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text


async def test_a_no_that_could_not_be_stored_is_not_confirmed(world: World) -> None:
    world.store.away = True
    answer = await world.client.post(url(world), content=ONE_CLICK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "try again" in answer.text


async def test_the_page_is_shown_even_without_the_store(world: World) -> None:
    world.store.away = True
    answer = await world.client.get(url(world))
    assert answer.status_code == 200
    assert "Unsubscribe from “tips”?" in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pages_load_and_leak_nothing(world: World, method: str) -> None:
    headers = (await world.client.request(method, url(world))).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("form-action 'self'; base-uri 'none'; frame-ancestors 'none'")


async def test_pages_hold_no_script_and_nothing_from_elsewhere(world: World) -> None:
    page = (await world.client.get(url(world))).text
    assert "<script" not in page
    assert "http" not in page
    assert '<html lang="en" dir="ltr">' in page

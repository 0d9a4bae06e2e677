"""The page where a person chooses topics: shown as they are, kept as they are chosen, changed by nobody's looking."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from perennia.core.documents import Triggers
from tests.support.api_world import NOW, POLICIES, TRACKED, World, api_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        await world.store.publish([POLICIES], Triggers(), NOW, "sam", None)
        yield world


def url(world: World, customer: str = "c1") -> str:
    return world.links.preferences_url(customer)


def box(number: int, topic: str, *, ticked: bool, described: bool = False) -> str:
    about = f' aria-describedby="about-{number}"' if described else ""
    return f'id="topic-{number}" name="topic.{topic}"{about}{" checked" if ticked else ""}>'


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(world: World, method: str) -> None:
    answer = await world.client.request(method, url(world))
    assert (answer.status_code, world.store.said) == (200, {})


async def test_what_was_never_said_is_as_the_topics_are_meant(world: World) -> None:
    page = (await world.client.get(url(world))).text
    assert box(1, "tips", ticked=True, described=True) in page
    assert box(2, "news", ticked=False) in page
    assert "Tips &lt;1&gt;" in page


async def test_what_was_said_before_is_shown(world: World) -> None:
    world.store.said = {"tips": False, "news": True}
    page = (await world.client.get(url(world))).text
    assert box(1, "tips", ticked=False, described=True) in page
    assert box(2, "news", ticked=True) in page


async def test_what_is_chosen_is_kept_and_shown(world: World) -> None:
    answer = await world.client.post(url(world), data={"topic.news": "on"})
    assert "Your choice is saved." in answer.text
    assert box(2, "news", ticked=True) in answer.text
    assert world.store.said == {"tips": False, "news": True}
    assert world.bells.nudges == [[]]


async def test_only_what_changed_is_said(world: World) -> None:
    await world.client.post(url(world), data={"topic.tips": "on"})
    assert world.store.said == {}  # a default that stays is no consent


async def test_one_button_says_no_to_everything(world: World) -> None:
    world.store.said = {"news": True}
    await world.client.post(url(world), data={"none": "1", "topic.tips": "on"})
    assert world.store.said == {"tips": False, "news": False}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("link", ["changed", "erased", "of another page"])
async def test_a_link_that_leads_nowhere_says_so(world: World, method: str, link: str) -> None:
    links = {
        "changed": url(world)[:-3] + "AAA",
        "erased": url(world, "erased"),
        "of another page": world.links.unsubscribe_url("c1", "tips").replace("/u/", "/p/"),
    }
    answer = await world.client.request(method, links[link])
    assert answer.status_code == 404
    assert "This link does not work" in answer.text


async def test_it_speaks_the_readers_language(world: World) -> None:
    answer = await world.client.get(url(world), headers={"Accept-Language": "de-AT,en;q=0.5"})
    assert '<html lang="de" dir="ltr">' in answer.text
    assert "Welche Nachrichten möchten Sie erhalten?" in answer.text
    assert answer.headers["Content-Language"] == "de"


async def test_while_the_store_is_away_nothing_is_lost(world: World) -> None:
    world.store.away = True
    answer = await world.client.post(url(world), data={"topic.news": "on"})
    assert answer.status_code == 503
    assert '<input type="hidden" name="topic.news" value="on">' in answer.text


# --- being tracked --------------------------------------------------------------------------------------------------

LABEL = "Do not record whether I open messages or follow their links"


@pytest.fixture
async def tracking() -> AsyncIterator[World]:
    async with api_world() as world:
        await world.store.publish([TRACKED], Triggers(), NOW, "sam", None)
        yield world


async def test_where_nobody_is_tracked_there_is_nothing_to_refuse(world: World) -> None:
    assert LABEL not in (await world.client.get(url(world))).text
    world.store.said = {":tracking": False}
    assert LABEL in (await world.client.get(url(world))).text


async def test_whoever_does_not_want_to_be_tracked_says_so(tracking: World) -> None:
    assert 'name="untracked">' in (await tracking.client.get(url(tracking))).text

    saved = await tracking.client.post(url(tracking), data={"topic.tips": "on", "untracked": "on"})

    assert 'name="untracked" checked>' in saved.text
    assert tracking.store.said == {":tracking": False}
    assert [(one.topic, one.given, one.source) for one in tracking.store.heard] == [(":tracking", False, "preferences")]


async def test_a_refusal_is_taken_back_and_stays_where_nothing_is_said_of_it(tracking: World) -> None:
    tracking.store.said = {":tracking": False}
    await tracking.client.post(url(tracking), data={"none": "1"})
    assert tracking.store.said == {":tracking": False, "tips": False}
    await tracking.client.post(url(tracking), data={"topic.news": "on"})
    assert tracking.store.said == {":tracking": True, "tips": False, "news": True}

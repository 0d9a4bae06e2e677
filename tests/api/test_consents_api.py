"""What forms and systems tell of consents, and what the team sees of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from perennia.core.documents import Triggers
from tests.support.api_world import ADMIN, NOW, POLICIES, World, api_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        await world.store.publish([POLICIES], Triggers(), NOW, "sam", None)
        yield world


async def test_a_yes_is_kept_as_it_was_told(world: World) -> None:
    body = {"topic": "news", "given": True, "source": "footer", "text": "v2", "proof": {"form": 7}}
    answer = await world.client.post("/api/v1/customers/ana/consents", json=body, headers=ADMIN)
    assert answer.json()["outcome"] == "given"
    (said,) = world.store.heard
    assert (said.topic, said.given, said.source, said.text, said.proof) == ("news", True, "footer", "v2", {"form": 7})


async def test_all_topics_are_shown_also_those_nothing_was_said_of(world: World) -> None:
    await world.client.post("/api/v1/customers/ana/consents", json={"topic": "news", "given": True}, headers=ADMIN)
    shown = (await world.client.get("/api/v1/customers/ana/consents", headers=ADMIN)).json()
    assert [(one["topic"], one["kind"], one["state"]) for one in shown["topics"]] == [
        ("news", "opt_in", "given"),
        ("tips", "opt_out", "unsaid"),
    ]
    assert [one["source"] for one in shown["history"]] == ["api"]


async def test_a_customers_own_view_has_its_consents(world: World) -> None:
    detail = (await world.client.get("/api/v1/customers/ana", headers=ADMIN)).json()
    assert [one["topic"] for one in detail["consents"]] == ["news", "tips"]


async def test_a_topic_that_is_not_there_names_the_nearest(world: World) -> None:
    answer = await world.client.post(
        "/api/v1/customers/ana/consents", json={"topic": "nwes", "given": True}, headers=ADMIN
    )
    assert answer.status_code == 404
    assert "news" in answer.json()["detail"]
    assert world.store.heard == []


@pytest.mark.parametrize("given", ["yes", None, 1])
async def test_an_answer_is_true_or_false_and_nothing_like_it(world: World, given: object) -> None:
    body = {"topic": "news", "given": given}
    answer = await world.client.post("/api/v1/customers/ana/consents", json=body, headers=ADMIN)
    assert (answer.status_code, world.store.heard) == (422, [])

"""Answers that other systems tell of, signed as each of them signs: to whom they go, twice, in parts, and from nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from perennia.core.decisions import SurveyAnswered
from perennia.core.documents import Document, Triggers
from perennia.core.json_values import JsonObject
from perennia.providers.standard_webhooks import Signer
from perennia.store.records import GivenAnswer
from tests.support.api_world import NOW, World, api_world

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
SURVEY: JsonObject = {
    "survey": "nps",
    "kind": "nps",
    "question": "?",
    "questions": [{"id": "why", "choice": "Why?", "options": {"speed": "It is fast", "cost": "It is cheap"}}],
    "sources": {
        "typeform": {"form": "f1", "score": "nps-ref", "comment": "text-ref", "answers": {"why": "why-ref"}},
        "formbricks": {"score": "q1"},
        "delighted": {},
        "tool": {"score": "data.score", "customer": "data.user", "id": "data.id"},
    },
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    secrets = {"typeform": SECRET, "formbricks": SECRET, "delighted": SECRET, "tool": SECRET}
    async with api_world(survey_hooks=secrets) as world:
        body = msgspec.json.encode(SURVEY).decode()
        survey = Document(kind="survey", id="nps", version="s1", body=body)
        await world.store.publish([survey], Triggers(), NOW, "sam", None)
        yield world


async def send(world: World, source: str, body: JsonObject, id_: str = "m1", age: int = 0) -> httpx.Response:
    content = msgspec.json.encode(body)
    if source == "typeform":
        digest = base64.b64encode(hmac.digest(SECRET.encode(), content, hashlib.sha256)).decode()
        headers = {"Typeform-Signature": f"sha256={digest}"}
    elif source == "delighted":
        headers = {"Authorization": "Basic " + base64.b64encode(f"x:{SECRET}".encode()).decode()}
    else:
        headers = Signer([SECRET]).headers(id_, datetime.now(UTC) - timedelta(minutes=age), content)
    return await world.client.post(f"/hooks/surveys/{source}", content=content, headers=headers)


def typeform(event: str = "e1", hidden: JsonObject | None = None) -> JsonObject:
    answers: list[JsonObject] = [
        {"type": "number", "number": 9, "field": {"id": "1", "ref": "nps-ref"}},
        {"type": "choice", "choice": {"label": "It is fast"}, "field": {"id": "2", "ref": "why-ref"}},
        {"type": "text", "text": "Good.", "field": {"id": "3", "ref": "text-ref"}},
    ]
    told: JsonObject = {
        "form_id": "f1",
        "token": "t1",
        "hidden": hidden or {"customer_id": "ana"},
        "answers": [*answers],
    }
    return {"event_id": event, "event_type": "form_response", "form_response": told}


def delighted(event: str, **data: object) -> JsonObject:
    person = {"email": "ana@example.com"}
    return msgspec.to_builtins({"event_id": event, "event_data": {"id": 7, "person": person, **data}})


def placed(world: World) -> list[tuple[str, SurveyAnswered]]:
    return [(customer, order) for customer, order in world.store.orders if isinstance(order, SurveyAnswered)]


async def test_an_answer_of_typeform_goes_to_whom_its_hidden_field_names(world: World) -> None:
    assert (await send(world, "typeform", typeform())).status_code == 200
    said: JsonObject = {"why": "speed"}
    right = SurveyAnswered(
        at=NOW, survey="nps", score=9, comment="Good.", key="typeform:t1", by="typeform", answers=said
    )
    assert placed(world) == [("c1", right)]
    assert world.bells.nudges == [["c1"]]


async def test_the_same_call_again_changes_nothing(world: World) -> None:
    await send(world, "typeform", typeform())
    assert (await send(world, "typeform", typeform())).status_code == 200
    assert len(placed(world)) == 1


async def test_a_score_and_its_later_comment_are_one_answer_in_any_order(world: World) -> None:
    await send(world, "delighted", delighted("e2", comment="Slow."))
    world.store.known["delighted:7"] = GivenAnswer(score=None, comment="Slow.", first_at=NOW, partial=True)
    await send(world, "delighted", delighted("e1", score=3, comment=None))
    told = [(order.key, order.score, order.comment, order.partial) for _, order in placed(world)]
    assert told == [("delighted:7", None, "Slow.", True), ("delighted:7", 3, "Slow.", False)]


async def test_formbricks_and_a_tool_of_ones_own_sign_as_standard_webhooks_have_it(world: World) -> None:
    data: JsonObject = {"id": "r1", "surveyId": "s", "data": {"q1": 8}, "contactAttributes": {"userId": "ana"}}
    await send(world, "formbricks", {"event": "responseUpdated", "data": data})
    await send(world, "tool", {"data": {"id": 5, "score": "10", "user": "ana"}}, "m2")
    told = [(order.key, order.score, order.partial) for _, order in placed(world)]
    assert told == [("formbricks:r1", 8, True), ("tool:5", 10, False)]


@pytest.mark.parametrize("source", ["formbricks", "tool"])
async def test_an_old_call_is_not_taken(world: World, source: str) -> None:
    assert (await send(world, source, {"data": {}}, age=6)).status_code == 401


@pytest.mark.parametrize("source", ["typeform", "formbricks", "delighted", "tool"])
async def test_what_is_not_signed_is_not_taken(world: World, source: str) -> None:
    answer = await world.client.post(f"/hooks/surveys/{source}", content=msgspec.json.encode(typeform()))
    assert (answer.status_code, world.store.orders, world.store.aside) == (401, [], [])


async def test_a_source_without_a_secret_is_unknown(world: World) -> None:
    assert (await world.client.post("/hooks/surveys/other", content=b"{}")).status_code == 404


async def test_whose_answer_nobody_knows_is_kept_aside_and_told(world: World) -> None:
    assert (await send(world, "typeform", typeform(hidden={"customer_id": "who"}))).status_code == 200
    assert placed(world) == []
    (aside,) = world.store.aside
    assert (aside.id, aside.survey, aside.reason) == ("typeform:e1", "nps", "nobody knows who answered")
    assert '"Good."' in aside.body


async def test_a_form_that_no_survey_names_is_kept_aside(world: World) -> None:
    body = typeform()
    told = body["form_response"]
    assert isinstance(told, dict)
    told["form_id"] = "f2"
    await send(world, "typeform", body)
    assert [(one.survey, one.reason) for one in world.store.aside] == [(None, "no survey takes answers from there")]

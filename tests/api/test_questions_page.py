"""Surveys of several questions, a page a question: forward, back, stopping in between, in the reader's language, anonymous."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import msgspec
import pytest

from perennia.core.decisions import SurveyAnswered
from perennia.core.documents import Document, Triggers
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.store.records import GivenAnswer, SurveyQuestion
from perennia.store.survey_records import AnonymousAnswer
from tests.support.api_world import NOW, World, api_world

KEY = "c1/welcome.1/ask/1"
REVIEW: JsonObject = {
    "survey": "review",
    "kind": "nps",
    "question": "How likely?",
    "thanks": {"all": "Thanks, {{ contact.name }}!", "promoter": "Hooray!"},
    "questions": [
        {"id": "why", "choice": "Why?", "options": {"speed": "It is fast", "cost": "It is cheap"}, "required": True},
        {"id": "uses", "choice": "For what?", "options": {"a": "Audits", "b": "Budgets"}, "many": True},
        {"id": "parts", "matrix": "How good?", "rows": {"help": "Our help"}, "if": "answer.score < 7"},
        {"id": "more", "text": "What else?"},
    ],
    "languages": {
        "de": {
            "question": "Wie wahrscheinlich?",
            "thanks": {"all": "Danke!"},
            "questions": {"why": {"ask": "Warum?", "options": {"speed": "Schnell"}}},
        }
    },
}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        yield world


async def asked(world: World, answer: GivenAnswer | None = None, **more: object) -> str:
    body = msgspec.json.encode({**REVIEW, **more}).decode()
    parent = world.store.published[-1][0].id if world.store.published else None
    survey = Document(kind="survey", id="review", version="s1", body=body)
    await world.store.publish([survey], Triggers(), NOW, "sam", parent)
    about = AskedSurvey(survey="review", question="How likely?", lowest=0, highest=10)
    names: JsonObject = {"contact": {"name": "Ana"}}
    world.store.questions[KEY] = SurveyQuestion(
        customer="c1", asked=about, context=names, answer=answer, asked_at=NOW - timedelta(days=20)
    )
    return world.links.answer_url(KEY, "review")


def orders(world: World) -> list[tuple[float | None, JsonObject, bool]]:
    told = [order for _, order in world.store.orders if isinstance(order, SurveyAnswered)]
    return [(order.score, order.answers, order.partial) for order in told]


async def test_each_page_is_kept_and_leads_to_the_next(world: World) -> None:
    url = await asked(world)
    page = await world.client.post(url, data={"page": "score", "score": "9"})
    assert "Why?" in page.text
    assert "Question 2 of 4" in page.text
    page = await world.client.post(url, data={"page": "why", "score": "9", "a.why": "cost"})
    assert "For what?" in page.text
    assert '<input type="hidden" name="a.why" value="cost">' in page.text
    await world.client.post(url, data={"page": "uses", "score": "9", "a.why": "cost", "a.uses": ["b", "a"]})
    page = await world.client.post(
        url, data={"page": "more", "score": "9", "a.why": "cost", "a.uses": ["a", "b"], "a.more": "No"}
    )
    assert "Hooray!" in page.text
    assert orders(world) == [
        (9, {}, True),
        (9, {"why": "cost"}, True),
        (9, {"why": "cost", "uses": ["a", "b"]}, True),
        (9, {"why": "cost", "uses": ["a", "b"], "more": "No"}, False),
    ]


async def test_who_stopped_goes_on_where_they_stopped(world: World) -> None:
    url = await asked(world, GivenAnswer(score=3, comment=None, first_at=NOW, answers={"why": "cost"}, partial=True))
    assert "For what?" in (await world.client.get(url)).text
    page = await world.client.post(url, data={"page": "uses"})  # left out
    assert "Our help" in page.text
    page = await world.client.post(url, data={"page": "parts", "a.parts.help": "2"})
    assert "What else?" in page.text
    assert orders(world) == [(3, {"why": "cost", "parts": {"help": 2}}, True)]


async def test_back_shows_the_page_before_and_keeps_nothing(world: World) -> None:
    url = await asked(world)
    page = await world.client.post(
        url, data={"page": "uses", "score": "9", "a.why": "cost", "a.uses": "a", "back": "1"}
    )
    assert 'name="a.why" value="cost" required checked' in page.text
    assert '<input type="hidden" name="a.uses" value="a">' in page.text
    assert orders(world) == []


@pytest.mark.parametrize("why", [{}, {"a.why": "price"}])
async def test_a_question_that_must_be_answered_says_so_and_leads_to_itself(world: World, why: dict[str, str]) -> None:
    url = await asked(world)
    answer = await world.client.post(url, data={"page": "why", "score": "9", **why})
    assert answer.status_code == 422
    assert '<a href="#first">This question needs an answer.</a>' in answer.text
    assert 'aria-describedby="problem"' in answer.text
    assert orders(world) == []


async def test_another_score_leads_another_way(world: World) -> None:
    given: JsonObject = {"why": "cost", "parts": {"help": 2}}
    url = await asked(world, GivenAnswer(score=3, comment=None, first_at=NOW, answers=given))
    await world.client.post(url, data={"page": "score", "score": "9"})
    assert orders(world) == [(9, {"why": "cost"}, True)]  # `parts` is for those below 7


async def test_questions_are_asked_in_the_readers_language(world: World) -> None:
    url = await asked(world)
    german = {"Accept-Language": "fr, de-CH;q=0.5"}
    assert "Wie wahrscheinlich?" in (await world.client.get(url, headers=german)).text
    page = (await world.client.post(url, data={"page": "score", "score": "9"}, headers=german)).text
    assert '<html lang="de"' in page
    assert "Schnell" in page
    assert "It is cheap" in page  # not translated
    assert "How likely?" in (await world.client.get(url, headers={"Accept-Language": "fr"})).text


async def test_a_survey_may_be_open_for_a_while_only(world: World) -> None:
    url = await asked(world, open="20d")
    closed = await world.client.post(url, data={"score": "9"})
    assert (closed.status_code, orders(world)) == (410, [])
    assert "The time to answer it is over." in closed.text
    assert (await world.client.get(await asked(world, open="3w"))).status_code == 200


async def test_who_was_erased_is_told_so(world: World) -> None:
    url = await asked(world)
    world.store.questions[KEY] = msgspec.structs.replace(world.store.questions[KEY], erased=True)
    closed = await world.client.post(url, data={"score": "9"})
    assert (closed.status_code, orders(world)) == (410, [])
    assert "has asked us to forget them" in closed.text


# --- anonymous ------------------------------------------------------------------------------------------------------


async def finished(world: World, url: str) -> httpx.Response:
    answers = {"score": "3", "a.why": "cost", "a.more": "Slow"}
    for page in ("score", "why", "uses", "parts"):
        assert "This survey is anonymous" in (await world.client.post(url, data={"page": page, **answers})).text
    assert orders(world) == []  # nothing before the last page
    return await world.client.post(url, data={"page": "more", **answers})


async def test_an_anonymous_answer_is_kept_apart_from_that_there_was_one(world: World) -> None:
    answer = await finished(world, await asked(world, anonymous=True, by=["plan"]))
    assert "Your answer is counted" in answer.text
    assert orders(world) == [(None, {}, False)]
    assert world.store.unsigned == [(AnonymousAnswer(score=3, answers={"why": "cost", "more": "Slow"}), ("plan",))]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_anonymous_answer_is_not_shown_again_and_cannot_be_changed(world: World, method: str) -> None:
    url = await asked(world, GivenAnswer(score=None, comment=None, first_at=NOW), anonymous=True)
    answer = await world.client.request(method, url)
    assert answer.status_code == 410
    assert "nobody can tell which answer is yours" in answer.text
    assert world.store.unsigned == []

"""The survey's link: a page for people, nothing for scanners; what is answered reaches the customer's playbooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from perennia.core.decisions import SurveyAnswered
from perennia.core.documents import Document, Triggers
from perennia.core.json_values import JsonObject
from perennia.core.message_parts import AskedSurvey
from perennia.store.records import GivenAnswer, SurveyQuestion
from tests.support.api_world import NOW, World, api_world

KEY = "c1/welcome.1/ask/1"
POLICIES = Document(kind="policies", id="default", version="p1", body='{"policies":"default","name":"Example Ltd"}')
NPS = Document(
    kind="survey",
    id="nps",
    version="s1",
    body='{"survey":"nps","kind":"nps","question":"?","follow_up":{"detractor":"What went wrong, {{ contact.name }}?"}}',
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        await world.store.publish([POLICIES, NPS], Triggers(), NOW, "sam", None)
        ask(world)
        yield world


def ask(world: World, answer: GivenAnswer | None = None, lowest: int = 0, highest: int = 10) -> None:
    question = "Would you recommend {{ workspace.name }}, {{ contact.name }}?"
    asked = AskedSurvey(survey="nps", question=question, lowest=lowest, highest=highest)
    context: JsonObject = {"contact": {"name": "<Ana>"}}
    world.store.questions[KEY] = SurveyQuestion(customer="c1", asked=asked, context=context, answer=answer)


def answered(score: float, comment: str | None = None, first_at: datetime = NOW) -> GivenAnswer:
    return GivenAnswer(score=score, comment=comment, first_at=first_at)


def url(world: World) -> str:
    return world.links.answer_url(KEY, "nps")


def answers(world: World) -> list[tuple[str, float | None, str | None]]:
    orders = [(customer, order) for customer, order in world.store.orders if isinstance(order, SurveyAnswered)]
    return [(customer, order.score, order.comment) for customer, order in orders]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("score", ["", "?score=9"])
async def test_opening_a_link_records_nothing(world: World, method: str, score: str) -> None:
    answer = await world.client.request(method, url(world) + score)
    assert answer.status_code == 200
    assert world.store.orders == []


async def test_the_question_is_the_one_of_the_message(world: World) -> None:
    page = (await world.client.get(url(world))).text
    assert "Would you recommend Example Ltd, &lt;Ana&gt;?" in page
    assert page.count('type="radio"') == 11


async def test_the_score_of_the_link_is_chosen(world: World) -> None:
    page = (await world.client.get(url(world) + "?score=9")).text
    assert 'value="9" required checked' in page
    assert page.count(" checked") == 1


@pytest.mark.parametrize("score", ["11", "-1", "9.5", "nan", "inf", "<b>", "1e400", ""])
async def test_a_score_off_the_scale_is_asked_for_again(world: World, score: str) -> None:
    answer = await world.client.post(url(world), data={"score": score})
    assert answer.status_code == 422
    assert "Please choose a number from 0 to 10." in answer.text
    assert world.store.orders == []


async def test_a_confirmed_score_reaches_the_customer_at_once(world: World) -> None:
    answer = await world.client.post(url(world), data={"score": "9"})
    assert answer.status_code == 200
    assert "your answer is saved" in answer.text
    (order,) = world.store.orders
    assert order == ("c1", SurveyAnswered(at=NOW, survey="nps", score=9, key=KEY, by="page"))
    assert world.bells.nudges == [["c1"]]


async def test_a_low_score_is_asked_the_question_of_its_label(world: World) -> None:
    page = (await world.client.post(url(world), data={"score": "3"})).text
    assert "What went wrong, &lt;Ana&gt;?" in page
    assert '<input type="hidden" name="score" value="3">' in page
    assert answers(world) == [("c1", 3, None)]  # saved before anything is written


async def test_a_comment_follows_its_score(world: World) -> None:
    answer = await world.client.post(url(world), data={"score": "3", "comment": " Too slow.\r\nAnd dear. "})
    assert "your answer is saved" in answer.text
    assert answers(world) == [("c1", 3, "Too slow.\nAnd dear.")]


async def test_a_comment_is_cut_at_its_limit(world: World) -> None:
    await world.client.post(url(world), data={"score": "3", "comment": "é" * 5000})
    assert answers(world) == [("c1", 3, "é" * 2000)]


async def test_the_same_answer_twice_is_kept_once(world: World) -> None:
    ask(world, answered(9))
    answer = await world.client.post(url(world), data={"score": "9"})
    assert (answer.status_code, world.store.orders) == (200, [])


async def test_an_answer_is_shown_and_can_be_changed(world: World) -> None:
    ask(world, answered(9, "Good."))
    assert "Your answer so far is 9." in (await world.client.get(url(world))).text
    await world.client.post(url(world), data={"score": "10"})
    assert answers(world) == [("c1", 10, "Good.")]  # what was written stays


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_after_a_week_it_is_closed(world: World, method: str) -> None:
    ask(world, answered(9, first_at=NOW - timedelta(days=7)))
    answer = await world.client.request(method, url(world), content="score=1" if method == "POST" else "", headers=FORM)
    assert answer.status_code == 410
    assert "This survey is closed" in answer.text
    assert world.store.orders == []


async def test_until_a_week_has_passed_it_is_open(world: World) -> None:
    ask(world, answered(9, first_at=NOW - timedelta(days=7) + timedelta(seconds=1)))
    assert (await world.client.post(url(world), data={"score": "1"})).status_code == 200


async def test_a_long_scale_is_a_number_to_type(world: World) -> None:
    ask(world, lowest=0, highest=100)
    page = (await world.client.get(url(world))).text
    assert 'type="number" name="score" min="0" max="100" step="1"' in page


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_of_something_else_says_so(world: World, method: str) -> None:
    other = world.links.unsubscribe_url("c1", "tips").replace("/u/", "/s/")
    answer = await world.client.request(method, other)
    assert answer.status_code == 404
    assert "This link does not work" in answer.text


async def test_an_erased_customer_has_no_page(world: World) -> None:
    world.store.questions.clear()
    assert (await world.client.get(url(world))).status_code == 404


async def test_what_could_not_be_saved_can_be_sent_again(world: World) -> None:
    world.store.turns = False
    await world.client.get(url(world))  # policies and survey are known from here on
    world.store.away = True
    answer = await world.client.post(url(world), data={"score": "9", "comment": "Good."})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert '<input type="hidden" name="score" value="9">' in answer.text
    assert '<input type="hidden" name="comment" value="Good.">' in answer.text


async def test_a_survey_that_is_not_published_any_more_is_answered_all_the_same(world: World) -> None:
    await world.store.publish([POLICIES], Triggers(), NOW, "sam", "r1")
    answer = await world.client.post(url(world), data={"score": "3"})
    assert "your answer is saved" in answer.text
    assert answers(world) == [("c1", 3, None)]


async def test_the_page_keeps_the_link_to_itself(world: World) -> None:
    headers = (await world.client.get(url(world))).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "script-src" not in headers["Content-Security-Policy"]  # default-src 'none'
    assert "set-cookie" not in headers

"""`GET /api/v1/surveys/...`, and its report as the command prints it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from perennia.cli.survey_commands import described
from perennia.core.documents import Document, Triggers
from perennia.core.facts import Facts
from perennia.core.json_values import Json
from perennia.core.state import CustomerState
from perennia.store.records import Response
from perennia.store.survey_records import AnonymousAnswer, AnonymousBatch, Answered
from perennia.survey_answers import SurveyScore
from tests.support.api_world import ADMIN, NOW, World, api_world

NPS = Document(kind="survey", id="nps", version="s1", body='{"survey":"nps","kind":"nps","question":"?"}')


REVIEW = Document(
    kind="survey",
    id="nps",
    version="s2",
    body="""{"survey": "nps", "kind": "nps", "question": "?", "questions": [
        {"id": "why", "choice": "Why?", "options": {"a": "A", "b": "B"}},
        {"id": "uses", "choice": "What for?", "options": {"x": "X", "y": "Y"}, "many": true},
        {"id": "parts", "matrix": "How?", "rows": {"help": "Help"}, "from": 1, "to": 2}]}""",
)
ANONYMOUS = Document(
    kind="survey",
    id="nps",
    version="s3",
    body='{"survey":"nps","kind":"nps","question":"?","anonymous":true,"by":["plan"]}',
)
PROS = '{"segment":"pros","when":"traits.plan == \\"pro\\""}'


async def publish(world: World, *documents: Document) -> None:
    await world.store.publish(documents, Triggers(), NOW, "sam", world.store.published[-1][0].id)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        await world.store.publish([NPS], Triggers(), NOW, "sam", None)
        yield world


async def report(world: World, query: str = "") -> SurveyScore:
    answer = await world.client.get(f"/api/v1/surveys/nps/report{query}", headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=SurveyScore)


def mark(customer: int, score: float, plan: str = "pro", days: int = 0, **answers: Json) -> Answered:
    facts = Facts(ref="x", first_seen=NOW, traits={"plan": plan})
    state = CustomerState(customer=f"c{customer}", kind="contact", now=NOW, facts=facts)
    at = NOW + timedelta(days=days)
    return Answered(customer=f"c{customer}", at=at, score=score, answers=answers, state=state)


async def test_a_report_in_lines(world: World) -> None:
    world.store.marks = [mark(n, score) for n, score in enumerate((3, 8, 10, 10, 10, 10))]
    assert described(await report(world)) == [
        "nps: NPS +50, between -17.7 and 84.4 with 95 % certainty; 6 customers answered",
        "  detractor: 1 (17 %)",
        "  passive: 1 (17 %)",
        "  promoter: 4 (67 %)",
        "   3  ######## 1",
        "   8  ######## 1",
        "  10  ############################## 4",
    ]


async def test_nobody_has_answered(world: World) -> None:
    assert described(await report(world)) == ["nps: nobody has answered yet"]


async def test_answers_come_with_what_people_wrote(world: World) -> None:
    one = Response(customer="c1", external_id="ana", score=9, comment="Good.", source="page", at=NOW)
    world.store.given = [one]
    answer = await world.client.get("/api/v1/surveys/nps/answers", headers=ADMIN)
    assert msgspec.json.decode(answer.content, type=list[Response]) == [one]


async def test_of_each_customer_the_last_answer_counts_in_each_part(world: World) -> None:
    world.store.marks = [mark(1, 9, days=31), mark(2, 0, plan="free", days=2), mark(1, 3, days=1)]  # newest first
    found = await report(world, "?per=month&by=plan")
    assert found.scores == {"0": 1, "9": 1}
    assert [(part.name, part.scores) for part in found.periods] == [
        ("2026-03", {"0": 1, "3": 1}),
        ("2026-04", {"9": 1}),
    ]
    assert [(part.name, part.scores) for part in found.groups] == [("free", {"0": 1}), ("pro", {"9": 1})]


async def test_a_segment_parts_those_who_are_in_it_from_the_others(world: World) -> None:
    await publish(world, NPS, Document(kind="segment", id="pros", version="g1", body=PROS))
    world.store.marks = [mark(1, 9), mark(2, 0, plan="free")]
    found = await report(world, "?by=segment:pros")
    assert [(part.name, part.scores) for part in found.groups] == [("in pros", {"9": 1}), ("not in pros", {"0": 1})]


async def test_each_question_is_counted(world: World) -> None:
    await publish(world, REVIEW)
    world.store.marks = [mark(1, 9, why="a", uses=["x", "y"], parts={"help": 2}), mark(2, 9, uses=["x"])]
    why, uses, parts = (await report(world)).questions
    assert (why.answers, why.counts) == (1, {"a": 1, "b": 0})
    assert (uses.answers, uses.counts) == (2, {"x": 2, "y": 1})
    assert (parts.answers, parts.counts) == (1, {"help: 1": 0, "help: 2": 1})


async def test_an_anonymous_survey_is_reported_by_months_and_by_what_it_keeps(world: World) -> None:
    await publish(world, ANONYMOUS)
    five = tuple(AnonymousAnswer(score=score) for score in (1, 2, 9, 9, 10))
    world.store.batches = [AnonymousBatch(month="2026-03", group={"plan": "pro"}, answers=five)]
    found = await report(world, "?per=quarter&by=plan")
    assert (found.answers, found.value, found.waiting) == (5, 20, 3)
    assert [part.name for part in (*found.periods, *found.groups)] == ["2026-Q1", "pro"]
    assert described(found)[:2] == [
        "nps: NPS +20, between -49.4 and 74.4 with 95 % certainty; 5 people answered",
        "  3 more wait until they are five of a kind",
    ]


@pytest.mark.parametrize("query", ["per=day", "by=email", "by=segment:pros"])
async def test_nothing_finer_is_told_of_an_anonymous_survey(world: World, query: str) -> None:
    await publish(world, ANONYMOUS)
    answer = await world.client.get(f"/api/v1/surveys/nps/report?{query}", headers=ADMIN)
    assert (answer.status_code, answer.json()["title"]) == (422, "Anonymous survey")


@pytest.mark.parametrize("path", ["report", "answers"])
async def test_an_unknown_survey_is_named_with_its_nearest(world: World, path: str) -> None:
    answer = await world.client.get(f"/api/v1/surveys/nsp/{path}", headers=ADMIN)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "No survey 'nsp' is published; did you mean 'nps'?"


async def test_a_period_without_an_offset_is_refused(world: World) -> None:
    answer = await world.client.get("/api/v1/surveys/nps/report?since=2026-03-01T00:00:00", headers=ADMIN)
    assert answer.status_code == 422

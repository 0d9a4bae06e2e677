"""`GET /api/v1/surveys/...`, and its report as the command prints it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from perennia.cli.survey_commands import described
from perennia.core.documents import Document, Triggers
from perennia.installation import SurveyScore
from perennia.store.records import Response
from tests.support.api_world import ADMIN, NOW, World, api_world

NPS = Document(kind="survey", id="nps", version="s1", body='{"survey":"nps","kind":"nps","question":"?"}')


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        await world.store.publish([NPS], Triggers(), NOW, "sam", None)
        yield world


async def report(world: World, query: str = "") -> SurveyScore:
    answer = await world.client.get(f"/api/v1/surveys/nps/report{query}", headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=SurveyScore)


async def test_a_report_in_lines(world: World) -> None:
    world.store.scores = {3.0: 1, 8.0: 1, 10.0: 4}
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


@pytest.mark.parametrize("path", ["report", "answers"])
async def test_an_unknown_survey_is_named_with_its_nearest(world: World, path: str) -> None:
    answer = await world.client.get(f"/api/v1/surveys/nsp/{path}", headers=ADMIN)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "No survey 'nsp' is published; did you mean 'nps'?"


async def test_a_period_without_an_offset_is_refused(world: World) -> None:
    answer = await world.client.get("/api/v1/surveys/nps/report?since=2026-03-01T00:00:00", headers=ADMIN)
    assert answer.status_code == 422

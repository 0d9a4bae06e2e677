"""`perennia answer` against a served API: the answer of a customer, entered by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perennia.core.decisions import Act, JournalEntry, SurveyAnswered
from perennia.core.documents import Document, Triggers, content_hash
from tests.support.api_world import NOW, World, api_world
from tests.support.commands import Ended, perennia
from tests.support.serving import served

SURVEY = '{"survey":"nps","kind":"nps","question":"How likely?"}'

QUESTIONS = (
    '{"survey":"team","kind":"custom","questions":[{"id":"why","text":"Why?"},'
    '{"id":"teams","choice":"Which?","options":{"sales":"Sales","support":"Support"},"many":true}]}'
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        texts = {"nps": SURVEY, "team": QUESTIONS}
        surveys = [
            Document(kind="survey", id=id_, version=content_hash(text), body=text) for id_, text in texts.items()
        ]
        await world.store.publish(surveys, Triggers(), NOW, "sam", None)
        yield world


async def answered(world: World, folder: Path, *arguments: str) -> Ended:
    async with served(world.app) as address:
        key = {"PERENNIA_ADMIN_KEY": "admin-key"}
        return await asyncio.to_thread(perennia, folder, "answer", *arguments, "--url", address, env=key)


async def test_an_answer_is_entered_once_and_what_followed_is_told(world: World, tmp_path: Path) -> None:
    world.store.decides = [JournalEntry(at=NOW, act=Act.ANSWERED, code="nps", detail={"score": 9, "label": "promoter"})]
    told = ("ana", "nps", "--score", "9", "--comment", "Quick", "--message-id", "call-17")
    first, again = [await answered(world, tmp_path, *told) for _ in range(2)]
    assert (first.code, again.code) == (0, 0)
    assert "nps" in first.out
    ((customer, placed),) = world.store.orders
    assert isinstance(placed, SurveyAnswered)
    assert (customer, placed.survey, placed.score, placed.comment) == ("c1", "nps", 9, "Quick")


async def test_several_questions_are_answered_in_one_command(world: World, tmp_path: Path) -> None:
    why = ("--answer", "why=It is quick", "--answer", 'teams=["sales"]')
    assert (await answered(world, tmp_path, "ana", "team", *why)).code == 0
    ((_, placed),) = world.store.orders
    assert isinstance(placed, SurveyAnswered)
    assert (placed.score, placed.answers) == (None, {"why": "It is quick", "teams": ["sales"]})


async def test_a_survey_that_is_not_published_is_named_with_the_nearest(world: World, tmp_path: Path) -> None:
    ended = await answered(world, tmp_path, "ana", "npss", "--score", "9")
    assert (ended.code != 0, world.store.orders) == (True, [])
    assert "No survey 'npss' is published; did you mean 'nps'?" in ended.err

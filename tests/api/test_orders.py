"""Orders to one customer: placed as inputs, taken by a turn, answered with what it decided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from perennia.core.decisions import (
    Act,
    EnrollmentOrder,
    EnrollOrder,
    JournalEntry,
    StageLockOrder,
    StageOrder,
    SurveyAnswered,
    TaskEnded,
)
from perennia.core.documents import Document, Triggers, content_hash
from perennia.store.records import JournalRow
from tests.support.api_world import ADMIN, NOW, World, api_world

PLAYBOOK = '{"definition":{"playbook":"welcome","steps":[{"exit":"done"}]},"templates":{}}'
TRACK = '{"track":"adoption","stages":[{"id":"onboarding"},{"id":"mature"}]}'

SURVEY = '{"survey":"nps","kind":"nps","question":"How likely?"}'


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with api_world() as world:
        await prepare(world)
        yield world


@pytest.fixture
async def impatient() -> AsyncIterator[World]:
    """A world whose API waits a tenth of a second, and where nobody takes turns."""
    async with api_world(patience=timedelta(seconds=0.1)) as world:
        await prepare(world)
        world.store.turns = False
        yield world


async def prepare(world: World) -> None:
    world.client.headers.update(ADMIN)
    playbook = Document(kind="playbook", id="welcome", version=content_hash(PLAYBOOK), body=PLAYBOOK)
    track = Document(kind="track", id="adoption", version=content_hash(TRACK), body=TRACK)
    survey = Document(kind="survey", id="nps", version=content_hash(SURVEY), body=SURVEY)
    await world.store.publish([playbook, track, survey], Triggers(), NOW, "sam", None)


async def test_an_enrollment_is_answered_with_its_decision(world: World) -> None:
    old = JournalEntry(at=NOW - timedelta(days=1), act=Act.ENDED, code="completed", playbook="welcome")
    world.store.rows = [JournalRow(id=0, customer="c1", entry=old)]
    world.store.decides = [JournalEntry(at=NOW, act=Act.ENTERED, code="entered", playbook="welcome")]
    body = {"playbook": "welcome", "payload": {"seats": 5}, "by": "sam"}
    answer = await world.client.post("/api/v1/customers/ana/enroll", json=body)
    assert answer.status_code == 200
    assert (answer.json()["customer"], answer.json()["taken"]) == ("c1", True)
    assert [(one["act"], one["playbook"]) for one in answer.json()["decisions"]] == [("entered", "welcome")]
    order = EnrollOrder(at=NOW, playbook="welcome", by_person=False, by="sam", payload={"seats": 5})
    assert world.store.orders == [("c1", order)]


async def test_a_refusal_is_an_answer_too(world: World) -> None:
    world.store.decides = [JournalEntry(at=NOW, act=Act.REFUSED, code="already_enrolled", playbook="welcome")]
    answer = await world.client.post("/api/v1/customers/ana/enroll", json={"playbook": "welcome"})
    assert (answer.status_code, answer.json()["decisions"][0]["code"]) == (200, "already_enrolled")


async def test_an_order_rings_its_customer(world: World) -> None:
    await world.client.post("/api/v1/customers/ana/enroll", json={"playbook": "welcome"})
    assert world.bells.nudges == [["c1"]]


async def test_the_answer_waits_for_the_turn(world: World) -> None:
    world.store.turns = False
    asked = asyncio.create_task(world.client.post("/api/v1/customers/ana/enroll", json={"playbook": "welcome"}))
    await world.bells.heard.wait()
    await asyncio.sleep(0.05)
    assert not asked.done()
    world.store.read["c1"] = 1
    assert (await asked).status_code == 200


async def test_an_order_that_nobody_takes_is_accepted_all_the_same(impatient: World) -> None:
    answer = await impatient.client.post("/api/v1/customers/ana/enroll", json={"playbook": "welcome"})
    assert (answer.status_code, answer.json()) == (202, {"customer": "c1", "taken": False, "decisions": []})
    assert len(impatient.store.orders) == 1


@pytest.mark.parametrize("order", ["skip", "pause", "resume", "end"])
async def test_an_enrollment_can_be_steered(world: World, order: str) -> None:
    body = {"order": order, "playbook": "welcome", "by": "sam"}
    assert (await world.client.post("/api/v1/customers/ana/orders", json=body)).status_code == 200
    (customer, placed) = world.store.orders[0]
    assert isinstance(placed, EnrollmentOrder)
    assert (customer, placed.order, placed.playbook, placed.by) == ("c1", order, "welcome", "sam")


async def test_a_stage_can_be_set_by_hand(world: World) -> None:
    body = {"track": "adoption", "stage": "mature", "by": "sam"}
    assert (await world.client.post("/api/v1/customers/ana/stage", json=body)).status_code == 200
    assert world.store.orders == [("c1", StageOrder(at=NOW, track="adoption", stage="mature", by="sam"))]


async def test_a_stage_can_be_locked_until_an_instant_and_unlocked(world: World) -> None:
    until = NOW + timedelta(days=9)
    body = {"track": "adoption", "until": until.isoformat(), "why": "renewal talks", "by": "sam"}
    assert (await world.client.post("/api/v1/customers/ana/stage/lock", json=body)).status_code == 200
    assert (
        await world.client.post("/api/v1/customers/ana/stage/unlock", json={"track": "adoption"})
    ).status_code == 200
    assert world.store.orders == [
        ("c1", StageLockOrder(at=NOW, track="adoption", locked=True, by="sam", until=until, why="renewal talks")),
        ("c1", StageLockOrder(at=NOW, track="adoption", locked=False, by="api")),
    ]
    assert (await world.client.post("/api/v1/customers/ana/stage/lock", json={"track": "adaption"})).status_code == 404


async def test_a_survey_can_be_answered_once(world: World) -> None:
    body = {"survey": "nps", "score": 9, "comment": "Quick", "message_id": "call-17", "by": "sam"}
    for _ in range(2):
        assert (await world.client.post("/api/v1/customers/ana/answers", json=body)).status_code == 200
    assert world.store.orders == [("c1", SurveyAnswered(at=NOW, survey="nps", score=9, comment="Quick", by="sam"))]
    audited = world.store.entries[0]
    assert (audited.by, audited.action, audited.subject, audited.detail) == ("sam", "answer", "c1", {"survey": "nps"})


async def test_a_score_outside_the_scale_is_refused_with_the_scale(world: World) -> None:
    answer = await world.client.post("/api/v1/customers/ana/answers", json={"survey": "nps", "score": 11})
    assert (answer.status_code, world.store.orders) == (422, [])
    assert answer.json()["detail"] == "The score of 'nps' is a whole number from 0 to 10."


async def test_answers_need_the_admin_key(world: World) -> None:
    body = {"survey": "nps", "score": 9}
    answer = await world.client.post("/api/v1/customers/ana/answers", json=body, headers={"Authorization": ""})
    assert (answer.status_code, world.store.orders) == (401, [])


@pytest.mark.parametrize(("path", "outcome"), [("done", "done"), ("cancel", "cancelled")])
async def test_a_task_can_be_ended(world: World, path: str, outcome: str) -> None:
    body = {"result": "She will think about it", "by": "sam"}
    answer = await world.client.post(f"/api/v1/tasks/c1%2Fwelcome.1%2Fcall%2F1/{path}", json=body)
    assert (answer.status_code, answer.json()["customer"]) == (200, "c1")
    (_, placed) = world.store.orders[0]
    assert isinstance(placed, TaskEnded)
    assert (placed.key, placed.outcome, placed.result, placed.by) == (
        "c1/welcome.1/call/1",
        outcome,
        "She will think about it",
        "sam",
    )


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("customers/ana/enroll", {"playbook": "welcom"}, "No playbook 'welcom' is published; did you mean 'welcome'?"),
        ("customers/ana/enroll", {"playbook": "xyz"}, "No playbook 'xyz' is published."),
        (
            "customers/ana/stage",
            {"track": "adaption", "stage": "x"},
            "No track 'adaption' is published; did you mean 'adoption'?",
        ),
        (
            "customers/ana/stage",
            {"track": "adoption", "stage": "matur"},
            "Track 'adoption' has no stage 'matur'; did you mean 'mature'?",
        ),
        ("customers/ana/answers", {"survey": "nsp", "score": 9}, "No survey 'nsp' is published; did you mean 'nps'?"),
        ("tasks/nothing/done", {}, "There is no task 'nothing'. List them: GET /api/v1/tasks"),
    ],
)
async def test_what_is_not_there_is_named(world: World, path: str, body: dict[str, object], detail: str) -> None:
    answer = await world.client.post(f"/api/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (404, detail)
    assert world.store.orders == []


async def test_an_order_to_a_stranger_is_refused_and_not_audited(world: World) -> None:
    answer = await world.client.post("/api/v1/customers/nobody/enroll", json={"playbook": "welcome"})
    assert (answer.status_code, world.store.entries) == (404, [])

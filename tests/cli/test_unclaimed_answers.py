"""Answers that belong to nobody, given to somebody by command and over the API: a real store, a real server."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from perennia.api.app import create_app
from perennia.core.json_values import JsonObject
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.port import Store
from tests.support.commands import Ended
from tests.support.in_process import InProcess
from tests.support.installation import publish, traits
from tests.support.serving import served
from tests.support.time_skipping import ManualClock
from tests.support.turning import TurningBells

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PASSWORD = "a long password"
FILES = {
    "playbooks/nps.yaml": """
        survey: nps
        kind: nps
        question: How likely?
        sources: {delighted: {}}
        ---
        playbook: listen
        scope: contact
        enter: {on: [{when: answers.nps.score <= 6}]}
        steps: [{id: call, task: "Call {{ contact.first_name }}"}]
        """,
}


@dataclass
class Office:
    """An installation at ``url`` with two contacts, Ana and Bo."""

    url: str
    store: Store
    program: InProcess

    async def command(self, *words: str) -> Ended:
        env = {"PERENNIA_ADMIN_KEY": "admin-key"}
        return await asyncio.to_thread(self.program.run, "survey", *words, "--url", self.url, **env)

    async def tell(self, event: str, response: str, score: float | None, comment: str | None = None) -> None:
        """What Delighted tells of an answer by somebody whom nobody knows."""
        data: JsonObject = {"id": response, "score": score, "comment": comment, "person": {"email": "who@x.io"}}
        signed = {"Authorization": "Basic " + base64.b64encode(f"x:{PASSWORD}".encode()).decode()}
        async with httpx.AsyncClient(trust_env=False) as client:
            address = f"{self.url}/hooks/surveys/delighted"
            answer = await client.post(address, json={"event_id": event, "event_data": data}, headers=signed)
        assert answer.status_code == 200

    async def answers(self) -> list[tuple[str, float | None, str | None]]:
        return [(one.external_id, one.score, one.comment) for one in await self.store.responses("nps")]


@pytest.fixture
async def office(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    store, clock = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}"), ManualClock(START)
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, FILES)
    bells = TurningBells(store, clock)
    await store.accept([traits("ana", START, first_name="Ana"), traits("bo", START, first_name="Bo")], START)
    for who in ("ana", "bo"):
        await bells.turn(await store.find(who))
    app = create_app(
        store=store,
        bells=bells,
        clock=clock,
        links=Links("https://acme.example", ["a key of the tests"]),
        write_keys=["w"],
        admin_key="admin-key",
        survey_hooks={"delighted": PASSWORD},
    )
    async with served(app) as url:
        yield Office(url, store, InProcess(tmp_path, capsys, monkeypatch))
    await asyncio.gather(*bells.turning)
    await store.close()


async def test_a_score_and_its_comment_are_given_together_and_playbooks_go_on(office: Office) -> None:
    await office.tell("e1", "r1", 3)
    await office.tell("e2", "r1", None, "Slow.")
    listed = (await office.command("unclaimed")).out
    assert ["delighted:e1" in listed, "delighted:e2" in listed, "nobody knows who" in listed] == [True] * 3

    given = await office.command("give", "delighted:e2", "ana")

    assert (given.code, "nps" in given.out) == (0, True)
    assert await office.answers() == [("ana", 3, "Slow.")]
    assert [task.title for task in await office.store.tasks()] == ["Call Ana"]
    assert await office.store.unclaimed() == []
    (first, last) = await office.store.audited()
    assert (first.action, first.detail, last.detail["answer"]) == (
        "give answer",
        {"answer": "delighted:e2", "survey": "nps"},
        "delighted:e1",
    )


async def test_what_is_told_later_goes_to_whom_the_answer_was_given(office: Office) -> None:
    await office.tell("e1", "r1", 9)
    await office.command("give", "delighted:e1", "ana")
    await office.tell("e1", "r1", 9)
    await office.tell("e2", "r1", 10, "Quick.")
    assert await office.answers() == [("ana", 10, "Quick.")]
    assert await office.store.unclaimed() == []


async def test_given_again_it_changes_nothing_and_to_another_it_is_refused(office: Office) -> None:
    await office.tell("e1", "r1", 9)
    for _ in range(2):
        assert (await office.command("give", "delighted:e1", "ana")).code == 0
    other = await office.command("give", "delighted:e1", "bo")
    assert (other.code, "was given to" in other.err) == (4, True)
    assert await office.answers() == [("ana", 9, None)]
    assert len(await office.store.audited()) == 1


async def test_what_fits_nothing_and_what_nobody_knows_is_said(office: Office) -> None:
    await office.tell("e1", "r1", 30)
    unfit = await office.command("give", "delighted:e1", "ana")
    unknown = await office.command("give", "delighted:e9", "ana")
    assert (unfit.code, "it fits no question of the survey" in unfit.err) == (4, True)
    assert (unknown.code, "No unclaimed answer has the id 'delighted:e9'" in unknown.err) == (4, True)
    assert [one.id for one in await office.store.unclaimed()] == ["delighted:e1"]


async def test_unclaimed_answers_are_listed_a_page_at_a_time(office: Office) -> None:
    for number in (1, 2, 3):
        await office.tell(f"e{number}", f"r{number}", 9)
    first = await office.command("unclaimed", "--limit", "2")
    after = first.out.rsplit("--after ", 1)[1].strip()
    rest = await office.command("unclaimed", "--after", after)
    assert ["delighted:e3" in first.out, "delighted:e3" in rest.out] == [False, True]
    assert "delighted:e2" not in rest.out

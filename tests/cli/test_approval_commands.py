"""Approvals and deliveries by API and by command: a real store, a real server, real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from perennia.api.app import create_app
from perennia.rendering.links import Links
from perennia.store import open_store
from perennia.store.port import Store
from tests.support.commands import Ended, perennia
from tests.support.installation import event, publish, traits
from tests.support.serving import served
from tests.support.time_skipping import ManualClock
from tests.support.turning import TurningBells

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
KEYS = {"PERENNIA_ADMIN_KEY": "admin-key"}
FILES = {
    "playbooks/ask.yaml": """
        playbook: ask
        enter: {on: [{event: Asked}], reenter: always}
        steps:
          - id: ask
            approve: May {{ contact.first_name }} have it?
            by: kim
            within: 2d
            then:
              - {id: tell, notify: cs-team, text: "{{ steps.ask.by }} says {{ steps.ask.comment }}"}
            else:
              - {id: sorry, task: "Tell {{ contact.first_name }}: {{ steps.ask.comment }}"}
        """,
}


@dataclass
class Office:
    """An installation at ``url`` in which Ana is asked about. ``key``: of the question."""

    url: str
    store: Store
    folder: Path
    key: str

    async def command(self, *words: str) -> Ended:
        return await asyncio.to_thread(perennia, self.folder, *words, "--url", self.url, env=KEYS)

    async def post(self, path: str, body: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = {"Authorization": "Bearer admin-key"}
            return await client.post(f"{self.url}/api/v1/{path}", json=body, headers=headers)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store, clock = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}"), ManualClock(START)
    await store.migrate()
    await publish(store, tmp_path / "workspace", START, FILES)
    bells = TurningBells(store, clock)
    happened = [traits("ana", START, email="ana@example.com", first_name="Ana"), event("ana", "Asked", START)]
    await store.accept(happened, START)
    await bells.turn(await store.find("ana"))
    (asked,) = await store.approvals()
    links = Links("https://acme.example", ["a key of the tests"])
    app = create_app(store=store, bells=bells, clock=clock, links=links, write_keys=["w"], admin_key="admin-key")
    async with served(app) as url:
        yield Office(url, store, tmp_path / "workspace", asked.key)
    await asyncio.gather(*bells.turning)
    await store.close()


async def test_a_question_is_listed_and_answered_by_command(office: Office) -> None:
    listed = await office.command("approvals", "list")
    assert [word in listed.out for word in (office.key, "May Ana have it?", "kim", "2026-03-04 10:00")] == [True] * 4

    said = await office.command("approvals", "deny", office.key, "--comment", "too early")
    assert (said.code, said.out) == (0, f"denied: {office.key}\n")

    assert office.key not in (await office.command("approvals", "list")).out
    assert "denied" in (await office.command("approvals", "list", "--all", "--customer", "ana")).out
    assert [task.title for task in await office.store.tasks()] == ["Tell Ana: too early"]


async def test_what_systems_are_told_is_listed_by_command(office: Office) -> None:
    await office.command("approvals", "approve", office.key, "--comment", "fine")
    told = await office.command("deliveries", "--customer", "ana")
    assert [word in told.out for word in ("notify", "reserved", "cs-team")] == [True] * 3


async def test_an_answer_over_the_api_is_answered_with_what_it_decided(office: Office) -> None:
    answer = await office.post(f"approvals/{office.key}/approve", {"by": "kim", "comment": "fine"})
    assert answer.status_code == 200
    decided = [(one["act"], one["step"], one["code"]) for one in answer.json()["decisions"] if one["step"]]
    assert decided[-2:] == [("step_ended", "ask", "done"), ("released", "tell", "notify")]
    assert [(one.by, one.action) for one in await office.store.audited()] == [("kim", "approval approved")]


async def test_a_second_answer_changes_nothing(office: Office) -> None:
    await office.post(f"approvals/{office.key}/approve", {"by": "kim"})
    again = await office.post(f"approvals/{office.key}/deny", {"by": "sam"})
    assert [one["act"] for one in again.json()["decisions"]][-1] == "ignored"
    (one,) = await office.store.approvals()
    assert (one.status, one.by) == ("approved", "kim")


async def test_a_question_that_nobody_asked_is_not_found(office: Office) -> None:
    answer = await office.post("approvals/nothing/deny", {})
    assert (answer.status_code, answer.json()["title"]) == (404, "Unknown approval")
    ended = await office.command("approvals", "approve", "nothing")
    assert (ended.code, "There is no approval 'nothing'" in ended.err) == (4, True)


async def test_a_task_is_no_question_and_a_question_no_task(office: Office) -> None:
    await office.post(f"approvals/{office.key}/deny", {"by": "kim", "comment": "too early"})
    (task,) = await office.store.tasks()
    wrong = await office.post(f"approvals/{task.key}/approve", {"by": "kim"})
    assert (wrong.status_code, wrong.json()["title"]) == (409, "Not an approval")
    assert wrong.json()["detail"] == f"{task.key!r} is a task; end it: POST /api/v1/tasks/{task.key}/done or /cancel"
    reverse = await office.post(f"tasks/{office.key}/done", {"by": "kim"})
    assert (reverse.status_code, reverse.json()["title"]) == (409, "Not a task")

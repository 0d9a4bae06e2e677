"""A playbook's task that is in the CRM, too: whoever ends it, where ever, has ended it, once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from perennia.core.decisions import TaskEnded
from perennia.store.privacy_records import Erasure
from perennia.store.records import Task
from tests.support.crm_world import CrmWorld, crm_world
from tests.support.installation import event
from tests.support.lives import documents

MAP = {"tasks": "both", "contacts": {"fields": {"email": "email"}}}
PLAYBOOK = """
playbook: renewal
enter: {on: [{event: Renewal Near}]}
steps:
  - id: call
    task: Call {{ contact.email }}
    body: about the renewal
    assign: kim@example.com
    priority: high
    wait: true
  - update: {outcome: steps.call.outcome, said: steps.call.result}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[CrmWorld]:
    async with crm_world(f"sqlite:///{tmp_path}/store.db", MAP) as world:
        await world.lives.publish(documents(PLAYBOOK))
        await world.tell("ana", email="ana@example.com")
        await world.run()
        now = world.lives.clock.now()
        await world.lives.happen(now, event("ana", "Renewal Near", now))
        await world.run()
        yield world


async def ours(world: CrmWorld) -> Task:
    (task,) = await world.store.tasks()
    return task


async def test_a_task_is_opened_there_once_and_is_its_owners(world: CrmWorld) -> None:
    await world.run()
    (there,) = world.tables.living("tasks")
    assert {name: there.fields[name] for name in ("hs_task_subject", "hs_task_body", "hubspot_owner_id")} == {
        "hs_task_subject": "Call ana@example.com",
        "hs_task_body": "about the renewal",
        "hubspot_owner_id": "77",
    }
    assert there.about == [world.record("ana").id]


async def test_what_is_completed_there_is_the_steps_result_and_is_not_written_back(world: CrmWorld) -> None:
    (there,) = world.tables.living("tasks")
    world.edit(there, hs_task_status="COMPLETED", hs_task_body="renews for a year")
    report = await world.run()
    before = world.writes()
    await world.run()

    assert (report.tasks.taken, (await ours(world)).status, (await ours(world)).result) == (
        1,
        "done",
        "renews for a year",
    )
    traits = await world.traits("ana")
    assert (traits["outcome"], traits["said"]) == ("done", "renews for a year")
    assert world.writes() == before


@pytest.mark.parametrize("ending", ["done", "cancelled"])
async def test_what_is_ended_here_is_ended_there_and_does_not_come_back(world: CrmWorld, ending: str) -> None:
    now = world.lives.clock.now()
    key = (await ours(world)).key
    outcome = "done" if ending == "done" else "cancelled"
    await world.store.place_order_at_task(key, TaskEnded(at=now, key=key, outcome=outcome, by="kim"))
    await world.lives.settle()
    await world.run()
    world.lives.clock.instant += timedelta(minutes=5)
    report = await world.run()

    assert report.tasks.taken == report.tasks.given == 0
    left = [each.fields["hs_task_status"] for each in world.tables.living("tasks")]
    assert left == (["COMPLETED"] if ending == "done" else [])


async def test_a_task_about_somebody_who_is_erased_goes_with_them(world: CrmWorld) -> None:
    await world.store.erase("ana", None, Erasure(at=world.lives.clock.now(), by="test", crm=True))
    await world.run()
    assert (world.tables.living("tasks"), world.tables.living("contacts")) == ([], [])


async def test_without_a_word_in_the_map_no_task_goes_there(tmp_path: Path) -> None:
    async with crm_world(f"sqlite:///{tmp_path}/store.db", {**MAP, "tasks": "none"}) as world:
        await world.lives.publish(documents(PLAYBOOK))
        await world.tell("ana", email="ana@example.com")
        now = world.lives.clock.now()
        await world.lives.happen(now, event("ana", "Renewal Near", now))
        await world.run()
        assert world.tables.living("tasks") == []

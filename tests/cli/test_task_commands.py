"""`perennia tasks` and `perennia team`: a CSM's day by command, beside a served API and a real store."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.in_process import InProcess
from tests.support.installation import event, traits
from tests.support.served_commands import Run, served_commands

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TEXT = """
policies: default
timezone: Europe/Amsterdam
people: {kim: {name: Kim Lee, email: kim@example.com}, sam: {email: sam@example.com}}
teams: {cs: {people: [kim, sam]}}
---
segment: pros
when: traits.plan == "pro"
---
playbook: renewal
enter: {on: [{event: Renewal Near}]}
steps:
  - {id: call, task: "Call {{ contact.email }}", assign: sam, due: 1bd, priority: high, wait: true}
  - update: {renewal: steps.call.result}
"""


@pytest.fixture
async def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Run]:
    happened = [traits("ana", START, email="ana@example.com", plan="pro"), event("ana", "Renewal Near", START)]
    async with served_commands(InProcess(tmp_path, capsys, monkeypatch), TEXT, START, happened) as run:
        yield run


async def key_of(run: Run) -> str:
    (task,) = (await run("tasks", "list", "--json")).document
    return str(task["key"])  # pyright: ignore[reportArgumentType]: a list of objects


async def test_a_task_is_taken_put_aside_spoken_of_and_finished_with_a_result(run: Run) -> None:
    key = await key_of(run)

    taken = await run("tasks", "take", key, "--as", "kim")
    await run("tasks", "snooze", key, "--until", "2026-03-04")
    await run("tasks", "comment", key, "calls back on Thursday")
    shown = (await run("tasks", "show", key)).out.splitlines()
    awake = await run("tasks", "list", "--awake", "--json")
    done = await run("tasks", "done", key, "--result", "renews for a year")

    assert taken.out.splitlines()[:3] == ["Call ana@example.com (open, high)", "  customer  ana", "  assignee  kim"]
    assert shown[3:5] == ["  due       2026-03-03 10:00 UTC", "  aside     until 2026-03-04 00:00 UTC"]
    assert shown[-1].endswith("commented: calls back on Thursday")
    assert (awake.document, done.out) == ([], f"done: {key}\n")
    assert '"renewal": "renews for a year"' in (await run("show", "ana", "--json")).out.replace('":"', '": "')


async def test_tasks_are_found_by_what_is_wanted(run: Run) -> None:
    wishes = {
        "--assignee sam": 1,
        "--assignee kim": 0,
        "--unassigned": 0,
        "--priority high": 1,
        "--due-by 2026-03-02": 0,
        "--due-by 2026-03-04": 1,
        "--playbook renewal --customer ana": 1,
    }
    found = {wish: len((await run("tasks", "list", *wish.split(), "--json")).document) for wish in wishes}
    assert found == wishes


async def test_who_is_away_is_told_and_is_back(run: Run) -> None:
    away = await run("team", "away", "sam", "--until", "2026-04-07", "--stand-in", "kim")
    listed = (await run("team", "list")).out.splitlines()
    back = await run("team", "back", "sam")

    assert away.out == "sam is away from 2026-03-02 10:00 to 2026-04-07 00:00 UTC\n"
    assert listed[2].split() == ["sam", "cs", "1", "2026-03-02", "10:00", "to", "2026-04-07", "00:00"]
    assert back.out == "sam is back\n"


async def test_whether_somebody_is_in_a_segment_is_explained(run: Run) -> None:
    told = await run("why", "ana", "--segment", "pros")

    assert told.out.splitlines() == ["ana is in pros", '  in_segment("pros")  ->  true, since traits.plan = pro']

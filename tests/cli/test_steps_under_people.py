"""`perennia check --store`: steps that are called otherwise while people are in a version that calls them as they were."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perennia.store import open_store
from tests.support.commands import Ended, perennia
from tests.support.flight import in_flight

HEAD = "playbook: welcome\nenter: {on: [{event: Go}]}\nsteps:\n"
FIRST = HEAD + "  - {id: pause, wait: 5d}\n  - {task: Call}\n"
SECOND = FIRST.replace("pause", "rest")


async def check(folder: Path, published: list[str], now: str, *options: str, people: bool = True) -> Ended:
    """What `check` says of the playbook as it is ``now``: one person entered each of the published versions."""
    database = f"sqlite:///{folder / 'store.sqlite'}"
    store = open_store(database)
    try:
        await store.migrate()
        async with in_flight(store) as flight:
            for number, text in enumerate(published):
                await flight.publish(text)
                if people:
                    await flight.event("Go", f"c{number}")
    finally:
        await store.close()
    (folder / "playbooks").mkdir()
    (folder / "playbooks/welcome.yaml").write_text(now, encoding="utf-8")
    return perennia(folder, "check", "--store", *options, env={"PERENNIA_STORE_URL": database})


async def test_a_step_that_has_another_id_than_in_the_published_version_is_warned_of(tmp_path: Path) -> None:
    ended = await check(tmp_path, [FIRST], SECOND)
    assert (ended.code, ended.out.splitlines()[0]) == (
        0,
        'playbooks/welcome.yaml:4:16: warning step-renamed: the step "pause" is called "rest" now, '
        'and 1 person is in this playbook; keep "id: pause", or map it when you migrate them',
    )


async def test_one_that_only_a_former_version_calls_otherwise_is_warned_of_while_somebody_is_in_that(
    tmp_path: Path,
) -> None:
    ended = await check(tmp_path, [FIRST, SECOND], SECOND)
    assert ended.out.splitlines()[0] == (
        'playbooks/welcome.yaml:4:16: warning step-renamed: the step "pause" is called "rest" now, '
        'and 2 people are in this playbook; keep "id: pause", or map it when you migrate them'
    )


async def test_a_step_without_an_id_that_another_comes_before_is_warned_of(tmp_path: Path) -> None:
    ended = await check(tmp_path, [FIRST], HEAD + "  - {id: pause, wait: 5d}\n  - {task: Write}\n  - {task: Call}\n")
    assert ended.out.splitlines()[0] == (
        'playbooks/welcome.yaml:6:6: warning step-moved: the step "task-1" is called "task-2" now, '
        'and 1 person is in this playbook; give it "id: task-1", or map it when you migrate them'
    )


async def test_nobody_is_warned_for_a_playbook_without_people(tmp_path: Path) -> None:
    assert (await check(tmp_path, [FIRST], SECOND, people=False)).out.count("step-renamed") == 0


@pytest.mark.parametrize("form", ["json", "github"])
async def test_programs_are_told_the_same(tmp_path: Path, form: str) -> None:
    ended = await check(tmp_path, [FIRST], SECOND, "--format", form)
    if form == "json":
        (finding,) = [each for each in json.loads(ended.out)["findings"] if each["code"] == "step-renamed"]
        assert (finding["path"], finding["line"], finding["column"]) == ("playbooks/welcome.yaml", 4, 16)
        assert (finding["severity"], finding["remedy"]) == (
            "warning",
            'keep "id: pause", or map it when you migrate them',
        )
    else:
        assert "playbooks/welcome.yaml,line=4,col=16,title=step-renamed::the step" in ended.out

"""What people do with tasks is kept, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from perennia.core.retention import Kept
from perennia.store import SqlStore
from perennia.store.cursors import cursor_of
from perennia.store.desk_records import Absence, TaskWish
from perennia.store.records import NewTask, Task
from tests.support.posts import AT, event, later, write


async def opened(store: SqlStore, who: str, minute: int = 0, **about: Any) -> str:
    """The key of a task that was opened so many minutes after `AT`."""
    await store.accept([event(f"{who}-{minute}", who)], AT)
    customer = await store.find(who)
    usual: dict[str, Any] = {
        "playbook": "p",
        "title": f"Call {who}",
        "assignee": "kim",
        "priority": "normal",
        "due": None,
    }
    task = NewTask(
        key=f"{customer}/p.1/call-{minute}/1", enrollment="p.1", body=None, at=later(minutes=minute), **(usual | about)
    )
    await store.turn(customer, lambda snapshot: msgspec.structs.replace(write(snapshot), tasks=(task,)))
    return task.key


async def titles(store: SqlStore, **wish: Any) -> list[str]:
    return [task.title for task in await store.find_tasks(TaskWish(**wish))]


async def acts(store: SqlStore, key: str) -> list[tuple[str, str, str | None]]:
    history = await store.task(key)
    assert history is not None
    return [(note.by, note.act, note.text) for note in history.notes]


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({}, ["c", "b", "a"]),
        ({"assignee": "kim"}, ["a"]),
        ({"assignee": ""}, ["c"]),
        ({"priority": "urgent"}, ["b"]),
        ({"playbook": "q"}, ["c"]),
        ({"due_by": later(days=1)}, ["b"]),
        ({"status": "done"}, []),
    ],
)
async def test_tasks_are_found_by_what_is_wanted(store: SqlStore, wish: dict[str, Any], found: list[str]) -> None:
    await opened(store, "ann", 1, title="a")
    await opened(store, "bob", 2, title="b", assignee="sam", priority="urgent", due=later(hours=5))
    await opened(store, "cy", 3, title="c", assignee=None, playbook="q", due=later(days=2))

    assert await titles(store, **wish) == found


async def test_pages_of_tasks_leave_none_out_also_of_one_instant(store: SqlStore) -> None:
    for who in ("ann", "bob", "cy"):
        await opened(store, who, 1)
    seen: list[Task] = []
    while page := await store.find_tasks(limit=1, after=cursor_of(seen[-1].opened_at, seen[-1].key) if seen else None):
        seen += page

    assert len({task.key for task in seen}) == len(seen) == 3


async def test_a_task_is_taken_by_somebody_else_and_its_history_says_so(store: SqlStore) -> None:
    key = await opened(store, "ann")

    assert await store.assign_task(key, "sam", AT, "sam")
    assert await store.comment_task(key, "I know them", AT, "sam")

    assert await titles(store, assignee="sam") == ["Call ann"]
    assert await acts(store, key) == [("sam", "assigned", "sam"), ("sam", "commented", "I know them")]


async def test_what_has_ended_is_nobodys_to_take_but_may_be_spoken_of(store: SqlStore) -> None:
    key = await opened(store, "ann")
    customer = await store.find("ann")
    await store.accept([event("m9", "ann")], AT)
    await store.turn(customer, lambda snapshot: msgspec.structs.replace(write(snapshot), closed_tasks=(key,)))

    assert not await store.assign_task(key, "sam", AT, "sam")
    assert not await store.snooze_task(key, later(days=1), AT, "sam")
    assert await store.comment_task(key, "a pity", AT, "sam")
    assert not await store.comment_task("nothing", "a pity", AT, "sam")


async def test_what_was_said_of_a_task_goes_with_it(store: SqlStore) -> None:
    key = await opened(store, "ann")
    await store.comment_task(key, "I know them", AT, "sam")
    await store.accept([event("m9", "ann")], AT)
    ended = msgspec.structs.replace
    await store.turn(await store.find("ann"), lambda snapshot: ended(write(snapshot), closed_tasks=(key,)))

    assert (await store.forget_page(Kept.TASKS, later(days=1), None, 10, only_count=False)).rows == 1
    assert await store.task(key) is None


async def test_a_snoozed_task_is_told_of_again_when_its_time_has_come(store: SqlStore) -> None:
    key = await opened(store, "ann")
    assert await store.note_task_told(key, "kim", AT)
    assert await store.untold_tasks(AT, ["kim"]) == []

    await store.snooze_task(key, later(days=1), AT, "kim")

    assert await titles(store, awake_at=later(hours=23)) == []
    assert await store.untold_tasks(later(hours=23), ["kim"]) == []
    assert [task.key for task in await store.untold_tasks(later(days=1), ["kim"])] == [key]


async def test_one_of_many_tells_somebody_of_their_task_and_once(store: SqlStore) -> None:
    key = await opened(store, "ann")

    assert [await store.claim_telling(key, "kim", AT) for _ in range(2)] == [True, False]
    assert await store.untold_tasks(later(minutes=1), ["kim"]) == []
    assert await store.claim_telling(key, "kim", later(minutes=2))  # whoever claimed it first has died
    assert await store.note_task_told(key, "kim", AT)
    assert not await store.claim_telling(key, "kim", later(days=1))

    await store.assign_task(key, "sam", AT, "kim")
    assert not await store.note_task_told(key, "kim", AT)
    assert [task.assignee for task in await store.untold_tasks(AT, ["kim", "sam"])] == ["sam"]


async def test_a_task_is_handed_on_by_one_and_whose_turn_it_was_is_known(store: SqlStore) -> None:
    key = await opened(store, "ann", assignee="cs")

    handed = [await store.hand_on_task(key, "cs", to, AT, "team cs", turn=True) for to in ("kim", "sam")]

    assert handed == [True, False]
    assert await titles(store, assignee="kim") == ["Call ann"]
    assert await store.turns_of("cs") == {"kim": AT}


async def test_open_tasks_are_counted_for_those_asked_about(store: SqlStore) -> None:
    for minute in (1, 2):
        await opened(store, "ann", minute)
    await opened(store, "bob", 3, assignee="sam")

    assert await store.open_tasks_of(("kim", "lee")) == {"kim": 2}


async def test_a_days_digest_is_claimed_by_one_until_it_has_left(store: SqlStore) -> None:
    days = ["2026-03-02", "2026-03-02", "2026-03-01", "2026-03-03"]
    assert [await store.claim_digest("kim", day, AT) for day in days] == [True, False, False, True]
    assert await store.claim_digest("kim", "2026-03-03", later(minutes=2))  # whoever claimed it first has died
    await store.note_digest("kim", "2026-03-03")
    assert not await store.claim_digest("kim", "2026-03-03", later(hours=1))


async def test_somebody_is_away_and_back(store: SqlStore) -> None:
    def away(start: datetime, end: datetime) -> Absence:
        return Absence(person="kim", start=start, end=end, stand_in="sam")

    await store.set_absence(away(AT, later(days=3)))
    await store.set_absence(away(AT, later(days=5)))
    await store.set_absence(away(later(days=20), later(days=21)))
    assert await store.absences(later(days=4)) == [
        away(AT, later(days=5)),
        away(later(days=20), later(days=21)),
    ]

    assert await store.end_absence("kim", later(days=4))
    assert not await store.end_absence("kim", later(days=4))
    assert await store.absences(later(days=4)) == []

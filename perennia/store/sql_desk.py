"""`Desk`'s methods over a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennia.store import desk
from perennia.store.desk_port import Desk
from perennia.store.desk_records import ANY_TASK, Absence, TaskHistory, TaskWish
from perennia.store.driver import Driver
from perennia.store.records import Task


class SqlDesk(Desk):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def find_tasks(self, wish: TaskWish = ANY_TASK, limit: int = 100, after: str | None = None) -> list[Task]:
        return await self._driver.read("find_tasks", lambda c: desk.find_tasks(c, wish, limit, after))

    async def tasks(self, customer: str | None = None, status: str | None = None, limit: int = 100) -> list[Task]:
        return await self.find_tasks(TaskWish(customer=customer, status=status), limit)

    async def task(self, key: str) -> TaskHistory | None:
        return await self._driver.read("task", lambda c: desk.history(c, key))

    async def assign_task(self, key: str, to: str | None, at: datetime, by: str) -> bool:
        return await self._driver.write("assign_task", lambda c: desk.assign(c, key, to, at, by))

    async def snooze_task(self, key: str, until: datetime | None, at: datetime, by: str) -> bool:
        return await self._driver.write("snooze_task", lambda c: desk.snooze(c, key, until, at, by))

    async def comment_task(self, key: str, text: str, at: datetime, by: str) -> bool:
        return await self._driver.write("comment_task", lambda c: desk.comment(c, key, text, at, by))

    async def untold_tasks(self, at: datetime, of: Sequence[str], limit: int = 100) -> list[Task]:
        return await self._driver.read("untold_tasks", lambda c: desk.untold(c, at, of, limit))

    async def hand_on_task(self, key: str, was: str, to: str, at: datetime, by: str, *, turn: bool) -> bool:
        return await self._driver.write("hand_on_task", lambda c: desk.hand_on(c, key, was, to, at, by, turn=turn))

    async def claim_telling(self, key: str, to: str, at: datetime) -> bool:
        return await self._driver.write("claim_telling", lambda c: desk.claim_telling(c, key, to, at))

    async def note_task_told(self, key: str, to: str, at: datetime) -> bool:
        return await self._driver.write("note_task_told", lambda c: desk.note_told(c, key, to, at))

    async def open_tasks_of(self, people: Sequence[str]) -> dict[str, int]:
        return await self._driver.read("open_tasks_of", lambda c: desk.open_tasks_of(c, people))

    async def turns_of(self, team: str) -> dict[str, datetime]:
        return await self._driver.read("turns_of", lambda c: desk.turns_of(c, team))

    async def claim_digest(self, person: str, day: str, at: datetime) -> bool:
        return await self._driver.write("claim_digest", lambda c: desk.claim_digest(c, person, day, at))

    async def note_digest(self, person: str, day: str) -> None:
        await self._driver.write("note_digest", lambda c: desk.note_digest(c, person, day))

    async def set_absence(self, absence: Absence) -> None:
        await self._driver.write("set_absence", lambda c: desk.set_absence(c, absence))

    async def end_absence(self, person: str, at: datetime) -> bool:
        return await self._driver.write("end_absence", lambda c: desk.end_absence(c, person, at))

    async def absences(self, at: datetime) -> list[Absence]:
        return await self._driver.read("absences", lambda c: desk.list_absences(c, at))

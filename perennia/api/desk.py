"""People's work: tasks are found, given to somebody, put aside and spoken of; who is away is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from perennia.access.scopes import KeyScope
from perennia.api.audit_log import AuditLog
from perennia.api.desk_views import (
    AbsenceBody,
    AbsenceView,
    AssignBody,
    BackBody,
    CommentBody,
    MemberView,
    SnoozeBody,
    TaskDetailView,
    TaskNoteView,
)
from perennia.api.forms import Instant
from perennia.api.needs import needs
from perennia.api.paging import Paged
from perennia.api.problems import Problem
from perennia.api.published import Published
from perennia.api.views import TaskView
from perennia.clock import Clock
from perennia.core.definitions import Policies, Scope
from perennia.store.cursors import cursor_of
from perennia.store.desk_records import Absence, TaskWish
from perennia.store.port import Store
from perennia.store.records import Task

Status = Literal["open", "done", "cancelled"]


@dataclass(frozen=True)
class Desk:
    store: Store
    clock: Clock
    audit: AuditLog
    published: Published

    def router(self) -> APIRouter:
        router = APIRouter(tags=["tasks"])
        reads, writes = needs(KeyScope.TASKS_READ), needs(KeyScope.TASKS_WRITE)
        router.get("/tasks", dependencies=reads)(self.tasks)
        router.get("/customers/{reference:path}/tasks", dependencies=reads)(self.tasks_of)
        router.get("/tasks/{key:path}", dependencies=reads)(self.task)
        router.post("/tasks/{key:path}/assign", dependencies=writes)(self.assign)
        router.post("/tasks/{key:path}/snooze", dependencies=writes)(self.snooze)
        router.post("/tasks/{key:path}/comment", dependencies=writes)(self.comment)
        router.get("/team", dependencies=reads)(self.team)
        router.post("/team/{person}/away", dependencies=writes)(self.away)
        router.post("/team/{person}/back", dependencies=writes, status_code=204)(self.back)
        return router

    # --- tasks --------------------------------------------------------------------------------------------------------

    async def tasks(
        self,
        page: Paged,
        status: Status | None = None,
        customer: str | None = None,
        assignee: Annotated[str | None, Query(description="A person or a team; empty: nobody's")] = None,
        playbook: str | None = None,
        priority: Literal["low", "normal", "high", "urgent"] | None = None,
        due_by: Annotated[Instant | None, Query(description="Due at that instant or before")] = None,
        snoozed: Annotated[bool, Query(description="Also those that are put aside")] = True,
    ) -> list[TaskView]:
        """Everybody's tasks, the last opened first."""
        wish = TaskWish(
            customer=None if customer is None else await self.store.find(customer),
            status=status,
            assignee=assignee,
            playbook=playbook,
            priority=priority,
            due_by=due_by,
            awake_at=None if snoozed else self.clock.now(),
        )
        return await self._page(wish, page)

    async def tasks_of(
        self, reference: str, page: Paged, kind: Scope | None = None, status: Status | None = None
    ) -> list[TaskView]:
        """The tasks about a customer."""
        return await self._page(TaskWish(customer=await self.store.find(reference, kind), status=status), page)

    async def _page(self, wish: TaskWish, page: Paged) -> list[TaskView]:
        found = await page.of(lambda limit, after: self.store.find_tasks(wish, limit, after), _cursor)
        return [TaskView.model_validate(one) for one in found]

    async def task(self, key: str) -> TaskDetailView:
        """A task and its history."""
        found = await self.store.task(key)
        if found is None:
            raise _unknown(key)
        notes = [TaskNoteView.model_validate(note) for note in found.notes]
        return TaskDetailView(task=TaskView.model_validate(found.task), notes=notes)

    async def assign(self, key: str, body: AssignBody) -> TaskDetailView:
        """Gives the task to somebody, or to a team, which then picks one of its people."""
        await self.audit.write(body.by, "task assigned", key, to=body.to)
        await self._must_do(key, await self.store.assign_task(key, body.to, self.clock.now(), body.by))
        return await self.task(key)

    async def snooze(self, key: str, body: SnoozeBody) -> TaskDetailView:
        """Puts the task aside. It stays due when it is due, and is escalated when it is late."""
        now = self.clock.now()
        if body.until is not None and body.until <= now:
            raise Problem(422, "Not later", f"{body.until.isoformat()} is over; name an instant that is to come.")
        await self.audit.write(body.by, "task snoozed", key)
        await self._must_do(key, await self.store.snooze_task(key, body.until, now, body.by))
        return await self.task(key)

    async def comment(self, key: str, body: CommentBody) -> TaskDetailView:
        """Says something of the task, also of one that has ended."""
        await self.audit.write(body.by, "task commented", key)
        await self._must_do(key, await self.store.comment_task(key, body.text, self.clock.now(), body.by))
        return await self.task(key)

    async def _must_do(self, key: str, done: bool) -> None:
        if done:
            return
        if await self.store.task(key) is None:
            raise _unknown(key)
        raise Problem(409, "Task has ended", f"The task {key!r} has ended; only comments are taken of it.")

    # --- the team -----------------------------------------------------------------------------------------------------

    async def team(self) -> list[MemberView]:
        """The people whom tasks go to, what each has to do, and who is away."""
        policies = await self.published.policies()
        absences = [AbsenceView.model_validate(one) for one in await self.store.absences(self.clock.now())]
        load = await self.store.open_tasks_of([name for id_, one in policies.people.items() for name in one.names(id_)])
        return [
            MemberView(
                id=id_,
                name=person.name,
                email=person.email,
                teams=[name for name, team in policies.teams.items() if id_ in team.people],
                open_tasks=sum(load.get(name, 0) for name in person.names(id_)),
                away=[one for one in absences if one.person == id_],
            )
            for id_, person in policies.people.items()
        ]

    async def away(self, person: str, body: AbsenceBody) -> AbsenceView:
        """Says when somebody is away, and who has their tasks meanwhile."""
        policies = await self.published.policies()
        start = body.start or self.clock.now()
        _must_be_known(person, policies)
        if body.stand_in is not None:
            _must_be_known(body.stand_in, policies)
        if body.end <= start or body.stand_in == person:
            what = "Nobody stands in for themselves." if body.stand_in == person else "It ends before it begins."
            raise Problem(422, "No absence", what)
        absence = Absence(person=person, start=start, end=body.end, stand_in=body.stand_in)
        await self.audit.write(body.by, "away", person)
        await self.store.set_absence(absence)
        return AbsenceView.model_validate(absence)

    async def back(self, person: str, body: BackBody) -> None:
        """Says that somebody is back, or does not go. Doing it again changes nothing."""
        _must_be_known(person, await self.published.policies())
        await self.audit.write(body.by, "back", person)
        await self.store.end_absence(person, self.clock.now())


def _cursor(task: Task) -> str:
    return cursor_of(task.opened_at, task.key)


def _must_be_known(person: str, policies: Policies) -> None:
    if person not in policies.people:
        known = ", ".join(policies.people) or "nobody"
        raise Problem(404, "Unknown person", f"The policies name no {person!r} under people; there are: {known}.")


def _unknown(key: str) -> Problem:
    return Problem(404, "Unknown task", f"There is no task {key!r}. List them: GET /api/v1/tasks")

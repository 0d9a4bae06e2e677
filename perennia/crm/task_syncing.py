"""Keeps tasks equal: whoever ends one, here or in the CRM, has ended it on both sides.

A task is known by our key, which the CRM's has. What was ended there is an order like any other; which side has heard of an end
is written down after it has, so that a run that is killed tells it again, and an end never goes back to where it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from perennia.clock import Clock
from perennia.core.decisions import TaskEnded
from perennia.crm.sync_reports import SyncReport
from perennia.providers.crm import CrmOwner, CrmProvider
from perennia.providers.crm_tasks import CrmTask, CrmTasks
from perennia.providers.failures import Refused
from perennia.store.crm_records import CrmTaskLink
from perennia.store.customer_ids import kind_of
from perennia.store.port import Store

CURSOR = "cursor/tasks"
URGENT = ("high", "urgent")
_BATCH = 50


@dataclass(frozen=True)
class TaskSync:
    """``ring`` is told whose bells were set."""

    store: Store
    provider: CrmProvider
    theirs: CrmTasks
    clock: Clock
    ring: Callable[[Sequence[str]], None]
    report: SyncReport

    async def page(self, notes: dict[str, str]) -> bool:
        """Does a page of work, and notes how far was read; whether that was all. Raises `ProviderFailure`."""
        is_read = await self._take_ends(notes)
        to_end = await self.store.crm_tasks_to_end(self.provider.name, _BATCH)
        for link in to_end:
            await self.theirs.end(link.record, "done" if link.task.status == "done" else "cancelled")
            await self._keep(link, ended=True)
            self.report.tasks.given += 1
        to_open = await self.store.crm_tasks_to_open(self.provider.name, _BATCH)
        if to_open:
            people = await self.provider.owners()
            for link in to_open:
                await self._open(link, people)
        return is_read and len(to_end) < _BATCH and len(to_open) < _BATCH

    async def _take_ends(self, notes: dict[str, str]) -> bool:
        note = (await self.store.crm_notes(self.provider.name)).get(CURSOR)
        page = await self.theirs.ended(None if note is None else note.value)
        said = {each.id: each.text for each in page.ended}
        links = await self.store.crm_tasks_of(self.provider.name, list(said)) if said else []
        for link in links:
            if link.task.status == "open":
                await self._end(link, said[link.record])
                self.report.tasks.taken += 1
            await self._keep(link, ended=True)
        notes[CURSOR] = page.cursor
        return page.done

    async def _end(self, link: CrmTaskLink, text: str | None) -> None:
        """What the task says there by now is its result, where somebody changed it."""
        result = None if text == (link.task.body or None) else text
        order = TaskEnded(at=self.clock.now(), key=link.task.key, outcome="done", result=result, by=self.provider.name)
        customer, _ = await self.store.place_order_at_task(link.task.key, order)
        self.ring([customer])

    async def _open(self, link: CrmTaskLink, people: Mapping[str, CrmOwner]) -> None:
        task = link.task
        try:
            record = await self.theirs.open(_told(link, people))
        except Refused as refused:
            self.report.refuse(kind_of(task.customer), task.external_id, str(refused))
            await self._keep(CrmTaskLink(task=task, record=""), ended=True)  # not tried again and again
            return
        await self._keep(CrmTaskLink(task=task, record=record), ended=False)
        self.report.tasks.given += 1

    async def _keep(self, link: CrmTaskLink, *, ended: bool) -> None:
        await self.store.keep_crm_task(self.provider.name, link, self.clock.now(), ended=ended)


def _told(link: CrmTaskLink, people: Mapping[str, CrmOwner]) -> CrmTask:
    task = link.task
    whose = (task.assignee or "").lower()
    owner = next(
        (each.id for each in people.values() if whose and whose in (each.id, (each.email or "").lower())), None
    )
    return CrmTask(
        key=task.key,
        record=kind_of(task.customer),
        about=link.record,
        title=task.title,
        body=task.body,
        due=task.due,
        urgent=task.priority in URGENT,
        owner=owner,
        at=task.opened_at,
    )

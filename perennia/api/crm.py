"""How customers and the CRM's records are kept equal, for whoever looks: the last run, how far was read, what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from fastapi import APIRouter

from perennia.access.scopes import KeyScope
from perennia.api.needs import needs
from perennia.api.views import View
from perennia.core.definitions import Scope
from perennia.store.crm_port import CrmMemory
from perennia.store.crm_records import CrmNote, LinkState

_RUN = "run"
_CURSOR = "cursor/"


class RefusalView(View):
    """A customer, or a record, that the CRM did not take as it is here; ``why``: without what it said."""

    customer: str
    why: str


class TaskCountsView(View):
    """``given``: opened or ended there; ``taken``: ended there, and so here."""

    given: int = 0
    taken: int = 0


class CrmRunView(View):
    """``ended`` null: under way, or held up by ``failure``. ``counts``: by kind what became of customers and records.

    ``refusals``: the first twenty; all are in the counts.
    """

    started: datetime
    ended: datetime | None = None
    failure: str | None = None
    counts: dict[Scope, dict[str, int]]
    tasks: TaskCountsView = TaskCountsView()
    refusals: tuple[RefusalView, ...] = ()


class CrmCursorView(View):
    """``cursor``: up to where changes in the CRM were read, in its own words; ``at``: when."""

    cursor: str
    at: datetime


class CrmView(View):
    """``customers``: by kind, how many are linked to a record, refused, deleted there (``gone``) or merged there."""

    crm: str
    run: CrmRunView | None
    cursors: dict[str, CrmCursorView]
    customers: dict[Scope, dict[LinkState, int]]


@dataclass(frozen=True)
class CrmStatus:
    store: CrmMemory

    def router(self) -> APIRouter:
        router = APIRouter(tags=["crm"])
        router.get("/crm", response_model=list[CrmView], dependencies=needs(KeyScope.CUSTOMERS_READ))(self.status)
        return router

    async def status(self) -> list[CrmView]:
        """Each CRM that customers were ever compared with: the last run, and who is linked."""
        return [await self._status(name) for name in await self.store.crm_names()]

    async def _status(self, name: str) -> CrmView:
        notes = await self.store.crm_notes(name)
        customers: dict[Scope, dict[LinkState, int]] = {"account": {}, "contact": {}}
        for (kind, state), count in (await self.store.crm_counts(name)).items():
            customers[kind][state] = count
        cursors = {
            what.removeprefix(_CURSOR): CrmCursorView(cursor=note.value, at=note.at)
            for what, note in notes.items()
            if what.startswith(_CURSOR)
        }
        return CrmView(crm=name, run=_run(notes.get(_RUN)), cursors=cursors, customers=customers)


def _run(note: CrmNote | None) -> CrmRunView | None:
    return None if note is None else CrmRunView.model_validate(msgspec.json.decode(note.value))

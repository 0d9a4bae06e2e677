"""`CrmMemory`'s methods over a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from perennia.core.definitions import Scope
from perennia.store import crm_erasures, crm_links, crm_tasks
from perennia.store.crm_port import CrmMemory
from perennia.store.crm_records import CrmErasure, CrmLink, CrmNote, CrmSide, CrmTaskLink, ErasedKind, LinkState
from perennia.store.driver import Driver


class SqlCrmMemory(CrmMemory):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def crm_sides(self, crm: str, kind: Scope, after: str, limit: int) -> list[CrmSide]:
        return await self._driver.read("crm_sides", lambda c: crm_links.sides(c, crm, kind, after, limit))

    async def crm_sides_of(
        self,
        crm: str,
        kind: Scope,
        *,
        records: Sequence[str] = (),
        refs: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> list[CrmSide]:
        return await self._driver.read(
            "crm_sides", lambda c: crm_links.sides_of(c, crm, kind, records, refs, addresses)
        )

    async def keep_crm(self, crm: str, links: Sequence[CrmLink], notes: Mapping[str, str], at: datetime) -> None:
        await self._driver.write("keep_crm", lambda c: crm_links.keep(c, crm, links, notes, at))

    async def crm_names(self) -> list[str]:
        return await self._driver.read("crm_notes", crm_links.names)

    async def crm_notes(self, crm: str) -> dict[str, CrmNote]:
        return await self._driver.read("crm_notes", lambda c: crm_links.notes_of(c, crm))

    async def crm_counts(self, crm: str) -> dict[tuple[Scope, LinkState], int]:
        return await self._driver.read("crm_counts", lambda c: crm_links.counts(c, crm))

    async def crm_told(self, crm: str, kind: Scope, records: Sequence[str], at: datetime) -> None:
        await self._driver.write("crm_told", lambda c: crm_links.told(c, crm, kind, records, at))

    async def crm_untold(self, crm: str, kind: Scope, limit: int) -> list[str]:
        return await self._driver.read("crm_untold", lambda c: crm_links.untold(c, crm, kind, limit))

    async def crm_heard(self, crm: str, kind: Scope, records: Sequence[str], until: datetime) -> None:
        await self._driver.write("crm_heard", lambda c: crm_links.heard(c, crm, kind, records, until))

    async def crm_erasures(self, crm: str, kind: ErasedKind, limit: int, *, ordered: bool = False) -> list[CrmErasure]:
        return await self._driver.read(
            "crm_erasures", lambda c: crm_erasures.waiting(c, crm, kind, limit, ordered=ordered)
        )

    async def crm_forgotten(self, crm: str, kind: ErasedKind, record: str, at: datetime, *, done: bool) -> None:
        await self._driver.write("crm_forgotten", lambda c: crm_erasures.end(c, crm, kind, record, at, done=done))

    async def crm_late(self, crm: str, kind: Scope, records: Sequence[str]) -> set[str]:
        return await self._driver.read("crm_late", lambda c: crm_erasures.late(c, crm, kind, records))

    async def crm_tasks_to_open(self, crm: str, limit: int) -> list[CrmTaskLink]:
        return await self._driver.read("crm_tasks", lambda c: crm_tasks.unopened(c, crm, limit))

    async def crm_tasks_to_end(self, crm: str, limit: int) -> list[CrmTaskLink]:
        return await self._driver.read("crm_tasks", lambda c: crm_tasks.unended(c, crm, limit))

    async def crm_tasks_of(self, crm: str, records: Sequence[str]) -> list[CrmTaskLink]:
        return await self._driver.read("crm_tasks", lambda c: crm_tasks.open_ones(c, crm, records))

    async def keep_crm_task(self, crm: str, link: CrmTaskLink, at: datetime, *, ended: bool) -> None:
        await self._driver.write("keep_crm_task", lambda c: crm_tasks.keep(c, crm, link, at, ended=ended))

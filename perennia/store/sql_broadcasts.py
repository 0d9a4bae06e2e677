"""`Broadcasts`' methods over a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennia.core.broadcasts import Status
from perennia.core.documents import Document
from perennia.store import broadcasting
from perennia.store.broadcast_port import Broadcasts
from perennia.store.broadcast_records import Ending, EntryPage, Outcomes, Run, StoredBroadcast
from perennia.store.driver import Driver
from perennia.store.trials import SqlTrials


class SqlBroadcasts(SqlTrials, Broadcasts):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def create_broadcast(self, made: StoredBroadcast, book: Document | None) -> bool:
        return await self._driver.write("broadcast", lambda c: broadcasting.create(c, made, book))

    async def broadcast(self, name: str) -> StoredBroadcast | None:
        return await self._driver.read("broadcast", lambda c: broadcasting.find(c, name))

    async def broadcast_templates(self, name: str) -> dict[str, str]:
        return await self._driver.read("broadcast", lambda c: broadcasting.templates_of(c, name))

    async def broadcasts(
        self, limit: int = 100, after: str | None = None, *, live: bool = False
    ) -> list[StoredBroadcast]:
        return await self._driver.read("broadcast", lambda c: broadcasting.listed(c, limit, after, live=live))

    async def move_broadcast(
        self,
        name: str,
        before: Sequence[Status],
        after: Status,
        at: datetime,
        by: str,
        *,
        why: str | None = None,
        starts_at: datetime | None = None,
    ) -> bool:
        return await self._driver.write(
            "broadcast", lambda c: broadcasting.move(c, name, before, after, at, by, why, starts_at)
        )

    async def begin_run(self, name: str, occasion: str, at: datetime) -> Run:
        return await self._driver.write("broadcast", lambda c: broadcasting.begin_run(c, name, occasion, at))

    async def enter_page(self, page: EntryPage) -> tuple[str, ...] | None:
        return await self._driver.write("enter_page", lambda c: broadcasting.enter_page(c, page))

    async def end_page(self, name: str, size: int, at: datetime) -> Ending:
        return await self._driver.write("end_page", lambda c: broadcasting.end_page(c, name, size, at))

    async def outcomes(self, book: str) -> Outcomes:
        return await self._driver.read("outcomes", lambda c: broadcasting.outcomes(c, book))

    async def note_broadcast_told(self, name: str, at: datetime) -> None:
        await self._driver.write("broadcast", lambda c: broadcasting.note_told(c, name, at))

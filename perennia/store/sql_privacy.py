"""`Privacy`'s methods over a database."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennia.core.definitions import Scope
from perennia.core.retention import Kept
from perennia.store import dossiers, erasing, retention
from perennia.store.driver import Driver
from perennia.store.privacy_port import Privacy
from perennia.store.privacy_records import Dossier, Erased, Erasure
from perennia.store.retention_records import Forgotten, RetentionRun


class SqlPrivacy(Privacy):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def dossier(self, reference: str, kind: Scope | None = None) -> Dossier:
        return await self._driver.read("dossier", lambda c: dossiers.dossier(c, reference, kind))

    async def erase(self, reference: str, kind: Scope | None, order: Erasure) -> Erased:
        erased = await self._driver.write("erase", lambda c: erasing.erase(c, reference, kind, order))
        if not order.only_count:
            await self._driver.scour()
        return erased

    async def forget_page(
        self, kind: Kept, before: datetime, after: str | None, size: int, *, only_count: bool = False
    ) -> Forgotten:
        do = self._driver.read if only_count else self._driver.write
        return await do(
            "forget_page", lambda c: retention.forget_page(c, kind, before, after, size, only_count=only_count)
        )

    async def claim_retention(self, kind: Kept, at: datetime, every: timedelta) -> bool:
        return await self._driver.write("retention", lambda c: retention.claim_retention(c, kind, at, every))

    async def note_retention(self, kind: Kept, at: datetime, rows: int) -> None:
        await self._driver.write("retention", lambda c: retention.note_retention(c, kind, at, rows))
        if rows:
            await self._driver.scour()

    async def retention_runs(self) -> list[RetentionRun]:
        return await self._driver.read("retention", retention.retention_runs_of)

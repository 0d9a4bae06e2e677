"""`Privacy`'s methods over a database."""

from __future__ import annotations

from perennia.core.definitions import Scope
from perennia.store import dossiers, erasing
from perennia.store.driver import Driver
from perennia.store.privacy_port import Privacy
from perennia.store.privacy_records import Dossier, Erased, Erasure


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

"""`Imports`' methods over a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennia.store import extracts, importing
from perennia.store.driver import Driver
from perennia.store.import_port import Imports
from perennia.store.import_records import ExtractKind, ExtractPage, ImportState
from perennia.store.records import Accepted, Receipt


class SqlImports(Imports):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def accept_past(self, items: Sequence[Accepted], at: datetime) -> Receipt:
        return await self._driver.write("accept_past", lambda c: importing.accept_past(c, items, at))

    async def import_state(self, id_: str) -> ImportState | None:
        return await self._driver.read("import_state", lambda c: importing.import_state(c, id_))

    async def note_import(self, state: ImportState) -> None:
        await self._driver.write("note_import", lambda c: importing.note_import(c, state))

    async def extract_page(self, kind: ExtractKind, after: str | None, size: int) -> ExtractPage:
        return await self._driver.read("extract_page", lambda c: extracts.extract_page(c, kind, after, size))

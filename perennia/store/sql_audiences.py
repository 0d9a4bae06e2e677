"""`Audiences` over a driver: a part of the one store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from perennia.core.audiences import Candidate
from perennia.core.decisions import CustomerEvent
from perennia.core.definitions import Scope
from perennia.store import audience
from perennia.store.audience_port import Audiences
from perennia.store.driver import Driver
from perennia.store.sql_broadcasts import SqlBroadcasts


class SqlAudiences(SqlBroadcasts, Audiences):
    _driver: Driver

    async def candidates(
        self,
        kind: Scope,
        after: str,
        limit: int,
        *,
        permissions: bool = False,
        ledger_since: datetime | None = None,
        of: str | None = None,
    ) -> list[Candidate]:
        return await self._driver.read(
            "candidates",
            lambda c: audience.candidates(
                c, kind, after, limit, of, permissions=permissions, ledger_since=ledger_since
            ),
        )

    async def candidate_pages(self, kind: Scope, size: int) -> list[str]:
        return await self._driver.read("candidates", lambda c: audience.candidate_pages(c, kind, size))

    async def count_candidates(self, kind: Scope) -> int:
        return await self._driver.read("candidates", lambda c: audience.count_candidates(c, kind))

    async def histories(self, read: Mapping[str, int], names: Sequence[str]) -> dict[str, tuple[CustomerEvent, ...]]:
        return await self._driver.read("histories", lambda c: audience.histories(c, read, names))

"""Looking for an audience among everybody whom the store knows, page by page. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from perennia.core.audiences import Asked, Candidate, Look, Seen, compile_audience, segments_in
from perennia.core.compiled import compile_catalog
from perennia.core.decisions import CustomerEvent
from perennia.store.port import Store

PAGE: Final = 500  # customers in memory at once: some 20 ms of one core where nothing waits to be decided


async def look_at(store: Store, asked: Asked, now: datetime) -> Look:
    """A look with what is published. Raises as `compile_audience` does."""
    revision = await store.current_revision()
    if revision is None:
        return Look(compile_catalog("none", ()), compile_audience(asked, {}), now)
    stored = await store.catalog(revision.id)
    catalog = compile_catalog(revision.id, stored.current, stored.past, stored.orders)
    return Look(catalog, compile_audience(asked, segments_in(stored.current)), now)


@dataclass(frozen=True)
class Page:
    """``members`` among ``ids``, all that were looked at; ``last``: to go on behind, None: there is nobody else."""

    members: list[Seen]
    ids: list[str]
    last: str | None

    @property
    def looked(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Looking:
    """``permissions``: also what admission asks for, so that it can be said who of them could be written to."""

    store: Store
    look: Look
    permissions: bool = False

    async def page(self, after: str = "", size: int = PAGE) -> Page:
        """The next customers behind ``after``."""
        found = await self._read(after, size, None)
        history = await self._history(found)
        members = await asyncio.to_thread(self._members, found, history)
        ids = [each.id for each in found]
        return Page(members, ids, ids[-1] if len(ids) == size else None)

    async def one(self, customer: str) -> Seen | None:
        """That customer, whether it belongs to the audience or not; None where it is of the other kind, or is over."""
        found = await self._read("", 1, customer)
        history = await self._history(found)
        return self.look.take_in(found[0], history.get(customer, ())) if found else None

    async def _read(self, after: str, size: int, of: str | None) -> list[Candidate]:
        since = self.look.ledger_since if self.permissions and self.look.catalog.timing.caps else None
        return await self.store.candidates(
            self.look.audience.scope, after, size, permissions=self.permissions, ledger_since=since, of=of
        )

    async def _history(self, found: Sequence[Candidate]) -> dict[str, tuple[CustomerEvent, ...]]:
        """What must be read of the past; of all of them what any of them needs: mostly nothing, or the same."""
        wanted = {each.id: (each.cursor, self.look.history_for(each)) for each in found}
        read = {customer: cursor for customer, (cursor, names) in wanted.items() if names}
        if not read:
            return {}
        return await self.store.histories(read, sorted({name for _, names in wanted.values() for name in names}))

    def _members(self, found: Sequence[Candidate], history: dict[str, tuple[CustomerEvent, ...]]) -> list[Seen]:
        seen = (self.look.see(each, history.get(each.id, ())) for each in found)
        return [each for each in seen if each is not None]

"""Deletes what is older than the settings say it is kept: once a day, by one of the workers, a page at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from activities.turns import Catalogs
from activities.watching import keep_looking
from perennia.clock import Clock
from perennia.core.compiled import Catalog
from perennia.core.looking_back import looked_back
from perennia.core.retention import Kept
from perennia.store.port import Store

log = logging.getLogger(__name__)

DAILY: Final = timedelta(days=1)
LOOK_EVERY: Final = timedelta(minutes=15)
PAGE: Final = 500  # rows, or customers: a write lock of some tens of milliseconds on SQLite
BREATH: Final = 0.05  # seconds between two pages, for everybody else's writes


@dataclass
class Retention:
    """``periods``: what the settings say, by kind; what is not in it is kept for good."""

    store: Store
    clock: Clock
    periods: Mapping[Kept, timedelta]
    page: int = PAGE
    _catalogs: Catalogs = field(init=False)

    def __post_init__(self) -> None:
        self._catalogs = Catalogs(self.store)

    async def run(self) -> None:
        """Looks again and again until it is cancelled. While the store is away it waits."""
        await keep_looking(self.look, LOOK_EVERY, "what is too old is deleted later")

    async def look(self) -> None:
        """Deletes what is too old of each kind whose day it is, where nobody else does."""
        for kind in self.periods:
            if await self.store.claim_retention(kind, self.clock.now(), DAILY):
                await self.forget(kind)

    async def forget(self, kind: Kept) -> int:
        """Deletes what is too old of the kind; how many rows."""
        now = self.clock.now()
        rows = await self._go_through(kind, await self.cutoff(kind, now), only_count=False)
        await self.store.note_retention(kind, now, rows)
        if rows:
            log.info("deleted %s rows of %s that were older than %s days", rows, kind, self.periods[kind].days)
        return rows

    async def count(self, kind: Kept) -> int:
        """How many rows `forget` would delete now."""
        return await self._go_through(kind, await self.cutoff(kind, self.clock.now()), only_count=True)

    async def cutoff(self, kind: Kept, now: datetime) -> datetime:
        """What is of before this instant goes: as the settings say, and no sooner than what is published allows."""
        return now - max(self.periods[kind], looked_back(await self._published()).get(kind, timedelta()))

    async def _go_through(self, kind: Kept, before: datetime, *, only_count: bool) -> int:
        rows, after = 0, None
        while True:
            page = await self.store.forget_page(kind, before, after, self.page, only_count=only_count)
            rows += page.rows
            if page.after is None:
                return rows
            after = page.after
            if not only_count:
                await asyncio.sleep(BREATH)

    async def _published(self) -> Catalog:
        current = await self.store.current_revision()
        if current is not None:
            await self._catalogs.load(current.id)
        return self._catalogs.get(None if current is None else current.id)

"""Bringing customers to a new revision: the store says who, their bells are rung."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from temporalio import activity

from activities.contracts import PageReply, PageRequest, Reaching
from activities.failures import activity_failures
from perennia.clock import Clock
from perennia.store.port import Store


class StoreReaching(Reaching):
    """``ring`` is told whose bells were set."""

    def __init__(self, store: Store, clock: Clock, ring: Callable[[Sequence[str]], None]) -> None:
        self._store = store
        self._clock = clock
        self._ring = ring

    @activity.defn(name="bring_page")
    async def bring_page(self, request: PageRequest) -> PageReply:
        with activity_failures(f"revision {request.number}"):
            page = await self._store.reach_on(request.number, request.size, self._clock.now())
        if page.rung:
            self._ring(page.rung)
        return PageReply(len(page.rung), page.done)

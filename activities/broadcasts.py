"""Bringing a broadcast to its audience: who belongs to it is looked for, their orders are placed, their bells are rung."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from temporalio import activity

from activities.contracts import Broadcasting, BroadcastReply, BroadcastRequest
from activities.failures import activity_failures
from perennia.audience_pages import Looking, look_at
from perennia.clock import Clock
from perennia.core.audiences import Look
from perennia.core.broadcasts import Broadcast, is_too_late, order_of
from perennia.core.calendar import resolve
from perennia.core.decisions import EnrollOrder, Reason
from perennia.store.broadcast_records import EntryPage, Run, StoredBroadcast
from perennia.store.port import Store

# Pages of an audience that is thin among all customers are looked through together: one write a call, a second of one core.
PAGES_A_CALL: Final = 20
ENDED_AT_ONCE: Final = 200


@dataclass
class _Found:
    """What a call looked through: up to the customer ``last``."""

    last: str
    orders: list[tuple[str, EnrollOrder]] = field(default_factory=list[tuple[str, EnrollOrder]])
    looked: int = 0
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    done: bool = False


class StoreBroadcasting(Broadcasting):
    """``ring`` is told whose bells were set."""

    def __init__(self, store: Store, clock: Clock, ring: Callable[[Sequence[str]], None]) -> None:
        self._store = store
        self._clock = clock
        self._ring = ring

    @activity.defn(name="go_on_broadcasting")
    async def go_on(self, request: BroadcastRequest) -> BroadcastReply:
        with activity_failures(f"broadcast {request.broadcast}"):
            return await self._go_on(request)

    async def _go_on(self, request: BroadcastRequest) -> BroadcastReply:
        now = self._clock.now()
        stored = await self._store.broadcast(request.broadcast)
        if stored is not None and stored.status == "cancelling":
            return await self._end(stored, now)
        if stored is not None and stored.status == "scheduled":
            starts_at = stored.starts_at or now
            if starts_at > now:
                return BroadcastReply(wait_ms=self._real_ms(starts_at - now))
            await self._store.move_broadcast(stored.id, ["scheduled"], "running", now, stored.changed_by)
            stored = await self._store.broadcast(request.broadcast)
        if stored is None or stored.status != "running":
            return BroadcastReply(over=True)
        run = await self._store.begin_run(stored.id, request.occasion, now)
        if run.done_at is not None:
            return BroadcastReply(over=True)
        return await self._enter(stored, run, now)

    async def _enter(self, stored: StoredBroadcast, run: Run, now: datetime) -> BroadcastReply:
        broadcast = Broadcast.model_validate_json(stored.body)
        look = await look_at(self._store, broadcast.asked, now)
        midnight = _next_day(look, now)
        day = now.astimezone(look.catalog.workspace_calendar.workspace).date().isoformat()
        today = stored.today if stored.day == day else 0
        left = broadcast.rate if broadcast.per_day is None else min(broadcast.rate, broadcast.per_day - today)
        if left <= 0:
            return BroadcastReply(wait_ms=self._real_ms(midnight - now))
        found = await self._look_for(Looking(self._store, look), broadcast, stored.version, run, left)
        page = EntryPage(
            broadcast=stored.id,
            run=run.number,
            after=run.after,
            last=found.last,
            orders=tuple(found.orders),
            looked=found.looked,
            left_out=found.left_out,
            day=day,
            at=now,
            done=found.done,
        )
        rung = await self._store.enter_page(page)
        if rung is None:
            return BroadcastReply()  # the next look says why
        if rung:
            self._ring(rung)
        if found.done and broadcast.playbook is not None and broadcast.every is None:
            await self._store.move_broadcast(stored.id, ["running"], "done", now, stored.changed_by)
        rest = math.ceil(1000 * len(found.orders) / broadcast.rate)
        return BroadcastReply(entered=len(found.orders), wait_ms=rest, over=found.done)

    async def _look_for(
        self, looking: Looking, broadcast: Broadcast, version: str | None, run: Run, most: int
    ) -> _Found:
        """The next members, at most so many."""
        found = _Found(run.after)
        order = order_of(broadcast, version, looking.look.now)
        for _ in range(PAGES_A_CALL):
            page = await looking.page(found.last)
            for seen in page.members:
                if is_too_late(broadcast, seen.run.calendar, looking.look.now):
                    found.left_out[Reason.EXPIRED] = found.left_out.get(Reason.EXPIRED, 0) + 1
                    continue
                found.orders.append((seen.candidate.id, order))
                if len(found.orders) == most:
                    found.last = seen.candidate.id
                    found.looked += bisect_right(page.ids, found.last)
                    found.done = page.last is None and found.last == page.ids[-1]
                    return found
            found.looked += len(page.ids)
            found.last = page.ids[-1] if page.ids else found.last
            found.done = page.last is None
            if found.done or found.orders:
                break
        return found

    async def _end(self, stored: StoredBroadcast, now: datetime) -> BroadcastReply:
        ending = await self._store.end_page(stored.id, ENDED_AT_ONCE, now)
        if ending.rung:
            self._ring(ending.rung)
        return BroadcastReply(over=ending.done, wait_ms=1000 if not ending.done else 0)

    def _real_ms(self, span: timedelta) -> int:
        return math.ceil(self._clock.real(span) / timedelta(milliseconds=1))


def _next_day(look: Look, now: datetime) -> datetime:
    """When the workspace's next day begins."""
    zone = look.catalog.workspace_calendar.workspace
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return resolve(datetime.combine(tomorrow, datetime.min.time()), zone)

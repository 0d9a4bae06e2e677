"""Looks at broadcasts that are under way: pauses one that does harm, tells its owner, and says when one is over."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from activities.letters import sender_of_notices
from activities.published import Published
from activities.watching import keep_looking, told
from perennia.clock import Clock
from perennia.core.broadcasts import Broadcast, Tally, too_much
from perennia.providers.notices import Channels, Notice
from perennia.store.broadcast_records import Outcomes, StoredBroadcast
from perennia.store.port import Store

log = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=15)
BY: Final = "stop_at"


@dataclass
class BroadcastWatch:
    """One per worker process: what one has paused is paused for all."""

    store: Store
    channels: Channels
    clock: Clock
    every: timedelta = EVERY
    _published: Published = field(init=False)

    def __post_init__(self) -> None:
        self._published = Published(self.store)

    async def run(self) -> None:
        """Looks again and again until it is cancelled. While the store is away it waits."""
        await keep_looking(self.look, self.every, "broadcasts are looked at later")

    async def look(self) -> None:
        now = self.clock.now()
        for stored in await self.store.broadcasts(live=True):
            broadcast = Broadcast.model_validate_json(stored.body)
            if stored.status == "running" and stored.version is not None:
                await self._judge(stored, broadcast, await self.store.outcomes(stored.book), now)
            if not stored.told and stored.why is not None:
                await self._tell(stored, broadcast, now)

    async def _judge(self, stored: StoredBroadcast, broadcast: Broadcast, found: Outcomes, now: datetime) -> None:
        tally = Tally(found.sent, found.failed, found.complained, found.bounced)
        why = too_much(broadcast.stop_at, tally)
        if why is not None:
            await self.store.move_broadcast(stored.id, ["running"], "paused", now, BY, why=why)
            return
        run = stored.run
        if broadcast.every is not None or run is None or run.done_at is None:
            return
        if (
            found.entered + sum(found.refused.values()) >= found.ordered
            and found.ended >= found.entered - found.holdout
        ):
            await self.store.move_broadcast(stored.id, ["running"], "done", now, stored.changed_by)

    async def _tell(self, stored: StoredBroadcast, broadcast: Broadcast, now: datetime) -> None:
        policies = await self._published.policies()
        text = (
            f"The broadcast {stored.id} has paused itself: {stored.why}. Look at who was written to, then run: "
            f"perennia broadcast resume {stored.id}, or cancel it"
        )
        owner = f" ({broadcast.owner})" if broadcast.owner else ""
        log.critical("%s", text)
        channel = broadcast.tell or policies.broadcasts.tell or policies.sending_limits.tell
        if channel is not None:
            notice = Notice(
                channel=channel,
                text=text + owner,
                idempotency_key=f"broadcast/{stored.id}/{stored.changed_at:%Y%m%dT%H%M%S}",
                at=now,
                sender=sender_of_notices(policies),
            )
            if not await told(lambda: self.channels.provider(notice.channel), notice):
                return
        await self.store.note_broadcast_told(stored.id, now)

"""Looks at how senders and topics stand, stops what is over the limits, and tells the team."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from activities.letters import sender_of_notices
from activities.published import Published
from activities.watching import keep_looking, told
from perennia.clock import Clock
from perennia.core.policy_definitions import SendingLimits
from perennia.core.reputation import Counted, Standing, counted_over, standing
from perennia.providers.notices import Channels, Notice
from perennia.store.port import Store
from perennia.store.records import Reputation, SendingRate

log = logging.getLogger(__name__)

EVERY: Final = timedelta(minutes=1)
# What is better by itself, as old messages no longer count, is noticed this much later at most.
AT_LEAST_EVERY: Final = timedelta(hours=1)
# A report is written down at another process's instant, and a moment later.
OVERLAP: Final = timedelta(minutes=2)
# Whoever judged tells at once. Another process does it where that one died in between.
LEFT_UNTOLD: Final = timedelta(minutes=5)
BY: Final = "sending_limits"


@dataclass
class ReputationWatch:
    """One per worker process: what one has stopped is stopped for all, and told by one of them."""

    store: Store
    channels: Channels
    clock: Clock
    every: timedelta = EVERY
    _published: Published = field(init=False)
    _looked: datetime | None = None

    def __post_init__(self) -> None:
        self._published = Published(self.store)

    async def run(self) -> None:
        """Looks again and again until it is cancelled. While the store is away it waits."""
        await keep_looking(self.look, self.every, "how senders stand is looked at later")

    async def look(self) -> None:
        """Judges all where anybody complained since the last look, and tells of what nobody was told."""
        now = self.clock.now()
        last = self._looked
        if last is None or now - last >= AT_LEAST_EVERY or await self.store.harmed_since(last - OVERLAP):
            await self._judge_all(now)
            self._looked = now
        for found in await self.store.reputations():
            is_ours = last is None or found.at == now
            if not found.told and (is_ours or now - found.at >= LEFT_UNTOLD):
                await self._tell(found, now)

    async def _judge_all(self, now: datetime) -> None:
        limits = (await self._published.policies()).sending_limits
        known = {(each.rate.kind, each.rate.name): each.level for each in await self.store.reputations()}
        for rate in await self.store.sending_rates(now - counted_over(limits)):
            level = standing(Counted(rate.sent, rate.complained, rate.bounced), limits)
            if level != known.get((rate.kind, rate.name), "good"):
                await self.store.judge(rate, level, now, BY)

    async def _tell(self, found: Reputation, now: datetime) -> None:
        policies = await self._published.policies()
        limits, rate = policies.sending_limits, found.rate
        text = described(rate, found.level, limits)
        log.log(logging.CRITICAL if found.level == "stopped" else logging.WARNING, "%s", text)
        if limits.tell is not None:
            notice = Notice(
                channel=limits.tell,
                text=text,
                idempotency_key=f"reputation/{rate.kind}/{rate.name}/{found.at:%Y%m%dT%H%M%S}",
                at=now,
                sender=sender_of_notices(policies),
            )
            if not await told(lambda: self.channels.provider(notice.channel), notice):
                return
        await self.store.note_told(rate.kind, rate.name, now)


def described(rate: SendingRate, level: Standing, limits: SendingLimits) -> str:
    """For a channel: what stands how, on which numbers, and what to do."""
    numbers = (
        f"{rate.complained:,} complaints ({_percent(rate.complained, rate.sent)}, limit {limits.complaints}) and "
        f"{rate.bounced:,} hard bounces ({_percent(rate.bounced, rate.sent)}, limit {limits.bounces}) "
        f"of {rate.sent:,} messages in {limits.over}"
    )
    if level == "stopped":
        return (
            f"Mail of the {rate.kind} {rate.name} is stopped: {numbers}. Its marketing mail waits until somebody has looked "
            f"at who was written to, and runs: perennia sending resume {rate.kind} {rate.name}"
        )
    return f"Mail of the {rate.kind} {rate.name} comes close to its limits: {numbers}."


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0%"

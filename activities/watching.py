"""What all that looks on in a worker process has in common: how it goes on, and how it tells the team."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from perennia.providers.failures import ProviderFailure
from perennia.providers.notices import ChannelProvider, Notice
from perennia.store.port import StoreUnavailable

log = logging.getLogger(__name__)


async def keep_looking(look: Callable[[], Awaitable[None]], every: timedelta, while_away: str) -> None:
    """Looks again and again until it is cancelled; ``every``: of real time. While the store is away it says so, and waits."""
    while True:
        try:
            await look()
        except StoreUnavailable as error:
            log.warning("%s: %s", while_away, error)
        await asyncio.sleep(every.total_seconds())


async def told(channel: Callable[[], ChannelProvider], notice: Notice) -> bool:
    """Posts the notice where ``channel`` leads. False where that failed: whoever asks tries again, or lets it be."""
    try:
        await channel().post(notice)
    except ProviderFailure as failure:
        log.warning("%s could not be told: %s", notice.channel, failure)
        return False
    return True

"""Posts what the outbox holds to the endpoints that want it: signed, at least once, again for three days until it is taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from activities.letters import sender_of_notices
from activities.published import Published
from activities.watching import told
from perennia.clock import Clock
from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable
from perennia.providers.guarded_http import GuardedHttp
from perennia.providers.notices import Channels, Notice
from perennia.providers.standard_webhooks import Signer
from perennia.providers.webhooks import Request, SignedWebhooks
from perennia.store.outbound_records import DueEvent, PostOutcome
from perennia.store.port import Store, StoreUnavailable

log = logging.getLogger(__name__)

# What Standard Webhooks proposes: ten attempts in 75 hours and 35 minutes. How long after each attempt the next one is made.
AGAIN_AFTER: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
LONGEST_WAIT: Final = timedelta(days=1)  # whatever `Retry-After` says
GIVEN_UP_AFTER: Final = timedelta(days=5)  # without a single delivery in between
LEASE: Final = timedelta(minutes=2)  # a request takes 30 s at most; a process that dies leaves it to another after this
LOOK_EVERY: Final = 1.0  # seconds of real time
_GONE: Final = 410


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Herald:
    """One per worker process. ``clock``: the engine's; ``real``: the wall's, by which receivers judge a signature's age."""

    store: Store
    http: GuardedHttp
    channels: Channels
    clock: Clock
    real: Callable[[], datetime] = _now
    _published: Published = field(init=False)

    def __post_init__(self) -> None:
        self._published = Published(self.store)

    async def run(self) -> None:
        """Posts what falls due until it is cancelled. While the store is away it waits."""
        while True:
            try:
                found = await self.post_due()
            except StoreUnavailable as error:
                log.warning("events for other systems are posted later: %s", error)
                found = 0
            if not found:
                await asyncio.sleep(LOOK_EVERY)

    async def post_due(self) -> int:
        """Posts all that is due now, a few to each endpoint; how many. One that does not answer keeps no other waiting long."""
        due = await self.store.due_events(self.clock.now(), LEASE)
        await asyncio.gather(*(self._post(each) for each in due))
        return len(due)

    async def _post(self, due: DueEvent) -> None:
        outcome = await self._told(due)
        now = self.clock.now()
        if await self.store.end_post(due, outcome, now):
            await self._tell_owner(due, outcome, now)

    async def _told(self, due: DueEvent) -> PostOutcome:
        try:
            caller = SignedWebhooks(self.http, Signer(due.secrets), now=self.real)
            headers = {"content-type": "application/json"}
            answer = await caller.call(Request(due.url, "POST", headers, due.body, due.event))
        except (Unavailable, Refused, Misconfigured) as failure:
            return self._failed(due, failure)
        return PostOutcome(ok=True, status=answer.status, error=None)

    def _failed(self, due: DueEvent, failure: ProviderFailure) -> PostOutcome:
        """Any refusal may pass: a receiver that is being repaired answers 404 and 401, too. 410 alone is meant for good."""
        status = failure.detail.get("status") if isinstance(failure, Refused) else None
        status = status if isinstance(status, int) else None
        now = self.clock.now()
        disable = None
        if status == _GONE:
            disable = "it answered 410 Gone"
        elif due.failing_since is not None and now - due.failing_since >= GIVEN_UP_AFTER:
            disable = f"nothing was taken since {due.failing_since:%Y-%m-%d %H:%M} UTC"
        again = None
        if due.attempt <= len(AGAIN_AFTER):
            asked = failure.retry_after if isinstance(failure, Unavailable) else None
            again = now + max(AGAIN_AFTER[due.attempt - 1], min(asked or timedelta(0), LONGEST_WAIT))
        return PostOutcome(ok=False, status=status, error=str(failure), again_at=again, disable=disable)

    async def _tell_owner(self, due: DueEvent, outcome: PostOutcome, now: datetime) -> None:
        text = (
            f"The endpoint {due.endpoint} ({due.url}) is disabled: {outcome.disable}. What happens from here on is not kept for "
            f"it. When it is repaired: perennia endpoints enable {due.endpoint}"
        )
        log.critical("%s", text)
        if due.tell is None:
            return
        sender = sender_of_notices(await self._published.policies())
        key = f"endpoint/{due.endpoint}/{now:%Y%m%dT%H%M%S}"
        notice = Notice(channel=due.tell, text=text, idempotency_key=key, at=now, sender=sender)
        await told(lambda: self.channels.provider(notice.channel), notice)

"""Places at providers that are warming up, as the send activity sees them: which may be taken, and when one is free again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final

from perennia.core.decisions import Act, JournalEntry, Reason, SendEmail
from perennia.core.shares import position_of
from perennia.providers.routes import EmailRoutes, NamedProvider
from perennia.store.warming_records import Place

# A day's places go to transactional and internal mail first, then to what has the higher priority; spread, so that not all
# that wait fall due at one instant (an embedded Temporal server fires 90 timers a second).
URGENT_SPREAD: Final = timedelta(minutes=10)
PRIORITY_SPREAD: Final = timedelta(minutes=30)
SPREAD: Final = timedelta(minutes=30)


def day_of(now: datetime) -> str:
    """The day that places are counted on, in UTC: ``2026-12-01``."""
    return now.astimezone(UTC).date().isoformat()


def places_for(routes: EmailRoutes, message: SendEmail, now: datetime) -> list[Place]:
    """The places that the message may take, in order; none where there is no choice and nothing to count."""
    chain = routes.chain(message.sender, message.topic)
    if len(routes.providers) == 1 and chain[0].provider.capabilities.warm_up is None:
        return []
    return places_at(chain, now)


def places_at(chain: Iterable[NamedProvider], now: datetime) -> list[Place]:
    day = now.astimezone(UTC).date()
    return [
        Place(each.name, day.isoformat(), None if warm_up is None else warm_up.maximum(day))
        for each in chain
        for warm_up in (each.provider.capabilities.warm_up,)
    ]


def next_try(message: SendEmail, now: datetime) -> datetime:
    """When a message that found no place is tried again: at the next day's beginning, in the order of its kind and priority."""
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), UTC)
    chance = position_of(message.key, tomorrow.isoformat())
    if not message.is_marketing:
        return midnight + URGENT_SPREAD * chance
    return midnight + URGENT_SPREAD + PRIORITY_SPREAD * (1 - message.priority / 100) + SPREAD * chance


def no_place(message: SendEmail, now: datetime, until: datetime, asked: NamedProvider) -> JournalEntry:
    """What `perennia why` says of it."""
    return JournalEntry(
        at=now,
        act=Act.HELD,
        code=Reason.WARM_UP,
        playbook=message.playbook,
        version=message.version,
        enrollment=message.enrollment,
        step=message.step,
        reason=Reason.WARM_UP,
        detail={"template": message.template, "provider": asked.name, "tried_again": until.isoformat()},
    )

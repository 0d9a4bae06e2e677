"""What an installation answers about messages and deliveries, with each try and what came back."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import msgspec

from perennia.installation import PAGE, Installation
from perennia.store.attempt_records import AttemptOutcome
from perennia.store.records import Delivery, Message


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One try, or several like it: so many ``times``, from ``at`` to ``last_at``. ``remedy``: what can be done about it."""

    at: datetime
    last_at: datetime
    times: int
    provider: str | None
    outcome: AttemptOutcome
    said: str | None
    reply: str | None
    remedy: str | None


class CameBack(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider, or our own links, told of a message. ``machine``: no person did it."""

    what: str
    bounce: str | None
    machine: bool
    provider: str
    at: datetime


class TriedDelivery(Delivery, frozen=True, kw_only=True):
    attempts: list[Try]


class TriedMessage(Message, frozen=True, kw_only=True):
    attempts: list[Try]
    reports: list[CameBack]


async def deliveries(at: Installation, customer: str | None) -> list[TriedDelivery]:
    """The last first."""
    return msgspec.json.decode(
        await at.ask("GET", "deliveries", customer=customer, limit=PAGE), type=list[TriedDelivery]
    )


async def messages(at: Installation, customer: str | None, limit: int = PAGE) -> list[TriedMessage]:
    """Everybody's, or a customer's; the last first."""
    path = "messages" if customer is None else f"customers/{quote(customer, safe='')}/messages"
    return msgspec.json.decode(await at.ask("GET", path, limit=limit), type=list[TriedMessage])

"""The part of the store's interface that is about telling other systems what happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from perennia.store.outbound_records import DueEvent, Endpoint, EndpointChange, OutboundDelivery, PostOutcome


class Outbound(Protocol):
    """Every method is one transaction, as all of `Store`'s."""

    async def add_endpoint(self, endpoint: Endpoint, secret: str) -> None: ...

    async def endpoint(self, id_: str) -> Endpoint | None: ...

    async def endpoints(self, limit: int = 100, after: str | None = None) -> list[Endpoint]:
        """By id, disabled ones included."""
        ...

    async def change_endpoint(self, id_: str, change: EndpointChange) -> Endpoint | None:
        """None: it is of another version by now, or unknown."""
        ...

    async def rotate_endpoint(self, id_: str, secret: str, former_until: datetime) -> Endpoint | None: ...

    async def disable_endpoint(self, id_: str, why: str, at: datetime) -> Endpoint | None:
        """Nothing is posted to it, and nothing new is kept for it. What waits, waits on."""
        ...

    async def enable_endpoint(self, id_: str, at: datetime) -> Endpoint | None:
        """What waits is due now."""
        ...

    async def test_endpoint(self, id_: str, at: datetime) -> str | None:
        """Puts an event of type ``endpoint.test`` into the outbox; its id. None: the endpoint is unknown."""
        ...

    async def replay(self, id_: str, since: datetime, until: datetime, event: str | None, at: datetime) -> int:
        """Has the endpoint told again of what happened in that time, or of one event; how many there are.

        Also of what was kept for another endpoint while this one was disabled, as far as it wants its type.
        """
        ...

    async def due_events(self, now: datetime, lease: timedelta, each: int = 8) -> list[DueEvent]:
        """What is to be posted now, at most so many for each endpoint; nobody else gets it before the lease is over."""
        ...

    async def end_post(self, due: DueEvent, outcome: PostOutcome, at: datetime) -> bool:
        """What became of it. True: the endpoint was disabled by this."""
        ...

    async def outbound_log(
        self, id_: str, limit: int = 100, after: str | None = None, status: str | None = None
    ) -> list[OutboundDelivery]:
        """What an endpoint was told, the last first; behind the one whose cursor is ``after``."""
        ...

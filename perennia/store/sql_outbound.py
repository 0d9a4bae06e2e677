"""`Outbound`, each method one transaction of the store's."""

from __future__ import annotations

from datetime import datetime, timedelta

from perennia.store import outbound
from perennia.store.driver import Driver
from perennia.store.outbound_port import Outbound
from perennia.store.outbound_records import DueEvent, Endpoint, EndpointChange, OutboundDelivery, PostOutcome


class SqlOutbound(Outbound):
    """The part of `SqlStore` that is about telling other systems."""

    _driver: Driver

    async def add_endpoint(self, endpoint: Endpoint, secret: str) -> None:
        await self._driver.write("endpoint", lambda c: outbound.add(c, endpoint, secret))

    async def endpoint(self, id_: str) -> Endpoint | None:
        return await self._driver.read("endpoint", lambda c: outbound.find(c, id_))

    async def endpoints(self, limit: int = 100, after: str | None = None) -> list[Endpoint]:
        return await self._driver.read("endpoint", lambda c: outbound.listed(c, limit, after))

    async def change_endpoint(self, id_: str, change: EndpointChange) -> Endpoint | None:
        return await self._driver.write("endpoint", lambda c: outbound.change(c, id_, change))

    async def rotate_endpoint(self, id_: str, secret: str, former_until: datetime) -> Endpoint | None:
        return await self._driver.write("endpoint", lambda c: outbound.rotate(c, id_, secret, former_until))

    async def disable_endpoint(self, id_: str, why: str, at: datetime) -> Endpoint | None:
        return await self._driver.write("endpoint", lambda c: outbound.disable(c, id_, why, at))

    async def enable_endpoint(self, id_: str, at: datetime) -> Endpoint | None:
        return await self._driver.write("endpoint", lambda c: outbound.enable(c, id_, at))

    async def test_endpoint(self, id_: str, at: datetime) -> str | None:
        return await self._driver.write("endpoint", lambda c: outbound.test(c, id_, at))

    async def replay(self, id_: str, since: datetime, until: datetime, event: str | None, at: datetime) -> int:
        return await self._driver.write("endpoint", lambda c: outbound.replay(c, id_, since, until, event, at))

    async def due_events(self, now: datetime, lease: timedelta, each: int = 8) -> list[DueEvent]:
        if not await self._driver.read("outbound", lambda c: outbound.any_due(c, now)):
            return []
        return await self._driver.write("outbound", lambda c: outbound.due_events(c, now, lease, each))

    async def end_post(self, due: DueEvent, outcome: PostOutcome, at: datetime) -> bool:
        return await self._driver.write("outbound", lambda c: outbound.end_post(c, due, outcome, at))

    async def outbound_log(
        self, id_: str, limit: int = 100, after: str | None = None, status: str | None = None
    ) -> list[OutboundDelivery]:
        return await self._driver.read("outbound", lambda c: outbound.log(c, id_, limit, after, status))

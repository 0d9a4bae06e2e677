"""An installation's customers beside a simulated CRM, joined as a worker joins them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.simulator.crm_records import Stored, Tables
from deploy.simulator.hubspot import HubSpot
from deploy.simulator.server import Simulated, simulated
from perennia.core.decisions import TraitsChanged
from perennia.core.definitions import Scope
from perennia.core.json_values import Json, JsonObject
from perennia.crm.field_map import FieldMap
from perennia.crm.sync_reports import RUN, SyncReport, read_report
from perennia.crm.syncing import CrmSync
from perennia.providers.hubspot import from_url
from perennia.store import open_store
from perennia.store.port import Store
from perennia.store.records import Accepted
from tests.support.stored_lives import StoredLives

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MAP: dict[str, Any] = {
    "contacts": {
        "fields": {
            "email": "email",
            "first_name": "firstname",
            "plan": {"crm": "plan", "wins": "perennia"},
            "seats": "seats",
        }
    },
    "accounts": {"fields": {"name": "name", "plan": {"crm": "plan", "direction": "out"}}, "owner": "hubspot_owner_id"},
}


def crm_url(server: Simulated[HubSpot]) -> str:
    return f"hubspot:{server.api.key}?api={server.url}"


class CrmWorld:
    """``told`` counts what was told to customers, to name each."""

    def __init__(self, store: Store, server: Simulated[HubSpot], map_: dict[str, Any]) -> None:
        self.store = store
        self.server = server
        self.lives = StoredLives(store, START)
        self.provider = from_url(crm_url(server), Path("crm.yaml"))
        self.sync = CrmSync(store, self.provider, FieldMap.model_validate(map_), self.lives.clock, lambda _: None)
        self._told = 0

    @property
    def tables(self) -> Tables:
        return self.server.api.tables

    async def tell(self, ref: str, kind: Scope = "contact", account: str | None = None, **traits: Json) -> None:
        """Somebody tells us of a customer, who then takes its turn."""
        self._told += 1
        now = self.lives.clock.now()
        changed = TraitsChanged(at=now, traits=traits) if traits else None
        item = Accepted(message_id=f"t{self._told}", kind=kind, external_id=ref, input=changed, account=account)
        await self.store.accept([item], now)

    async def run(self) -> SyncReport:
        """A whole run a minute later, and what follows from it."""
        self.lives.clock.instant += timedelta(minutes=1)
        position: str | None = ""
        while position is not None:
            position = await self.sync.step(position)
        await self.store.ring_all()
        await self.lives.settle()
        return await self.report()

    async def report(self) -> SyncReport:
        return read_report((await self.store.crm_notes("hubspot"))[RUN].value)

    async def traits(self, ref: str) -> JsonObject:
        (_, state) = await self.store.customer(await self.store.find(ref))
        assert state is not None
        return state.facts.traits

    def record(self, ref: str, type_: str = "contacts") -> Stored:
        found = self.tables.by(type_, "perennia_id", ref)
        assert found is not None
        return found

    def edit(self, record: Stored, **fields: str) -> None:
        self.tables.now += timedelta(minutes=2)
        self.tables.change(record, fields)

    def writes(self) -> int:
        """How many calls have changed anything in the CRM."""
        quiet = ("/search", "/batch/read")
        return sum(each.method in ("POST", "PATCH") and not each.path.endswith(quiet) for each in self.server.requests)


@asynccontextmanager
async def crm_world(store_url: str, map_: dict[str, Any] | None = None) -> AsyncGenerator[CrmWorld]:
    store = open_store(store_url)
    await store.migrate()
    async with simulated(HubSpot()) as server:
        world = CrmWorld(store, server, MAP if map_ is None else map_)
        yield world
        await world.provider.close()
        await store.close()

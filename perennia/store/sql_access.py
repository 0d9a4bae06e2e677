"""`Access`, each method one transaction of the store's."""

from __future__ import annotations

from datetime import datetime

from perennia.store import access
from perennia.store.access_port import Access
from perennia.store.access_records import ApiKey, Asked, GivenReply, KeyChange
from perennia.store.driver import Driver


class SqlAccess(Access):
    """The part of `SqlStore` that is about API keys and requests."""

    _driver: Driver

    async def add_api_key(self, key: ApiKey, digest: str) -> None:
        await self._driver.write("api_key", lambda c: access.add(c, key, digest))

    async def use_api_key(self, digest: str, at: datetime) -> ApiKey | None:
        key = await self._driver.read("api_key", lambda c: access.good(c, digest, at))
        if key is not None and not access.is_noted(key, at):
            await self._driver.write("api_key", lambda c: access.note_use(c, key.id, at))
        return key

    async def api_key(self, id_: str) -> ApiKey | None:
        return await self._driver.read("api_key", lambda c: access.find(c, id_))

    async def api_keys(self, limit: int = 100, after: str | None = None) -> list[ApiKey]:
        return await self._driver.read("api_key", lambda c: access.listed(c, limit, after))

    async def change_api_key(self, id_: str, change: KeyChange) -> ApiKey | None:
        return await self._driver.write("api_key", lambda c: access.change(c, id_, change))

    async def rotate_api_key(self, id_: str, digest: str, hint: str, former_until: datetime) -> ApiKey | None:
        return await self._driver.write("api_key", lambda c: access.rotate(c, id_, digest, hint, former_until))

    async def revoke_api_key(self, id_: str, at: datetime) -> ApiKey | None:
        return await self._driver.write("api_key", lambda c: access.revoke(c, id_, at))

    async def begin_request(self, caller: str, key: str, fingerprint: str, at: datetime) -> Asked:
        return await self._driver.write("api_request", lambda c: access.begin_request(c, caller, key, fingerprint, at))

    async def end_request(self, caller: str, key: str, reply: GivenReply | None) -> None:
        await self._driver.write("api_request", lambda c: access.end_request(c, caller, key, reply))

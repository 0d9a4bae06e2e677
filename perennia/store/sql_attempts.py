"""`Attempts`' methods over a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perennia.store import attempts
from perennia.store.attempt_port import Attempts
from perennia.store.attempt_records import Attempt, Tried
from perennia.store.driver import Driver
from perennia.store.records import MessageReport


class SqlAttempts(Attempts):
    """Part of `SqlStore`, which has the driver."""

    _driver: Driver

    async def note_attempt(self, key: str, tried: Tried) -> None:
        await self._driver.write("note_attempt", lambda c: attempts.note(c, key, tried))

    async def attempts(self, keys: Sequence[str]) -> Mapping[str, list[Attempt]]:
        return await self._driver.read("attempts", lambda c: attempts.of_keys(c, keys))

    async def reports_on(self, keys: Sequence[str]) -> Mapping[str, list[MessageReport]]:
        return await self._driver.read("reports_on", lambda c: attempts.reports_on(c, keys))

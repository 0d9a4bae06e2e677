"""Whose key it is."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from perennia.access.callers import ADMIN, Caller
from perennia.access.scopes import KeyScope
from perennia.access.secrets import PREFIX, digest
from perennia.store.access_port import Access

# Senders of events post many times a second: how long a key that may is not looked up again, nor one that may not.
REMEMBERED_SECONDS: Final = 5.0
_MOST_REMEMBERED: Final = 1_000


class NoAdminKey(ValueError):
    def __init__(self) -> None:
        super().__init__("the admin key is empty; set a secret, else the API would be open to everybody")


def wall_clock() -> datetime:
    """Keys expire in real time, not in the engine's."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class KeyRing:
    """The admin key, which a setting holds, and the API keys, which the store knows. ``rate``: of those that name none.

    ``real``: the wall clock.
    """

    admin_key: str
    store: Access
    rate: int
    real: Callable[[], datetime] = wall_clock
    _senders: dict[str, tuple[float, bool]] = field(default_factory=dict[str, tuple[float, bool]])

    def __post_init__(self) -> None:
        if not self.admin_key:
            raise NoAdminKey

    async def caller(self, secret: str) -> Caller | None:
        """None for a secret that is unknown, expired or revoked; a revoked one is refused at once.

        Raises `StoreUnavailable`; the admin key needs no store.
        """
        if hmac.compare_digest(secret.encode("utf-8", "replace"), self.admin_key.encode()):
            return ADMIN
        if not secret.startswith(PREFIX):
            return None
        key = await self.store.use_api_key(digest(secret), self.real())
        if key is None:
            return None
        return Caller(key.id, key.name, frozenset(key.scopes), key.rate or self.rate)

    async def may_send(self, secret: str) -> bool:
        """Whether it is an API key with which events may be sent; one that is revoked is refused within five seconds.

        Raises `StoreUnavailable`.
        """
        if not secret.startswith(PREFIX):
            return False
        mark, now = digest(secret), time.monotonic()
        until, known = self._senders.get(mark, (0.0, False))
        if now < until:
            return known
        caller = await self.caller(secret)
        may = caller is not None and KeyScope.EVENTS_WRITE in caller.scopes
        if len(self._senders) >= _MOST_REMEMBERED:
            self._senders.clear()
        self._senders[mark] = (now + REMEMBERED_SECONDS, may)
        return may

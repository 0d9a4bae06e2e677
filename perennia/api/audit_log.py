"""Who did what through the API."""

from __future__ import annotations

from dataclasses import dataclass

from perennia.clock import Clock
from perennia.core.json_values import Json
from perennia.store.port import Store
from perennia.store.records import AuditEntry


@dataclass(frozen=True)
class AuditLog:
    """Written before the act, so that nothing happens unseen: an entry may also tell of an act that then failed."""

    store: Store
    clock: Clock

    async def write(self, by: str, action: str, subject: str, **detail: Json) -> None:
        await self.store.audit(AuditEntry(at=self.clock.now(), by=by, action=action, subject=subject, detail=detail))

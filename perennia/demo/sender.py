"""What the company sends, through Segment's own SDK as anybody would use it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, Final

from segment.analytics.client import Client as SegmentClient

from perennia.core.json_values import JsonObject
from perennia.demo.company import Account, Contact

UPLOAD_EVERY: Final = 0.1  # seconds; the SDK's half a second would be six hours of the engine's time
QUEUE_SIZE: Final = 100_000

log = logging.getLogger(__name__)


@dataclass
class Sender:
    """Gives the SDK no timestamps: its clock looks wrong to the API by exactly what the engine's time is ahead of real
    time, and the API sets a wrong clock right (the event happened as long before its arrival as before it was sent).
    """

    api: str
    write_key: str
    sent: int = 0
    failures: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._sdk = SegmentClient(
            self.write_key,
            host=self.api,
            upload_interval=UPLOAD_EVERY,
            max_queue_size=QUEUE_SIZE,
            on_error=self._failed,
        )

    def open_account(self, contact: Contact) -> None:
        """Who somebody is, and where they belong."""
        self._sdk.identify(contact.id, dict(contact.traits()))
        self._sdk.group(contact.id, contact.account.id, dict(account_traits(contact.account)))
        self.sent += 2

    def track(self, contact: Contact, event: str, properties: JsonObject) -> None:
        self._sdk.track(contact.id, event, dict(properties))
        self.sent += 1

    def change(self, contact: Contact, traits: JsonObject) -> None:
        self._sdk.identify(contact.id, dict(traits))
        self.sent += 1

    def change_account(self, contact: Contact, traits: JsonObject) -> None:
        self._sdk.group(contact.id, contact.account.id, dict(traits))
        self.sent += 1

    def close(self) -> None:
        """Returns when everything has been delivered. Blocks."""
        self._sdk.shutdown()

    def _failed(self, error: Exception, batch: list[Any]) -> None:
        self.failures.append(str(error))
        log.warning("the SDK gave up on %d items: %s", len(batch), error)


def account_traits(account: Account) -> JsonObject:
    return {
        "name": account.name,
        "plan": account.plan,
        "seats": account.seats,
        "status": "customer",
        "needs_implementation": account.needs_implementation,
    }

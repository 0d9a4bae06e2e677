"""What the company sends, through Segment's own SDK as anybody would use it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

from segment.analytics.client import Client as SegmentClient

from perennia.core.json_values import JsonObject
from perennia.demo.company import Account, Contact

UPLOAD_EVERY: Final = 0.1  # seconds; the SDK's half a second would be six hours of the engine's time
QUEUE_SIZE: Final = 100_000

log = logging.getLogger(__name__)


class _Sdk(Protocol):
    """The part of the SDK's client that is used here; the SDK itself is not typed."""

    def identify(self, user_id: str, traits: JsonObject) -> object: ...
    def group(self, user_id: str, group_id: str, traits: JsonObject) -> object: ...
    def track(self, user_id: str, event: str, properties: JsonObject) -> object: ...
    def shutdown(self) -> None: ...


@dataclass
class Sender:
    """Gives the SDK no timestamps, so that it uses real time, which the engine's time is far ahead of.

    To the API that is a sender whose clock is wrong, and it sets that right: an event happened as long before its arrival
    as before it was sent.
    """

    api: str
    write_key: str
    sent: int = 0
    failures: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        client = SegmentClient(
            self.write_key,
            host=self.api,
            upload_interval=UPLOAD_EVERY,
            max_queue_size=QUEUE_SIZE,
            on_error=self._failed,
        )
        self._sdk = cast("_Sdk", client)

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

    def _failed(self, error: Exception, batch: list[object]) -> None:
        self.failures.append(str(error))
        log.warning("the SDK gave up on %d items: %s", len(batch), error)


def account_traits(account: Account) -> JsonObject:
    return {
        "name": account.name,
        "plan": account.plan,
        "seats": account.seats,
        "status": "customer",
        "needs_implementation": account.needs_implementation,
        "live": account.live,
    }

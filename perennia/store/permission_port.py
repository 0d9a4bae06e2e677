"""The part of the store's interface that is about permission: consents, and addresses that are never written to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from perennia.core.json_values import JsonObject
from perennia.store.permission_records import (
    ConsentLink,
    ConsentOutcome,
    ConsentRecord,
    ConsentSaid,
    ConsentStanding,
    Suppression,
)


class Permission(Protocol):
    """Every method is one transaction, as all of `Store`'s."""

    async def unsubscribe(self, customer: str, topic: str, at: datetime, source: str) -> bool:
        """Records a no to the topic; True where it changed something."""
        ...

    async def consents(self, customer: str) -> dict[str, bool]:
        """What the customer (internal id; one merged into another stands for that) said to each topic, where they said anything.

        Raises `UnknownCustomer`, also for an erased one.
        """
        ...

    async def consent(self, customer: str, topic: str, given: bool, at: datetime, source: str) -> bool: ...

    async def say_consent(self, customer: str, said: ConsentSaid) -> ConsentOutcome:
        """Keeps what a contact said of a topic, with its proof; a yes to a topic that asks for it is to be confirmed first.

        Raises `UnknownCustomer`.
        """
        ...

    async def confirm_consent(self, link: ConsentLink, at: datetime, proof: JsonObject) -> bool:
        """The person followed the link and confirmed. False: it is too old, was taken back, or the address is another by now.

        Confirming once more changes nothing and is True. Raises `UnknownCustomer`.
        """
        ...

    async def consent_standings(self, customer: str, now: datetime) -> list[ConsentStanding]:
        """How it stands with each topic that anything was said of. Raises `UnknownCustomer`."""
        ...

    async def consent_records(self, customer: str) -> list[ConsentRecord]:
        """All that was ever said, the last first. Raises `UnknownCustomer`."""
        ...

    async def suppress(self, address: str, reason: str, at: datetime) -> bool:
        """Closes the address for good; False where it was closed before: the first reason stays."""
        ...

    async def suppress_all(self, closed: Sequence[Suppression], at: datetime) -> int:
        """The same for many, in one transaction; how many are new. None is dated later than ``at``."""
        ...

    async def lift_suppression(self, address: str, at: datetime, by: str) -> bool:
        """Lets the address be written to again; False where it was not closed."""
        ...

    async def suppression(self, address: str) -> Suppression | None: ...

    async def suppressions(self, limit: int = 100, after: str | None = None) -> list[Suppression]:
        """By address, behind ``after``."""
        ...

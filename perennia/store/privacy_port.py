"""The part of the store's interface that is about privacy: what is held of a customer, and erasing them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from perennia.core.definitions import Scope
from perennia.core.retention import Kept
from perennia.store.privacy_records import Dossier, Erased, Erasure
from perennia.store.retention_records import Forgotten, RetentionRun


class Privacy(Protocol):
    """Every method is one transaction, as all of `Store`'s."""

    async def dossier(self, reference: str, kind: Scope | None = None) -> Dossier:
        """Everything that is held of the customer, and of those who were merged into it. Raises `UnknownCustomer`."""
        ...

    async def erase(self, reference: str, kind: Scope | None, order: Erasure) -> Erased:
        """Deletes everything that is held of the customer, and of those who were merged into it.

        Nothing of it stays in the database's files, as far as they are ours to write. Of an account also, where the order
        says so, its contacts. What comes in for them later is passed over, until their traits are told anew; their addresses
        stay suppressed where they were. Doing it again changes nothing. Raises `UnknownCustomer` for somebody who never was one.
        """
        ...

    async def forget_page(
        self, kind: Kept, before: datetime, after: str | None, size: int, *, only_count: bool = False
    ) -> Forgotten:
        """Deletes a page of what is of before that instant: ``size`` rows, of events and decisions those of so many customers.

        ``after`` is where the page before ended, None at the beginning. ``only_count`` deletes nothing.
        """
        ...

    async def claim_retention(self, kind: Kept, at: datetime, every: timedelta) -> bool:
        """Whether the caller is to look through that kind now: nobody has ``every`` so long."""
        ...

    async def note_retention(self, kind: Kept, at: datetime, rows: int) -> None:
        """That kind was looked through, and so many rows went. What was deleted is gone from the files, too."""
        ...

    async def retention_runs(self) -> list[RetentionRun]: ...

"""The part of the store's interface that is about privacy: what is held of a customer, and erasing them."""

from __future__ import annotations

from typing import Protocol

from perennia.core.definitions import Scope
from perennia.store.privacy_records import Dossier, Erased, Erasure


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

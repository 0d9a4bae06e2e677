"""The part of the store's interface that is about taking in much at once, and handing it out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from perennia.store.import_records import ExtractKind, ExtractPage, ImportState
from perennia.store.records import Accepted, Receipt


class Imports(Protocol):
    """Every method is one transaction, as all of `Store`'s."""

    async def accept_past(self, items: Sequence[Accepted], at: datetime) -> Receipt:
        """Stores events of former times, each of a customer with an outside id: counted, and never acted upon.

        A ``message_id`` seen before is a duplicate. Whoever is concerned is rung, since counts have changed.
        """
        ...

    async def import_state(self, id_: str) -> ImportState | None: ...

    async def note_import(self, state: ImportState) -> None:
        """How far it is; in place of what was noted before."""
        ...

    async def extract_page(self, kind: ExtractKind, after: str | None, size: int) -> ExtractPage:
        """A page of everything of that kind; ``after`` is where the page before ended. Nobody who was merged or erased."""
        ...

"""The part of the store's interface that keeps broadcasts: what they are, how far they are, what became of everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from perennia.core.broadcasts import Status
from perennia.core.documents import Document
from perennia.store.broadcast_records import Ending, EntryPage, Outcomes, Run, StoredBroadcast
from perennia.store.trial_port import Trials


class Broadcasts(Trials, Protocol):
    """Every method is one transaction. What it came to, experiments count (`Trials`)."""

    async def create_broadcast(self, made: StoredBroadcast, book: Document | None) -> bool:
        """Keeps a new one, with the playbook that it is made of. False: there is one of this id."""
        ...

    async def broadcast(self, name: str) -> StoredBroadcast | None:
        """With its last run."""
        ...

    async def broadcast_templates(self, name: str) -> dict[str, str]:
        """The version of each template that it sends; none where it enters a playbook, or there is no such broadcast."""
        ...

    async def broadcasts(
        self, limit: int = 100, after: str | None = None, *, live: bool = False
    ) -> list[StoredBroadcast]:
        """The last created first, behind the cursor ``after``; ``live``: only those between their start and their end."""
        ...

    async def move_broadcast(
        self,
        name: str,
        before: Sequence[Status],
        after: Status,
        at: datetime,
        by: str,
        *,
        why: str | None = None,
        starts_at: datetime | None = None,
    ) -> bool:
        """Changes its status, from one of ``before``; False where it has another. Who waits for a paused one is rung, too.

        ``why``: the owner is to be told of it.
        """
        ...

    async def begin_run(self, name: str, occasion: str, at: datetime) -> Run:
        """The run that this occasion began: a new one the first time."""
        ...

    async def enter_page(self, page: EntryPage) -> tuple[str, ...] | None:
        """Places the orders and moves the run's cursor, both or neither. Returns whose bells it set (internal ids).

        None: somebody else did this page, or the broadcast does not run any more; nothing is changed.
        """
        ...

    async def end_page(self, name: str, size: int, at: datetime) -> Ending:
        """Ends the part of the next ``size`` people in a broadcast that is being cancelled; with the last of them it is."""
        ...

    async def outcomes(self, book: str) -> Outcomes: ...

    async def note_broadcast_told(self, name: str, at: datetime) -> None:
        """The owner has heard why it is paused."""
        ...

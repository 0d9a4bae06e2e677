"""The part of the store's interface that shows customers to those who look for an audience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from perennia.core.audiences import Candidate
from perennia.core.decisions import CustomerEvent
from perennia.core.definitions import Scope
from perennia.store.broadcast_port import Broadcasts


class Audiences(Broadcasts, Protocol):
    """Every method of its own is one read. Broadcasts are what audiences are looked for."""

    async def candidates(
        self,
        kind: Scope,
        after: str,
        limit: int,
        *,
        permissions: bool = False,
        ledger_since: datetime | None = None,
        of: str | None = None,
    ) -> list[Candidate]:
        """Customers who take turns, in the order of their internal ids, behind ``after``. ``of``: only that one.

        ``permissions``: with what admission asks for; ``ledger_since``: also with what they were sent since then.
        """
        ...

    async def candidate_pages(self, kind: Scope, size: int) -> list[str]:
        """What to ask `candidates` for ``after``, page by page of ``size``, to see everybody."""
        ...

    async def count_candidates(self, kind: Scope) -> int:
        """How many customers `candidates` has in all."""
        ...

    async def histories(self, read: Mapping[str, int], names: Sequence[str]) -> dict[str, tuple[CustomerEvent, ...]]:
        """Events of these names that customers lived through up to the input ``read`` (by internal id), as they were accepted."""
        ...

"""The part of the store's interface that is about tries of effects, and about what came back of messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from perennia.store.attempt_records import Attempt, Tried
from perennia.store.records import MessageReport


class Attempts(Protocol):
    """Every method is one transaction, as all of `Store`'s."""

    async def note_attempt(self, key: str, tried: Tried) -> None:
        """Notes a try of a message or a delivery; one like the last is counted with it. A key that nobody knows: nothing."""
        ...

    async def attempts(self, keys: Sequence[str]) -> Mapping[str, list[Attempt]]:
        """Those that were noted, by key, the first first. Whoever was asked and accepted stands in the ledger alone."""
        ...

    async def reports_on(self, keys: Sequence[str]) -> Mapping[str, list[MessageReport]]:
        """What came back of these messages, by key, the first first."""
        ...

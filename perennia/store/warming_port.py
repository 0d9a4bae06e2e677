"""The part of the store's interface that is about the places that providers have on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from perennia.core.decisions import JournalEntry, SendEmail
from perennia.store.warming_records import DayOfPlaces, Place


def uncounted(_message: SendEmail) -> Sequence[Place]:
    """Whoever sends it, nobody counts."""
    return ()


class Warming(Protocol):
    """Every method is one transaction, as all of `Store`'s."""

    async def pass_on(self, key: str, places: Sequence[Place]) -> str | None:
        """Gives back the place that a message under way has, and takes the first of these that is free.

        Returns whose it is, and notes that this one is asked. None: none is free, or the message is not under way.
        """
        ...

    async def keep_waiting(self, key: str, until: datetime, entry: JournalEntry) -> None:
        """No turn offers the message before then. ``entry`` says why, in its customer's journal."""
        ...

    async def day_of_places(self, day: str, now: datetime) -> DayOfPlaces:
        """``day`` in UTC, ``2026-12-01``."""
        ...

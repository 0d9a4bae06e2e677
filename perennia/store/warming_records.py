"""What the store is told, and tells, of the places that providers have on a day."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Place(msgspec.Struct, frozen=True):
    """A place at a provider on a day (in UTC, ``2026-12-01``). ``maximum``: how many there are; None: nobody counts."""

    provider: str
    day: str
    maximum: int | None = None


class DayOfPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """``used``: how many places of a day are taken, by provider. ``waiting``: how many messages wait for a later one.

    ``next_at``: when the first of those is tried again.
    """

    used: dict[str, int]
    waiting: int
    next_at: datetime | None

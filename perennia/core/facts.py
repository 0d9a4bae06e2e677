"""What is known of a customer: traits, tallies of events, the account. Inputs are absorbed here and nowhere else."""

from __future__ import annotations

from datetime import datetime

import msgspec

from perennia.core.json_values import Json, JsonObject


class Tally(msgspec.Struct, omit_defaults=True):
    """Occurrences of one event name, or of those that pass one filter.

    ``recent`` holds ``(instant in microseconds since 1970 UTC, value)`` in ascending order, only as far back as the longest
    window of any published expression reaches; ``value`` is the summed property, 0 where none is.
    """

    count: int = 0
    total: float = 0
    last: datetime | None = None
    recent: list[tuple[int, float]] = []


class Facts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``ref`` is the id the outside uses; ``account`` the account's traits with ``id`` (contact scope), None without one."""

    ref: str
    first_seen: datetime
    traits: dict[str, Json] = {}
    account: JsonObject | None = None
    tallies: dict[str, Tally] = {}

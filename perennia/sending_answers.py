"""What an installation answers about sending: how senders and topics stand, and what providers that warm up were given."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from perennia.core.reputation import Standing
from perennia.store.records import SendingKind


class Sending(msgspec.Struct, frozen=True):
    """How a sender or a topic stands (`perennia.store.records.Reputation`); ``since`` and ``by`` where it ever was told."""

    kind: SendingKind
    name: str
    sent: int
    complained: int
    bounced: int
    level: Standing
    since: datetime | None = None
    by: str | None = None


class WarmUpOfProvider(msgspec.Struct, frozen=True):
    """What a provider that is warming up was given today, may be given today, and tomorrow (None: as many as one likes)."""

    provider: str
    used: int
    maximum: int | None
    tomorrow: int | None


class WarmUps(msgspec.Struct, frozen=True):
    """``day``: in UTC. ``waiting``: messages that no provider had a place for; the first is tried again at ``next_at``."""

    day: date
    providers: tuple[WarmUpOfProvider, ...]
    waiting: int
    next_at: datetime | None

"""What the store says of tries: of messages, and of what other systems are told."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

# ``unanswered``: nobody knows whether it was taken. ``unavailable`` and ``misconfigured``: it was not, and is tried again.
AttemptOutcome: TypeAlias = Literal["accepted", "unavailable", "unanswered", "misconfigured", "refused"]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A try that was not accepted. ``said``: what happened, in our words; ``reply``: in the provider's."""

    at: datetime
    provider: str | None
    outcome: AttemptOutcome
    said: str
    reply: str | None = None


class Attempt(Tried, frozen=True, kw_only=True):
    """The same, so many ``times`` one after the other, until ``last_at``."""

    last_at: datetime
    times: int = 1

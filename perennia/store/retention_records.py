"""What crosses the store's border of retention. No SQL here."""

from __future__ import annotations

from datetime import datetime

import msgspec

from perennia.core.retention import Kept


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """``rows`` that were deleted, or would be. ``after``: from where to go on; None: that was all."""

    rows: int
    after: str | None = None


class RetentionRun(msgspec.Struct, frozen=True, kw_only=True):
    """When what is too old of a kind was last looked for, and how many rows went."""

    kind: Kept
    at: datetime
    rows: int

"""What the store says of enrollments that are compared, as frozen structs."""

from __future__ import annotations

from datetime import datetime

import msgspec


class TrialCount(msgspec.Struct, frozen=True, kw_only=True):
    """So many customers fared alike. ``variants``: by split the one they went into; ``open``: whose span is not over."""

    held_out: bool
    variants: dict[str, str]
    customers: int
    converted: int
    open: int


class TrialVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a playbook that somebody was compared in. ``body``: its document; ``began``: when the first entered."""

    version: str
    body: str
    began: datetime

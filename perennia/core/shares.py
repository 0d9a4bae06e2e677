"""Where a customer stands between 0 and 1 in a playbook, for holdouts and splits: stable, and even over many customers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Name = TypeVar("Name")


def position_of(*names: str) -> float:
    """The first 8 bytes of SHA-256 of the names joined by ``:``, over 2^64 (language, section 4)."""
    digest = hashlib.sha256(":".join(names).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def chosen(position: float, shares: Sequence[tuple[Name, float]]) -> Name:
    """The one whose part of the line from 0 to 1 holds ``position``. ``shares`` are percentages that sum to 100."""
    end = 0.0
    for name, share in shares:
        end += share
        if position < end / 100:
            return name
    # Shares like three times 33.4 less 0.2 sum to a hair under 100.
    return next(name for name, share in reversed(shares) if share > 0)

"""Who calls: the holder of the installation's admin key, or of an API key."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from perennia.access.scopes import EVERYTHING


@dataclass(frozen=True)
class Caller:
    """``name`` None: the admin key. ``rate``: requests a minute; None: no limit."""

    id: str
    name: str | None
    scopes: frozenset[str]
    rate: int | None


ADMIN: Final = Caller("admin", None, EVERYTHING, None)

# Of the request that is being answered. Set by the gate, before anything of the request is read.
CALLER: ContextVar[Caller] = ContextVar("caller", default=ADMIN)


def signed(by: str) -> str:
    """Who asks, as they say, with the key that they used: what a key's holder claims to be is not all that is known."""
    name = CALLER.get().name
    return by if name is None else f"{by}, key {name}"

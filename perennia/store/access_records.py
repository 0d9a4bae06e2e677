"""What crosses the store's border of API keys, and of answers that are given again. No SQL here."""

from __future__ import annotations

from datetime import datetime

import msgspec


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """``hint``: how its secret begins. ``rate``: requests a minute; None: as the installation has it.

    ``former_until``: until then the secret that it had before its last rotation is good, too. ``version`` grows with each
    change, not with each use.
    """

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    rate: int | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    former_until: datetime | None = None
    version: int = 1


class KeyChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a key is from here on. ``version``: of the key that was looked at; None: of whichever is there."""

    name: str
    scopes: tuple[str, ...]
    rate: int | None
    expires_at: datetime | None
    version: int | None


class GivenReply(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to a request. ``headers``: those that belong to the content."""

    status: int
    headers: dict[str, str]
    body: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request with an idempotency key.

    ``reply`` None and ``fresh``: it is to be carried out now. Neither: it is under way. ``differs``: the same key came with
    another request before.
    """

    fresh: bool = False
    differs: bool = False
    reply: GivenReply | None = None

"""API keys of a running installation: what the commands ask of it, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from perennia.core.json_values import JsonObject
from perennia.installation import Installation


class Key(msgspec.Struct):
    """See `perennia.store.access_records.ApiKey`."""

    id: str
    name: str
    hint: str
    scopes: list[str]
    rate: int | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    former_until: datetime | None


class NewKey(msgspec.Struct):
    """``secret`` is told this once."""

    key: Key
    secret: str


async def keys(at: Installation) -> list[Key]:
    """By id."""
    return await at.every("keys", list[Key], lambda key: key.id)


async def create_key(
    at: Installation, name: str, scopes: Sequence[str], expires_at: datetime | None, rate: int | None, by: str
) -> NewKey:
    body: JsonObject = {"name": name, "scopes": [*scopes], "rate": rate, "by": by}
    if expires_at is not None:
        body["expires_at"] = expires_at.isoformat()
    return msgspec.json.decode(await at.ask("POST", "keys", body), type=NewKey)


async def rotate_key(at: Installation, id_: str, keep_hours: int, by: str) -> NewKey:
    body = {"keep_hours": keep_hours, "by": by}
    return msgspec.json.decode(await at.ask("POST", f"keys/{id_}/rotate", body), type=NewKey)


async def revoke_key(at: Installation, id_: str, by: str) -> Key:
    return msgspec.json.decode(await at.ask("POST", f"keys/{id_}/revoke", {"by": by}), type=Key)

"""The broadcast that a path names."""

from __future__ import annotations

from perennia.api.problems import Problem
from perennia.api.publishing import nearest
from perennia.store.broadcast_records import StoredBroadcast
from perennia.store.port import Store


async def named_broadcast(store: Store, name: str) -> StoredBroadcast:
    """Raises `Problem` (404), which names the nearest."""
    found = await store.broadcast(name)
    if found is None:
        known = [each.id for each in await store.broadcasts()]
        raise Problem(404, "Unknown broadcast", f"There is no broadcast {name!r}{nearest(name, known)}")
    return found

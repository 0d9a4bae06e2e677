"""What a contact was sent that may count under its caps: read for a turn, or right before the provider is called."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select

from perennia.core.caps import counted_from
from perennia.core.state import LedgerEntry
from perennia.store.columns import Instant
from perennia.store.prepared import execute
from perennia.store.records import SendStatus
from perennia.store.tables import messages

_since = bindparam("since", type_=Instant())
_counted = select(
    messages.c.key,
    messages.c.topic,
    messages.c.priority,
    messages.c.status,
    messages.c.released_at,
    messages.c.ended_at,
).where(
    messages.c.counts_for == bindparam("contact"),
    messages.c.status != SendStatus.SKIPPED,
    messages.c.status != SendStatus.FAILED,
    or_(messages.c.released_at >= _since, messages.c.ended_at >= _since, messages.c.ended_at.is_(None)),
)
# What a turn takes for not yet left must not leave before the turn is written: a claim waits for it.
_locked = _counted.with_for_update(of=messages)


def counted_messages(
    connection: Connection, contact: str, since: datetime, *, lock: bool = False
) -> tuple[LedgerEntry, ...]:
    """Those that were released, or left, since then, and all that have not left yet; in the order of their release."""
    rows = execute(connection, _locked if lock else _counted, {"contact": contact, "since": since})
    entries = [
        LedgerEntry(
            key=row.key,
            at=counted_from(row.released_at, row.ended_at),
            topic=row.topic,
            priority=row.priority,
            left=row.status != SendStatus.RESERVED,
        )
        for row in rows
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.key)))

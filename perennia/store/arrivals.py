"""What a post is compared with before anything of it is kept: messages seen before, and the current triggers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Text, func, literal, select, union_all

from perennia.core.contacts import CONTACTS
from perennia.core.decisions import ContactChanged, CustomerEvent, Input, MessageTold, TraitsChanged
from perennia.core.documents import Triggers
from perennia.core.nodes import MESSAGES
from perennia.store.batches import ROWS, as_values, insert, rows_of
from perennia.store.bodies import storable, triggers_of
from perennia.store.columns import microseconds
from perennia.store.cursors import behind
from perennia.store.locking import LockedCustomer
from perennia.store.prepared import execute
from perennia.store.records import Rejected
from perennia.store.screening import naming_erased
from perennia.store.tables import bare_messages, inputs, rejected, revisions, strangers


class Bells:
    """Which inputs ring: those that the current revision's triggers name, and those that the customer watches."""

    def __init__(self, triggers: Triggers) -> None:
        self._names = frozenset(triggers.names)
        self._prefixes = triggers.prefixes

    def concerns(self, customer: LockedCustomer, each: Input) -> bool:
        """Whether more may come of it than that it is remembered. Anything but events, traits and contacts does.

        An account's traits always do: its contacts may read them, and are told by its turn.
        """
        watching = customer.watching
        match each:
            case TraitsChanged() if customer.kind == "account":
                return True
            case TraitsChanged():
                return any(f"trait:{name}" in watching for name in each.traits)
            case ContactChanged():
                return CONTACTS in watching or each.roles is None or bool(each.answers)
            case MessageTold():
                return MESSAGES in watching
            case CustomerEvent(name=name):
                # str.startswith takes them all at once, and an empty tuple matches nothing.
                return name in self._names or f"event:{name}" in watching or name.startswith(self._prefixes)
            case _:
                return True


def look_up(connection: Connection, message_ids: Sequence[str]) -> tuple[set[str], Bells]:
    """Which of the messages were accepted before, and what rings now.

    To be called with the customers locked: a publish that commits later rings them all after this transaction.
    """
    rows = execute(connection, _look_up(connection.dialect.name), {ROWS: as_values(message_ids)})
    seen = {row.value for row in rows if row.what == "seen"}
    triggers = next((row.value for row in rows if row.what == "triggers"), None)
    return seen, _bells(triggers)


def current_bells(connection: Connection) -> Bells:
    """What rings now."""
    rows = execute(connection, _CURRENT, {})
    return _bells(rows[0].triggers if rows else None)


_CURRENT = select(revisions.c.triggers).where(
    revisions.c.number == select(func.max(revisions.c.number)).scalar_subquery()
)


def current_triggers(connection: Connection) -> Triggers:
    """What is published right now."""
    rows = execute(connection, _CURRENT, {})
    return triggers_of(rows[0].triggers) if rows else Triggers()


@lru_cache(maxsize=4)
def _bells(triggers: str | None) -> Bells:
    return Bells(Triggers() if triggers is None else triggers_of(triggers))


@cache
def _look_up(dialect: str) -> CompoundSelect[str, Any]:
    posted = rows_of(dialect, ("message_id", Text)).subquery("posted")
    kept = (inputs.c.message_id, strangers.c.message_id, bare_messages.c.message_id)
    current = select(func.max(revisions.c.number)).scalar_subquery()
    return union_all(
        *(
            select(literal("seen").label("what"), id_.label("value")).join(posted, posted.c.message_id == id_)
            for id_ in kept
        ),
        select(literal("triggers"), revisions.c.triggers).where(revisions.c.number == current),
    )


def remember_bare(connection: Connection, message_ids: Sequence[str], at: datetime) -> None:
    """Remembers messages that left no input, so that their duplicates are known."""
    rows = [(message_id, microseconds(at)) for message_id in message_ids]
    insert(connection, bare_messages, ("message_id", "at"), rows)


def keep_rejected(connection: Connection, items: Sequence[Rejected]) -> None:
    """Keeps them, without those that name somebody who was erased."""
    erased = naming_erased(connection, {item.raw for item in items})
    items = [item for item in items if item.raw not in erased]
    rows = [(_digest(item), microseconds(item.at), storable(item.reason), storable(item.raw)) for item in items]
    insert(connection, rejected, ("digest", "at", "reason", "raw"), rows, ignore_known=True)


def list_rejected(connection: Connection, limit: int, after: str | None) -> list[Rejected]:
    """`Store.rejected_items`."""
    statement = select(rejected).where(*behind(rejected.c.at, rejected.c.digest, after))
    rows = connection.execute(statement.order_by(rejected.c.at.desc(), rejected.c.digest).limit(limit)).all()
    return [Rejected(at=row.at, reason=row.reason, raw=row.raw, id=row.digest) for row in rows]


def _digest(item: Rejected) -> str:
    return hashlib.sha256(item.raw.encode()).hexdigest()

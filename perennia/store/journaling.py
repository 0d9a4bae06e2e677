"""Writing the journal."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from perennia.core.decisions import JournalEntry
from perennia.store.batches import insert
from perennia.store.bodies import body
from perennia.store.tables import journal


def write_journal(connection: Connection, customer: str, entries: Sequence[JournalEntry]) -> None:
    """Appends the entries in their order, in one statement."""
    rows = [(customer, each.act, each.code, each.playbook, each.reason, body(each)) for each in entries]
    insert(connection, journal, ("customer", "act", "code", "playbook", "reason", "body"), rows)

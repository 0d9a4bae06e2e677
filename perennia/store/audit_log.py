"""The audit log: who did what to the installation."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from perennia.store.bodies import body, storable
from perennia.store.records import AuditEntry
from perennia.store.tables import audit


def write_audit(connection: Connection, entry: AuditEntry) -> None:
    """`Store.audit`."""
    connection.execute(
        insert(audit).values(
            at=entry.at,
            by=storable(entry.by),
            action=entry.action,
            subject=storable(entry.subject),
            detail=body(entry.detail),
        )
    )

"""The audit log: who did what to the installation."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from perennia.store.bodies import body, object_of, storable
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


def read_audit(connection: Connection, limit: int, before: int | None) -> list[AuditEntry]:
    """`Store.audited`."""
    newest = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        newest = newest.where(audit.c.id < before)
    return [
        AuditEntry(
            at=row.at, by=row.by, action=row.action, subject=row.subject, detail=object_of(row.detail), number=row.id
        )
        for row in connection.execute(newest).all()
    ]

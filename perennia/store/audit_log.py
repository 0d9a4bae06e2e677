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


def read_audit(connection: Connection, limit: int) -> list[AuditEntry]:
    """`Store.audited`."""
    newest = select(audit.c.at, audit.c.by, audit.c.action, audit.c.subject, audit.c.detail)
    return [
        AuditEntry(at=at, by=by, action=action, subject=subject, detail=object_of(detail))
        for at, by, action, subject, detail in connection.execute(newest.order_by(audit.c.id.desc()).limit(limit))
    ]

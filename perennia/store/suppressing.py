"""Addresses that are never written to: closed one by one or by the thousand, listed, and let go by a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from perennia.store.audit_log import write_audit
from perennia.store.bodies import normal_address, storable
from perennia.store.driver import insert_into
from perennia.store.identities import Name
from perennia.store.marks import ADDRESS, erased_among, forget
from perennia.store.permission import ring_held
from perennia.store.permission_records import Suppression
from perennia.store.records import AuditEntry
from perennia.store.tables import customers, suppressions

BATCH = 500  # addresses a statement: far from the most parameters that either database takes


def suppress(connection: Connection, address: str, reason: str, at: datetime) -> bool:
    """`Store.suppress`. The first reason stays."""
    return suppress_all(connection, [Suppression(address=address, reason=reason, at=at)], at) == 1


def suppress_all(connection: Connection, closed: Sequence[Suppression], at: datetime) -> int:
    """`Store.suppress_all`. Of one address the first row counts."""
    rows = {normal_address(each.address): each for each in reversed(closed)}
    added: list[str] = []
    for addresses in _batches(list(rows)):
        values = [
            {"address": address, "reason": storable(rows[address].reason), "at": min(rows[address].at, at)}
            for address in addresses
        ]
        row = (
            insert_into(connection, suppressions)
            .values(values)
            .on_conflict_do_nothing()
            .returning(suppressions.c.address)
        )
        added += connection.scalars(row)
    for addresses in _batches(added):
        ring_held(connection, customers.c.address.in_(addresses), at)
    return len(added)


def lift(connection: Connection, address: str, at: datetime, by: str) -> bool:
    """`Store.lift_suppression`."""
    known = find(connection, address)
    if known is None:
        return False
    connection.execute(delete(suppressions).where(suppressions.c.address == known.address))
    forget(connection, [Name(ADDRESS, known.address)])
    entry = AuditEntry(at=at, by=by, action="lift suppression", subject=known.address, detail={"reason": known.reason})
    write_audit(connection, entry)
    return True


def find(connection: Connection, address: str) -> Suppression | None:
    """`Store.suppression`, also of somebody who was erased."""
    name = Name(ADDRESS, normal_address(address))
    row = connection.execute(select(suppressions).where(suppressions.c.address == name.value)).one_or_none()
    if row is not None:
        return Suppression(address=row.address, reason=row.reason, at=row.at)
    mark = erased_among(connection, [name]).get(name)
    if mark is None or mark.reason is None:
        return None
    return Suppression(address=name.value, reason=mark.reason, at=mark.closed_at or mark.at)


def listed(connection: Connection, limit: int, after: str | None) -> list[Suppression]:
    """`Store.suppressions`."""
    statement = select(suppressions).order_by(suppressions.c.address).limit(limit)
    if after is not None:
        statement = statement.where(suppressions.c.address > after)
    rows = connection.execute(statement)
    return [Suppression(address=row.address, reason=row.reason, at=row.at) for row in rows]


def _batches(addresses: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(addresses), BATCH):
        yield addresses[start : start + BATCH]

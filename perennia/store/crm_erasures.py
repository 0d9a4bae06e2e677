"""Records in the CRM of those who were erased here, until the CRM has forgotten them, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, literal, select, union, update

from perennia.core.definitions import Scope
from perennia.store.crm_records import CrmErasure, ErasedKind
from perennia.store.crm_tables import crm_erasures, crm_links
from perennia.store.crm_tasks import crm_tasks
from perennia.store.driver import insert_into

# HubSpot tells of deleted records for so long.
KEPT: Final = timedelta(days=90)


def note(connection: Connection, kind: Scope, ids: Sequence[str], at: datetime, *, ordered: bool) -> None:
    """Before the links of these customers go: which records they were, and which tasks are about them."""
    linked = select(crm_links.c.crm, literal(kind).label("kind"), crm_links.c.record).where(
        crm_links.c.customer.in_(ids), crm_links.c.record.is_not(None), crm_links.c.state == "linked"
    )
    told = select(crm_tasks.c.crm, literal("task"), crm_tasks.c.record).where(
        crm_tasks.c.customer.in_(ids), crm_tasks.c.record != ""
    )
    for row in connection.execute(union(linked, told)).all():
        values = {"crm": row.crm, "kind": row.kind, "record": row.record, "at": at, "ordered": ordered}
        connection.execute(insert_into(connection, crm_erasures).values(**values).on_conflict_do_nothing())


def waiting(connection: Connection, crm: str, kind: ErasedKind, limit: int, *, ordered: bool) -> list[CrmErasure]:
    """`CrmMemory.crm_erasures`."""
    found = select(crm_erasures.c.record, crm_erasures.c.ordered).where(
        crm_erasures.c.crm == crm, crm_erasures.c.kind == kind, crm_erasures.c.done.is_(None)
    )
    if ordered:
        found = found.where(crm_erasures.c.ordered)
    rows = connection.execute(found.order_by(crm_erasures.c.at, crm_erasures.c.record).limit(limit))
    return [CrmErasure(record=row.record, ordered=row.ordered) for row in rows]


def end(connection: Connection, crm: str, kind: ErasedKind, record: str, at: datetime, *, done: bool) -> None:
    """`CrmMemory.crm_forgotten`."""
    if done:
        connection.execute(update(crm_erasures).where(_is(crm, kind, record)).values(done=at))
    else:
        connection.execute(delete(crm_erasures).where(_is(crm, kind, record)))
    connection.execute(delete(crm_erasures).where(crm_erasures.c.done < at - KEPT))


def late(connection: Connection, crm: str, kind: Scope, records: Sequence[str]) -> set[str]:
    """`CrmMemory.crm_late`."""
    is_one = (crm_erasures.c.crm == crm) & (crm_erasures.c.kind == kind) & crm_erasures.c.record.in_(records)
    return set(connection.scalars(select(crm_erasures.c.record).where(is_one)))


def _is(crm: str, kind: ErasedKind, record: str) -> ColumnElement[bool]:
    return (crm_erasures.c.crm == crm) & (crm_erasures.c.kind == kind) & (crm_erasures.c.record == record)

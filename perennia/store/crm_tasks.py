"""Our tasks in the CRM: which one is which there, and whether both sides know that it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Connection, ForeignKey, Index, Table, Text, and_

from perennia.store.columns import Instant
from perennia.store.crm_records import CrmTaskLink
from perennia.store.crm_tables import crm_links
from perennia.store.driver import insert_into
from perennia.store.tables import customers, metadata, tasks
from perennia.store.work import task_of, work_of

# `state`: open, as long as it is so on one side at least; else ended.
crm_tasks = Table(
    "crm_tasks",
    metadata,
    Column("crm", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("customer", Text, ForeignKey(customers.c.id), nullable=False),
    Column("record", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("ix_crm_tasks_customer", crm_tasks.c.customer)
Index("ix_crm_tasks_record", crm_tasks.c.crm, crm_tasks.c.record)


def unopened(connection: Connection, crm: str, limit: int) -> list[CrmTaskLink]:
    """`CrmMemory.crm_tasks_to_open`."""
    is_there = and_(crm_tasks.c.task == tasks.c.key, crm_tasks.c.crm == crm)
    is_linked = and_(crm_links.c.customer == tasks.c.customer, crm_links.c.crm == crm, crm_links.c.state == "linked")
    statement = (
        work_of("task")
        .add_columns(crm_links.c.record)
        .join(crm_links, is_linked)
        .outerjoin(crm_tasks, is_there)
        .where(tasks.c.status == "open", crm_tasks.c.task.is_(None), crm_links.c.record.is_not(None))
    )
    rows = connection.execute(statement.order_by(tasks.c.opened_at, tasks.c.key).limit(limit))
    return [CrmTaskLink(task=task_of(row), record=row.record) for row in rows]


def unended(connection: Connection, crm: str, limit: int) -> list[CrmTaskLink]:
    """`CrmMemory.crm_tasks_to_end`."""
    is_open = and_(crm_tasks.c.task == tasks.c.key, crm_tasks.c.crm == crm, crm_tasks.c.state == "open")
    statement = work_of("task").add_columns(crm_tasks.c.record).join(crm_tasks, is_open).where(tasks.c.status != "open")
    rows = connection.execute(statement.order_by(tasks.c.ended_at, tasks.c.key).limit(limit))
    return [CrmTaskLink(task=task_of(row), record=row.record) for row in rows]


def open_ones(connection: Connection, crm: str, records: Sequence[str]) -> list[CrmTaskLink]:
    """`CrmMemory.crm_tasks_of`."""
    is_one = and_(
        crm_tasks.c.task == tasks.c.key,
        crm_tasks.c.crm == crm,
        crm_tasks.c.state == "open",
        crm_tasks.c.record.in_(records),
    )
    rows = connection.execute(work_of("task").add_columns(crm_tasks.c.record).join(crm_tasks, is_one))
    return [CrmTaskLink(task=task_of(row), record=row.record) for row in rows]


def keep(connection: Connection, crm: str, link: CrmTaskLink, at: datetime, *, ended: bool) -> None:
    """`CrmMemory.keep_crm_task`."""
    values = {"record": link.record, "state": "ended" if ended else "open", "at": at}
    row = insert_into(connection, crm_tasks).values(crm=crm, task=link.task.key, customer=link.task.customer, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["crm", "task"], set_=values))

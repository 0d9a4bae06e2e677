"""Work for people: tasks and approvals, opened, escalated and closed by turns."""

from __future__ import annotations

from functools import cache

from sqlalchemy import BigInteger, Connection, Select, Text, Update, func, select, update
from sqlalchemy import Row as Found

from perennia.core.decisions import Act, ApprovalEnded, EscalateTask, JournalEntry, Outcome, TaskEnded
from perennia.store.batches import ROWS, Row, as_rows, insert, rows_of
from perennia.store.bodies import storable
from perennia.store.columns import microseconds
from perennia.store.cursors import behind
from perennia.store.page import CustomerRow, Page
from perennia.store.prepared import execute
from perennia.store.records import Approval, NewTask, Task, TurnWrite, WorkKind
from perennia.store.tables import IS_OPEN_TASK, customers, tasks

# --- opening --------------------------------------------------------------------------------------------------------


def open_work(connection: Connection, row: CustomerRow, opened: tuple[NewTask, ...]) -> None:
    names = (
        "key",
        "customer",
        "playbook",
        "enrollment",
        "title",
        "body",
        "assignee",
        "due",
        "priority",
        "status",
        "opened_at",
        "kind",
    )
    rows: list[Row] = [
        (
            task.key,
            row.id,
            task.playbook,
            task.enrollment,
            storable(task.title),
            task.body and storable(task.body),
            task.assignee,
            None if task.due is None else microseconds(task.due),
            task.priority,
            "open",
            microseconds(task.at),
            task.kind,
        )
        for task in opened
    ]
    insert(connection, tasks, names, rows)


def escalate_work(connection: Connection, escalated: tuple[EscalateTask, ...]) -> None:
    """What has ended already stays as it is."""
    rows: list[Row] = [(each.task, each.assignee, each.task_priority) for each in escalated]
    if rows:
        execute(connection, _escalate(connection.dialect.name), {ROWS: as_rows(rows)})


@cache
def _escalate(dialect: str) -> Update:
    late = rows_of(dialect, ("key", Text), ("assignee", Text), ("priority", Text)).subquery("late")
    return (
        update(tasks)
        .where(tasks.c.key == late.c.key, tasks.c.status == "open")
        .values(assignee=func.coalesce(late.c.assignee, tasks.c.assignee), priority=late.c.priority)
    )


# --- closing --------------------------------------------------------------------------------------------------------


def close_work(connection: Connection, page: Page, write: TurnWrite) -> None:
    """As the person said who ended it; what nobody ended has timed out, or is cancelled."""
    if not write.closed_tasks:
        return
    said = {each.key: each for each in reversed(page.inputs) if isinstance(each, TaskEnded | ApprovalEnded)}
    silent = {(each.enrollment, each.step) for each in write.journal if _timed_out(each)}
    rows: list[Row] = []
    for key in dict.fromkeys(write.closed_tasks):
        match said.get(key):
            case None:
                status = "timed_out" if tuple(key.split("/")[1:3]) in silent else "cancelled"
                now = microseconds(write.state.now)
                rows.append((key, "approval", status, None, None, now))
                rows.append((key, "task", "cancelled", None, None, now))
            case TaskEnded() as end:
                rows.append((key, "task", end.outcome, _text(end.result), end.by, microseconds(end.at)))
            case ApprovalEnded() as end:
                rows.append((key, "approval", end.decision, _text(end.comment), end.by, microseconds(end.at)))
    execute(connection, _end(connection.dialect.name), {ROWS: as_rows(rows)})


def _timed_out(entry: JournalEntry) -> bool:
    return entry.act is Act.STEP_ENDED and entry.code == Outcome.TIMED_OUT


def _text(told: str | None) -> str | None:
    return told and storable(told)


@cache
def _end(dialect: str) -> Update:
    columns = (("status", Text), ("result", Text), ("ended_by", Text), ("ended_at", BigInteger))
    ended = rows_of(dialect, ("key", Text), ("kind", Text), *columns).subquery("ended")
    return (
        update(tasks)
        .where(tasks.c.key == ended.c.key, tasks.c.kind == ended.c.kind, tasks.c.status == "open")
        .values({name: ended.c[name] for name, _ in columns})
    )


# --- reading --------------------------------------------------------------------------------------------------------


def list_approvals(
    connection: Connection, customer: str | None, status: str | None, limit: int, after: str | None = None
) -> list[Approval]:
    """`Store.approvals`: the last asked first."""
    return [_approval(row) for row in connection.execute(_approvals(customer, status, limit, after))]


def _approvals(customer: str | None, status: str | None, limit: int, after: str | None) -> Select[*tuple[object, ...]]:
    is_behind = behind(tasks.c.opened_at, tasks.c.key, after)
    statement = work_of("approval").where(*is_behind).order_by(tasks.c.opened_at.desc(), tasks.c.key).limit(limit)
    if customer is not None:
        statement = statement.where(tasks.c.customer == customer)
    if status == "open":
        return statement.where(IS_OPEN_TASK)
    return statement if status is None else statement.where(tasks.c.status == status)


def work_of(kind: WorkKind) -> Select[*tuple[object, ...]]:
    """All of that kind, each with its customer's ``external_id``."""
    joined = select(tasks, customers.c.external_id).join(customers, customers.c.id == tasks.c.customer)
    return joined.where(tasks.c.kind == kind)


def task_of(row: Found[*tuple[object, ...]]) -> Task:
    return Task(
        key=row.key,
        customer=row.customer,
        external_id=row.external_id,
        playbook=row.playbook,
        title=row.title,
        body=row.body,
        assignee=row.assignee,
        due=row.due,
        priority=row.priority,
        status=row.status,
        result=row.result,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
        snoozed_until=row.snoozed_until,
    )


def _approval(row: Found[*tuple[object, ...]]) -> Approval:
    return Approval(
        key=row.key,
        customer=row.customer,
        external_id=row.external_id,
        playbook=row.playbook,
        question=row.title,
        approver=row.assignee,
        until=row.due,
        status=row.status,
        comment=row.result,
        by=row.ended_by,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
    )

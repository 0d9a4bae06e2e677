"""What people do with tasks beside ending them (which is an order to the customer, as playbooks wait for it)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, TextClause, Update, and_, delete, func, insert, or_, select, update

from perennia.store.bodies import storable
from perennia.store.cursors import behind
from perennia.store.desk_port import TELLING_LASTS
from perennia.store.desk_records import Absence, TaskAct, TaskHistory, TaskNote, TaskWish
from perennia.store.desk_tables import absences, task_digests, task_notes, team_turns
from perennia.store.driver import insert_into
from perennia.store.records import Task
from perennia.store.tables import IS_OPEN_TASK, tasks
from perennia.store.work import task_of, work_of

# --- reading ----------------------------------------------------------------------------------------------------------


def find_tasks(connection: Connection, wish: TaskWish, limit: int, after: str | None) -> list[Task]:
    """`Desk.find_tasks`."""
    is_wanted = [*behind(tasks.c.opened_at, tasks.c.key, after), *_wanted(wish)]
    statement = work_of("task").where(*is_wanted).order_by(tasks.c.opened_at.desc(), tasks.c.key).limit(limit)
    return [task_of(row) for row in connection.execute(statement)]


def _wanted(wish: TaskWish) -> list[ColumnElement[bool] | TextClause]:
    conditions: list[ColumnElement[bool] | TextClause] = []
    if wish.status is not None:
        conditions.append(IS_OPEN_TASK if wish.status == "open" else tasks.c.status == wish.status)
    if wish.assignee is not None:
        conditions.append(tasks.c.assignee == wish.assignee if wish.assignee else tasks.c.assignee.is_(None))
    for column, value in (
        (tasks.c.customer, wish.customer),
        (tasks.c.playbook, wish.playbook),
        (tasks.c.priority, wish.priority),
    ):
        if value is not None:
            conditions.append(column == value)
    if wish.due_by is not None:
        conditions.append(tasks.c.due <= wish.due_by)
    if wish.awake_at is not None:
        conditions.append(_awake(wish.awake_at))
    return conditions


def _awake(at: datetime) -> ColumnElement[bool]:
    return or_(tasks.c.snoozed_until.is_(None), tasks.c.snoozed_until <= at)


def history(connection: Connection, key: str) -> TaskHistory | None:
    """`Desk.task`."""
    row = connection.execute(work_of("task").where(tasks.c.key == key)).one_or_none()
    if row is None:
        return None
    said = select(task_notes).where(task_notes.c.task == key).order_by(task_notes.c.id)
    notes = (TaskNote(at=note.at, by=note.by, act=note.act, text=note.text) for note in connection.execute(said))
    return TaskHistory(task=task_of(row), notes=tuple(notes))


# --- acting -----------------------------------------------------------------------------------------------------------


def assign(connection: Connection, key: str, to: str | None, at: datetime, by: str) -> bool:
    """`Desk.assign_task`."""
    return _act(connection, _open(key).values(assignee=to and storable(to)), at, by, "assigned", to)


def snooze(connection: Connection, key: str, until: datetime | None, at: datetime, by: str) -> bool:
    """`Desk.snooze_task`."""
    text = None if until is None else until.isoformat()
    # Whoever put it aside is told when it comes back.
    changed = _open(key).values(snoozed_until=until, told_to=None)
    return _act(connection, changed, at, by, "woken" if until is None else "snoozed", text)


def comment(connection: Connection, key: str, text: str, at: datetime, by: str) -> bool:
    """`Desk.comment_task`."""
    untouched = _task(key).values(title=tasks.c.title)
    return _act(connection, untouched, at, by, "commented", text)


def _act(connection: Connection, change: Update, at: datetime, by: str, act: TaskAct, text: str | None) -> bool:
    row = connection.execute(change.returning(tasks.c.key, tasks.c.customer)).one_or_none()
    if row is None:
        return False
    said = text and storable(text)
    note = insert(task_notes).values(task=row.key, customer=row.customer, at=at, by=storable(by), act=act, text=said)
    connection.execute(note)
    return True


def _task(key: str) -> Update:
    return update(tasks).where(tasks.c.key == key, tasks.c.kind == "task")


def _open(key: str) -> Update:
    return _task(key).where(IS_OPEN_TASK)


# --- the desk itself --------------------------------------------------------------------------------------------------


def untold(connection: Connection, at: datetime, of: Sequence[str], limit: int) -> list[Task]:
    """`Desk.untold_tasks`."""
    statement = work_of("task").where(IS_OPEN_TASK, tasks.c.assignee.in_(of), _is_untold(at), _awake(at))
    return [task_of(row) for row in connection.execute(statement.order_by(tasks.c.opened_at, tasks.c.key).limit(limit))]


def _is_untold(at: datetime) -> ColumnElement[bool]:
    somebody_else = or_(tasks.c.told_to.is_(None), tasks.c.told_to != tasks.c.assignee)
    return and_(somebody_else, or_(tasks.c.telling_until.is_(None), tasks.c.telling_until <= at))


def hand_on(connection: Connection, key: str, was: str, to: str, at: datetime, by: str, *, turn: bool) -> bool:
    """`Desk.hand_on_task`."""
    change = _open(key).where(tasks.c.assignee == was).values(assignee=to)
    if not _act(connection, change, at, by, "assigned", to):
        return False
    if turn:
        row = insert_into(connection, team_turns).values(team=was, person=to, at=at)
        connection.execute(row.on_conflict_do_update(index_elements=["team", "person"], set_={"at": at}))
    return True


def claim_telling(connection: Connection, key: str, to: str, at: datetime) -> bool:
    """`Desk.claim_telling`."""
    claim = _open(key).where(tasks.c.assignee == to, _is_untold(at)).values(telling_until=at + TELLING_LASTS)
    return connection.execute(claim.returning(tasks.c.key)).one_or_none() is not None


def note_told(connection: Connection, key: str, to: str, at: datetime) -> bool:
    """`Desk.note_task_told`."""
    change = _open(key).where(tasks.c.assignee == to).values(told_to=to, telling_until=None)
    return _act(connection, change, at, "perennia", "told", to)


def open_tasks_of(connection: Connection, people: Sequence[str]) -> dict[str, int]:
    """`Desk.open_tasks_of`."""
    theirs = select(tasks.c.assignee, func.count().label("open")).where(
        IS_OPEN_TASK, tasks.c.kind == "task", tasks.c.assignee.in_(people)
    )
    return {row.assignee: row.open for row in connection.execute(theirs.group_by(tasks.c.assignee))}


def turns_of(connection: Connection, team: str) -> dict[str, datetime]:
    """`Desk.turns_of`."""
    rows = connection.execute(select(team_turns.c.person, team_turns.c.at).where(team_turns.c.team == team))
    return {row.person: row.at for row in rows}


def claim_digest(connection: Connection, person: str, day: str, at: datetime) -> bool:
    """`Desk.claim_digest`."""
    claim = {"day": day, "telling_until": at + TELLING_LASTS}
    died = and_(task_digests.c.day == day, task_digests.c.telling_until <= at)
    statement = insert_into(connection, task_digests).values(person=person, **claim)
    claimed = statement.on_conflict_do_update(
        index_elements=["person"], set_=claim, where=or_(task_digests.c.day < day, died)
    )
    return connection.execute(claimed.returning(task_digests.c.person)).one_or_none() is not None


def note_digest(connection: Connection, person: str, day: str) -> None:
    """`Desk.note_digest`."""
    is_it = and_(task_digests.c.person == person, task_digests.c.day == day)
    connection.execute(update(task_digests).where(is_it).values(telling_until=None))


# --- who is away ------------------------------------------------------------------------------------------------------


def set_absence(connection: Connection, absence: Absence) -> None:
    """`Desk.set_absence`."""
    said = {"end": absence.end, "stand_in": absence.stand_in}
    statement = insert_into(connection, absences).values(person=absence.person, start=absence.start, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["person", "start"], set_=said))


def end_absence(connection: Connection, person: str, at: datetime) -> bool:
    """`Desk.end_absence`."""
    theirs = and_(absences.c.person == person, absences.c.end > at)
    ended = connection.execute(update(absences).where(theirs, absences.c.start <= at).values(end=at))
    dropped = connection.execute(delete(absences).where(theirs, absences.c.start > at))
    return ended.rowcount + dropped.rowcount > 0


def list_absences(connection: Connection, at: datetime) -> list[Absence]:
    """`Desk.absences`."""
    statement = select(absences).where(absences.c.end > at).order_by(absences.c.person, absences.c.start)
    return [
        Absence(person=row.person, start=row.start, end=row.end, stand_in=row.stand_in)
        for row in connection.execute(statement)
    ]

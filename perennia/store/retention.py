"""Deleting what is older than it is kept: a page at a time, so that nobody waits behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import JSON, ColumnElement, Connection, Table, Text, delete, func, select

from perennia.core.decisions import Act
from perennia.core.retention import Kept
from perennia.store.desk_tables import task_notes
from perennia.store.driver import insert_into
from perennia.store.outbound_tables import outbound_deliveries, outbound_events
from perennia.store.privacy_tables import retention_runs
from perennia.store.records import SendStatus
from perennia.store.retention_records import Forgotten, RetentionRun
from perennia.store.tables import (
    attempts,
    audit,
    customers,
    deliveries,
    effects,
    inputs,
    journal,
    messages,
    rejected,
    reports,
    responses,
    strangers,
    tasks,
    unclaimed_answers,
)
from perennia.store.trial_tables import trials


class _Plain(NamedTuple):
    """Rows that are too old by one column. ``with_effects``: what was decided for them, texts and all, goes with them.

    ``part``: a column of other rows, which go with the one it names.
    """

    table: Table
    key: Any
    at: Any
    ended: ColumnElement[bool] | None = None
    with_effects: bool = False
    part: Any = None


def _has_ended(ledger: Table) -> ColumnElement[bool]:
    return ledger.c.status.not_in([SendStatus.RESERVED, SendStatus.SENDING])


_PLAIN: Final = {
    Kept.MESSAGES: (_Plain(messages, messages.c.key, messages.c.ended_at, _has_ended(messages), True, attempts.c.key),),
    Kept.DELIVERIES: (
        _Plain(deliveries, deliveries.c.key, deliveries.c.ended_at, _has_ended(deliveries), True, attempts.c.key),
    ),
    Kept.TASKS: (_Plain(tasks, tasks.c.key, tasks.c.ended_at, tasks.c.status != "open", True, task_notes.c.task),),
    Kept.REPORTS: (_Plain(reports, reports.c.id, reports.c.at),),
    Kept.ANSWERS: (_Plain(responses, responses.c.id, responses.c.at),),
    Kept.STRANGERS: (_Plain(strangers, strangers.c.id, strangers.c.at),),
    Kept.UNCLAIMED: (
        _Plain(unclaimed_answers, unclaimed_answers.c.id, unclaimed_answers.c.at),
        _Plain(rejected, rejected.c.digest, rejected.c.at),
    ),
    Kept.AUDIT: (_Plain(audit, audit.c.id, audit.c.at),),
    Kept.OUTBOUND: (
        _Plain(outbound_events, outbound_events.c.id, outbound_events.c.at, part=outbound_deliveries.c.event),
    ),
}


def forget_page(
    connection: Connection, kind: Kept, before: datetime, after: str | None, size: int, *, only_count: bool
) -> Forgotten:
    """`Store.forget_page`."""
    match kind:
        case Kept.EVENTS:
            return _by_customer(connection, _inputs_before, before, after, size, only_count=only_count)
        case Kept.DECISIONS:
            return _by_customer(connection, _entries_before, before, after, size, only_count=only_count)
        case _:
            pages = [_plain_page(connection, each, before, size, only_count=only_count) for each in _PLAIN[kind]]
            more = not only_count and any(rows == size for rows in pages)
            return Forgotten(rows=sum(pages), after="" if more else None)


def _plain_page(connection: Connection, plain: _Plain, before: datetime, size: int, *, only_count: bool) -> int:
    is_old = [plain.at < before, *([] if plain.ended is None else [plain.ended])]
    if only_count:
        return connection.scalar(select(func.count()).select_from(plain.table).where(*is_old)) or 0
    page = list(connection.scalars(select(plain.key).where(*is_old).limit(size)))
    if page and plain.with_effects:
        connection.execute(delete(effects).where(effects.c.key.in_(page), effects.c.open.is_(False)))
    if page and plain.part is not None:
        connection.execute(delete(plain.part.table).where(plain.part.in_(page)))
    if page:
        connection.execute(delete(plain.table).where(plain.key.in_(page)))
    return len(page)


# --- customer by customer: these rows have their instant inside ---------------------------------------------------------


def _by_customer(
    connection: Connection, of_customers: Any, before: datetime, after: str | None, size: int, *, only_count: bool
) -> Forgotten:
    """``size``: customers a page."""
    page = select(customers.c.id).where(customers.c.id > (after or "")).order_by(customers.c.id).limit(size)
    ids = list(connection.scalars(page))
    rows: int = of_customers(connection, ids, before, only_count=only_count) if ids else 0
    return Forgotten(rows=rows, after=ids[-1] if len(ids) == size else None)


def _inputs_before(connection: Connection, ids: Sequence[str], before: datetime, *, only_count: bool) -> int:
    """What a turn has read: its tallies have it. Later definitions and merges count from what is left."""
    cursor = select(customers.c.cursor).where(customers.c.id == inputs.c.customer).scalar_subquery()
    is_old = (_at_of(connection, inputs) < _text(before)) & (inputs.c.seq <= cursor)
    is_theirs = inputs.c.customer.in_(ids)
    if only_count:
        return connection.scalar(select(func.count()).select_from(inputs).where(is_theirs, is_old)) or 0
    return connection.execute(delete(inputs).where(is_theirs, is_old)).rowcount


class _Entry(msgspec.Struct):
    """The part of a journal entry that says how old it is, and of what."""

    at: datetime
    enrollment: str | None = None


_entry_of = msgspec.json.Decoder(_Entry).decode


def _entries_before(connection: Connection, ids: Sequence[str], before: datetime, *, only_count: bool) -> int:
    """Of an enrollment all at once, when it has ended: what is under way, and how often, is counted in the journal."""
    rows = connection.execute(
        select(journal.c.id, journal.c.customer, journal.c.act, journal.c.body).where(journal.c.customer.in_(ids))
    ).all()
    entries = [(row, _entry_of(row.body)) for row in rows]
    ended = {(row.customer, entry.enrollment) for row, entry in entries if row.act == Act.ENDED and entry.at < before}
    old = [
        row.id
        for row, entry in entries
        if entry.at < before and (entry.enrollment is None or (row.customer, entry.enrollment) in ended)
    ]
    if old and not only_count:
        for start in range(0, len(old), 500):
            connection.execute(delete(journal).where(journal.c.id.in_(old[start : start + 500])))
    return len(old) + _trials_before(connection, ids, before, only_count=only_count)


def _trials_before(connection: Connection, ids: Sequence[str], before: datetime, *, only_count: bool) -> int:
    """By the end of their spans, which are as long for whoever is held out as for all others: no side goes first."""
    is_old = trials.c.customer.in_(ids) & (trials.c.until < before)
    if only_count:
        return connection.scalar(select(func.count()).select_from(trials).where(is_old)) or 0
    return connection.execute(delete(trials).where(is_old)).rowcount


def _at_of(connection: Connection, table: Table) -> ColumnElement[str]:
    if connection.dialect.name == "sqlite":
        return func.json_extract(table.c.body, "$.at", type_=Text())
    return func.json_extract_path_text(table.c.body.cast(JSON), "at", type_=Text())


def _text(instant: datetime) -> str:
    """As instants stand in JSON, to the second: what is a fraction of one too young goes, too."""
    return f"{instant:%Y-%m-%dT%H:%M:%S}"


# --- whose turn it is -------------------------------------------------------------------------------------------------


def claim_retention(connection: Connection, kind: Kept, at: datetime, every: timedelta) -> bool:
    """`Store.claim_retention`."""
    statement = insert_into(connection, retention_runs).values(kind=kind.value, at=at, rows=0)
    mine = statement.on_conflict_do_update(
        index_elements=["kind"], set_={"at": at, "rows": 0}, where=retention_runs.c.at <= at - every
    )
    return connection.execute(mine.returning(retention_runs.c.kind)).one_or_none() is not None


def note_retention(connection: Connection, kind: Kept, at: datetime, rows: int) -> None:
    """`Store.note_retention`."""
    statement = insert_into(connection, retention_runs).values(kind=kind.value, at=at, rows=rows)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind"], set_={"at": at, "rows": rows}))


def retention_runs_of(connection: Connection) -> list[RetentionRun]:
    """`Store.retention_runs`."""
    rows = connection.execute(select(retention_runs).order_by(retention_runs.c.kind))
    return [RetentionRun(kind=Kept(row.kind), at=row.at, rows=row.rows) for row in rows]

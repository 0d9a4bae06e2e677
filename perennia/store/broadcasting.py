"""Broadcasts in the store: their rows, the pages of their audiences, what became of everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, or_, select, update
from sqlalchemy import insert as insert_into

from perennia.core.broadcasts import ENDED, Status
from perennia.core.decisions import Act, EnrollmentOrder, Outcome
from perennia.core.documents import BROADCAST, Document, PlaybookBody
from perennia.store.appending import Appending
from perennia.store.batches import insert
from perennia.store.bells import ALIVE, ring_those
from perennia.store.bodies import body
from perennia.store.broadcast_records import HALTED, LIVE, Ending, EntryPage, Outcomes, Run, StoredBroadcast
from perennia.store.broadcast_tables import MESSAGES_OF_BROADCASTS, OF_BROADCASTS, broadcast_runs, broadcasts
from perennia.store.columns import microseconds
from perennia.store.cursors import behind
from perennia.store.locking import lock_alive
from perennia.store.reaching import enrolled_in
from perennia.store.records import SendStatus
from perennia.store.tables import customers, documents, inputs, journal, messages, reports
from perennia.store.trials import close_trials

_counts = msgspec.json.Decoder(dict[str, int]).decode


def create(connection: Connection, made: StoredBroadcast, book: Document | None) -> bool:
    """`Store.create_broadcast`."""
    close_trials(connection, made.created_at)
    if connection.scalar(select(broadcasts.c.id).where(broadcasts.c.id == made.id)) is not None:
        return False
    if book is not None:
        row = (book.kind, book.id, book.version, book.body, microseconds(made.created_at))
        insert(connection, documents, ("kind", "id", "version", "body", "published_at"), [row], ignore_known=True)
    connection.execute(
        insert_into(broadcasts).values(
            id=made.id,
            body=made.body,
            status=made.status,
            book=made.book,
            version=made.version,
            created_at=made.created_at,
            created_by=made.created_by,
            changed_at=made.changed_at,
            changed_by=made.changed_by,
        )
    )
    return True


def find(connection: Connection, name: str) -> StoredBroadcast | None:
    """`Store.broadcast`."""
    row = connection.execute(select(broadcasts).where(broadcasts.c.id == name)).one_or_none()
    return None if row is None else _stored(row, _last_run(connection, name))


def templates_of(connection: Connection, name: str) -> dict[str, str]:
    """`Store.broadcast_templates`."""
    is_its = and_(documents.c.id == broadcasts.c.book, documents.c.version == broadcasts.c.version)
    made_of = select(documents.c.body).join(broadcasts, is_its).where(broadcasts.c.id == name)
    found = connection.scalar(made_of)
    return {} if found is None else msgspec.json.decode(found, type=PlaybookBody).templates


def listed(connection: Connection, limit: int, after: str | None, *, live: bool) -> list[StoredBroadcast]:
    """`Store.broadcasts`."""
    statement = select(broadcasts).order_by(broadcasts.c.created_at.desc(), broadcasts.c.id).limit(limit)
    statement = statement.where(*behind(broadcasts.c.created_at, broadcasts.c.id, after))
    if live:
        statement = statement.where(broadcasts.c.status.in_(LIVE))
    return [_stored(row, _last_run(connection, row.id)) for row in connection.execute(statement).all()]


def move(
    connection: Connection,
    name: str,
    before: Sequence[Status],
    after: Status,
    at: datetime,
    by: str,
    why: str | None,
    starts_at: datetime | None,
) -> bool:
    """`Store.move_broadcast`."""
    was = connection.scalar(select(broadcasts.c.status).where(broadcasts.c.id == name).with_for_update())
    if was not in before:
        return False
    values: dict[str, object] = {"status": after, "changed_at": at, "changed_by": by, "why": why}
    values["told_at"] = at if why is None else None
    if after == "approved":
        values["approved_by"] = by
    if starts_at is not None:
        values["starts_at"] = starts_at
    if after in ENDED:
        values["ended_at"] = at
    moved = update(broadcasts).where(broadcasts.c.id == name).values(values).returning(broadcasts.c.book)
    book = connection.scalar(moved)
    if was == "paused" and after not in HALTED:
        waiting = select(messages.c.customer).where(
            MESSAGES_OF_BROADCASTS, messages.c.playbook == book, messages.c.status == SendStatus.RESERVED
        )
        ring_those(connection, customers.c.id.in_(waiting), at)
    return True


def note_told(connection: Connection, name: str, at: datetime) -> None:
    """`Store.note_broadcast_told`."""
    connection.execute(update(broadcasts).where(broadcasts.c.id == name).values(told_at=at))


# --- going through the audience -------------------------------------------------------------------------------------


def begin_run(connection: Connection, name: str, occasion: str, at: datetime) -> Run:
    """`Store.begin_run`."""
    connection.execute(select(broadcasts.c.id).where(broadcasts.c.id == name).with_for_update())
    known = connection.execute(
        select(broadcast_runs).where(broadcast_runs.c.broadcast == name, broadcast_runs.c.occasion == occasion)
    ).one_or_none()
    if known is not None:
        return _run(known)
    last = connection.scalar(select(func.max(broadcast_runs.c.number)).where(broadcast_runs.c.broadcast == name))
    begun = Run(number=(last or 0) + 1, occasion=occasion, began_at=at)
    connection.execute(
        insert_into(broadcast_runs).values(broadcast=name, number=begun.number, occasion=occasion, began_at=at)
    )
    return begun


def enter_page(connection: Connection, page: EntryPage) -> tuple[str, ...] | None:
    """`Store.enter_page`. The broadcast's row is held first, then customers', as everywhere."""
    is_it = broadcasts.c.id == page.broadcast
    row = connection.execute(select(broadcasts).where(is_it).with_for_update()).one_or_none()
    is_run = and_(broadcast_runs.c.broadcast == page.broadcast, broadcast_runs.c.number == page.run)
    run = connection.execute(select(broadcast_runs).where(is_run)).one_or_none()
    if row is None or run is None or row.status != "running" or run.after != page.after or run.done_at is not None:
        return None
    locked = lock_alive(connection, [customer for customer, _ in page.orders])
    appending = Appending(page.at)
    for customer, order in page.orders:
        if customer in locked:
            locked[customer].ring()
            appending.append(locked[customer], order)
    rung = appending.write(connection)
    left_out = _counts(run.left_out)
    for reason, count in page.left_out.items():
        left_out[reason] = left_out.get(reason, 0) + count
    connection.execute(
        update(broadcast_runs)
        .where(is_run)
        .values(
            after=page.last,
            looked=run.looked + page.looked,
            entered=run.entered + len(locked),
            left_out=body(left_out),
            done_at=page.at if page.done else None,
        )
    )
    today = len(locked) + (row.today if row.day == page.day else 0)
    connection.execute(update(broadcasts).where(is_it).values(day=page.day, today=today))
    return rung


def end_page(connection: Connection, name: str, size: int, at: datetime) -> Ending:
    """`Store.end_page`."""
    row = connection.execute(select(broadcasts).where(broadcasts.c.id == name).with_for_update()).one_or_none()
    if row is None or row.status != "cancelling":
        return Ending((), done=True)
    found = list(connection.scalars(_inside(row.book, row.ending_after).limit(size))) if row.version else []
    appending = Appending(at)
    for customer in lock_alive(connection, found).values():
        customer.ring()
        order = EnrollmentOrder(at=at, order="end", playbook=row.book, by=row.changed_by)
        appending.append(customer, order)
    rung = appending.write(connection)
    done = len(found) < size
    values: dict[str, object] = {"ending_after": found[-1] if found else row.ending_after}
    if done:
        values |= {"status": "cancelled", "ended_at": at}
    connection.execute(update(broadcasts).where(broadcasts.c.id == name).values(values))
    return Ending(rung, done)


def _inside(book: str, after: str) -> Select[str]:
    """Who is in the playbook, or has its order among what no turn has read yet."""
    unread = (
        select(literal(1))
        .where(
            inputs.c.customer == customers.c.id,
            inputs.c.seq > customers.c.cursor,
            inputs.c.body.like(f'%"playbook":"{book}"%'),
        )
        .exists()
    )
    has_unread = and_(customers.c.cursor < customers.c.next_seq - 1, unread)
    return (
        select(customers.c.id)
        .where(customers.c.id > after, ALIVE, or_(enrolled_in(book), has_unread))
        .order_by(customers.c.id)
    )


# --- counting -------------------------------------------------------------------------------------------------------


def outcomes(connection: Connection, book: str) -> Outcomes:
    """`Store.outcomes`: from indexes made for it."""
    if not book.startswith(BROADCAST):
        return Outcomes()
    entered = holdout = sent = failed = ended = 0
    refused: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for act, code, reason, count in connection.execute(_decided(book)):
        match act:
            case Act.ENTERED:
                entered += count
                holdout += count if code == "holdout" else 0
            case Act.REFUSED:
                refused[code] = refused.get(code, 0) + count
            case Act.ENDED:
                ended += count
            case Act.STEP_ENDED if code == Outcome.SENT:
                sent += count
            case Act.STEP_ENDED if code == Outcome.FAILED:
                failed += count
            case Act.STEP_ENDED if code == Outcome.SKIPPED:
                skipped[reason or code] = skipped.get(reason or code, 0) + count
            case _:
                pass
    of_book = (MESSAGES_OF_BROADCASTS, messages.c.playbook == book)
    is_open = messages.c.status.in_((SendStatus.RESERVED, SendStatus.SENDING))
    in_flight = connection.scalar(select(func.count()).select_from(messages).where(*of_book, is_open))
    runs = select(func.sum(broadcast_runs.c.entered)).join(broadcasts, broadcasts.c.id == broadcast_runs.c.broadcast)
    return Outcomes(
        ordered=connection.scalar(runs.where(broadcasts.c.book == book)) or 0,
        entered=entered,
        holdout=holdout,
        refused=refused,
        sent=sent,
        failed=failed,
        skipped=skipped,
        ended=ended,
        in_flight=in_flight or 0,
        **{what: connection.scalar(_told(book, is_it)) or 0 for what, is_it in _TOLD.items()},
    )


def _decided(book: str) -> Select[str, str, str | None, int]:
    columns = (journal.c.act, journal.c.code, journal.c.reason)
    counted = select(*columns, func.count()).where(OF_BROADCASTS, journal.c.playbook == book)
    return counted.group_by(*columns)


_TOLD: dict[str, ColumnElement[bool]] = {
    "opened": and_(reports.c.what == "opened", reports.c.machine.is_(False)),
    "clicked": and_(reports.c.what == "clicked", reports.c.machine.is_(False)),
    "bounced": reports.c.bounce == "hard",
    "complained": reports.c.what == "complained",
}


def _told(book: str, what: ColumnElement[bool]) -> Select[int]:
    return (
        select(func.count(messages.c.key.distinct()))
        .join(reports, reports.c.message == messages.c.key)
        .where(MESSAGES_OF_BROADCASTS, messages.c.playbook == book, what)
    )


# --- rows -----------------------------------------------------------------------------------------------------------


def _last_run(connection: Connection, name: str) -> Run | None:
    last = select(broadcast_runs).where(broadcast_runs.c.broadcast == name).order_by(broadcast_runs.c.number.desc())
    row = connection.execute(last.limit(1)).one_or_none()
    return None if row is None else _run(row)


def _run(row: Row[*tuple[object, ...]]) -> Run:
    return Run(
        number=row.number,
        occasion=row.occasion,
        began_at=row.began_at,
        after=row.after,
        looked=row.looked,
        entered=row.entered,
        left_out=_counts(row.left_out),
        done_at=row.done_at,
    )


def _stored(row: Row[*tuple[object, ...]], run: Run | None) -> StoredBroadcast:
    return StoredBroadcast(
        id=row.id,
        body=row.body,
        status=row.status,
        book=row.book,
        version=row.version,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        approved_by=row.approved_by,
        starts_at=row.starts_at,
        ended_at=row.ended_at,
        why=row.why,
        told=row.told_at is not None or row.why is None,
        day=row.day,
        today=row.today,
        run=run,
    )

"""How senders and topics stand with those who get their mail: counted in the send ledger and in what providers tell."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Label,
    Select,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    update,
)

from perennia.core.reputation import Standing
from perennia.store.bells import ring_those
from perennia.store.bodies import storable
from perennia.store.columns import Instant
from perennia.store.driver import insert_into
from perennia.store.records import Reputation, SendingKind, SendingRate, SendStatus
from perennia.store.tables import IS_HARM, customers, messages, reports, reputations

_NAMES: Final[dict[SendingKind, ColumnElement[str | None]]] = {
    "sender": messages.c.sender,
    "topic": messages.c.topic,
}
_LEFT: Final = messages.c.status.in_((SendStatus.SENT, SendStatus.UNKNOWN))


# --- counting -------------------------------------------------------------------------------------------------------


def sending_rates(connection: Connection, since: datetime) -> list[SendingRate]:
    """`Store.sending_rates`."""
    return [
        SendingRate(kind=kind, name=row.name, sent=row.sent, complained=row.complained, bounced=row.bounced)
        for kind in _NAMES
        for row in connection.execute(_rates(kind, since))
    ]


def _rates(kind: SendingKind, since: datetime) -> Select[str | None, int, int, int]:
    name = _NAMES[kind]
    known = (reputations.c.kind == kind) & (reputations.c.name == name)
    counts = messages.c.released_at >= func.coalesce(reputations.c.counted_from, literal(since, Instant()))
    return (
        select(
            name.label("name"),
            func.count().label("sent"),
            func.sum(_heard(reports.c.what == "complained")).label("complained"),
            func.sum(_heard(reports.c.bounce == "hard")).label("bounced"),
        )
        .outerjoin(reputations, known)
        .where(messages.c.released_at >= since, _LEFT, name.is_not(None), counts)
        .group_by(name)
        .order_by(name)
    )


def _heard(what: ColumnElement[bool]) -> ColumnElement[int]:
    """1 for a message of which this was told, however often."""
    told = select(literal(1)).where(reports.c.message == messages.c.key, IS_HARM, what)
    return cast(case((told.exists(), 1), else_=0), Integer)


def harmed_since(connection: Connection, at: datetime) -> bool:
    """`Store.harmed_since`."""
    return connection.scalar(select(literal(1)).where(IS_HARM, reports.c.at > at).limit(1)) is not None


# --- standing -------------------------------------------------------------------------------------------------------


def list_reputations(connection: Connection) -> list[Reputation]:
    """`Store.reputations`."""
    rows = connection.execute(select(reputations).order_by(reputations.c.kind, reputations.c.name))
    return [
        Reputation(
            rate=SendingRate(
                kind=row.kind, name=row.name, sent=row.sent, complained=row.complained, bounced=row.bounced
            ),
            level=row.level,
            at=row.at,
            by=row.by,
            told=row.told_at is not None,
        )
        for row in rows
    ]


def judge(connection: Connection, rate: SendingRate, level: Standing, at: datetime, by: str) -> bool:
    """`Store.judge`."""
    said = {
        "level": level,
        "at": at,
        "by": storable(by),
        "sent": rate.sent,
        "complained": rate.complained,
        "bounced": rate.bounced,
        "told_at": at if level == "good" else None,
    }
    statement = insert_into(connection, reputations).values(kind=rate.kind, name=storable(rate.name), **said)
    # What was stopped is let go by a person (`resume`) alone.
    moves = and_(reputations.c.level != level, reputations.c.level != "stopped")
    changed = statement.on_conflict_do_update(index_elements=["kind", "name"], set_=said, where=moves)
    return connection.execute(changed.returning(reputations.c.kind)).one_or_none() is not None


def note_told(connection: Connection, kind: SendingKind, name: str, at: datetime) -> None:
    """`Store.note_told`."""
    connection.execute(update(reputations).where(_is(kind, name)).values(told_at=at))


def resume(connection: Connection, kind: SendingKind, name: str, at: datetime, by: str) -> bool:
    """`Store.resume_sending`."""
    is_stopped = _is(kind, name) & (reputations.c.level == "stopped")
    going = {"level": "good", "at": at, "by": storable(by), "counted_from": at, "told_at": at}
    statement = update(reputations).where(is_stopped).values(**going).returning(reputations.c.kind)
    if connection.execute(statement).one_or_none() is None:
        return False
    waiting = select(messages.c.customer).where(messages.c.status == SendStatus.RESERVED, _NAMES[kind] == name)
    ring_those(connection, customers.c.id.in_(waiting), at)
    return True


def _is(kind: SendingKind, name: str) -> ColumnElement[bool]:
    return (reputations.c.kind == kind) & (reputations.c.name == name)


def stopped_for(ledger: Table) -> Label[str | None]:
    """The column ``stopped``: not null where the row's message may not leave because of its sender or topic.

    Transactional and internal mail is never held back: nobody complains of a receipt, and somebody waits for it.
    """
    either = or_(
        (reputations.c.kind == "sender") & (reputations.c.name == ledger.c.sender),
        (reputations.c.kind == "topic") & (reputations.c.name == ledger.c.topic),
    )
    return (
        select(reputations.c.name)
        .where(reputations.c.level == "stopped", either, ledger.c.counts_for.is_not(None))
        .limit(1)
        .scalar_subquery()
        .label("stopped")
    )

"""Endpoints, and what becomes of what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from perennia.store.bodies import body, storable
from perennia.store.columns import Instant, instant, microseconds
from perennia.store.driver import insert_into
from perennia.store.outbound_records import (
    TEST_TYPE,
    DueEvent,
    Endpoint,
    EndpointChange,
    OutboundDelivery,
    OutboundEvent,
    PostOutcome,
)
from perennia.store.outbound_tables import endpoints, outbound_deliveries, outbound_events
from perennia.store.outbox import tell

ERROR_CHARS: Final = 500
_types_of = msgspec.json.Decoder(tuple[str, ...]).decode
_deliveries = outbound_deliveries.c


# --- endpoints --------------------------------------------------------------------------------------------------------


def add(connection: Connection, endpoint: Endpoint, secret: str) -> None:
    """`Store.add_endpoint`."""
    row = insert(endpoints).values(
        id=endpoint.id,
        url=storable(endpoint.url),
        name=storable(endpoint.name),
        types=body(endpoint.types),
        tell=endpoint.tell,
        secret=secret,
        created_at=endpoint.created_at,
        created_by=storable(endpoint.created_by),
    )
    connection.execute(row)


def find(connection: Connection, id_: str) -> Endpoint | None:
    """`Store.endpoint`."""
    row = connection.execute(select(endpoints).where(endpoints.c.id == id_)).one_or_none()
    return None if row is None else _endpoint(row)


def listed(connection: Connection, limit: int, after: str | None) -> list[Endpoint]:
    """`Store.endpoints`."""
    statement = select(endpoints).order_by(endpoints.c.id).limit(limit)
    if after is not None:
        statement = statement.where(endpoints.c.id > after)
    return [_endpoint(row) for row in connection.execute(statement)]


def change(connection: Connection, id_: str, told: EndpointChange) -> Endpoint | None:
    """`Store.change_endpoint`."""
    values = {"url": storable(told.url), "name": storable(told.name), "types": body(told.types), "tell": told.tell}
    return _update(connection, id_, values, told.version)


def rotate(connection: Connection, id_: str, secret: str, former_until: datetime) -> Endpoint | None:
    """`Store.rotate_endpoint`."""
    return _update(connection, id_, {"former": endpoints.c.secret, "former_until": former_until, "secret": secret})


def disable(connection: Connection, id_: str, why: str, at: datetime) -> Endpoint | None:
    """`Store.disable_endpoint`."""
    return _update(
        connection,
        id_,
        {"disabled_at": func.coalesce(endpoints.c.disabled_at, literal(at, Instant())), "disabled_why": why},
    )


def enable(connection: Connection, id_: str, at: datetime) -> Endpoint | None:
    """`Store.enable_endpoint`."""
    waits = (_deliveries.endpoint == id_) & (_deliveries.status == "waiting")
    connection.execute(update(outbound_deliveries).where(waits).values(next_at=at, attempts=0))
    return _update(connection, id_, {"disabled_at": None, "disabled_why": None, "failing_since": None})


def _update(
    connection: Connection, id_: str, values: Mapping[str, object], version: int | None = None
) -> Endpoint | None:
    which = endpoints.c.id == id_
    if version is not None:
        which &= endpoints.c.version == version
    changed = connection.execute(update(endpoints).where(which).values(**values, version=endpoints.c.version + 1))
    return find(connection, id_) if changed.rowcount else None


def _endpoint(row: Row[*tuple[object, ...]]) -> Endpoint:
    return Endpoint(
        id=row.id,
        url=row.url,
        name=row.name,
        types=_types_of(row.types),
        tell=row.tell,
        created_at=row.created_at,
        created_by=row.created_by,
        disabled_at=row.disabled_at,
        disabled_why=row.disabled_why,
        failing_since=row.failing_since,
        former_until=row.former_until,
        version=row.version,
    )


# --- what is posted ---------------------------------------------------------------------------------------------------


def test(connection: Connection, id_: str, at: datetime) -> str | None:
    """`Store.test_endpoint`."""
    if find(connection, id_) is None:
        return None
    event = OutboundEvent(type=TEST_TYPE, at=at, data={"endpoint": id_})
    return tell(connection, None, None, None, [event], [(id_, frozenset())])[0]


def replay(connection: Connection, id_: str, since: datetime, until: datetime, event: str | None, at: datetime) -> int:
    """`Store.replay`."""
    endpoint = find(connection, id_)
    if endpoint is None:
        return 0
    events = outbound_events.c
    if event is not None:
        which = events.id == event
    else:
        which = (events.at >= since) & (events.at < until) & (events.type != TEST_TYPE)
        if endpoint.types:
            which &= events.type.in_(endpoint.types)
    found = connection.execute(select(events.id, events.customer, events.at).where(which)).all()
    for row in found:
        new = {"status": "waiting", "attempts": 0, "next_at": at, "claimed_until": None, "ended_at": None}
        given = {"event": row.id, "endpoint": id_, "customer": row.customer, "at": row.at}
        statement = insert_into(connection, outbound_deliveries).values(**given, **new)
        connection.execute(statement.on_conflict_do_update(index_elements=["event", "endpoint"], set_=new))
    return len(found)


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether a claim would find anything: to look takes no lock, and nobody writes every second for nothing."""
    due = select(_deliveries.event).where(_deliveries.status == "waiting", _deliveries.next_at <= now).limit(1)
    return connection.execute(due).first() is not None


def due_events(connection: Connection, now: datetime, lease: timedelta, each: int) -> list[DueEvent]:
    """`Store.due_events`."""
    is_free = or_(_deliveries.claimed_until.is_(None), _deliveries.claimed_until <= now)
    is_due = and_(_deliveries.status == "waiting", _deliveries.next_at <= now, is_free)
    place = func.row_number().over(partition_by=_deliveries.endpoint, order_by=_deliveries.next_at).label("place")
    ranked = (
        select(_deliveries.event, _deliveries.endpoint, place)
        .join(endpoints, endpoints.c.id == _deliveries.endpoint)
        .where(is_due, endpoints.c.disabled_at.is_(None))
        .subquery()
    )
    first = select(ranked.c.event, ranked.c.endpoint).where(ranked.c.place <= each)
    claimed = connection.execute(
        update(outbound_deliveries)
        .where(tuple_(_deliveries.event, _deliveries.endpoint).in_(first), is_due)
        .values(claimed_until=now + lease, attempts=_deliveries.attempts + 1)
        .returning(_deliveries.event, _deliveries.endpoint, _deliveries.attempts)
    ).all()
    return [_due(connection, row.event, row.endpoint, row.attempts, now) for row in claimed]


def _due(connection: Connection, event: str, endpoint: str, attempt: int, now: datetime) -> DueEvent:
    where = connection.execute(select(endpoints).where(endpoints.c.id == endpoint)).one()
    text = connection.scalar(select(outbound_events.c.body).where(outbound_events.c.id == event))
    former = [where.former] if where.former is not None and where.former_until > now else []
    return DueEvent(
        event=event,
        endpoint=endpoint,
        url=where.url,
        secrets=(where.secret, *former),
        body=text or "{}",
        attempt=attempt,
        failing_since=where.failing_since,
        tell=where.tell,
    )


def end_post(connection: Connection, due: DueEvent, outcome: PostOutcome, at: datetime) -> bool:
    """`Store.end_post`."""
    status = "delivered" if outcome.ok else "failed" if outcome.again_at is None else "waiting"
    is_it = (_deliveries.event == due.event) & (_deliveries.endpoint == due.endpoint)
    values = {
        "status": status,
        "next_at": outcome.again_at,
        "claimed_until": None,
        "last_status": outcome.status,
        "last_error": None if outcome.error is None else storable(outcome.error)[:ERROR_CHARS],
        "ended_at": None if status == "waiting" else at,
    }
    connection.execute(update(outbound_deliveries).where(is_it).values(values))
    this = endpoints.c.id == due.endpoint
    if outcome.ok:
        connection.execute(
            update(endpoints).where(this, endpoints.c.failing_since.is_not(None)).values(failing_since=None)
        )
        return False
    connection.execute(update(endpoints).where(this, endpoints.c.failing_since.is_(None)).values(failing_since=at))
    if outcome.disable is None:
        return False
    values = {"disabled_at": at, "disabled_why": outcome.disable, "version": endpoints.c.version + 1}
    return (
        connection.execute(update(endpoints).where(this, endpoints.c.disabled_at.is_(None)).values(values)).rowcount
        == 1
    )


# --- what is looked at ------------------------------------------------------------------------------------------------


def log(connection: Connection, id_: str, limit: int, after: str | None, status: str | None) -> list[OutboundDelivery]:
    """`Store.outbound_log`."""
    statement = (
        select(outbound_deliveries, outbound_events.c.type)
        .join(outbound_events, outbound_events.c.id == _deliveries.event)
        .where(_deliveries.endpoint == id_, *_behind(after))
        .order_by(_deliveries.at.desc(), _deliveries.event.desc())
        .limit(limit)
    )
    if status is not None:
        statement = statement.where(_deliveries.status == status)
    return [
        OutboundDelivery(
            event=row.event,
            type=row.type,
            at=row.at,
            status=row.status,
            attempts=row.attempts,
            last_status=row.last_status,
            last_error=row.last_error,
            next_at=row.next_at,
            ended_at=row.ended_at,
            cursor=f"{microseconds(row.at)}-{row.event}",
        )
        for row in connection.execute(statement)
    ]


def _behind(cursor: str | None) -> list[ColumnElement[bool]]:
    """What comes after the one with this cursor. One that is none: nothing does."""
    if cursor is None:
        return []
    at, _, event = cursor.partition("-")
    if not (at.isdecimal() and len(at) < 20):
        return [false()]
    here = instant(int(at))
    return [or_(_deliveries.at < here, and_(_deliveries.at == here, _deliveries.event < event))]

"""Whose bell is set, and whom the sweep should bring back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, literal, or_, select, true, union, update

from perennia.store.columns import Instant
from perennia.store.locking import RUNG
from perennia.store.tables import HAS_BELL, IS_OPEN, customers, effects

_BACKOFF_DOUBLINGS = 6  # a stuck customer is rung after 1, 2, 4 ... 64 times the sweep's age, and then every 64

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

ALIVE = and_(customers.c.merged_into.is_(None), customers.c.erased_at.is_(None))


def rung(connection: Connection, limit: int) -> list[str]:
    """`Store.rung`."""
    longest_first = (
        select(customers.c.id).where(HAS_BELL, customers.c.bell == RUNG).order_by(customers.c.rung_at, customers.c.id)
    )
    return list(connection.scalars(longest_first.limit(limit)))


def forgotten(connection: Connection, now: datetime, age: timedelta, limit: int) -> list[str]:
    """`Store.forgotten`. Notes for each when it is due again, so that one that stays stuck does not crowd out others."""
    before = now - age
    late_ones = union(
        select(customers.c.id).where(customers.c.wake_at < before),
        select(customers.c.id).where(HAS_BELL, customers.c.rung_at < before),
        select(effects.c.customer).where(
            IS_OPEN, effects.c.at < before, or_(effects.c.waits_until.is_(None), effects.c.waits_until < before)
        ),
    )
    is_due = or_(customers.c.sweep_after.is_(None), customers.c.sweep_after <= now)
    late = (
        select(customers.c.id, customers.c.sweeps)
        .where(customers.c.id.in_(late_ones), is_due)
        .order_by(customers.c.id)
        .limit(limit)
    )
    rows = connection.execute(late.with_for_update(skip_locked=True)).all()
    if rows:
        update_one = (
            update(customers)
            .where(customers.c.id == bindparam("customer"))
            .values(sweeps=customers.c.sweeps + 1, sweep_after=bindparam("again", type_=Instant()))
        )
        again = [{"customer": row.id, "again": now + age * 2 ** min(row.sweeps, _BACKOFF_DOUBLINGS)} for row in rows]
        connection.execute(update_one, again)
    return [row.id for row in rows]


def ring_all(connection: Connection, at: datetime = LONG_AGO) -> int:
    """Rings everybody. Without ``at`` their bells count as rung long ago: the sweep takes part in ringing them."""
    return ring_those(connection, true(), at)


def ring_those(connection: Connection, who: ColumnElement[bool], at: datetime) -> int:
    """Rings whom it holds of, as far as they take turns. Who was rung before keeps that instant. Returns how many."""
    since = func.coalesce(customers.c.rung_at, literal(at, Instant()))
    return connection.execute(update(customers).where(ALIVE, who).values(bell=RUNG, rung_at=since)).rowcount
